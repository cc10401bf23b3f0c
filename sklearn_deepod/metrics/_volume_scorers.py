"""Criteria without labels that measure the volume of the normal regions."""

from abc import abstractmethod
from numbers import Integral

import numpy as np
from sklearn.utils import check_array

from sklearn_deepod.metrics._excess_mass import excess_mass_score, mass_volume_score
from sklearn_deepod.metrics._label_free import LabelFreeScorer, refit
from sklearn_deepod.metrics._validation import score_rows
from sklearn_deepod.utils._shared_parameters import SharedParametersMixin
from sklearn_deepod.utils._sklearn_compat import Interval, _safe_indexing


class _VolumeScorer(SharedParametersMixin, LabelFreeScorer):
    """Base of the scorers that compare the data with points drawn uniformly around it.

    Parameters
    ----------
    max_features : int or None, default=5
        Number of features beyond which volumes cannot be estimated. With more features,
        the criterion is the mean over `n_draws` random sets of this many features: a
        clone of the detector is fitted on half of the rows with these features alone
        and evaluated on the other half. This evaluates the settings of the detector,
        not the fitted detector. None always evaluates the fitted detector, which is for
        detectors that cannot be fitted on some of their features.
    n_draws : int, default=10
        Number of sets of features drawn, each with a fit. Used only if there are more
        than `max_features` features.
    n_uniform : int, default=10_000
        Number of points drawn uniformly from the bounding box of the data.
    random_state : int, RandomState instance or None, default=0
        Seed of the points, of the sets of features and of the clones. With an int, all
        candidates of a search are evaluated on the same ones.
    """

    _parameter_constraints: dict = {
        **LabelFreeScorer._parameter_constraints,
        "max_features": [Interval(Integral, 1, None, closed="left"), None],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
        "n_uniform": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, *, max_features=5, n_draws=10, n_uniform=10_000, random_state=0):
        self.max_features = max_features
        self.n_draws = n_draws
        self.n_uniform = n_uniform
        self.random_state = random_state

    def _evaluate(self, estimator, X, rng):
        if len(X.shape) > 2:
            raise ValueError(
                f"{type(self).__name__} takes rows of features; X has shape {X.shape}."
            )
        try:
            check_array(X, accept_sparse=True, ensure_all_finite="allow-nan")
        except ValueError as error:
            raise ValueError(
                f"{type(self).__name__} draws points between the values of the "
                "features, so all of them must be numbers."
            ) from error
        n_samples, n_features = X.shape
        if self.max_features is None or n_features <= self.max_features:
            return self._of_fitted(estimator, X, rng)
        values = []
        for _ in range(self.n_draws):
            columns = np.sort(rng.choice(n_features, self.max_features, replace=False))
            rows = rng.permutation(n_samples)
            part = _safe_indexing(X, columns, axis=1)
            train, test = (
                _safe_indexing(part, half) for half in np.array_split(rows, 2)
            )
            values.append(self._of_fitted(refit(estimator, train, rng), test, rng))
        return np.mean(values)

    def _of_fitted(self, detector, X, rng):
        points = _draw_uniformly(X, self.n_uniform, rng)
        return self._criterion(score_rows(detector, X), score_rows(detector, points))

    @abstractmethod
    def _criterion(self, score_samples, score_uniform):
        """The criterion, higher is better."""


def _draw_uniformly(X, n_points, rng):
    """Points of the bounding box of X, in a container like X."""
    values = X.toarray() if hasattr(X, "toarray") else np.asarray(X, dtype=np.float64)
    present = ~np.isnan(values)
    low = np.min(values, axis=0, where=present, initial=np.inf)
    high = np.max(values, axis=0, where=present, initial=-np.inf)
    empty = ~present.any(axis=0)
    low[empty] = high[empty] = 0.0
    points = rng.uniform(low, high, size=(n_points, X.shape[1]))
    points[:, empty] = np.nan
    if not hasattr(X, "columns"):
        return points
    is_pandas = hasattr(X, "iloc")
    return type(X)(points, **{"columns" if is_pandas else "schema": list(X.columns)})


class ExcessMassScorer(_VolumeScorer):
    """Scorer without labels: excess mass (Goix, 2016).

    A detector is good if the regions that it considers normal hold much of the data in
    little volume. Volumes are shares of the bounding box of the data, estimated from
    points drawn uniformly from it.

    Read more in the :ref:`User Guide <measures-without-labels>`.

    Parameters
    ----------
    {parameters}

    See Also
    --------
    excess_mass_score : The criterion for given scores.
    MassVolumeScorer : The area under the mass-volume curve.

    Notes
    -----
    Compare values only for the same rows: they depend on the bounding box, and thus on
    the farthest outlier.

    References
    ----------
    N. Goix (2016). How to Evaluate the Quality of Unsupervised Anomaly Detection
    Algorithms? ICML Anomaly Detection Workshop. arXiv:1607.01152, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.neighbors import LocalOutlierFactor
    >>> from sklearn_deepod.metrics import ExcessMassScorer
    >>> X = np.random.RandomState(0).randn(300, 2)
    >>> search = GridSearchCV(
    ...     LocalOutlierFactor(novelty=True),
    ...     {"n_neighbors": [1, 30]},
    ...     scoring=ExcessMassScorer(n_uniform=2000),
    ... ).fit(X)
    >>> search.best_params_
    {'n_neighbors': 30}
    """

    def _criterion(self, score_samples, score_uniform):
        return excess_mass_score(score_samples, score_uniform)


class MassVolumeScorer(_VolumeScorer):
    """Scorer without labels: mass-volume, negated (Goix, 2016).

    As `ExcessMassScorer`, but for the volume of the regions that hold 90 to 99.9 % of
    the data.

    Read more in the :ref:`User Guide <measures-without-labels>`.

    Parameters
    ----------
    {parameters}

    Notes
    -----
    The area, which `mass_volume_score` computes from given scores, is negated, so that
    higher is better. The value lies in [-0.099, 0].

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn_deepod import ZScore
    >>> from sklearn_deepod.metrics import MassVolumeScorer
    >>> X = np.random.RandomState(0).randn(300, 2)
    >>> cross_val_score(ZScore(), X, scoring=MassVolumeScorer()).shape
    (5,)
    """

    def _criterion(self, score_samples, score_uniform):
        return -mass_volume_score(score_samples, score_uniform)
