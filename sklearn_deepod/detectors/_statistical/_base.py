"""What the detectors by z-scores share."""

from abc import abstractmethod

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod._determinism import TrainingRows, chunks, dense_rows
from sklearn_deepod._stats import kimber_threshold, rounding
from sklearn_deepod.base import BaseDetector
from sklearn_deepod.utils._sklearn_compat import StrOptions

# Where z-scores turn logarithmic: their squares stay finite, in float32 as well.
_KNEE = 1e15
# Scale of a feature that is always 0, below what tables hold.
_FINEST = 1e-26


class BaseZScore(BaseDetector):
    """Base of the detectors that measure each feature on its own.

    Subclasses give `_center_and_scale` and `_textbook_threshold`.

    Parameters
    ----------
    combine : {"max", "mean", "euclidean"}, default="max"
        How the sizes of a row's z-scores make up its anomaly score: the largest of
        them, their mean, or the root of the mean of their squares (the Euclidean
        distance to the center, over the root of the number of features). Missing cells
        are left out; a row without values scores 0.
    contamination : {"fence", "auto"} or float, default="fence"
        The threshold. "fence" takes Kimber's boxplot fence for skewed data on the
        training scores (`sklearn_deepod.threshold.IQRThreshold`). "auto" is the
        threshold of the textbooks: rows that score above 3 (`ZScore`) or 3.5
        (`ModifiedZScore`), which is meant for one or few features. A float in (0, 0.5]
        marks that share of the training rows.

    Attributes
    ----------
    offset_ : float
        ``decision_function`` is ``score_samples`` minus this.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, where the training rows had some.
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

    #: The score beyond which a row is an outlier, if `contamination` is "auto".
    _textbook_threshold: float

    @abstractmethod
    def _center_and_scale(self, values, sample_weight):
        """Center and scale of each column; missing cells are NaN."""

    def z_scores(self, X):
        """Measure each cell: how many scales it lies above the center.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to measure.

        Returns
        -------
        ndarray of the shape of `X`
            Z-scores, negative below the center, logarithmic beyond 1e15; NaN where
            the cell is missing.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        z = np.empty(X.shape)
        for part in self._parts(X):
            z[part] = self._measured(X, part).reshape(z[part].shape)
        return z

    def _fit(self, X, sample_weight):
        rows = TrainingRows(X, sample_weight)
        blocks = [
            self._center_and_scale(_quarters(values), rows.weight)
            for _, values in rows.column_blocks(np.arange(np.prod(rows.shape)))
        ]
        # Of quarters. A scale cannot tell more than floats do.
        center, scale = np.concatenate(blocks, axis=1)
        always_zero = (center == 0) & (scale == 0)
        finest = np.where(always_zero, 0.25 * _FINEST, rounding(center))
        scale = np.clip(scale, finest, np.finfo(np.float64).max / 4.0)
        self.center_ = 4.0 * center.reshape(rows.shape)
        self.scale_ = 4.0 * scale.reshape(rows.shape)
        self._combine = self.combine
        self._set_offset(self._anomaly_scores(X)[rows.positions], rows.weight)

    def _find_constants(self, X, sample_weight, *, goes_on):
        # Z-scores tell by themselves how far a constant feature has gone.
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
            scores[part] = _combined(np.abs(self._measured(X, part)), self._combine)
        return scores

    def _parts(self, X):
        return chunks(X.shape[0], self.center_.size)

    def _measured(self, X, part):
        """Z-scores of some rows, flat."""
        z = _quarters(dense_rows(X, part)).reshape(-1, self.center_.size)
        z -= 0.25 * self.center_.ravel()
        with np.errstate(over="ignore"):
            z /= 0.25 * self.scale_.ravel()
        far = np.abs(z) > _KNEE
        beyond = np.log(np.minimum(np.abs(z[far]), np.finfo(np.float64).max) / _KNEE)
        z[far] = np.copysign(_KNEE * (1.0 + beyond), z[far])
        return z


def _quarters(values):
    """A quarter of all values: no difference leaves the range of floats."""
    values *= 0.25
    return values


def _combined(sizes, combine):
    """One score for each row of sizes; NaN cells are left out."""
    missing = np.isnan(sizes)
    sizes[missing] = 0.0
    if combine == "max":
        return sizes.max(axis=1)
    n_present = np.maximum(1, sizes.shape[1] - np.count_nonzero(missing, axis=1))
    if combine == "mean":
        return sizes.sum(axis=1) / n_present
    return np.sqrt(np.square(sizes).sum(axis=1) / n_present)
