"""Criteria without labels that compare rankings with each other."""

from numbers import Integral, Real

import numpy as np
from scipy.stats import rankdata
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_deepod.metrics._label_free import LabelFreeScorer, refit, spearman
from sklearn_deepod.metrics._validation import score_rows
from sklearn_deepod.utils._sklearn_compat import Interval, _safe_indexing


class RankStabilityScorer(LabelFreeScorer):
    """Scorer without labels: agreement of rankings after fits on different rows.

    Clones are fitted on random samples of the rows, each with a seed of its own, and
    each ranks all rows. The criterion is the mean Spearman correlation of these
    rankings. It evaluates the settings of the detector, not the fitted detector.

    Read more in the :ref:`User Guide <measures-without-labels>`.

    Parameters
    ----------
    n_resamples : int, default=5
        Number of samples, with one fit for each.
    subsample : float, default=0.5
        Share of the rows in a sample, drawn without replacement.
    random_state : int, RandomState instance or None, default=0
        Seed of the samples and of the clones. With an int, all candidates of a search
        are evaluated on the same ones.

    See Also
    --------
    ConsensusScorer : Agreement with other detectors instead.

    Notes
    -----
    A detector can be stable and wrong, for example if it ranks by a single feature. Use
    the criterion to see whether `n_estimators` or the number of training rows is large
    enough, rather than to choose a method. The value lies in [-1, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn_deepod.metrics import RankStabilityScorer
    >>> X = np.random.RandomState(0).randn(200, 3)
    >>> stability = RankStabilityScorer()
    >>> small = stability(IsolationForest(n_estimators=2).fit(X), X)
    >>> large = stability(IsolationForest(n_estimators=50).fit(X), X)
    >>> bool(small < large)
    True
    """

    _parameter_constraints: dict = {
        **LabelFreeScorer._parameter_constraints,
        "n_resamples": [Interval(Integral, 2, None, closed="left")],
        "subsample": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(self, *, n_resamples=5, subsample=0.5, random_state=0):
        self.n_resamples = n_resamples
        self.subsample = subsample
        self.random_state = random_state

    def _evaluate(self, estimator, X, rng):
        n_samples = X.shape[0]
        size = max(2, round(self.subsample * n_samples))
        scores = []
        for _ in range(self.n_resamples):
            rows = rng.choice(n_samples, size, replace=False)
            detector = refit(estimator, _safe_indexing(X, rows), rng)
            scores.append(score_rows(detector, X))
        correlation = spearman(scores)
        return correlation[np.triu_indices(len(scores), k=1)].mean()


class ConsensusScorer(LabelFreeScorer):
    """Scorer without labels: agreement with the mean ranking of other detectors.

    The other detectors are fitted on the rows and rank them; the mean of their ranks is
    the consensus. The criterion is the Spearman correlation of the scores of the
    evaluated detector with the consensus.

    Read more in the :ref:`User Guide <measures-without-labels>`.

    Parameters
    ----------
    detectors : list of estimators or None, default=None
        The other detectors, cloned and fitted at each call. None takes three of
        different kinds: IsolationForest, LocalOutlierFactor and a normal distribution
        (GaussianMixture with one component). The latter two get standardised features,
        and all get the mean in place of missing values.
    random_state : int, RandomState instance or None, default=0
        Seed of the other detectors.

    See Also
    --------
    RankStabilityScorer : Agreement of the detector with itself.

    Notes
    -----
    Where most of the other detectors make the same error, a detector that is right gets
    a low value. The value lies in [-1, 1].

    Examples
    --------
    >>> from sklearn.covariance import EllipticEnvelope
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod.metrics import ConsensusScorer
    >>> X = load_iris().data
    >>> bool(ConsensusScorer()(EllipticEnvelope(random_state=0).fit(X), X) > 0.7)
    True
    """

    _parameter_constraints: dict = {
        **LabelFreeScorer._parameter_constraints,
        "detectors": [list, tuple, None],
    }

    def __init__(self, *, detectors=None, random_state=0):
        self.detectors = detectors
        self.random_state = random_state

    def _evaluate(self, estimator, X, rng):
        detectors = _default_detectors() if self.detectors is None else self.detectors
        if not len(detectors):
            raise ValueError("detectors is empty. Give at least one detector, or None.")
        others = [score_rows(refit(detector, X, rng), X) for detector in detectors]
        consensus = rankdata(others, axis=1).mean(axis=0)
        return spearman([score_rows(estimator, X), consensus])[0, 1]


def _default_detectors():
    scaled = (SimpleImputer(), StandardScaler())
    return [
        make_pipeline(SimpleImputer(), IsolationForest()),
        make_pipeline(*scaled, LocalOutlierFactor(novelty=True)),
        make_pipeline(*scaled, GaussianMixture(reg_covar=1e-3)),
    ]
