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
    detector : estimator
        Outlier detector with `fit`, `score_samples` and `predict` as scikit-learn means
        them. ``LocalOutlierFactor`` needs ``novelty=True``. Wrapped in
        `sklearn.frozen.FrozenEstimator` it is not fitted again. Its threshold decides
        which rows are concerned.
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
    max_cells : float or int, default=0.5
        Guilty cells in a row, at most; a float is a share of the features. Only used
        with ``level="cell"``.
    min_change : float, default=2.0
        Least distance from a deviating cell to what the others let expect, in robust
        deviations of its feature. Only used with ``level="cell"``.

    Attributes
    ----------
    detector_ : estimator
        The fitted detector.
    repair_report_ : dict of ndarray
        The cells of the training rows that were changed, in equal lengths: "row" holds
        their positions, "feature" the names of their columns (or positions, if there
        are no names), "old" and "new" their values. `pandas.DataFrame` takes it.
        `repair_report` gives the same for other rows.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, where the training rows had some.

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
        strategy="nan",
        level="cell",
        fill_value=None,
        quantile_range=(0.0, 100.0),
        max_cells=0.5,
        min_change=2.0,
    ):
        super().__init__(detector, max_cells=max_cells, min_change=min_change)
        self.strategy = strategy
        self.level = level
        self.fill_value = fill_value
        self.quantile_range = quantile_range

    @property
    def _makes_missing(self):
        return self.strategy == "nan"

    def _learn(self, rows, table):
        if self.strategy == "constant":
            self._check_fill_value(table)
        elif self.strategy == "clip":
            self._bounds = np.nanpercentile(rows, self._checked_range(), axis=0)
        elif self.strategy == "nearest":
            self._donors = np.where(np.isnan(rows), self._inliers.median, rows)
        if self.level == "cell":
            self._filler = CellFiller(self._inliers, rows, self.detector_)

    def _new_values(self, values, table):
        changed = np.ones(values.shape, dtype=bool)
        deviating = np.zeros(values.shape, dtype=bool)
        if self.level == "cell":
            deviating, _ = self._deviating_cells(self._filler, values, table)
            changed = deviating
        if self.strategy == "clip":
            new = np.clip(values, *self._bounds)
        elif self.strategy == "nearest":
            new = self._nearest(values, deviating)
        else:
            plain = {"nan": np.nan, "constant": self.fill_value}
            plain = plain.get(self.strategy, self._inliers.median)
            new = np.broadcast_to(plain, values.shape)
        return changed, np.where(changed, new, values)

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

    def _check_fill_value(self, table):
        if self.fill_value is None:
            raise ValueError("strategy='constant' needs a number as fill_value.")
        unable = self._names[~table.holds(self.fill_value)].tolist()
        if unable:
            raise ValueError(
                f"Column(s) {unable} of integers or booleans cannot hold fill_value="
                f"{self.fill_value}. Give another value, or cast them."
            )
