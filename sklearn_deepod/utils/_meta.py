"""What estimators that hold an outlier detector share."""

from dataclasses import fields

import numpy as np
from sklearn import get_config
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.model_selection import check_cv
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import indexable

from sklearn_deepod.utils._rollback import all_or_nothing
from sklearn_deepod.utils._scores import scores_of
from sklearn_deepod.utils._shared_parameters import SharedParametersMixin
from sklearn_deepod.utils._sklearn_compat import (
    _check_method_params,
    _check_sample_weight,
    _fit_context,
    _num_samples,
    _safe_indexing,
)


def check_scores_new_rows(detector):
    """Raise unless `detector` is one that scores new rows.

    Parameters
    ----------
    detector : estimator
        Any outlier detector with scikit-learn's interface.

    Raises
    ------
    TypeError
        If it has no `fit` or no `score_samples`.
    """
    if hasattr(detector, "fit") and hasattr(detector, "score_samples"):
        return
    raise TypeError(
        f"{detector!r} cannot score new rows: an outlier detector with fit and "
        "score_samples is needed, such as IsolationForest or AutoEncoder. "
        "LocalOutlierFactor has score_samples with novelty=True."
    )


def has_tags(value):
    """Whether a parameter's value is an estimator with scikit-learn's tags."""
    return not isinstance(value, type) and hasattr(value, "__sklearn_tags__")


def take_features(estimator, detector):
    """Let an estimator know of its features what a fitted detector knows of them.

    Parameters
    ----------
    estimator : estimator
        Gets, or loses, ``n_features_in_`` and ``feature_names_in_``.
    detector : estimator
        The fitted detector.
    """
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(detector, name):
            setattr(estimator, name, getattr(detector, name))
        elif hasattr(estimator, name):
            delattr(estimator, name)


def checked_sample_weight(sample_weight, X):
    """Sample weights as an array, one for each row.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,)
        The weights.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows.

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If weights are negative, all zero, or not as many as the rows.
    """
    weight = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    if not weight.any():
        raise ValueError(
            "All sample weights are zero. Give some row a positive weight."
        )
    return weight


def without_weightless_rows(X, y, params):
    """Leave rows of weight 0 out, for what takes positive weights only.

    Parameters
    ----------
    X, y, params : {array-like, sparse matrix}, array-like or None, and dict
        Training rows, their labels, and further arguments of `fit`, which are indexed
        like the rows if there are as many.

    Returns
    -------
    X, y, params
        The rows of positive weight, their labels, and the arguments for them, in which
        ``sample_weight`` is an array. Without weights, all as it was.

    Raises
    ------
    ValueError
        If weights are negative, all zero, or not as many as the rows.
    """
    if params.get("sample_weight") is None:
        return X, y, params
    X, y = indexable(X, y)
    weight = checked_sample_weight(params["sample_weight"], X)
    params = params | {"sample_weight": weight}
    if weight.all():
        return X, y, params
    kept = np.flatnonzero(weight)
    params = _check_method_params(X, params, kept)
    return _safe_indexing(X, kept), y if y is None else _safe_indexing(y, kept), params


def checked_folds(cv, X, y):
    """Folds in which each row is in exactly one test fold.

    Parameters
    ----------
    cv : int, cross-validation generator or iterable
        The folds. An int does not shuffle.
    X, y : {array-like, sparse matrix}, and array-like or None
        Training rows and their labels.

    Returns
    -------
    list of tuple of ndarray
        Positions of the training rows and of the test rows.

    Raises
    ------
    ValueError
        If a row is in no test fold, or in several.
    """
    folds = list(check_cv(cv).split(X, y))
    rows = np.concatenate([test for _, test in folds])
    if not np.array_equal(np.sort(rows), np.arange(_num_samples(X))):
        raise ValueError(
            f"cv must give each row to exactly one test fold, as KFold does; {cv!r} "
            "does not."
        )
    return folds


def out_of_fold_scores(fit, X, y, params, *, cv, n_jobs=None):
    """Scores of the training rows, each by a detector fitted without it.

    Parameters
    ----------
    fit : callable
        ``fit(X, y, **params)`` gives a fitted detector.
    X, y, params : {array-like, sparse matrix}, array-like or None, and dict
        Training rows, their labels, and further arguments of `fit`, which are indexed
        like the rows if there are as many.
    cv : int, cross-validation generator or iterable
        The folds. An int does not shuffle.
    n_jobs : int or None, default=None
        Folds fitted at the same time.

    Returns
    -------
    ndarray of shape (n_samples,)
        Scores, higher is more normal.
    """
    X, y = indexable(X, y)
    folds = checked_folds(cv, X, y)

    def scores_of_fold(train, test):
        labels = None if y is None else _safe_indexing(y, train)
        given = _check_method_params(X, params, train)
        detector = fit(_safe_indexing(X, train), labels, **given)
        return scores_of(detector, _safe_indexing(X, test))

    parts = Parallel(n_jobs=n_jobs)(delayed(scores_of_fold)(*fold) for fold in folds)
    scores = np.empty(_num_samples(X))
    scores[np.concatenate([test for _, test in folds])] = np.concatenate(parts)
    return scores


class MetaEstimatorFitMixin(SharedParametersMixin, MetaEstimatorMixin):
    """Base of the estimators that hold outlier detectors.

    Subclasses implement `_held_detectors` and `_fit`. Metadata given to `fit` are
    routed to the detectors.

    Attributes
    ----------
    n_features_in_ : int
        Number of features, if the detector has this attribute.
    feature_names_in_ : ndarray of str
        Names of the features, if the columns of the training rows have names.
    """

    #: Methods whose metadata reach the `fit` of the detectors.
    _routed_from = ("fit", "fit_predict")

    def _held_detectors(self):
        """Unfitted detectors by name."""
        raise NotImplementedError

    def _fit(self, X, y, params):
        """Fit the detectors and learn from their scores or labels."""
        raise NotImplementedError

    # The detectors validate their own parameters, whose errors then bear their names.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        """Fit the detectors, and learn from their scores or labels of the rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows, of any kind that the detectors accept.
        y : array-like of shape (n_samples,), default=None
            Passed to the detectors, and to whatever else learns from labels: 1 for
            inliers, -1 for outliers, 0 for unlabelled rows.
        **params : dict
            Passed to the `fit` of the detectors, such as ``sample_weight``; if metadata
            routing is enabled, to those that request it.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError
            If a detector lacks a method that is needed here.
        ValueError
            If the rows, the labels or the weights cannot be used. After any error the
            estimator is as it was before.
        """
        self._fit_or_restore(X, y, params)
        return self

    def _fit_or_restore(self, X, y, params):
        """What `_fit` gives; if it fails, the estimator is as it was before."""
        with all_or_nothing(self):
            n_samples = _num_samples(X)
            if y is not None and _num_samples(y) != n_samples:
                raise ValueError(
                    f"y has {_num_samples(y)} labels for {n_samples} rows of X. Give "
                    "one label for each row."
                )
            if params.get("sample_weight") is not None:
                checked_sample_weight(params["sample_weight"], X)
            return self._fit(X, y, params)

    def get_metadata_routing(self):
        """Get the metadata that the `fit` of the detectors request.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        mapping = MethodMapping()
        for caller in self._routed_from:
            mapping.add(caller=caller, callee="fit")
        router = MetadataRouter(owner=type(self).__name__)
        return router.add(**self._held_detectors(), method_mapping=mapping)

    def _routed(self, name, params):
        """Those of the metadata that the `fit` of the detector of this name gets."""
        if params and get_config()["enable_metadata_routing"]:
            return process_routing(self, "fit", **params)[name].fit
        return params

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        held = [d for d in self._held_detectors().values() if has_tags(d)]
        if not held:
            return tags
        inner = [get_tags(detector) for detector in held]
        for field in fields(tags.input_tags):
            # What one of them demands is demanded, what all of them take is taken.
            of_all = any if field.name == "positive_only" else all
            taken = of_all(getattr(t.input_tags, field.name) for t in inner)
            setattr(tags.input_tags, field.name, taken)
        tags.non_deterministic = any(t.non_deterministic for t in inner)
        return tags


class MetaDetectorMixin(MetaEstimatorFitMixin):
    """An estimator with a parameter `detector`."""

    def _held_detectors(self):
        return {"detector": self.detector}

    def _fitted_detector(self, X, y=None, **params):
        """A clone of `detector` fitted on the rows; a frozen one as it is."""
        check_scores_new_rows(self.detector)
        params = self._routed("detector", params)
        return clone(self.detector).fit(X, y, **params)
