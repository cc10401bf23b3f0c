"""Threshold at the fence of a boxplot."""

from numbers import Real

from sklearn_deepod._stats import (
    contamination_threshold,
    kimber_threshold,
    weighted_quantile,
)
from sklearn_deepod.threshold._base import BaseThreshold
from sklearn_deepod.utils._sklearn_compat import Interval


class IQRThreshold(BaseThreshold):
    """Threshold at the upper fence of a boxplot.

    Let Q1, Q2 and Q3 be the quartiles of the training scores. Tukey's fence [1]_ is
    ``Q3 + factor * (Q3 - Q1)``. It is meant for symmetric distributions. For skewed
    ones, Kimber [2]_ replaces the interquartile range by twice its upper half:
    ``Q3 + 2 * factor * (Q3 - Q2)``.

    Read more in the :ref:`User Guide <threshold-rules>`.

    Parameters
    ----------
    factor : float, default=1.5
        Length of the whisker, in interquartile ranges.
    skewed : bool, default=False
        Whether to use Kimber's fence, moved midway between the two nearest scores. With
        the default `factor` and ``most=0.015`` this is the rule by which the detectors
        of this package set ``contamination="auto"`` if ``novelty=True``.
    most : float or None, default=None
        Largest proportion of the training scores that may lie above the threshold. A
        lower fence is moved up to that quantile. None means no limit.

    Attributes
    ----------
    {attributes}

    References
    ----------
    .. [1] J. W. Tukey (1977). Exploratory Data Analysis. Addison-Wesley.
    .. [2] A. C. Kimber (1990). Exploratory data analysis for possibly censored data
       from skewed distributions. Applied Statistics 39(1), 21-30.

    Examples
    --------
    >>> from sklearn_deepod.threshold import IQRThreshold
    >>> scores = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 12.0, 20.0]
    >>> IQRThreshold().fit(scores).threshold_
    13.0
    >>> IQRThreshold(skewed=True).fit(scores).threshold_
    16.0
    """

    _parameter_constraints: dict = {
        "factor": [Interval(Real, 0, None, closed="neither")],
        "skewed": ["boolean"],
        "most": [Interval(Real, 0, 0.5, closed="right"), None],
    }

    def __init__(self, *, factor=1.5, skewed=False, most=None):
        self.factor = factor
        self.skewed = skewed
        self.most = most

    def _threshold(self, scores, y, sample_weight):
        if self.skewed:
            return kimber_threshold(
                scores, sample_weight, factor=2 * self.factor, most=self.most
            )
        q1, q3 = weighted_quantile(scores, [0.25, 0.75], sample_weight)
        fence = q3 + self.factor * (q3 - q1)
        if self.most is None:
            return fence
        return max(fence, contamination_threshold(scores, self.most, sample_weight))
