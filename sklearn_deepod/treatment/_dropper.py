"""Drop outliers from the training data."""

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import indexable

from sklearn_deepod.treatment._labels import is_outlier
from sklearn_deepod.utils._meta import MetaDetectorMixin, take_features
from sklearn_deepod.utils._sklearn_compat import METHODS, _num_samples, _safe_indexing


class OutlierDropper(MetaDetectorMixin, BaseEstimator):
    """Drop the training rows that an outlier detector flags.

    A pipeline of imbalanced-learn calls `fit_resample` when it is fitted, and skips
    this step when it predicts, so that each row gets a prediction. A pipeline of
    scikit-learn cannot change the number of rows; see Notes.

    Read more in the :ref:`User Guide <outlier-dropper>`.

    Parameters
    ----------
    detector : estimator
        Outlier detector with `fit` and `predict`, or with `fit_predict`, that follow
        scikit-learn's conventions. For ``LocalOutlierFactor``, ``novelty=False`` is the
        right choice, since it labels the rows that it was fitted on. A detector wrapped
        in `sklearn.frozen.FrozenEstimator` is not fitted again.

    Attributes
    ----------
    detector_ : estimator
        The fitted detector.
    kept_indices_ : ndarray of int of shape (n_kept,)
        Positions of the training rows that are kept, in increasing order.
    dropped_indices_ : ndarray of int of shape (n_dropped,)
        Positions of the training rows that are dropped.
    {attributes}

    See Also
    --------
    OutlierRepairer : Keeps the rows and corrects their deviating cells.
    OutlierReplacer : Keeps the rows and replaces cells.

    Notes
    -----
    Without imbalanced-learn, resample and fit in two steps, within each fold of a
    cross-validation::

        X_kept, y_kept = OutlierDropper(detector).fit_resample(X, y)
        model.fit(X_kept, y_kept)

    The weights of the kept rows are ``sample_weight[dropper.kept_indices_]``.

    Most detectors ignore the classes of the rows, and may flag those of a rare class.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import ModifiedZScore
    >>> from sklearn_deepod.treatment import OutlierDropper
    >>> X, y = load_iris(return_X_y=True)
    >>> X[7, 2] *= 10  # millimetres among centimetres
    >>> dropper = OutlierDropper(ModifiedZScore())
    >>> X_kept, y_kept = dropper.fit_resample(X, y)
    >>> dropper.dropped_indices_, X_kept.shape, y_kept.shape
    (array([7]), (149, 4), (149,))
    """

    _parameter_constraints: dict = {"detector": "no_validation"}  # see _fit

    def __init__(self, detector):
        self.detector = detector

    def _fit(self, X, y, params):
        detector = clone(self.detector)
        params = self._routed("detector", params)
        if hasattr(detector, "fit") and hasattr(detector, "predict"):
            labels = detector.fit(X, y, **params).predict(X)
        elif hasattr(detector, "fit_predict"):
            labels = detector.fit_predict(X, y, **params)
        else:
            raise TypeError(
                f"{detector!r} cannot label rows: an outlier detector with fit and "
                "predict, or with fit_predict, is needed."
            )
        flagged = is_outlier(detector, labels, _num_samples(X))
        if flagged.all():
            raise ValueError(
                f"The detector flags all rows (n_samples={len(flagged)}): there is "
                "nothing to train on. Change its threshold, for example by a lower "
                "contamination."
            )
        self.detector_ = detector
        self.kept_indices_ = np.flatnonzero(~flagged)
        self.dropped_indices_ = np.flatnonzero(flagged)
        take_features(self, detector)

    def fit_resample(self, X, y=None, **params):
        """Fit the detector, and return the rows that it does not flag.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, ...)
            Training rows, in any format that the detector accepts.
        y : array-like of shape (n_samples, ...), default=None
            Targets, in any format.
        **params : dict
            Metadata, as for `fit`.

        Returns
        -------
        X : {array-like, sparse matrix, data frame} of shape (n_kept, ...)
            The kept rows, in the format of the input.
        y : array-like of shape (n_kept, ...) or None
            Their targets, in the format of the input; None without targets.
        """
        indexable(X, y)
        kept = self.fit(X, y, **params).kept_indices_
        if sp.issparse(X):
            X_kept = X.tocsr()[kept].asformat(X.format)
        else:
            X_kept = _safe_indexing(X, kept)
        return X_kept, None if y is None else _safe_indexing(y, kept)

    @property
    def _routed_from(self):
        added = ("fit_resample",) if "fit_resample" in METHODS else ()
        return ("fit", *added)
