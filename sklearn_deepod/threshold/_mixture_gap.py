"""Two groups of scores, each with a normal distribution."""

import numpy as np
from sklearn.mixture import GaussianMixture

from sklearn_deepod.threshold._base import BaseThreshold


class MixtureGapThreshold(BaseThreshold):
    """Threshold where the upper of two normal distributions becomes the likelier one.

    A mixture of two normal distributions is fitted to the training scores by
    `sklearn.mixture.GaussianMixture`. If one alone describes them better, by the
    Bayesian information criterion, there is no second group and nothing is flagged.
    Since scores are mostly skewed, the second group may be no more than the long tail
    of the first.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Seed of the mixture's start.

    Attributes
    ----------
    {attributes}
    mixture_ : sklearn.mixture.GaussianMixture
        The mixture kept, of two components or one, for standardised scores.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_deepod.threshold import MixtureGapThreshold
    >>> rng = np.random.RandomState(0)
    >>> scores = np.r_[rng.normal(0.0, 1.0, size=900), rng.normal(8.0, 1.0, size=100)]
    >>> 3.5 < MixtureGapThreshold(random_state=0).fit(scores).threshold_ < 4.5
    True
    """

    _parameter_constraints: dict = {"random_state": ["random_state"]}
    _min_scores = 10
    _takes_weights = False

    def __init__(self, *, random_state=None):
        self.random_state = random_state

    def _threshold(self, scores, y, sample_weight):
        ranked = np.sort(scores)
        # A power of two changes no digit, and keeps sums in float64's range.
        halved = ranked * 2.0**-520 if np.abs(ranked).max() > 1e150 else ranked
        z = ((halved - np.mean(halved)) / (np.std(halved) or 1.0))[:, None]
        # More distinct values than components, or the mixture has nothing to fit.
        one, two = (
            GaussianMixture(n, random_state=self.random_state).fit(z)
            for n in ((1, 2) if ranked[-1] > ranked[0] else (1, 1))
        )
        self.mixture_ = min(one, two, key=lambda mixture: mixture.bic(z))
        if self.mixture_.n_components == 1:
            return ranked[-1]
        means = self.mixture_.means_[:, 0]
        upper = (self.mixture_.predict(z) == np.argmax(means)) & (z[:, 0] > means.min())
        first = int(np.argmax(upper)) if upper.any() else len(ranked)
        return ranked[-1] if first == len(ranked) else np.mean(ranked[first - 1 :][:2])
