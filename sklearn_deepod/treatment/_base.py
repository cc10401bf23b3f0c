"""Base of the transformers that change outliers."""

from abc import ABCMeta, abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_deepod.treatment._cells import Inliers, deviating_cells
from sklearn_deepod.treatment._labels import outliers
from sklearn_deepod.treatment._table import Table
from sklearn_deepod.utils._meta import MetaDetectorMixin, check_scores_new_rows
from sklearn_deepod.utils._naming import naming
from sklearn_deepod.utils._scores import scores_of
from sklearn_deepod.utils._sklearn_compat import Interval, RealNotInt, _fit_context


class BaseOutlierTransformer(
    MetaDetectorMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Base of the transformers that change only the rows that a detector flags.

    Subclasses implement `_learn` and `_new_values`.

    Parameters
    ----------
    detector : estimator
        Outlier detector with `fit`, `score_samples` and `predict` that follow
        scikit-learn's conventions. ``LocalOutlierFactor`` needs ``novelty=True``. A
        detector wrapped in `sklearn.frozen.FrozenEstimator` is not fitted again. Its
        threshold determines which rows are changed.
    max_cells : float or int, default=0.5
        Largest number of deviating cells in a row; a float is a proportion of the
        features. If the row is still flagged with these cells changed, the others stay
        unchanged.
    min_change : float, default=2.0
        Smallest distance between a deviating cell and its prediction, in robust
        standard deviations of the feature. Flagged rows without such a cell stay
        unchanged: an unusual row need not be wrong.

    Attributes
    ----------
    detector_ : estimator
        The fitted detector.
    repair_report_ : dict of ndarray
        The changed cells of the training rows, as arrays of equal length: "row" holds
        row positions, "feature" column names (or positions, without names), "old" and
        "new" the values. `pandas.DataFrame` converts it to a frame. `repair_report`
        returns the same for other rows.
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
        """Whether cells become missing, which integers cannot represent."""
        return False

    @_fit_context(prefer_skip_nested_validation=False)
    def fit_transform(self, X, y=None, **params):
        """Fit, and change the training rows that the detector flags.

        The result equals that of ``fit(X).transform(X)``, at half the cost.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,), default=None
            Labels, passed to the detector.
        **params : dict
            Metadata, passed to the `fit` of the detector.

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
            A copy of `X` with some cells changed, in the same format and, as far as
            possible, with the same types.
        """
        table, changes = self._read_and_change(X)
        return table.written(*changes, missing=self._makes_missing)

    def repair_report(self, X):
        """Report the cells that `transform` changes, with old and new values.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        dict of ndarray
            See `repair_report_`.
        """
        table, changes = self._read_and_change(X)
        return self._report(table, *changes)

    @abstractmethod
    def _learn(self, rows, table):
        """Learn from the training rows that are not flagged."""

    @abstractmethod
    def _new_values(self, values, table):
        """Get a mask of the cells to change in flagged rows, and the changed rows."""

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
                "nothing to learn from. Change its threshold, for example by a lower "
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

    def _read_and_change(self, X):
        check_is_fitted(self)
        table = Table(X, self._validate(X, reset=False), self)
        return table, self._changes(table, self._flagged(table))

    @naming("X")
    def _validate(self, X, *, reset):
        return validate_data(
            self,
            X,
            reset=reset,
            dtype="numeric",
            ensure_all_finite="allow-nan",  # the detector decides
        )

    @property
    def _names(self):
        return getattr(self, "feature_names_in_", np.arange(self.n_features_in_))

    @property
    def _knows_names(self):
        """Whether the detector was fitted on named columns, and thus needs them."""
        return hasattr(self.detector_, "feature_names_in_")

    def _flagged(self, table):
        X = table.X if self._knows_names else table.array
        return outliers(self.detector_, X)

    def _deviating_cells(self, filler, values, table):
        """Get a mask of the deviating cells of flagged rows, and the repaired rows."""
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
        """Get the rows, cells and new values for `Table.written`."""
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
