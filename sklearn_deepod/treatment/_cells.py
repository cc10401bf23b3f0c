"""Find the cells that make a row an outlier, for any detector."""

import numpy as np
from sklearn.base import clone
from sklearn.impute import KNNImputer
from sklearn.utils import gen_batches, get_tags

from sklearn_deepod._stats import median_and_scale, rounding

# Largest number of rows among which the default imputer searches for neighbours.
REFERENCE_ROWS = 2000
# Number of reconstructions by a detector that does not accept missing values: hidden
# cells are medians at first, and then the previous reconstruction.
RECONSTRUCTIONS = 5
# Number of cells in trial rows that are scored at once, to limit memory.
TRIAL_CELLS = 2**22
# Smallest scale of a feature.
SMALLEST = 1e-300
# Relative difference up to which scores are equal.
TIE = 1e-9


class Inliers:
    """Training rows that the detector does not flag.

    Parameters
    ----------
    rows : ndarray of shape (n_inliers, n_features)
        The rows; missing cells are NaN, but no column is all missing.

    Attributes
    ----------
    median, scale, low, high : ndarray of shape (n_features,)
        Median, robust standard deviation, minimum and maximum of each feature.
    """

    def __init__(self, rows):
        self.median, scale = median_and_scale(rows)
        # In a constant feature, every other value is far from the median.
        self.scale = np.maximum(scale, np.maximum(rounding(self.median), SMALLEST))
        self.low, self.high = np.nanmin(rows, axis=0), np.nanmax(rows, axis=0)

    def standardize(self, values):
        """Clip values to the range of the inliers and standardise them robustly."""
        return (np.clip(values, self.low, self.high) - self.median) / self.scale

    def restore(self, standardized):
        """Invert `standardize`, and clip the values to the range of the inliers."""
        values = standardized * self.scale + self.median
        return np.clip(values, self.low, self.high)


class CellFiller:
    """Predicts cells from the other cells of their row.

    Parameters
    ----------
    inliers : Inliers
        Statistics of the inliers.
    rows : ndarray of shape (n_inliers, n_features)
        The inliers, on which an imputer is fitted.
    detector : estimator
        The fitted detector. If it has `reconstruct` and `imputer` is None, it predicts.
    imputer : transformer or None
        The imputer that predicts otherwise; None uses the nearest neighbours.

    Attributes
    ----------
    imputer_ : transformer or None
        The fitted imputer; None if the detector predicts.
    """

    def __init__(self, inliers, rows, detector, imputer=None):
        self.inliers = inliers
        self.imputer_ = None
        if imputer is None and hasattr(detector, "reconstruct"):
            return
        if imputer is None:
            imputer = KNNImputer(n_neighbors=10)
            chosen = np.linspace(0, len(rows) - 1, min(len(rows), REFERENCE_ROWS))
            rows = rows[chosen.astype(int)]
        self.imputer_ = clone(imputer).fit(inliers.standardize(rows))

    def fill(self, values, hidden, detector, like):
        """Predict the hidden cells.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_features)
            The rows.
        hidden : ndarray of bool of the same shape
            Cells to predict. The others are clipped to the range of the inliers.
        detector : estimator
            The fitted detector.
        like : callable
            Converts an array to the input format of the detector.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            The rows, with predictions within the range of the inliers in hidden cells.
        """
        inliers = self.inliers
        if self.imputer_ is not None:
            shown = np.where(hidden, np.nan, inliers.standardize(values))
            filled = np.asarray(self.imputer_.transform(shown), dtype=np.float64)
            if filled.shape != values.shape or np.isnan(filled[hidden]).any():
                raise ValueError(
                    f"{self.imputer_!r} does not impute each missing cell. Use an "
                    "imputer that keeps all columns and adds none, such as KNNImputer."
                )
            return np.where(hidden, inliers.restore(filled), values)
        shown = np.clip(values, inliers.low, inliers.high)
        takes_missing = get_tags(detector).input_tags.allow_nan
        filled = np.where(hidden, np.nan if takes_missing else inliers.median, shown)
        for _ in range(1 if takes_missing else RECONSTRUCTIONS):
            rebuilt = np.asarray(detector.reconstruct(like(filled)), dtype=np.float64)
            filled = np.where(hidden, rebuilt, shown)
        filled = np.clip(filled, inliers.low, inliers.high)
        return np.where(hidden, filled, values)


def deviating_cells(values, fill, score, is_outlier, scale, *, max_cells, min_change):
    """Find the cells that make rows outliers, one after the other.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
        Outliers. Missing cells (NaN) are never deviating.
    fill : callable
        ``fill(values, hidden)`` predicts hidden cells.
    score : callable
        Scores rows; higher is more normal.
    is_outlier : callable
        Labels rows; True for outliers.
    scale : ndarray of shape (n_features,)
        Unit of the distance between a cell and its prediction. Of trials with equal
        scores, the one with the largest distance is kept.
    max_cells : int
        Largest number of deviating cells in a row.
    min_change : float
        Smallest distance between a deviating cell and its prediction.

    Returns
    -------
    deviating : ndarray of bool of shape (n_rows, n_features)
        The deviating cells.
    repaired : ndarray of shape (n_rows, n_features)
        The rows, with predictions in the deviating cells.
    """
    size = max(1, TRIAL_CELLS // values.shape[1] ** 2)
    parts = [
        _deviating_cells(
            values[part], fill, score, is_outlier, scale, max_cells, min_change
        )
        for part in gen_batches(len(values), size)
    ]
    deviating, repaired = zip(*parts, strict=True)
    return np.concatenate(deviating), np.concatenate(repaired)


def _deviating_cells(values, fill, score, is_outlier, scale, max_cells, min_change):
    deviating = np.zeros(values.shape, dtype=bool)
    repaired = values.copy()
    levels = score(values)
    active = np.arange(len(values))
    for _ in range(max_cells):
        candidates = ~(deviating | np.isnan(values))
        active = active[candidates[active].any(axis=1)]
        if not len(active):
            break
        # One trial per candidate, in which it and the deviating cells are predicted.
        i, j = np.nonzero(candidates[active])
        originals, hidden = values[active[i]], deviating[active[i]]
        cells = np.arange(len(i)), j
        hidden[cells] = True
        trials = fill(originals, hidden)
        with np.errstate(over="ignore"):
            distance = np.abs(trials - originals)[cells] / scale[j]
        far = distance >= min_change
        if not far.any():
            break
        i, j, trials, distance = i[far], j[far], trials[far], distance[far]
        shape = len(active), values.shape[1]
        scores, distances = np.full(shape, -np.inf), np.full(shape, -1.0)
        scores[i, j], distances[i, j] = score(trials), distance
        number = np.zeros(shape, dtype=int)
        number[i, j] = np.arange(len(i))
        best = scores.max(axis=1)
        with np.errstate(over="ignore"):
            margin = TIE * np.maximum(1.0, np.abs(levels[active]))
            distances[scores < (best - margin)[:, None]] = -1.0
            # Equal scores are accepted: a detector may score all distant rows alike.
            better = np.flatnonzero(best >= levels[active] - margin)
        if not len(better):
            break
        column = distances[better].argmax(axis=1)
        active, chosen = active[better], trials[number[better, column]]
        deviating[active, column] = True
        repaired[active] = chosen
        levels[active] = best[better]
        active = active[is_outlier(chosen)]
    return deviating, repaired
