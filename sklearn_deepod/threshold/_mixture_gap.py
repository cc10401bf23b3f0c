"""Threshold between two normal distributions of scores."""

import numpy as np
from sklearn.mixture import GaussianMixture

from sklearn_deepod.threshold._base import BaseThreshold


class MixtureGapThreshold(BaseThreshold):
    """Threshold where the upper of two normal distributions becomes more likely.

    A mixture of two normal distributions is fitted to the training scores by
    `sklearn.mixture.GaussianMixture`. If a single one has a better Bayesian information
    criterion, there is no second group and nothing is flagged. Since scores are mostly
    skewed, the second component may merely fit the long tail of the first.

    Read more in the :ref:`User Guide <threshold-rules>`.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Seed of the initialisation of the mixture.

    Attributes
    ----------
    {attributes}
    mixture_ : sklearn.mixture.GaussianMixture
        The selected mixture, with one or two components, of the standardised scores.

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
        # Scaling by a power of two is exact, and keeps sums in float64's range.
        halved = ranked * 2.0**-520 if np.abs(ranked).max() > 1e150 else ranked
        z = ((halved - np.mean(halved)) / (np.std(halved) or 1.0))[:, None]
        # Two components need two distinct values.
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
