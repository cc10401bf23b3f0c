"""Threshold beyond which there are more scores than the tail of the bulk predicts."""

from numbers import Real

from sklearn_deepod._stats import tail_excess_threshold
from sklearn_deepod.threshold._base import BaseThreshold
from sklearn_deepod.utils._sklearn_compat import Interval


class TailExcessThreshold(BaseThreshold):
    """Threshold beyond which there are more scores than the bulk predicts.

    An exponential tail, fitted to the bulk of the scores, predicts how many scores
    exceed any value. The threshold is the lowest one at which the predicted number is
    at most the proportion `level` of the observed number: control of the false
    discovery rate [1]_ with an empirical null distribution [2]_. If no threshold
    achieves this, only the highest score is flagged, so that tables without outliers
    raise few false alarms. With the default parameters, this is the rule by which the
    detectors of this package set ``contamination="auto"`` unless ``novelty=True``.

    Read more in the :ref:`User Guide <contamination-auto>`.

    Parameters
    ----------
    level : float, default=0.2
        Expected proportion of false alarms among the flagged rows.
    groups : bool, default=True
        Whether to use `OtsuThreshold` where the scores form a second group, that is, if
        their density rises again above the median or their tail is much too heavy for a
        single group.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    OtsuThreshold : Always separates two groups; flags more rows.

    References
    ----------
    .. [1] Y. Benjamini, Y. Hochberg (1995). Controlling the false discovery rate.
       Journal of the Royal Statistical Society B 57(1), 289-300.
    .. [2] B. Efron (2004). Large-scale simultaneous hypothesis testing: the choice of a
       null hypothesis. Journal of the American Statistical Association 99(465), 96-104.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_deepod.threshold import TailExcessThreshold
    >>> clean = np.random.RandomState(0).exponential(size=1000)
    >>> int(np.sum(clean > TailExcessThreshold().fit(clean).threshold_))
    1
    >>> scores = np.r_[clean, np.full(20, 30.0)]
    >>> rule = TailExcessThreshold().fit(scores)  # up to a fifth are false alarms
    >>> int(np.sum(scores > rule.threshold_))
    24
    """

    _parameter_constraints: dict = {
        "level": [Interval(Real, 0, 1, closed="neither")],
        "groups": ["boolean"],
    }
    _min_scores = 1

    def __init__(self, *, level=0.2, groups=True):
        self.level = level
        self.groups = groups

    def _threshold(self, scores, y, sample_weight):
        return tail_excess_threshold(
            scores, sample_weight, level=self.level, groups=self.groups
        )
