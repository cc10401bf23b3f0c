"""What estimators that hold an outlier detector share."""

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

from sklearn_deepod.utils._sklearn_compat import (
    _check_method_params,
    _check_sample_weight,
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


def fit_mapping():
    """Which methods of a detector that holds others call their `fit`.

    Returns
    -------
    sklearn.utils.metadata_routing.MethodMapping
    """
    mapping = MethodMapping().add(caller="fit", callee="fit")
    return mapping.add(caller="fit_predict", callee="fit")


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


def without_weightless_rows(X, y, params):
    """Leave rows of weight 0 out, for what takes positive weights only.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Training rows.
    y : array-like of shape (n_samples,) or None
        Labels.
    params : dict
        Further arguments of `fit`, parted with the rows where they are as many.

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
    weight = _check_sample_weight(
        params["sample_weight"], X, dtype=np.float64, ensure_non_negative=True
    )
    if not weight.any():
        raise ValueError(
            "All sample weights are zero. Give some row a positive weight."
        )
    params = params | {"sample_weight": weight}
    if weight.all():
        return X, y, params
    kept = np.flatnonzero(weight)
    params = _check_method_params(X, params, kept)
    return _safe_indexing(X, kept), y if y is None else _safe_indexing(y, kept), params


def out_of_fold_scores(fit, X, y, params, *, cv, n_jobs=None):
    """Scores of the training rows, each by a detector fitted without it.

    Parameters
    ----------
    fit : callable
        ``fit(X, y, **params)`` gives a fitted detector.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Training rows.
    y : array-like of shape (n_samples,) or None
        Labels.
    params : dict
        Further arguments of `fit`, parted with the rows where they are as many.
    cv : int, cross-validation generator or iterable
        The folds. An int does not shuffle.
    n_jobs : int or None, default=None
        Folds fitted at the same time.

    Returns
    -------
    ndarray of shape (n_samples,)
        Scores, higher is more normal.

    Raises
    ------
    ValueError
        If a row is in no test fold, or in several.
    """
    X, y = indexable(X, y)
    folds = list(check_cv(cv).split(X, y))
    rows = np.concatenate([test for _, test in folds])
    if not np.array_equal(np.sort(rows), np.arange(_num_samples(X))):
        raise ValueError(
            f"cv must give each row to exactly one test fold, as KFold does; {cv!r} "
            "does not."
        )

    def scores_of_fold(train, test):
        labels = None if y is None else _safe_indexing(y, train)
        given = _check_method_params(X, params, train)
        detector = fit(_safe_indexing(X, train), labels, **given)
        return detector.score_samples(_safe_indexing(X, test))

    parts = Parallel(n_jobs=n_jobs)(delayed(scores_of_fold)(*fold) for fold in folds)
    scores = np.empty(len(rows))
    scores[rows] = np.concatenate(parts)
    return scores


class MetaDetectorMixin(MetaEstimatorMixin):
    """An estimator with a parameter `detector`.

    It takes what the detector takes, and hands metadata on to the detector's `fit`.
    """

    def get_metadata_routing(self):
        """Say what metadata the detector's `fit` asks for.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        return MetadataRouter(owner=type(self).__name__).add(
            detector=self.detector, method_mapping=fit_mapping()
        )

    def _fitted_detector(self, X, y=None, **params):
        """A clone of `detector` fitted on the rows; a frozen one as it is."""
        check_scores_new_rows(self.detector)
        return clone(self.detector).fit(X, y, **self._fit_params(params))

    def _fit_params(self, params):
        """Those of the metadata that the detector's `fit` gets."""
        if params and get_config()["enable_metadata_routing"]:
            return process_routing(self, "fit", **params).detector.fit
        return params

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.detector)
        tags.input_tags = inner.input_tags
        tags.non_deterministic = inner.non_deterministic
        return tags
