"""Threshold between two groups of scores, by Otsu's method."""

from numbers import Real

from sklearn_deepod._stats import otsu_threshold
from sklearn_deepod.threshold._base import BaseThreshold
from sklearn_deepod.utils._sklearn_compat import Interval


class OtsuThreshold(BaseThreshold):
    """Threshold that separates the scores into two groups.

    Otsu's method [1]_ chooses the threshold with the largest variance between the means
    of the two groups. Scores are compressed first, since otherwise a single huge score
    would hide all other outliers. The threshold has a lower bound, since the method
    also splits a single group: if it is symmetric, in the middle.
    `TailExcessThreshold` first tests whether there is a second group.

    Read more in the :ref:`User Guide <threshold-rules>`.

    Parameters
    ----------
    lower : float or None, default=2.0
        Lower bound of the threshold, in robust standard deviations (``MAD / 0.6745``)
        above the median. If the scores of a single group are normally distributed,
        2.3 % of them lie above 2.0. None means no bound.
    linear_range : float or None, default=16.0
        Scores are compressed to ``arcsinh(z / linear_range)``, where z is the distance
        from the median in robust standard deviations, clipped at 100. None leaves them
        unchanged.

    Attributes
    ----------
    {attributes}

    References
    ----------
    .. [1] N. Otsu (1979). A threshold selection method from gray-level histograms. IEEE
       Transactions on Systems, Man, and Cybernetics 9(1), 62-66.

    Examples
    --------
    >>> from sklearn_deepod.threshold import OtsuThreshold
    >>> OtsuThreshold().fit([1.0, 1.1, 1.2, 1.3, 1.4, 4.0, 4.2]).threshold_
    2.7
    """

    _parameter_constraints: dict = {
        "lower": [Interval(Real, None, None, closed="neither"), None],
        "linear_range": [Interval(Real, 0, None, closed="neither"), None],
    }
    _min_scores = 1

    def __init__(self, *, lower=2.0, linear_range=16.0):
        self.lower = lower
        self.linear_range = linear_range

    def _threshold(self, scores, y, sample_weight):
        return otsu_threshold(
            scores, sample_weight, lower=self.lower, linear_range=self.linear_range
        )
