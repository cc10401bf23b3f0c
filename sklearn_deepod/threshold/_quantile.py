"""Threshold at a quantile of the scores."""

from numbers import Real

from sklearn_deepod._stats import contamination_threshold
from sklearn_deepod.threshold._base import BaseThreshold
from sklearn_deepod.utils._sklearn_compat import Interval


class QuantileThreshold(BaseThreshold):
    """Threshold above which a given proportion of the training rows lies.

    This is the rule of detectors whose ``contamination`` is a number. The proportion is
    a guess: so many rows are flagged, whether or not there are outliers.

    Read more in the :ref:`User Guide <threshold-rules>`.

    Parameters
    ----------
    contamination : float, default=0.1
        The proportion, in (0, 0.5].

    Attributes
    ----------
    threshold_ : float
        Rows with higher anomaly scores are outliers. It lies midway between two
        training scores. Since it cannot separate equal scores, it is the threshold with
        the nearest possible proportion.

    Examples
    --------
    >>> from sklearn_deepod.threshold import QuantileThreshold
    >>> QuantileThreshold(contamination=0.2).fit([1.0, 5.0, 2.0, 3.0, 10.0]).threshold_
    7.5
    """

    _parameter_constraints: dict = {
        "contamination": [Interval(Real, 0, 0.5, closed="right")],
    }
    _min_scores = 1

    def __init__(self, *, contamination=0.1):
        self.contamination = contamination

    def _threshold(self, scores, y, sample_weight):
        return contamination_threshold(scores, self.contamination, sample_weight)
