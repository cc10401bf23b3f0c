"""Shared parts of estimators that wrap outlier detectors."""

from dataclasses import fields

import numpy as np
from sklearn import get_config
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import indexable

from sklearn_deepod.utils._rollback import all_or_nothing
from sklearn_deepod.utils._shared_parameters import SharedParametersMixin
from sklearn_deepod.utils._sklearn_compat import (
    _check_method_params,
    _fit_context,
    _num_samples,
    _safe_indexing,
)
from sklearn_deepod.utils._weights import check_weights


def check_scores_new_rows(detector):
    """Raise unless a detector can score new rows.

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
    """Whether a value is an estimator that has scikit-learn's tags."""
    return not isinstance(value, type) and hasattr(value, "__sklearn_tags__")


def take_features(estimator, detector):
    """Copy the attributes that describe the features from a fitted detector.

    Parameters
    ----------
    estimator : estimator
        Its ``n_features_in_`` and ``feature_names_in_`` are set, or deleted where the
        detector has none.
    detector : estimator
        The fitted detector.
    """
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(detector, name):
            setattr(estimator, name, getattr(detector, name))
        elif hasattr(estimator, name):
            delattr(estimator, name)


def without_weightless_rows(X, y, params):
    """Drop rows of weight 0, for code that takes positive weights only.

    Parameters
    ----------
    X, y, params : {array-like, sparse matrix}, array-like or None, and dict
        Training rows, their labels, and further arguments of `fit`. Arguments that have
        one entry for each row are indexed along with the rows.

    Returns
    -------
    X, y, params
        The rows of positive weight, their labels, and their arguments, in which
        ``sample_weight`` is an array. Without weights, the inputs unchanged.

    Raises
    ------
    ValueError
        If weights are negative, all zero, or not as many as the rows.
    """
    if params.get("sample_weight") is None:
        return X, y, params
    X, y = indexable(X, y)
    weight = check_weights(params["sample_weight"], X)
    params = params | {"sample_weight": weight}
    if weight.all():
        return X, y, params
    kept = np.flatnonzero(weight)
    params = _check_method_params(X, params, kept)
    return _safe_indexing(X, kept), y if y is None else _safe_indexing(y, kept), params


class MetaEstimatorFitMixin(SharedParametersMixin, MetaEstimatorMixin):
    """Base of the estimators that wrap outlier detectors.

    Subclasses implement `_held_detectors` and `_fit`. Metadata passed to `fit` are
    routed to the detectors.

    Attributes
    ----------
    n_features_in_ : int
        Number of features, if the detector has this attribute.
    feature_names_in_ : ndarray of str
        Names of the features, if the training data have string column names.
    """

    #: Methods that pass metadata on to the `fit` of the detectors.
    _routed_from = ("fit", "fit_predict")

    def _held_detectors(self):
        """Get the unfitted detectors by name."""
        raise NotImplementedError

    def _fit(self, X, y, params):
        """Fit the detectors, and learn from their scores or labels."""
        raise NotImplementedError

    # The detectors validate their own parameters, so that errors name the detector.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        """Fit the detectors, and learn from their scores of the training rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows, in any format that the detectors accept.
        y : array-like of shape (n_samples,), default=None
            Labels, passed to the detectors and to rules that learn from them: 1 for
            inliers, -1 for outliers, 0 for unlabelled rows.
        **params : dict
            Metadata, such as ``sample_weight``, passed to the `fit` of the detectors;
            with metadata routing enabled, to those that request them.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError
            If a detector lacks a method that this estimator needs.
        ValueError
            If the rows, the labels or the weights are invalid. After any error the
            estimator is in the state that it was in before.
        """
        self._fit_or_restore(X, y, params)
        return self

    def _fit_or_restore(self, X, y, params):
        """Validate the arguments and call `_fit`; restore the old state on failure."""
        with all_or_nothing(self):
            n_samples = _num_samples(X)
            if y is not None and _num_samples(y) != n_samples:
                raise ValueError(
                    f"y has {_num_samples(y)} labels for {n_samples} rows of X. Give "
                    "one label for each row."
                )
            check_weights(params.get("sample_weight"), X)
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
        """Select the metadata that the `fit` of the named detector receives."""
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
            # A demand of one detector holds for all; an ability must be common to all.
            of_all = any if field.name == "positive_only" else all
            taken = of_all(getattr(t.input_tags, field.name) for t in inner)
            setattr(tags.input_tags, field.name, taken)
        tags.non_deterministic = any(t.non_deterministic for t in inner)
        return tags


class MetaDetectorMixin(MetaEstimatorFitMixin):
    """Base of the estimators that wrap one outlier detector, `detector`."""

    def _held_detectors(self):
        return {"detector": self.detector}

    def _fitted_detector(self, X, y=None, **params):
        """Fit a clone of `detector`; a frozen detector is returned as it is."""
        check_scores_new_rows(self.detector)
        params = self._routed("detector", params)
        return clone(self.detector).fit(X, y, **params)
