"""What the scorers without labels share."""

from abc import ABCMeta, abstractmethod

import numpy as np
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_array, check_random_state

from sklearn_deepod.metrics._validation import ranking_method


class LabelFreeScorer(BaseEstimator, metaclass=ABCMeta):
    """Base of the scorers ``(estimator, X, y=None)`` that ignore `y`.

    It is an estimator for its parameters alone: their repr, `get_params`, `set_params`
    and validation.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=0
        Seed of everything that is drawn.
    """

    _parameter_constraints: dict = {"random_state": ["random_state"]}

    @abstractmethod
    def __init__(self, *, random_state=0):
        self.random_state = random_state

    def __call__(self, estimator, X, y=None):
        """Evaluate a fitted detector; higher is better.

        Parameters
        ----------
        estimator : estimator
            A fitted outlier detector with `score_samples` or `decision_function`.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to evaluate it on, preferably not those that it was fitted on.
        y : Ignored
            Labels are not used.

        Returns
        -------
        float
            The criterion.
        """
        self._validate_params()
        ranking_method(estimator)
        array = check_array(
            X,
            accept_sparse="csr",
            dtype=None,
            ensure_all_finite="allow-nan",
            ensure_min_samples=4,
            allow_nd=True,
            input_name="X",
        )
        # Data frames stay what they are: a detector may ask for columns by name.
        X = X if hasattr(X, "columns") else array
        random_state = self.random_state
        if random_state is None:  # numpy's global stream is not touched
            random_state = np.random.RandomState()
        return float(self._evaluate(estimator, X, check_random_state(random_state)))

    @abstractmethod
    def _evaluate(self, estimator, X, rng):
        """The criterion for a fitted detector, with random numbers from `rng`."""

    def _accept_sample_weight(self):
        """Answer scikit-learn's search, which asks when it is given weights."""
        return False


def refit(estimator, X, rng):
    """Fit a clone with seeds of its own, so that its randomness counts as well."""
    detector = clone(estimator)
    names = sorted(detector.get_params(deep=True))
    seeds = {
        name: int(rng.randint(2**31 - 1))
        for name in names
        if name == "random_state" or name.endswith("__random_state")
    }
    return detector.set_params(**seeds).fit(X)


def spearman(scores):
    """Rank correlations of the rows of a matrix; 0 where all scores are equal."""
    ranks = rankdata(scores, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    length = np.linalg.norm(ranks, axis=1, keepdims=True)
    ranks /= np.where(length > 0, length, 1.0)
    return np.clip(ranks @ ranks.T, -1.0, 1.0)
