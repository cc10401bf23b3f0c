"""Thresholds that are optimal on labelled rows."""

from abc import abstractmethod
from numbers import Real

import numpy as np
from sklearn.metrics import roc_curve

from sklearn_deepod.threshold._base import BaseThreshold
from sklearn_deepod.utils._sklearn_compat import Interval


class BaseLabelledThreshold(BaseThreshold):
    """Base of the rules that choose the best threshold on labelled rows.

    Subclasses implement `_merit` of the weights of false alarms, detected outliers and
    missed outliers.
    """

    _min_scores = 1

    def _threshold(self, scores, y, sample_weight):
        name = type(self).__name__
        if y is None:
            raise ValueError(f"{name} needs labels: give y, with -1 for outliers.")
        if not np.isin(y, (-1, 0, 1)).all():
            raise ValueError(
                f"{name} takes y of 1 (inlier), -1 (outlier) and 0 (no label), got "
                f"{np.unique(y)[:5]}. Labels of 0 and 1 with 1 for outliers become "
                "these by 1 - 2 * y."
            )
        outlier = y == -1
        if not (outlier.any() and (y == 1).any()):
            raise ValueError(
                f"{name} needs rows of both kinds: y holds {outlier.sum()} outliers "
                f"(-1) and {np.sum(y == 1)} inliers (1)."
            )
        if sample_weight is None:
            sample_weight = np.ones(len(scores))
        sample_weight = np.where(y == 0, 0.0, sample_weight)
        false_alarms, found, thresholds = roc_curve(
            outlier, scores, sample_weight=sample_weight, drop_intermediate=False
        )
        n_outliers = sample_weight[outlier].sum()
        found *= n_outliers
        false_alarms *= sample_weight.sum() - n_outliers
        # The first of several best thresholds raises the fewest alarms.
        best = int(np.argmax(self._merit(false_alarms, found, n_outliers - found)))
        # For roc_curve outliers reach the threshold; here they exceed it.
        lower = scores[scores < thresholds[best]]
        if best == 0:  # infinity: nothing is flagged
            return scores.max()
        if not len(lower):
            return np.nextafter(thresholds[best], -np.inf)
        between = lower.max() / 2 + thresholds[best] / 2
        return between if between < thresholds[best] else lower.max()

    @abstractmethod
    def _merit(self, false_alarms, found, missed):
        """Compute the merit of each threshold; higher is better."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class FBetaThreshold(BaseLabelledThreshold):
    """Threshold with the highest F-beta score on labelled rows.

    The F-beta score is the weighted harmonic mean of precision and recall of the
    outliers, in which recall counts `beta` times as much as precision.

    Read more in the :ref:`User Guide <threshold-rules>`.

    Parameters
    ----------
    beta : float, default=1.0
        Weight of recall. Below 1, false alarms count more; above 1, missed outliers
        count more.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    CostThreshold : For known costs of false alarms and missed outliers.

    Notes
    -----
    The score on the rows that determine the threshold is too optimistic. Evaluate the
    threshold on other rows.

    Examples
    --------
    >>> from sklearn_deepod.threshold import FBetaThreshold
    >>> FBetaThreshold().fit([1.0, 2.0, 3.0, 4.0, 9.0], y=[1, 1, 0, 1, -1]).threshold_
    6.5
    """

    _parameter_constraints: dict = {"beta": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, *, beta=1.0):
        self.beta = beta

    def _merit(self, false_alarms, found, missed):
        weighted = (1 + self.beta**2) * found
        return weighted / (weighted + self.beta**2 * missed + false_alarms)


class CostThreshold(BaseLabelledThreshold):
    """Threshold with the lowest cost on labelled rows.

    Read more in the :ref:`User Guide <threshold-rules>`.

    Parameters
    ----------
    false_alarm : float, default=1.0
        Cost of flagging an inlier.
    missed : float, default=10.0
        Cost of missing an outlier, in the same unit.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    FBetaThreshold : For unknown costs.

    Notes
    -----
    The proportion of outliers among the labelled rows should be that of later data.
    Where it is not, `sample_weight` can correct it.

    Examples
    --------
    >>> from sklearn_deepod.threshold import CostThreshold
    >>> scores, y = [1.0, 2.0, 3.0, 4.0, 9.0], [1, -1, 1, 1, -1]
    >>> CostThreshold(missed=10.0).fit(scores, y).threshold_
    1.5
    >>> CostThreshold(missed=1.0).fit(scores, y).threshold_
    6.5
    """

    _parameter_constraints: dict = {
        "false_alarm": [Interval(Real, 0, None, closed="neither")],
        "missed": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, *, false_alarm=1.0, missed=10.0):
        self.false_alarm = false_alarm
        self.missed = missed

    def _merit(self, false_alarms, found, missed):
        return -(self.false_alarm * false_alarms + self.missed * missed)
