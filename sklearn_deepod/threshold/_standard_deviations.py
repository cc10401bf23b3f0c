"""Threshold by the z-score."""

from numbers import Real

from sklearn_deepod._stats import weighted_mean_and_std
from sklearn_deepod.threshold._base import BaseThreshold
from sklearn_deepod.utils._sklearn_compat import Interval


class StandardDeviationThreshold(BaseThreshold):
    """Threshold at a multiple of the standard deviation above the mean.

    This is the oldest rule. It is not robust: outliers raise the mean and the standard
    deviation of the scores. Of n scores, none can be more than ``(n - 1) / sqrt(n)``
    standard deviations above the mean [1]_. So with 10 scores or fewer, none exceeds
    three.

    Read more in the :ref:`User Guide <threshold-rules>`.

    Parameters
    ----------
    factor : float, default=3.0
        Number of standard deviations.

    Attributes
    ----------
    {attributes}

    References
    ----------
    .. [1] R. E. Shiffler (1988). Maximum z scores and outliers. The American
       Statistician 42(1), 79-80.

    Examples
    --------
    >>> from sklearn_deepod.threshold import StandardDeviationThreshold
    >>> StandardDeviationThreshold(factor=2.0).fit([1.0, 1.0, 3.0, 3.0]).threshold_
    4.0
    """

    _parameter_constraints: dict = {
        "factor": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, *, factor=3.0):
        self.factor = factor

    def _threshold(self, scores, y, sample_weight):
        mean, std = weighted_mean_and_std(scores[:, None], sample_weight)
        return mean[0] + self.factor * std[0]
