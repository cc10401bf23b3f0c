"""Labels of a few rows."""

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sklearn_deepod.utils._warnings import warn

_CODING = "y must hold 1 for known inliers, -1 for known outliers and 0 for the others"


class SemiSupervisedMixin:
    """For detectors that learn from a few labelled rows among many."""

    #: Share of the draws that known outliers get at least: without it most batches
    #: would hold none of a few.
    _outlier_share = 0.1

    def _reads_labels(self):
        """Whether `y` is looked at."""
        return True

    def fit(self, X, y=None, sample_weight=None):
        """Fit the detector.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows. Missing values (NaN) are accepted.
        y : array-like of shape (n_samples,), default=None
            1 for known inliers, -1 for known outliers, 0 for unlabelled rows. None
            means that no row is labelled.
        sample_weight : array-like of shape (n_samples,), default=None
            A row of weight 2 counts as two rows, one of weight 0 as none.

        Returns
        -------
        self : object
            The fitted detector.
        """
        return super().fit(X, y, sample_weight)

    def partial_fit(self, X, y=None, sample_weight=None):
        """Train for one more epoch on these rows; see `BaseDeepDetector`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,), default=None
            Labels as in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self : object
            The detector.
        """
        return super().partial_fit(X, y, sample_weight)

    def _labels(self, X, y):
        if y is None or not self._reads_labels():
            return np.zeros(X.shape[0], dtype=np.int64)
        return check_labels(X, y)

    def _sampling_weights(self, rows):
        outlier = rows.labels == -1
        known = rows.weight[outlier].sum()
        others = rows.total_weight - known
        if not 0 < known < self._outlier_share * rows.total_weight:
            return rows
        factor = others / known * self._outlier_share / (1 - self._outlier_share)
        weight = np.where(outlier, factor * rows.weight, rows.weight)
        return rows.subset(np.arange(len(rows)), weight)


def check_labels(X, y):
    """Labels as an array of -1, 0 and 1, or a ValueError that says how to recode.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        The rows.
    y : array-like of shape (n_samples,)
        Their labels.

    Returns
    -------
    ndarray of int of shape (n_samples,)
    """
    y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    if y.dtype.kind == "b":
        raise ValueError(
            f"{_CODING}, got booleans. Where True marks an outlier, give "
            "np.where(y, -1, 0); -1 and 1 if the others are known inliers."
        )
    if y.dtype.kind not in "iuf":
        raise ValueError(
            f"{_CODING}, got values like {y[0]!r}. Recode them, for example with "
            "np.where(y == 'outlier', -1, 0)."
        )
    if np.isnan(y).any():
        raise ValueError(
            f"{_CODING}; some are NaN. If these are unlabelled, give np.nan_to_num(y)."
        )
    found = np.unique(y)
    if not np.isin(found, [-1, 0, 1]).all():
        raise ValueError(
            f"{_CODING}, got {found[:5].tolist()}. Recode them: for classes of which "
            "`bad` are outliers, give np.where(np.isin(y, bad), -1, 0)."
        )
    if found.tolist() == [0, 1]:
        warn(
            "y holds 0 and 1 but no -1, so no row is a known outlier: 1 means a known "
            "inlier here. Where 1 stands for outliers, give np.where(y == 1, -1, 1), "
            "or np.where(y == 1, -1, 0) if the others are not known to be inliers.",
            UserWarning,
        )
    return y.astype(np.int64)
