"""Calibration rows of a conformal detector."""

import numpy as np

from sklearn_deepod._stats import median_and_scale
from sklearn_deepod.utils._warnings import warn


class Calibration:
    """Scores of the calibration rows of one fitted detector.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        Scores of the calibration rows; higher is more normal.
    sample_weight : ndarray of shape (n_rows,)
        Weights of the calibration rows.
    ratios : ndarray of shape (n_rows,)
        Their likelihood ratios.

    Attributes
    ----------
    scores : ndarray of shape (n_rows,)
        The scores in increasing order.
    weights : ndarray of shape (n_rows,)
        The sample weights times the likelihood ratios, in the order of the scores.
    total_weight : float
        Sum of the sample weights alone.
    """

    def __init__(self, scores, sample_weight, ratios):
        order = np.argsort(scores, kind="stable")
        sample_weight = sample_weight[order]
        self.scores = scores[order]
        self.total_weight = float(sample_weight.sum())
        self.weights = sample_weight * ratios[order]
        self._cumulated = np.r_[0.0, np.cumsum(self.weights)]
        self._center, self._scale = median_and_scale(self.scores, sample_weight)

    @property
    def total(self):
        """Sum of the weights."""
        return self._cumulated[-1]

    def not_above(self, scores):
        """Sum the weights of the calibration rows that do not exceed each score."""
        return self._cumulated[np.searchsorted(self.scores, scores, side="right")]

    def standardized(self, scores):
        """Standardise scores robustly by those of the calibration rows."""
        with np.errstate(over="ignore"):
            return (scores - self._center) / (self._scale or 1.0)


def warn_of_few(calibrations, alpha, *, weighted):
    """Warn if no p-value can reach `alpha`.

    Parameters
    ----------
    calibrations : list of Calibration
        The calibration rows of each detector.
    alpha : float
        The false alarm rate.
    weighted : bool
        Whether the user gave sample weights.
    """
    total = sum(known.total_weight for known in calibrations)
    if alpha * (total + 1) >= 1:
        return
    number = f"{total:g} calibration rows"
    if weighted:
        n_rows = sum(len(known.scores) for known in calibrations)
        number = f"{n_rows} calibration rows of a total weight of {total:g}"
    warn(
        f"{number} are too few for alpha={alpha}: the smallest p-value is "
        f"1 / {total + 1:g}, so nothing will be flagged. Give more rows, or raise "
        "alpha."
    )


def likelihood_ratios(likelihood_ratio, X, n_samples):
    """Compute the likelihood ratios of rows; ones without a shift.

    Parameters
    ----------
    likelihood_ratio : callable or None
        The parameter of `ConformalDetector`.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows.
    n_samples : int
        Their number.

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If the function does not return one finite number, at least 0, for each row.
    """
    if likelihood_ratio is None:
        return np.ones(n_samples)
    ratios = np.asarray(likelihood_ratio(X), dtype=np.float64)
    valid = ratios.shape == (n_samples,) and np.isfinite(ratios).all()
    if not (valid and (ratios >= 0).all()):
        raise ValueError(
            "likelihood_ratio must return one finite number of at least 0 for each "
            f"row; for {n_samples} rows it returned {ratios!r}."
        )
    return ratios
