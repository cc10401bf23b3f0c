"""Two groups of scores, by the variance between them."""

from numbers import Real

from sklearn.utils._param_validation import Interval

from sklearn_deepod.scoring import otsu_cutoff
from sklearn_deepod.threshold._base import BaseThreshold


class Otsu(BaseThreshold):
    """Cut that parts the scores in two groups, within bounds.

    Of all cuts, Otsu's [1]_ is the one with the largest variance between the means of
    the two groups. Where there is only one group it would still part it, and one
    enormous score would hide all other outliers; so the cut is held between two numbers
    of robust deviations above the median. It is the rule of this package's detectors
    (``contamination="auto"``) unless ``novelty=True``.

    Parameters
    ----------
    lower : float or None, default=2.0
        Lowest cut, in robust deviations, ``MAD / 0.6745``, above the median. Of a
        single group of normally distributed scores, two deviations cut off 2.3 %. None
        sets no bound.
    upper : float or None, default=20.0
        Highest cut, in the same unit. None sets no bound.

    Attributes
    ----------
    cutoff_ : float
        Rows that score above it are outliers.

    References
    ----------
    .. [1] N. Otsu (1979). A threshold selection method from gray-level histograms. IEEE
       Transactions on Systems, Man, and Cybernetics 9(1), 62-66.

    Examples
    --------
    >>> from sklearn_deepod.threshold import Otsu
    >>> Otsu().fit([1.0, 1.1, 1.2, 1.3, 1.4, 4.0, 4.2]).cutoff_
    2.7
    """

    _parameter_constraints: dict = {
        "lower": [Interval(Real, None, None, closed="neither"), None],
        "upper": [Interval(Real, None, None, closed="neither"), None],
    }
    _min_scores = 1

    def __init__(self, *, lower=2.0, upper=20.0):
        self.lower = lower
        self.upper = upper

    def _cutoff(self, scores, y, sample_weight):
        if self.lower is not None and self.upper is not None:  # noqa: SIM102
            if self.lower > self.upper:
                raise ValueError(
                    f"lower={self.lower} is above upper={self.upper}; give bounds in "
                    "order."
                )
        return otsu_cutoff(scores, sample_weight, lower=self.lower, upper=self.upper)
