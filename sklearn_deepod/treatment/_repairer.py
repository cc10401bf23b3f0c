"""Correct the deviating cells of outliers."""

from sklearn_deepod.treatment._base import BaseOutlierTransformer
from sklearn_deepod.treatment._cells import CellFiller
from sklearn_deepod.utils._sklearn_compat import HasMethods


class OutlierRepairer(BaseOutlierTransformer):
    """Correct the deviating cells of the rows that an outlier detector flags.

    A cell is deviating if imputing it from the rest of its row lowers the anomaly score
    more than imputing any other cell. Deviating cells are replaced one after the other
    until the row is no longer flagged. All other cells, and all rows that are not
    flagged, stay bit for bit as they are.

    Read more in the :ref:`User Guide <outlier-repairer>`.

    Parameters
    ----------
    detector : estimator
        Outlier detector with `fit`, `score_samples` and `predict` as scikit-learn means
        them. ``LocalOutlierFactor`` needs ``novelty=True``. Wrapped in
        `sklearn.frozen.FrozenEstimator` it is not fitted again. Its threshold decides
        which rows are repaired.
    imputer : transformer or None, default=None
        What predicts a cell from the others of its row: an imputer such as
        `sklearn.impute.KNNImputer`, which is fitted on the training rows that are not
        flagged. They are given to it in robust deviations from the median, so that
        features count alike. None takes the detector's own `reconstruct`, where it has
        one, and else the mean of the 10 nearest rows, of 2,000 at most.
    max_cells : float or int, default=0.5
        Guilty cells in a row, at most; a float is a share of the features. A row that
        is still flagged then is left with these cells replaced.
    min_change : float, default=2.0
        Least distance from a deviating cell to its prediction, in robust deviations of
        its feature. A flagged row without such a cell stays as it is: an unusual row is
        not always a wrong one.

    Attributes
    ----------
    detector_ : estimator
        The fitted detector.
    imputer_ : transformer or None
        The fitted imputer; None if the detector's `reconstruct` takes its place.
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
    OutlierReplacer : The same cells, or whole rows, replaced by something simpler.
    OutlierDropper : Leave the rows out.

    Notes
    -----
    In the manner of detecting deviating cells [1]_, but for any detector: for each
    flagged row there is one trial row for each cell that is not yet deviating, in which
    this cell and the deviating ones are predicted from the others. The trial with the
    highest score is taken; of equal scores, as detectors give that call everything far
    off the same, the one that moves its cell farthest. Cells out of the range of the
    unflagged training rows are read as its ends when others are predicted from them,
    and predictions are held in that range. The first round predicts and scores
    ``n_flagged * n_features`` rows, the next ones fewer.

    Missing cells do not deviate and stay missing. In columns of integers and
    booleans the new values are rounded. Sparse tables are not taken.

    References
    ----------
    .. [1] P. J. Rousseeuw, W. Van den Bossche (2018). Detecting deviating data cells.
       Technometrics 60(2), 135-145.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import ModifiedZScore
    >>> from sklearn_deepod.treatment import OutlierRepairer
    >>> X = load_iris().data
    >>> X[7, 2] *= 10  # millimetres among centimetres
    >>> repairer = OutlierRepairer(ModifiedZScore()).fit(X)
    >>> report = repairer.repair_report_
    >>> report["row"], report["feature"], report["old"], report["new"].round(2)
    (array([7]), array([2]), array([15.]), array([1.5]))
    """

    _parameter_constraints: dict = {
        **BaseOutlierTransformer._parameter_constraints,
        "imputer": [HasMethods(["fit", "transform"]), None],
    }

    def __init__(self, detector, *, imputer=None, max_cells=0.5, min_change=2.0):
        super().__init__(detector, max_cells=max_cells, min_change=min_change)
        self.imputer = imputer

    def _learn(self, rows, table):
        self._filler = CellFiller(self._inliers, rows, self.detector_, self.imputer)
        self.imputer_ = self._filler.imputer_

    def _new_values(self, values, table):
        return self._deviating_cells(self._filler, values, table)
