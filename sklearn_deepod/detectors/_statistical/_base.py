"""Base of the detectors that use z-scores."""

from abc import abstractmethod

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod._determinism import TrainingRows, chunks, dense_rows
from sklearn_deepod._stats import kimber_threshold, rounding
from sklearn_deepod.base import BaseDetector
from sklearn_deepod.utils._sklearn_compat import StrOptions

# Z-scores beyond this grow logarithmically: their squares stay finite, in float32 too.
_LINEAR_TO = 1e15
# Scale of a feature that is always 0, smaller than the values in any table.
_FINEST = 1e-26


class BaseZScore(BaseDetector):
    """Base of the detectors that score each feature separately.

    Subclasses implement `_center_and_scale` and set `_textbook_threshold`.

    Parameters
    ----------
    combine : {"max", "mean", "euclidean"}, default="max"
        How the absolute z-scores of a row are combined into its anomaly score: their
        maximum, their mean, or the root of the mean of their squares (the Euclidean
        distance from the center, over the root of the number of features). Missing
        cells are left out; a row without values scores 0.
    contamination : {"fence", "auto"} or float, default="fence"
        How the threshold is set. "fence" is Kimber's boxplot fence for skewed data on
        the training scores (`sklearn_deepod.threshold.IQRThreshold`). "auto" is the
        textbook threshold, 3 for `ZScore` and 3.5 for `ModifiedZScore`, which is meant
        for one or few features. A float in (0, 0.5] flags that share of the training
        rows.

    Attributes
    ----------
    center_ : ndarray of shape (n_features,)
        Center of each feature; in images and sequences, of each cell.
    scale_ : ndarray of shape (n_features,)
        Scale of each feature, at least four times the distance between neighbouring
        floats at the center (1e-26 for a feature that is always 0). The value of a
        constant feature thus scores 0, the same value with rounding errors close to 0,
        and any other value far above any threshold.
    offset_ : float
        ``decision_function`` is ``score_samples`` minus this.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, if the training rows had any.
    """

    _parameter_constraints: dict = {
        "contamination": [
            StrOptions({"fence"}),
            *BaseDetector._parameter_constraints["contamination"],
        ],
        "combine": [StrOptions({"max", "mean", "euclidean"})],
    }

    def __init__(self, *, combine="max", contamination="fence"):
        super().__init__(contamination=contamination)
        self.combine = combine

    #: Threshold of the anomaly scores if ``contamination="auto"``.
    _textbook_threshold: float

    @abstractmethod
    def _center_and_scale(self, values, sample_weight):
        """Compute center and scale of each column; missing cells are NaN."""

    def z_scores(self, X):
        """Compute the z-score of each cell.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows whose cells are scored.

        Returns
        -------
        ndarray of the shape of `X`
            Distances from the center in units of the scale, negative below the center;
            they grow logarithmically beyond 1e15. NaN where the cell is missing.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        z = np.empty(X.shape)
        for part in self._parts(X):
            z[part] = self._z_scores(X, part).reshape(z[part].shape)
        return z

    def _fit(self, X, sample_weight):
        rows = TrainingRows(X, sample_weight)
        blocks = [
            self._center_and_scale(_quarters(values), rows.weight)
            for _, values in rows.column_blocks(np.arange(np.prod(rows.shape)))
        ]
        # Of quarters of the values. No scale is finer than the resolution of floats.
        center, scale = np.concatenate(blocks, axis=1)
        always_zero = (center == 0) & (scale == 0)
        finest = np.where(always_zero, 0.25 * _FINEST, rounding(center))
        scale = np.clip(scale, finest, np.finfo(np.float64).max / 4.0)
        self.center_ = 4.0 * center.reshape(rows.shape)
        self.scale_ = 4.0 * scale.reshape(rows.shape)
        self._combine = self.combine
        self._set_offset(self._anomaly_scores(X)[rows.positions], rows.weight)

    def _find_constants(self, X, sample_weight, *, goes_on):
        # Z-scores measure by themselves how far a constant feature has moved.
        self._constants = None

    def _set_offset(self, anomaly_scores, sample_weight):
        if self.contamination == "auto":
            self.offset_ = -self._textbook_threshold
        elif self.contamination == "fence":
            self.offset_ = -kimber_threshold(anomaly_scores, sample_weight)
        else:
            super()._set_offset(anomaly_scores, sample_weight)

    def _anomaly_scores(self, X):
        scores = np.empty(X.shape[0])
        for part in self._parts(X):
            scores[part] = _combined(np.abs(self._z_scores(X, part)), self._combine)
        return scores

    def _parts(self, X):
        return chunks(X.shape[0], self.center_.size)

    def _z_scores(self, X, part):
        """Z-scores of some rows, flattened."""
        z = _quarters(dense_rows(X, part)).reshape(-1, self.center_.size)
        z -= 0.25 * self.center_.ravel()
        with np.errstate(over="ignore"):
            z /= 0.25 * self.scale_.ravel()
        far = np.abs(z) > _LINEAR_TO
        size = np.minimum(np.abs(z[far]), np.finfo(np.float64).max)
        size = _LINEAR_TO * (1.0 + np.log(size / _LINEAR_TO))
        z[far] = np.copysign(size, z[far])
        return z


def _quarters(values):
    """Divide the values by 4 in place, so that no difference overflows."""
    values *= 0.25
    return values


def _combined(sizes, combine):
    """Combine the sizes of each row into one score; NaN cells are left out."""
    missing = np.isnan(sizes)
    sizes[missing] = 0.0
    if combine == "max":
        return sizes.max(axis=1)
    n_present = np.maximum(1, sizes.shape[1] - np.count_nonzero(missing, axis=1))
    if combine == "mean":
        return sizes.sum(axis=1) / n_present
    return np.sqrt(np.square(sizes).sum(axis=1) / n_present)
