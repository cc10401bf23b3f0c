"""Replace outliers, or their deviating cells, by something plain."""

from numbers import Real

import numpy as np
from sklearn.utils import gen_batches

from sklearn_deepod.treatment._base import BaseOutlierTransformer
from sklearn_deepod.treatment._cells import CellFiller
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# Distances that are computed at once.
DISTANCES = 2**22


class OutlierReplacer(BaseOutlierTransformer):
    """Replace the rows that an outlier detector flags, or their deviating cells.

    Rows that are not flagged stay bit for bit as they are.

    Read more in the :ref:`User Guide <outlier-replacer>`.

    Parameters
    ----------
    {parameters}
    strategy : {"nan", "median", "clip", "nearest", "constant"}, default="nan"
        What takes the place of a cell. "nan" makes it missing, for an imputer that
        follows. "median" is the median of its feature. "clip" moves it to the nearer
        end of the `quantile_range`, if it lies outside. "nearest" is its value in the
        nearest row. "constant" is `fill_value`. All that is learned for this is learned
        from the training rows that are not flagged.
    level : {"cell", "row"}, default="cell"
        Whether only the deviating cells of a flagged row are replaced, those that
        `OutlierRepairer` would correct, or all its cells.
    fill_value : float or None, default=None
        The value for ``strategy="constant"``.
    quantile_range : tuple of (float, float), default=(0.0, 100.0)
        Percentiles that ``strategy="clip"`` clips to. The default is the whole range of
        the rows that are not flagged.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    OutlierRepairer : Corrects the deviating cells by predictions from the others.
    OutlierDropper : Leave the rows out.

    Notes
    -----
    For "nearest", distances are Euclidean, in robust deviations. Guilty cells and
    missing cells do not count, others are held in the range of the unflagged rows;
    there, missing values are medians.

    In columns of integers and booleans new values are rounded. They cannot hold what
    "nan" writes: such columns of arrays and of pandas then come back as float64,
    whether or not a row is flagged. The nullable types of pandas and all types of
    polars stay as they are.

    Missing cells do not deviate. With ``level="row"`` they are replaced as well, but
    for "clip", which leaves them missing. Sparse tables are not taken.

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
        """What would take the place of each cell of the rows."""
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
        """Rows without outliers that are nearest by the other cells."""
        counts = ~(deviating | np.isnan(values))
        rows = np.where(counts, self._inliers.standardize(values), 0.0)
        donors = self._inliers.standardize(self._donors)
        nearest = np.empty(len(rows), dtype=int)
        for part in gen_batches(len(rows), max(1, DISTANCES // len(donors))):
            # Squared distances, but for what is the same for all donors.
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
