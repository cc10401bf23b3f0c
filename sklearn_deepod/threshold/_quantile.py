"""A given share of the training rows."""

from numbers import Real

from sklearn_deepod._stats import contamination_threshold
from sklearn_deepod.threshold._base import BaseThreshold
from sklearn_deepod.utils._sklearn_compat import Interval


class QuantileThreshold(BaseThreshold):
    """Threshold above which a given share of the training rows lies.

    It is what a number given to a detector as ``contamination`` does. The share is a
    guess, and it is flagged whether or not there are outliers.

    Read more in the :ref:`User Guide <threshold-rules>`.

    Parameters
    ----------
    contamination : float, default=0.1
        The share, in (0, 0.5].

    Attributes
    ----------
    threshold_ : float
        Rows that score above it are outliers. It lies midway between two training
        scores. Equal scores cannot be parted: the threshold nearest to the share is
        taken.

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
