"""Fits and scores on collections of Dask."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod.parallel._fit_stream import MAX_SAMPLES, fit_on_sample
from sklearn_deepod.parallel._reservoir import Reservoir
from sklearn_deepod.parallel._results import one_result
from sklearn_deepod.utils._decision import DecisionMixin
from sklearn_deepod.utils._meta import (
    MetaDetectorMixin,
    check_scores_new_rows,
    take_features,
)
from sklearn_deepod.utils._optional_imports import optional_import
from sklearn_deepod.utils._rollback import all_or_nothing
from sklearn_deepod.utils._sklearn_compat import Interval, _fit_context, _num_samples

# Samples that are merged in one task.
MERGED_AT_ONCE = 8


class DaskDetector(MetaDetectorMixin, DecisionMixin, BaseEstimator):
    """An outlier detector for arrays and data frames of Dask.

    Rows are scored lazily, on the workers that hold them: the scores of a Dask array
    are a Dask array, those of a Dask data frame a Dask series with its index. The
    detector is sent to each worker once. Other data are passed to the detector.

    Read more in the :ref:`User Guide <scaling-out>`.

    Parameters
    ----------
    detector : estimator
        Outlier detector with scikit-learn's interface, or a pipeline that ends in one.
        If it is fitted, this scores without `fit`.
    max_samples : int, default=100000
        Number of rows that a clone of the detector is fitted on, a uniform sample of
        those in the collection; see `fit_stream`.
    random_state : int, RandomState instance or None, default=None
        Seed of the sample. It depends on the rows, and on how they lie in partitions.

    Attributes
    ----------
    detector_ : estimator
        The fitted clone.
    n_samples_seen_ : int
        Rows in the collection that `fit` was given.
    offset_ : float
        That of the fitted clone, if it has one.
    n_features_in_ : int
        Number of features, if the detector tells.
    feature_names_in_ : ndarray of str
        Names of the features, if the training rows had some.

    See Also
    --------
    fit_stream, score_stream : The same from files, without Dask.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn_deepod.parallel import DaskDetector
    >>> X = da.random.default_rng(0).normal(size=(10_000, 3), chunks=(1_000, 3))
    >>> detector = DaskDetector(IsolationForest(random_state=0), max_samples=2_000)
    >>> scores = detector.fit(X).score_samples(X)
    >>> scores.compute().shape
    (10000,)
    """

    _parameter_constraints: dict = {
        "detector": "no_validation",  # see check_scores_new_rows
        "max_samples": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(self, detector, *, max_samples=MAX_SAMPLES, random_state=None):
        self.detector = detector
        self.max_samples = max_samples
        self.random_state = random_state

    # The detector validates its own parameters, so that errors name the detector.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        """Fit a clone of the detector on a sample of the rows.

        Parameters
        ----------
        X : dask.array.Array, dask.dataframe.DataFrame or array-like
            Training rows.
        y : dask.array.Array, dask.dataframe.Series or array-like, default=None
            Labels, in partitions like those of `X`.
        **params : dict
            Passed to the `fit` of the detector. With a collection, only
            ``sample_weight``, in partitions like those of `X`.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        ValueError
            If labels or weights are in other partitions than the rows. After any error
            the estimator is in the state that it was in before.
        """
        with all_or_nothing(self):
            self._fit(X, y, params)
        return self

    def _fit(self, X, y, params):
        check_scores_new_rows(self.detector)
        if _is_collection(X):
            reservoir = self._sample(X, y, **params)
            self.detector_ = fit_on_sample(self.detector, reservoir.sample())
            self.n_samples_seen_ = reservoir.n_samples
        else:
            self.detector_ = self._fitted_detector(X, y, **params)
            self.n_samples_seen_ = _num_samples(X)
        take_features(self, self.detector_)
        if hasattr(self.detector_, "offset_"):
            self.offset_ = self.detector_.offset_
        elif hasattr(self, "offset_"):
            del self.offset_

    def score_samples(self, X):
        """Score the rows; higher is more normal.

        Parameters
        ----------
        X : dask.array.Array, dask.dataframe.DataFrame or array-like
            Rows.

        Returns
        -------
        dask.array.Array, dask.dataframe.Series or ndarray of shape (n_samples,)
            The opposite of the anomaly score.
        """
        return self._mapped(X, "score_samples")

    def decision_function(self, X):
        """Score the rows relative to the threshold; negative is an outlier.

        Parameters
        ----------
        X : dask.array.Array, dask.dataframe.DataFrame or array-like
            Rows.

        Returns
        -------
        dask.array.Array, dask.dataframe.Series or ndarray of shape (n_samples,)
            What the detector's method gives.
        """
        return self._mapped(X, "decision_function")

    def predict(self, X):
        """Label the rows.

        Parameters
        ----------
        X : dask.array.Array, dask.dataframe.DataFrame or array-like
            Rows.

        Returns
        -------
        dask.array.Array, dask.dataframe.Series or ndarray of int of shape (n_samples,)
            +1 for inliers, -1 for outliers.
        """
        return self._mapped(X, "predict")

    def _mapped(self, X, method):
        """Apply a method of the fitted detector to each partition."""
        detector = getattr(self, "detector_", self.detector)
        check_is_fitted(detector)
        if not _is_collection(X):
            return getattr(detector, method)(X)
        # A task of its own, which the scheduler can send again if a worker dies.
        dask = optional_import("dask", "dask")
        detector = dask.delayed(detector, pure=False, traverse=False)
        dtype = np.int64 if method == "predict" else np.float64
        if hasattr(X, "map_partitions"):
            meta = optional_import("pandas", "dask").Series(name=method, dtype=dtype)
            return X.map_partitions(_series, detector, method, meta=meta)
        X = X.rechunk(dict.fromkeys(range(1, X.ndim), -1))
        return X.map_blocks(
            _block,
            detector=detector,
            method=method,
            drop_axis=[*range(1, X.ndim)],
            meta=np.empty(0, dtype),
        )

    def _sample(self, X, y=None, sample_weight=None):
        """A reservoir that has seen all partitions, each in a task."""
        delayed = optional_import("dask", "dask").delayed
        rows = _partitions(X)
        beside = [
            [None] * len(rows) if part is None else _partitions(part)
            for part in (sample_weight, y)
        ]
        if {len(parts) for parts in beside} != {len(rows)}:
            raise ValueError(
                "y and sample_weight must have as many partitions (or chunks) as X, "
                f"{len(rows)}. Rechunk or repartition them."
            )
        seeds = check_random_state(self.random_state).randint(2**31, size=len(rows))
        tasks = [
            delayed(_sample_partition)(*parts, self.max_samples, seed)
            for *parts, seed in zip(rows, *beside, seeds.tolist(), strict=True)
        ]
        while len(tasks) > 1:
            groups = range(0, len(tasks), MERGED_AT_ONCE)
            tasks = [
                delayed(_merged)(tasks[i : i + MERGED_AT_ONCE], self.max_samples)
                for i in groups
            ]
        return tasks[0].compute()

    def __sklearn_is_fitted__(self):
        return hasattr(self, "detector_")


def _is_collection(X):
    return hasattr(X, "__dask_graph__")


def _partitions(collection):
    """The partitions of a collection, as delayed objects."""
    if hasattr(collection, "map_partitions"):
        return list(collection.to_delayed())
    collection = collection.rechunk(dict.fromkeys(range(1, collection.ndim), -1))
    return list(collection.to_delayed().ravel())


def _sample_partition(X, weight, y, size, seed):
    reservoir = Reservoir(size, np.random.RandomState(seed))
    weight = None if weight is None else np.asarray(weight, dtype=np.float64)
    if weight is not None and not (np.isfinite(weight) & (weight >= 0)).all():
        raise ValueError("sample_weight must hold numbers of at least 0.")
    reservoir.add(X, weight, None if y is None else np.asarray(y))
    return reservoir


def _merged(reservoirs, size):
    merged = Reservoir(size, None)
    for reservoir in reservoirs:
        merged.merge(reservoir)
    return merged


def _block(X, detector, method):
    return one_result(detector, X, method)


def _series(X, detector, method):
    pandas = optional_import("pandas", "dask")
    return pandas.Series(one_result(detector, X, method), index=X.index, name=method)
