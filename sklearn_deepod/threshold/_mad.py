"""Threshold by the modified z-score."""

from numbers import Real

from sklearn_deepod._stats import median_and_scale
from sklearn_deepod.threshold._base import BaseThreshold
from sklearn_deepod.utils._sklearn_compat import Interval


class MADThreshold(BaseThreshold):
    """Threshold by the modified z-score of the scores.

    The threshold is ``median + factor * MAD / 0.6745`` [1]_, where MAD is the median
    absolute deviation of the training scores. It tolerates up to half of the scores
    being those of outliers. With skewed scores, which most detectors return, it flags
    more rows than with symmetric ones.

    Read more in the :ref:`User Guide <threshold-rules>`.

    Parameters
    ----------
    factor : float, default=3.5
        Modified z-score beyond which scores are those of outliers.

    Attributes
    ----------
    {attributes}

    Notes
    -----
    If more than half of the scores are equal, ``MAD / 0.6745`` is replaced by 1.253314
    times the mean absolute deviation from the median.

    References
    ----------
    .. [1] B. Iglewicz, D. C. Hoaglin (1993). How to Detect and Handle Outliers. ASQC
       Quality Press.

    Examples
    --------
    >>> from sklearn_deepod.threshold import MADThreshold
    >>> round(MADThreshold().fit([1.0, 2.0, 3.0, 4.0, 50.0]).threshold_, 2)
    8.19
    """

    _parameter_constraints: dict = {
        "factor": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, *, factor=3.5):
        self.factor = factor

    def _threshold(self, scores, y, sample_weight):
        center, scale = median_and_scale(scores, sample_weight)
        return center + self.factor * scale
