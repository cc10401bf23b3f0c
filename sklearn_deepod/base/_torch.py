"""Detectors that score preprocessed rows by a torch module."""

import math
from abc import ABCMeta, abstractmethod
from numbers import Real

import numpy as np
import torch

from sklearn_deepod._determinism import (
    PickedRows,
    explicit_stream,
    make_streams,
)
from sklearn_deepod._stats import likely_inliers
from sklearn_deepod._training import PreprocessedRows, resolve_device
from sklearn_deepod.base._detector import BaseDetector
from sklearn_deepod.base._scoring import OFFSET_ROWS, scored_in_tiles
from sklearn_deepod.base._state import FittedStateMixin, parameters_as_fitted
from sklearn_deepod.preprocessing._preprocess import (
    fit_preprocessor,
    narrowed,
    preprocess,
)
from sklearn_deepod.utils._sklearn_compat import HasMethods, Interval, StrOptions

# Rows kept for the statistics of a later partial_fit.
RESERVOIR_ROWS = 2048
RESERVOIR_CELLS = 2**18
# Share of the rows, the closest ones, that statistics of training rows which may hold
# outliers are computed from. Measured in examples/benchmarks.
SUPPORT_FRACTION = 0.6
# Shrinkage of a covariance: little where all training rows are normal, much where
# outliers may be among them.
SHRINKAGE_CLEAN = 1e-3
SHRINKAGE_CONTAMINATED = 0.1
# Fewer rows are not fitted again without some of them.
LEAST_REFITTED = 10


class BaseTorchDetector(FittedStateMixin, BaseDetector, metaclass=ABCMeta):
    """Base of the detectors that score prepared rows by a torch module.

    Subclasses implement `_fit` (or `fit`) and `_build_module`, and what keeps the
    fitted module: `_fitted_attribute`, `_to_arrays` and `_from_arrays`; `_initialize`
    and `_fit_score_statistics` where they need them. Batches have the shape
    (n_members, n_rows, ...).

    The fit is a function of the weighted set of rows and of `random_state`: rows in
    another order, repeated rows in place of weights, or rows of weight 0 give a
    bit-identical model.

    Read more in the :ref:`User Guide <write-a-detector>`.

    Parameters
    ----------
    novelty : bool, default=False
        Whether all training rows are known to be normal. False fits once, and again on
        the share `inlier_fraction` of the rows, those that score lowest. The data alone
        cannot tell which one applies.
    inlier_fraction : float, default=0.7
        Share of the training rows, in (0, 1], that the second fit uses; 1 leaves it
        out. Without effect if `novelty`.
    {parameters}
    preprocessor : "auto", None or transformer, default="auto"
        How features are preprocessed; fitted in `fit` and kept. "auto" takes
        `sklearn_deepod.preprocessing.RobustAsinhScaler`; None takes the values as they
        are; a scikit-learn transformer is cloned.
    device : str or torch.device, default="auto"
        Torch device; "auto" takes CUDA, then MPS, then the CPU.
    precision : {"float32", "bfloat16"}, default="float32"
        "bfloat16" runs the network under autocast, on an accelerator only.
    random_state : int, RandomState instance or None, default=None
        Seed of all that is drawn at random. Global random states are neither read nor
        written.

    Attributes
    ----------
    preprocessor_ : transformer or None
        The fitted preparation.
    device_ : str
        The device used.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, if the training rows had any.
    """

    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "novelty": ["boolean"],
        "inlier_fraction": [Interval(Real, 0, 1, closed="right")],
        "preprocessor": [StrOptions({"auto"}), None, HasMethods(["fit", "transform"])],
        "device": [str, torch.device],
        "precision": [StrOptions({"float32", "bfloat16"})],
        "random_state": ["random_state"],
    }

    #: Whether the network takes NaN; else missing values become 0, the centre.
    _accepts_missing = False
    _remedy = "Scale the features (preprocessor='auto')."

    @abstractmethod
    def __init__(
        self,
        *,
        novelty=False,
        inlier_fraction=0.7,
        contamination="auto",
        preprocessor="auto",
        device="auto",
        precision="float32",
        random_state=None,
    ):
        super().__init__(contamination=contamination)
        self.novelty = novelty
        self.inlier_fraction = inlier_fraction
        self.preprocessor = preprocessor
        self.device = device
        self.precision = precision
        self.random_state = random_state

    # What a method implements ------------------------------------------------------

    @abstractmethod
    def _build_module(self, input_shape, generator):
        """Build the module for preprocessed rows of `input_shape`.

        Its initial weights are drawn from `generator`. Its method ``anomaly_scores(X)``
        maps rows (n_members, n_rows, ...) to scores (n_members, n_rows).
        """

    #: The parameter that says how many members the module holds.
    _members_parameter = "n_estimators"

    def _initialize(self, module, X, generator):
        """Set what depends on a batch `X` of training rows before the training."""

    def _fit_score_statistics(self, module, X, sample_weight, support_fraction):
        """Learn what scoring needs from the closest share of a batch `X`."""

    def _rows_for_statistics(self, rows):
        """The training rows that `_fit_score_statistics` sees."""
        return rows

    @property
    def _shrinkage(self):
        """Shrinkage of covariances, as a share of the mean eigenvalue."""
        return SHRINKAGE_CLEAN if self.novelty else SHRINKAGE_CONTAMINATED

    # Fitting ----------------------------------------------------------------------

    def _begin(self, rows, *, goes_on=False):
        """Check the device, seed the streams, and note the parameters."""
        device = resolve_device(self.device)
        if self.precision == "bfloat16" and device.type == "cpu":
            raise ValueError(
                "precision='bfloat16' needs an accelerator, but the device is the "
                "CPU. Use precision='float32'."
            )
        self.device_ = str(device)
        self._precision = self.precision
        if not goes_on:
            self._streams = make_streams(self.random_state)
            self._shape_read = tuple(self._row_shape_read(rows.shape))
            self._n_members = getattr(self, self._members_parameter)
        self._parameters_as_fitted = parameters_as_fitted(self)

    def _fit_preprocessor(self, rows, *, narrow=False):
        """Learn how rows are preprocessed.

        Or, with `narrow`, mask features that vary among outliers only: a network that
        is trained on the inliers learns nothing of those.
        """
        if narrow:
            self.preprocessor_ = narrowed(self.preprocessor_, rows, self._shape_read)
        else:
            shape = self._shape_read
            self.preprocessor_ = fit_preprocessor(self.preprocessor, rows, shape)

    def _new_module(self):
        # Layers of torch's own draw their initial weights without a generator.
        with explicit_stream(self._streams["weights"]):
            return self._build_module(self._input_shape, self._streams["weights"])

    def _fit_statistics(self, rows, support_fraction=1.0):
        """Let `_fit_score_statistics` see a sample of the rows."""
        if type(self)._fit_score_statistics is BaseTorchDetector._fit_score_statistics:
            return  # nothing to learn: spare the rows' preprocessing
        rows = self._rows_for_statistics(rows)
        index, weight = rows.sample(2 * sample_size(rows))
        with torch.no_grad():
            rows = PreprocessedRows(rows, self._preprocess, self.device_, n_draws=0)
            X = self._for_members(rows.take(index))
            self._fit_score_statistics(self._module, X, weight, support_fraction)

    def _refits_on_inliers(self, rows):
        """Whether to fit again on the rows that a first fit takes for inliers."""
        wanted = not self.novelty and self.inlier_fraction < 1.0
        return wanted and len(rows) >= LEAST_REFITTED

    def _select_inliers(self, rows, n_draws=0):
        """The rows that score lowest, or those of a sample of a large table."""
        index, weight = rows.sample(max(OFFSET_ROWS, n_draws))
        if rows.labels is not None:
            # What is known is neither sampled nor dropped on suspicion.
            known = np.flatnonzero(rows.labels)
            unknown = rows.labels[index] == 0
            if not unknown.any():
                return rows
            index, weight = index[unknown], weight[unknown]
        scores = self._anomaly_scores(PickedRows(rows, index))
        kept = likely_inliers(scores, weight, self.inlier_fraction)
        index, weight = index[kept], weight[kept]
        if rows.labels is not None:
            index = np.concatenate([known, index])
            weight = np.concatenate([rows.weight[known], weight])
            order = np.argsort(index)
            index, weight = index[order], weight[order]
        return rows.subset(index, weight)

    def _fit_threshold(self, rows):
        """Set the threshold by the scores of training rows."""
        size = len(rows) if self.contamination != "auto" else OFFSET_ROWS
        index, weight = rows.sample(size)
        self._set_offset(self._anomaly_scores(PickedRows(rows, index)), weight)

    # Scoring: nothing here reads a constructor parameter ----------------------------

    @property
    def _module(self):
        """The fitted module."""
        fitted = getattr(self, self._fitted_attribute)
        return getattr(fitted, "module_", fitted)

    def _anomaly_scores(self, X):
        """The members' mean score."""
        return self._apply(X, lambda module, Z: module.anomaly_scores(Z).mean(dim=0))

    def _preprocess(self, X):
        X = preprocess(self.preprocessor_, X, self._shape_read)
        return X if self._accepts_missing else torch.nan_to_num_(X, nan=0.0)

    def _for_members(self, X):
        return X.unsqueeze(0).expand(self._n_members, *X.shape)

    def _apply(self, X, function):
        """Apply ``function(module, batch)`` to rows, whatever rows are beside them."""
        module, device = self._module, torch.device(self.device_)

        def scores_of(rows):
            batch = self._for_members(self._preprocess(rows).to(device))
            return function(module, batch).cpu().numpy()

        bf16 = self._precision == "bfloat16"
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            return scored_in_tiles(scores_of, X, self._input_shape)


def sample_size(rows):
    """Number of rows that are kept of a table, or half of those that describe it."""
    cells = max(1, math.prod(rows.shape))
    return max(64, min(RESERVOIR_ROWS, RESERVOIR_CELLS // cells))
