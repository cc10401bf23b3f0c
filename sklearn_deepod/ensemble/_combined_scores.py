"""Calibrate and combine the scores of several detectors."""

import numpy as np

from sklearn_deepod._stats import asinh_z_score, negative_log_tail_probability

# Exceeds every calibrated score, which grows like the logarithm of a float64 number.
_HIGHEST = 1000.0
CALIBRATIONS = {"tail": negative_log_tail_probability, "robust": asinh_z_score}


class CombinedScores:
    """Calibrate scores by training scores, and combine those of each row.

    Parameters
    ----------
    training_scores : ndarray of shape (n_detectors, n_samples)
        Scores of the training rows; higher is more normal.
    weights : ndarray of shape (n_detectors,)
        Weights of the detectors.
    sample_weight : ndarray of shape (n_samples,) or None
        Positive weights of the training rows.
    calibration : {"tail", "robust"}
        How scores are calibrated; see `DetectorEnsemble`.
    n_largest : int or None
        Number of the largest calibrated scores of a row to average; None takes all.
    """

    def __init__(
        self, training_scores, weights, sample_weight, *, calibration, n_largest
    ):
        self._training_scores = training_scores
        self._weights = weights
        self._sample_weight = sample_weight
        self._calibrate = CALIBRATIONS[calibration]
        self._n_largest = n_largest

    def __call__(self, scores):
        """Combine scores (n_detectors, n_rows) into one anomaly score per row."""
        pairs = zip(scores, self._training_scores, strict=True)
        calibrated = np.array([self._calibrated(*pair) for pair in pairs])
        calibrated *= self._weights[:, None]
        if self._n_largest is None:
            return calibrated.mean(axis=0)
        return np.sort(calibrated, axis=0)[-self._n_largest :].mean(axis=0)

    def _calibrated(self, scores, training_scores):
        with np.errstate(over="ignore", invalid="ignore"):
            found = self._calibrate(-scores, -training_scores, self._sample_weight)
        return np.nan_to_num(found, nan=_HIGHEST, posinf=_HIGHEST, neginf=-_HIGHEST)
