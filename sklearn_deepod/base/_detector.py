"""What all detectors share: validation, the sign, the threshold, labels."""

from abc import ABCMeta, abstractmethod
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from sklearn_deepod._stats import training_threshold
from sklearn_deepod.base._constant_features import ConstantFeatures
from sklearn_deepod.exceptions import DivergenceError
from sklearn_deepod.preprocessing._preprocess import check_no_empty_columns
from sklearn_deepod.utils._decision import DecisionMixin
from sklearn_deepod.utils._naming import naming
from sklearn_deepod.utils._rollback import all_or_nothing
from sklearn_deepod.utils._scores import finite_scores
from sklearn_deepod.utils._shared_parameters import SharedParametersMixin
from sklearn_deepod.utils._sklearn_compat import (
    Interval,
    StrOptions,
    _fit_context,
    with_callbacks,
)
from sklearn_deepod.utils._weights import check_weights

# What the validation of training rows sets.
VALIDATED = {"n_features_in_", "feature_names_in_", "_row_shape", "_constants"}


class BaseDetector(
    SharedParametersMixin, DecisionMixin, BaseEstimator, metaclass=ABCMeta
):
    """Base of all detectors: validation, the sign of scores, the threshold, labels.

    Subclasses implement `_fit` and `_anomaly_scores`. The sign is flipped here and
    nowhere else. Rows in which a feature leaves the one value that it had in training
    score beyond all training rows, whatever `_anomaly_scores` gives.

    Read more in the :ref:`User Guide <write-a-detector>`.

    Parameters
    ----------
    contamination : "auto" or float, default="auto"
        Share of outliers among the training rows, which sets the threshold. "auto"
        flags rows that exceed the tail of the bulk of the training scores
        (`sklearn_deepod.threshold.TailExcessThreshold`), or only the highest score if
        none does. With ``novelty=True``, where all training rows are normal, "auto"
        flags rows beyond a boxplot fence (`sklearn_deepod.threshold.IQRThreshold` with
        ``skewed=True``), at most 1.5 % of the training rows. A float in (0, 0.5] flags
        that share of the training rows.

    Attributes
    ----------
    offset_ : float
        ``decision_function`` is ``score_samples`` minus this.
    """

    _parameter_constraints: dict = {
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
    }

    #: What helps where scores are not finite.
    _remedy = "Scale the features."

    @abstractmethod
    def __init__(self, *, contamination="auto"):
        self.contamination = contamination

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Fit the detector.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows. Missing values (NaN) are accepted.
        y : Ignored
            For API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            A row of weight 2 counts as two rows, one of weight 0 as none.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        ValueError
            If the rows cannot be used; the detector then is as it was before.
        """
        with self._all_or_nothing():
            X, sample_weight = self._validate_training(X, sample_weight)
            self._fit(X, sample_weight)
        return self

    def _score_samples(self, X):
        X = self._validate(X, reset=False)
        if self._constants is None:
            return finite_scores(-self._anomaly_scores(X))
        return finite_scores(-self._constants.scores(X, self._anomaly_scores))

    def _row_shape_read(self, row_shape):
        """Shape in which the method reads rows of `row_shape`."""
        return row_shape

    def _fit(self, X, sample_weight):
        """Learn from validated rows and call `_set_offset`."""
        raise NotImplementedError(
            f"{type(self).__name__} implements neither fit nor _fit"
        )

    @abstractmethod
    def _anomaly_scores(self, X):
        """Anomaly scores of validated rows, higher is more anomalous."""

    def _set_offset(self, anomaly_scores, sample_weight, contamination=None):
        """Set the threshold by anomaly scores of training rows."""
        if not np.isfinite(anomaly_scores).all():
            raise DivergenceError(
                f"Fitting ended in scores that are not finite. {self._remedy}"
            )
        self.offset_ = -training_threshold(
            anomaly_scores,
            self.contamination if contamination is None else contamination,
            sample_weight,
            novelty=getattr(self, "novelty", False),
        )
        if self._constants is not None:
            self._constants = self._constants.measured_by(anomaly_scores, -self.offset_)

    def _find_constants(self, X, sample_weight, *, goes_on):
        """Note which features are constant, or what more rows show of those."""
        if not goes_on:
            shape = self._row_shape_read(X.shape[1:])
            found = ConstantFeatures(X, sample_weight, shape)
            self._constants = found if len(found.columns) else None
        elif self._constants is not None:
            self._constants = self._constants.widened(X, sample_weight)

    @naming("X")
    def _validate(self, X, *, reset):
        X = validate_data(
            self,
            X,
            reset=reset,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            allow_nd=True,
        )
        if X.ndim > 4:
            raise ValueError(
                f"Found array with dim {X.ndim}. Give (n, features), (n, time, "
                "channels) or (n, channels, height, width)."
            )
        if reset:
            self._row_shape = X.shape[1:]
        elif X.shape[1:] != self._row_shape:
            raise ValueError(
                f"Rows have shape {X.shape[1:]}, but the detector was fitted on rows "
                f"of shape {self._row_shape}."
            )
        return X

    def _validate_training(self, X, sample_weight, *, goes_on=False):
        """Validate rows and weights, and note which features are constant.

        A fit that goes on from an earlier one may bring columns without a value.
        """
        X = self._validate(X, reset=not goes_on)
        sample_weight = check_weights(sample_weight, X)
        if not goes_on:
            counted = X if sample_weight is None else X[sample_weight > 0]
            check_no_empty_columns(counted, getattr(self, "feature_names_in_", None))
        self._find_constants(X, sample_weight, goes_on=goes_on)
        return X, sample_weight

    def _all_or_nothing(self):
        """Put the detector back as it was if anything goes wrong, Ctrl-C included."""
        before = dict(vars(self))
        if "_streams" in before:  # Generators change in place.
            streams = before["_streams"].items()
            before["_streams"] = {name: g.clone_state() for name, g in streams}
        return all_or_nothing(self, before)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags
