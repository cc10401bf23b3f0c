"""The best threshold by some labels."""

from abc import abstractmethod
from numbers import Real

import numpy as np
from sklearn.metrics import roc_curve

from sklearn_deepod.threshold._base import BaseThreshold
from sklearn_deepod.utils._sklearn_compat import Interval


class BaseLabelledThreshold(BaseThreshold):
    """Base of the rules that take the best of all thresholds by some labels.

    Subclasses give `_merit` of the weights of false alarms, of found and of missed
    outliers.
    """

    _min_scores = 1

    def _threshold(self, scores, y, sample_weight):
        name = type(self).__name__
        if y is None:
            raise ValueError(f"{name} needs labels: give y, -1 for outliers.")
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
        # The first of equal merit raises the fewest alarms.
        best = int(np.argmax(self._merit(false_alarms, found, n_outliers - found)))
        # roc_curve calls scores outliers that reach the threshold, here they exceed it.
        lower = scores[scores < thresholds[best]]
        if best == 0:  # infinity: nothing is flagged
            return scores.max()
        if not len(lower):
            return np.nextafter(thresholds[best], -np.inf)
        between = lower.max() / 2 + thresholds[best] / 2
        return between if between < thresholds[best] else lower.max()

    @abstractmethod
    def _merit(self, false_alarms, found, missed):
        """Merit of each threshold, higher is better."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class FBetaThreshold(BaseLabelledThreshold):
    """The threshold of the highest F-beta score on labelled rows.

    F-beta is the harmonic mean of precision and recall of the outliers, in which recall
    counts `beta` times as much.

    Read more in the :ref:`User Guide <threshold-rules>`.

    Parameters
    ----------
    beta : float, default=1.0
        Below 1, false alarms weigh more; above 1, missed outliers do.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    CostThreshold : Where the price of an error is known.

    Notes
    -----
    The score reached on the rows that chose the threshold is too good; judge it on
    others.

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
    """The threshold of the lowest cost on labelled rows.

    Read more in the :ref:`User Guide <threshold-rules>`.

    Parameters
    ----------
    false_alarm : float, default=1.0
        Cost of an inlier that is flagged.
    missed : float, default=10.0
        Cost of an outlier that is not flagged, in the same unit.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    FBetaThreshold : Where no cost is known.

    Notes
    -----
    The labelled rows should hold outliers at the rate of later data; if they were
    chosen otherwise, `sample_weight` can put the rate right.

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
