"""The modified z-score of the scores."""

from numbers import Real

from sklearn_deepod._stats import median_and_scale
from sklearn_deepod.threshold._base import BaseThreshold
from sklearn_deepod.utils._sklearn_compat import Interval


class MADThreshold(BaseThreshold):
    """Threshold by the modified z-score of the scores.

    The threshold is ``median + factor * MAD / 0.6745`` [1]_, with the median absolute
    deviation (MAD) of the training scores. Up to half of them may be those of outliers.
    For skewed scores, as most detectors give, it flags more than for symmetric ones.

    Read more in the :ref:`User Guide <threshold-rules>`.

    Parameters
    ----------
    factor : float, default=3.5
        Modified z-score beyond which a score is an outlier's.

    Attributes
    ----------
    {attributes}

    Notes
    -----
    Where more than half of the scores are equal, 1.253314 times the mean absolute
    deviation from the median stands in for ``MAD / 0.6745``.

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
