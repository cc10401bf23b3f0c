"""Two groups of scores, by the variance between them."""

from numbers import Real

from sklearn_deepod._stats import otsu_threshold
from sklearn_deepod.threshold._base import BaseThreshold
from sklearn_deepod.utils._sklearn_compat import Interval


class OtsuThreshold(BaseThreshold):
    """Threshold that parts the scores in two groups.

    Of all thresholds, Otsu's [1]_ is the one with the largest variance between the
    means of the two groups. One enormous score would hide all other outliers, so that
    the scores are squashed first. And a single group would be parted as well, through
    the middle if it is symmetric; so there is a lower bound. `TailExcessThreshold`
    first asks whether there is a second group.

    Read more in the :ref:`User Guide <threshold-rules>`.

    Parameters
    ----------
    lower : float or None, default=2.0
        Lowest threshold, in robust deviations, ``MAD / 0.6745``, above the median. Of a
        single group of normally distributed scores, 2.3 % lie beyond two deviations.
        None sets no bound.
    knee : float or None, default=16.0
        Scores become ``arcsinh(z / knee)``, where z is their distance from the median
        in robust deviations, at most 100. None leaves them as they are.

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
        "knee": [Interval(Real, 0, None, closed="neither"), None],
    }
    _min_scores = 1

    def __init__(self, *, lower=2.0, knee=16.0):
        self.lower = lower
        self.knee = knee

    def _threshold(self, scores, y, sample_weight):
        return otsu_threshold(scores, sample_weight, lower=self.lower, knee=self.knee)
