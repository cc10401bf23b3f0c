"""Which cells make a row an outlier, for any detector."""

import numpy as np
from sklearn.base import clone
from sklearn.impute import KNNImputer
from sklearn.utils import gen_batches, get_tags

from sklearn_deepod._stats import median_and_scale, rounding

# Rows among which the default imputer looks for neighbours; its cost grows with them.
REFERENCE_ROWS = 2000
# A detector that reads no missing values is shown medians instead, and then its own
# reconstruction, this many times.
RECONSTRUCTIONS = 5
# Numbers in the trial rows that are scored at once.
TRIAL_CELLS = 2**22
# Smallest scale of a feature.
SMALLEST = 1e-300
# Scores closer than this are equal.
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
        Median, robust deviation, least and greatest value of each feature.
    """

    def __init__(self, rows):
        self.median, scale = median_and_scale(rows)
        # Of a constant feature, any other value is far off.
        self.scale = np.maximum(scale, np.maximum(rounding(self.median), SMALLEST))
        self.low, self.high = np.nanmin(rows, axis=0), np.nanmax(rows, axis=0)

    def standardize(self, values):
        """Values in the range of the inliers, in robust deviations from the median."""
        return (np.clip(values, self.low, self.high) - self.median) / self.scale

    def restore(self, standardized):
        """Undo `standardize`, but for the range, which is kept to again."""
        values = standardized * self.scale + self.median
        return np.clip(values, self.low, self.high)


class CellFiller:
    """Predicts cells from the other cells of their row.

    Parameters
    ----------
    inliers : Inliers
        Statistics of the rows.
    rows : ndarray of shape (n_inliers, n_features)
        The rows that an imputer is fitted on.
    detector : estimator
        The fitted detector; with `reconstruct` it predicts, if `imputer` is None.
    imputer : transformer or None
        What predicts otherwise; None takes the nearest neighbours.

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
            Cells to predict. The others are read in the range of the inliers.
        detector : estimator
            The fitted detector.
        like : callable
            Makes what the detector takes of an array.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            The rows, with predictions in the range of the inliers in the hidden cells.
        """
        inliers = self.inliers
        if self.imputer_ is not None:
            shown = np.where(hidden, np.nan, inliers.standardize(values))
            filled = np.asarray(self.imputer_.transform(shown), dtype=np.float64)
            if filled.shape != values.shape or np.isnan(filled[hidden]).any():
                raise ValueError(
                    f"{self.imputer_!r} does not fill in a value for each missing "
                    "cell. Give an imputer that keeps all columns and adds none, such "
                    "as KNNImputer."
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
        Rows that are outliers. Missing cells (NaN) are never deviating.
    fill : callable
        ``fill(values, hidden)`` predicts hidden cells.
    score : callable
        Scores rows; higher is more normal.
    is_outlier : callable
        Flags rows.
    scale : ndarray of shape (n_features,)
        Unit of the distance from a cell to its prediction, which decides if several
        replacements give the same score.
    max_cells : int
        Guilty cells in a row, at most.
    min_change : float
        Least distance from a deviating cell to its prediction.

    Returns
    -------
    deviating : ndarray of bool of shape (n_rows, n_features)
        The cells.
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
        # One trial for each candidate: its row, with it and the deviating cells filled.
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
            # A detector may score all that is far off alike: then go on, not downhill.
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
