"""Replace outliers or their deviating cells by simple values."""

from numbers import Real

import numpy as np
from sklearn.utils import gen_batches

from sklearn_deepod.treatment._base import BaseOutlierTransformer
from sklearn_deepod.treatment._cells import CellFiller
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# Number of distances that are computed at once, to limit memory.
DISTANCES = 2**22


class OutlierReplacer(BaseOutlierTransformer):
    """Replace the rows that an outlier detector flags, or their deviating cells.

    Rows that are not flagged stay unchanged, bit for bit.

    Read more in the :ref:`User Guide <outlier-replacer>`.

    Parameters
    ----------
    {parameters}
    strategy : {"nan", "median", "clip", "nearest", "constant"}, default="nan"
        How cells are replaced. "nan" makes them missing, for a subsequent imputer.
        "median" uses the median of the feature. "clip" moves values outside of
        `quantile_range` to its nearer end. "nearest" uses the values of the nearest
        row. "constant" uses `fill_value`. Medians, quantiles and nearest rows are those
        of the training rows that are not flagged.
    level : {"cell", "row"}, default="cell"
        Whether to replace only the deviating cells of a flagged row, which are those
        that `OutlierRepairer` would correct, or all cells of the row. `max_cells` and
        `min_change` have no effect with "row".
    fill_value : float or None, default=None
        The value for ``strategy="constant"``.
    quantile_range : tuple of (float, float), default=(0.0, 100.0)
        Percentiles for ``strategy="clip"``. The default is the range of the rows that
        are not flagged.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    OutlierRepairer : Corrects deviating cells by predictions from the other cells.
    OutlierDropper : Drops the rows.

    Notes
    -----
    For "nearest", distances are Euclidean, of features divided by their robust standard
    deviations. They exclude deviating and missing cells. The other cells are clipped to
    the range of the rows that are not flagged, in which medians replace missing values.

    New values in columns of integers and booleans are rounded. Since these types cannot
    represent missing values, "nan" converts such columns of arrays and of pandas to
    float64, whether or not a row is flagged. The nullable types of pandas and all types
    of polars are kept.

    Missing cells are never deviating. With ``level="row"`` they are replaced too,
    except with "clip". Sparse input is not supported.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import ModifiedZScore
    >>> from sklearn_deepod.treatment import OutlierReplacer
    >>> X = load_iris().data
    >>> X[7, 2] *= 10  # millimetres among centimetres
    >>> replacer = OutlierReplacer(ModifiedZScore(), strategy="nan")
    >>> replacer.fit_transform(X)[7]
    array([5. , 3.4, nan, 0.2])
    """

    _parameter_constraints: dict = {
        **BaseOutlierTransformer._parameter_constraints,
        "strategy": [StrOptions({"nan", "median", "clip", "nearest", "constant"})],
        "level": [StrOptions({"cell", "row"})],
        "fill_value": [Interval(Real, None, None, closed="neither"), None],
        "quantile_range": [tuple],
    }

    def __init__(
        self,
        detector,
        *,
        max_cells=0.5,
        min_change=2.0,
        strategy="nan",
        level="cell",
        fill_value=None,
        quantile_range=(0.0, 100.0),
    ):
        super().__init__(detector, max_cells=max_cells, min_change=min_change)
        self.strategy = strategy
        self.level = level
        self.fill_value = fill_value
        self.quantile_range = quantile_range

    @property
    def _makes_missing(self):
        return self._strategy == "nan"

    def _learn(self, rows, table):
        self._strategy = self.strategy
        if self._strategy == "constant":
            self._fill_value = self._checked_fill_value(table)
        elif self._strategy == "clip":
            self._bounds = np.nanpercentile(rows, self._checked_range(), axis=0)
        elif self._strategy == "nearest":
            self._donors = np.where(np.isnan(rows), self._inliers.median, rows)
        self._filler = None
        if self.level == "cell":
            self._filler = CellFiller(self._inliers, rows, self.detector_)

    def _new_values(self, values, table):
        changed = np.ones(values.shape, dtype=bool)
        deviating = np.zeros(values.shape, dtype=bool)
        if self._filler is not None:
            deviating, _ = self._deviating_cells(self._filler, values, table)
            changed = deviating
        new = self._replacements(values, deviating)
        return changed, np.where(changed, new, values)

    def _replacements(self, values, deviating):
        """Compute the replacement of each cell of the rows."""
        if self._strategy == "nan":
            return np.full(values.shape, np.nan)
        if self._strategy == "constant":
            return np.full(values.shape, self._fill_value)
        if self._strategy == "clip":
            return np.clip(values, *self._bounds)
        if self._strategy == "nearest":
            return self._nearest(values, deviating)
        return np.broadcast_to(self._inliers.median, values.shape)

    def _nearest(self, values, deviating):
        """Find the unflagged rows that are nearest by the cells that do not deviate."""
        counts = ~(deviating | np.isnan(values))
        rows = np.where(counts, self._inliers.standardize(values), 0.0)
        donors = self._inliers.standardize(self._donors)
        nearest = np.empty(len(rows), dtype=int)
        for part in gen_batches(len(rows), max(1, DISTANCES // len(donors))):
            # Squared distances without the terms that all donors share.
            distances = counts[part] @ (donors**2).T - 2.0 * rows[part] @ donors.T
            nearest[part] = distances.argmin(axis=1)
        return self._donors[nearest]

    def _checked_range(self):
        bounds = self.quantile_range
        if len(bounds) != 2 or not 0 <= bounds[0] <= bounds[1] <= 100:
            raise ValueError(
                f"quantile_range={bounds} is not a pair of percentiles in "
                "[0, 100] in increasing order."
            )
        return bounds

    def _checked_fill_value(self, table):
        if self.fill_value is None:
            raise ValueError("strategy='constant' needs a number as fill_value.")
        unable = self._names[~table.holds(self.fill_value)].tolist()
        if unable:
            raise ValueError(
                f"Column(s) {unable} of integers or booleans cannot hold fill_value="
                f"{self.fill_value}. Give another value, or cast them."
            )
        return float(self.fill_value)
