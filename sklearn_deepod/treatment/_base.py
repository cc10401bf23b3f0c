"""What the treatments share."""

from abc import ABCMeta, abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_deepod.treatment._cells import Inliers, deviating_cells
from sklearn_deepod.treatment._labels import outliers
from sklearn_deepod.treatment._table import Table
from sklearn_deepod.utils._meta import MetaDetectorMixin, check_scores_new_rows
from sklearn_deepod.utils._scores import scores_of
from sklearn_deepod.utils._sklearn_compat import Interval, RealNotInt, _fit_context


class BaseOutlierTransformer(
    MetaDetectorMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Base of the transformers that change the rows a detector flags, and no others.

    Subclasses implement `_learn` and `_new_values`.

    Parameters
    ----------
    detector : estimator
        Outlier detector with `fit`, `score_samples` and `predict` as scikit-learn means
        them. ``LocalOutlierFactor`` needs ``novelty=True``. Wrapped in
        `sklearn.frozen.FrozenEstimator` it is not fitted again. Its threshold decides
        which rows are changed.
    max_cells : float or int, default=0.5
        Largest number of deviating cells in a row; a float is a share of the features.
        A row that is still flagged then keeps these cells changed.
    min_change : float, default=2.0
        Smallest distance from a deviating cell to its prediction, in robust deviations
        of its feature. A flagged row without such a cell stays as it is: an unusual row
        is not always a wrong one.

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
    {attributes}
    """

    _routed_from = ("fit", "fit_transform")

    _parameter_constraints: dict = {
        "detector": "no_validation",  # see check_scores_new_rows
        "max_cells": [
            Interval(RealNotInt, 0, 1, closed="right"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "min_change": [Interval(Real, 0, None, closed="left")],
    }

    @abstractmethod
    def __init__(self, detector, *, max_cells=0.5, min_change=2.0):
        self.detector = detector
        self.max_cells = max_cells
        self.min_change = min_change

    @property
    def _makes_missing(self):
        """Whether cells become missing, for which integers have no value."""
        return False

    @_fit_context(prefer_skip_nested_validation=False)
    def fit_transform(self, X, y=None, **params):
        """Fit, and change the training rows that the detector flags.

        The result is that of ``fit(X).transform(X)``, at half the cost.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,), default=None
            Handed on to the detector.
        **params : dict
            Handed on to the detector's `fit`.

        Returns
        -------
        ndarray or data frame of shape (n_samples, n_features)
            See `transform`.
        """
        table, changes = self._fit_or_restore(X, y, params)
        return table.written(*changes, missing=self._makes_missing)

    def transform(self, X):
        """Change the rows that the detector flags.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray or data frame of shape (n_samples, n_features)
            A copy of `X`, of the same kind and types, with some cells changed.
        """
        table = self._read(X)
        changes = self._changes(table, self._flagged(table))
        return table.written(*changes, missing=self._makes_missing)

    def repair_report(self, X):
        """Say which cells `transform` changes, from what to what.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        dict of ndarray
            See `repair_report_`.
        """
        table = self._read(X)
        return self._report(table, *self._changes(table, self._flagged(table)))

    @abstractmethod
    def _learn(self, rows, table):
        """Learn from the rows of the training table that are not flagged."""

    @abstractmethod
    def _new_values(self, values, table):
        """Cells to change in flagged rows, and rows with the new values in them."""

    def _fit(self, X, y, params):
        check_scores_new_rows(self.detector)
        if not hasattr(self.detector, "predict"):
            raise TypeError(
                f"{self.detector!r} cannot label rows: it has no predict. "
                "sklearn_deepod.threshold.ThresholdedDetector finds a threshold for it."
            )
        array = self._validate(X, reset=True)
        table = Table(X, array, self)
        self._max_cells, self._min_change = self.max_cells, self.min_change
        if not isinstance(self._max_cells, Integral):
            self._max_cells = max(1, int(self._max_cells * array.shape[1]))
        self.detector_ = self._fitted_detector(table.X, y, **params)
        flagged = self._flagged(table)
        rows = table.values[~flagged]
        if not len(rows):
            raise ValueError(
                f"The detector flags all rows (n_samples={len(flagged)}): there is "
                "nothing to learn from. Move its threshold, say by a lower "
                "contamination."
            )
        empty = np.flatnonzero(np.isnan(rows).all(axis=0))
        if len(empty):
            raise ValueError(
                f"All values of unflagged rows are missing in column(s) "
                f"{self._names[empty].tolist()}. Drop them, or impute them first."
            )
        self._inliers = Inliers(rows)
        self._learn(rows, table)
        changes = self._changes(table, flagged)
        self.repair_report_ = self._report(table, *changes)
        return table, changes

    def _read(self, X):
        check_is_fitted(self)
        return Table(X, self._validate(X, reset=False), self)

    def _validate(self, X, *, reset):
        return validate_data(
            self,
            X,
            reset=reset,
            dtype="numeric",
            ensure_all_finite="allow-nan",  # the detector knows whether it may
        )

    @property
    def _names(self):
        return getattr(self, "feature_names_in_", np.arange(self.n_features_in_))

    @property
    def _knows_names(self):
        """Whether the detector was fitted on named columns, and so wants them again."""
        return hasattr(self.detector_, "feature_names_in_")

    def _flagged(self, table):
        X = table.X if self._knows_names else table.array
        return outliers(self.detector_, X)

    def _deviating_cells(self, filler, values, table):
        """Find deviating cells of flagged rows: their mask, and the rows repaired."""
        detector = self.detector_

        def given(rows):
            return table.like(rows) if self._knows_names else rows

        return deviating_cells(
            values,
            lambda *cells: table.rounded(filler.fill(*cells, detector, given)),
            lambda rows: scores_of(detector, given(rows)),
            lambda rows: outliers(detector, given(rows)),
            self._inliers.scale,
            max_cells=self._max_cells,
            min_change=self._min_change,
        )

    def _changes(self, table, flagged):
        """Rows, cells and new values, as `Table.written` takes them."""
        rows = np.flatnonzero(flagged)
        old = table.values[rows]
        changed, new = np.zeros(old.shape, dtype=bool), old
        if len(rows):
            changed, new = self._new_values(old, table)
            new = table.rounded(new)
            changed &= ~((new == old) | (np.isnan(new) & np.isnan(old)))
        return rows, changed, new

    def _report(self, table, rows, changed, new):
        i, j = np.nonzero(changed)
        return {
            "row": rows[i],
            "feature": self._names[j],
            "old": table.values[rows[i], j],
            "new": new[i, j],
        }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.three_d_array = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
