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
    {parameters}
    imputer : transformer or None, default=None
        What predicts a cell from the others of its row: an imputer such as
        `sklearn.impute.KNNImputer`, which is fitted on the training rows that are not
        flagged. They are given to it in robust deviations from the median, so that
        features count alike. None takes the detector's own `reconstruct`, where it has
        one, and else the mean of the 10 nearest rows, of 2,000 at most.

    Attributes
    ----------
    imputer_ : transformer or None
        The fitted imputer; None if the detector's `reconstruct` takes its place.
    {attributes}

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

    def __init__(self, detector, *, max_cells=0.5, min_change=2.0, imputer=None):
        super().__init__(detector, max_cells=max_cells, min_change=min_change)
        self.imputer = imputer

    def _learn(self, rows, table):
        self._filler = CellFiller(self._inliers, rows, self.detector_, self.imputer)
        self.imputer_ = self._filler.imputer_

    def _new_values(self, values, table):
        return self._deviating_cells(self._filler, values, table)
