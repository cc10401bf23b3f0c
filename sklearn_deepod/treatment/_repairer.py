"""Correct the deviating cells of outliers."""

from sklearn_deepod.treatment._base import BaseOutlierTransformer
from sklearn_deepod.treatment._cells import CellFiller
from sklearn_deepod.utils._sklearn_compat import HasMethods


class OutlierRepairer(BaseOutlierTransformer):
    """Correct the deviating cells of the rows that an outlier detector flags.

    A cell is deviating if imputing it from the rest of its row lowers the anomaly score
    more than imputing any other cell. Deviating cells are replaced one after the other
    until the row is no longer flagged. All other cells, and all rows that are not
    flagged, stay unchanged, bit for bit.

    Read more in the :ref:`User Guide <outlier-repairer>`.

    Parameters
    ----------
    {parameters}
    imputer : transformer or None, default=None
        Imputer that predicts a cell from the other cells of its row, such as
        `sklearn.impute.KNNImputer`. It is fitted on the training rows that are not
        flagged, robustly standardised so that all features have the same scale. None
        uses the `reconstruct` method of the detector or, without such a method, the
        mean of the 10 nearest rows among at most 2,000.

    Attributes
    ----------
    imputer_ : transformer or None
        The fitted imputer; None if `reconstruct` of the detector is used.
    {attributes}

    See Also
    --------
    OutlierReplacer : Replaces the same cells, or whole rows, by simple values.
    OutlierDropper : Drops the rows.

    Notes
    -----
    The method follows the detection of deviating cells [1]_, but works with any
    detector. For each flagged row, each cell that is not yet deviating gives a trial
    row, in which this cell and the deviating cells are predicted from the others. The
    trial with the highest score is kept. Of equal scores, which detectors give that
    score all distant rows alike, it is the one that changes its cell most. For
    predictions, the other cells are clipped to the range of the training rows that are
    not flagged, and so are the predictions. The first round predicts and scores
    ``n_flagged * n_features`` rows, later rounds fewer.

    Missing cells are never deviating and stay missing. New values in columns of
    integers and booleans are rounded. Sparse input is not supported.

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
