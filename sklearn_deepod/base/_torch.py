"""Detectors that score preprocessed rows by a torch module."""

import math
from abc import ABCMeta, abstractmethod
from numbers import Real

import numpy as np
import torch

from sklearn_deepod._determinism import (
    BatchInvariantMatmul,
    PickedRows,
    TrainingRows,
    dense_rows,
    explicit_stream,
    make_streams,
    restore_streams,
    stream_states,
)
from sklearn_deepod._stats import likely_inliers
from sklearn_deepod._training import PreprocessedRows, resolve_device
from sklearn_deepod.base._detector import BaseDetector
from sklearn_deepod.base._state import (
    as_fitted,
    check_versions,
    parameters_as_fitted,
    versions,
)
from sklearn_deepod.exceptions import DivergenceError
from sklearn_deepod.preprocessing._preprocess import (
    check_no_empty_columns,
    fit_preprocessor,
    narrowed,
    preprocess,
)
from sklearn_deepod.utils._sklearn_compat import HasMethods, Interval, StrOptions

# Rows are scored in blocks filled up to a multiple of SCORE_TILE rows: products of such
# shapes round alike, so that a row's score does not depend on the rows beside it. (Nor
# on its place, thanks to BatchInvariantMatmul.) A block has SCORE_ROWS rows, or fewer
# of a wide table, to bound the memory that is taken.
SCORE_TILE = 64
SCORE_TERMS = 256
SCORE_ROWS = 1024
SCORE_CELLS = 2**18
# Convolutions and recurrent layers choose their algorithm by the number of rows.
SCORE_SHAPED_ROWS = 256
# A threshold needs no more rows than this to be stable in its second digit.
OFFSET_ROWS = 2**13
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


class BaseTorchDetector(BaseDetector, metaclass=ABCMeta):
    """Base of the detectors that score prepared rows by a torch module.

    Subclasses implement `_fit` (or `fit`) and `_build_module`, and what keeps the
    fitted module: `_module`, `_to_arrays` and `_from_arrays`; `_initialize` and
    `_fit_score_statistics` where they need them. Batches have the shape
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
    contamination : "auto" or float, default="auto"
        Share of outliers among the training rows, which sets the threshold. "auto"
        flags rows that exceed the tail of the bulk of the training scores
        (`sklearn_deepod.threshold.TailExcessThreshold`), or only the highest score if
        none does. With ``novelty=True``, where all training rows are normal, "auto"
        flags rows beyond a boxplot fence (`sklearn_deepod.threshold.IQRThreshold` with
        ``skewed=True``), at most 1.5 % of the training rows. A float in (0, 0.5] flags
        that share of the training rows.
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
    offset_ : float
        ``decision_function`` is ``score_samples`` minus this.
    preprocessor_ : transformer or None
        The fitted preparation.
    device_ : str
        The device used.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, where the training rows had some.
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
    #: What helps where scores are not finite.
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

    #: Name of the attribute that holds what scores.
    _fitted_attribute: str

    @property
    @abstractmethod
    def _module(self):
        """The fitted module."""

    @abstractmethod
    def _to_arrays(self):
        """The fitted attribute as plain arrays."""

    @abstractmethod
    def _from_arrays(self, arrays):
        """The fitted attribute anew, from what `_to_arrays` gave."""

    #: The parameter that says how many members the module holds.
    _members_parameter = "n_estimators"

    def _initialize(self, module, X, generator):
        """Set what depends on training rows `X` before the training starts."""

    def _fit_score_statistics(self, module, X, sample_weight, support_fraction):
        """Learn what scoring needs from the closest share of the training rows `X`."""

    def _rows_for_statistics(self, rows):
        """The training rows that `_fit_score_statistics` sees."""
        return rows

    @property
    def _shrinkage(self):
        """Shrinkage of covariances, as a share of the mean eigenvalue."""
        return SHRINKAGE_CLEAN if self.novelty else SHRINKAGE_CONTAMINATED

    # Fitting ----------------------------------------------------------------------

    def _begin(self, X, sample_weight, labels=None, *, goes_on=False):
        """Check device and columns, seed the streams, and order the rows."""
        self._begin_on(X.shape[1:], goes_on=goes_on)
        if not goes_on:
            self._check_columns(X, sample_weight)
        return TrainingRows(X, sample_weight, labels)

    def _begin_on(self, row_shape, *, goes_on=False):
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
            self._shape_read = tuple(self._row_shape_read(row_shape))
            self._n_members = getattr(self, self._members_parameter)
        self._parameters_as_fitted = parameters_as_fitted(self)

    def _check_columns(self, X, sample_weight):
        """Raise where a column has no value in the rows that count."""
        present = X if sample_weight is None else X[sample_weight > 0]
        check_no_empty_columns(present, getattr(self, "feature_names_in_", None))

    def _fit_preprocessor(self, rows):
        """Learn how rows are preprocessed."""
        self.preprocessor_ = fit_preprocessor(self.preprocessor, rows, self._shape_read)

    def _narrow_preprocessor(self, rows):
        """Let the preprocessor mask features that vary among outliers only.

        A network that is trained on the inliers learns nothing of those.
        """
        self.preprocessor_ = narrowed(self.preprocessor_, rows, self._shape_read)

    def _preprocessed(self, rows, n_draws):
        device = torch.device(self.device_)
        return PreprocessedRows(rows, self._preprocess, device, n_draws)

    def _first(self, preprocessed):
        """The first rows, a random sample; their shape is the module's."""
        count = min(len(preprocessed.rows), OFFSET_ROWS // 2)
        first = preprocessed.take(np.arange(count))
        self._input_shape = tuple(first.shape[1:])
        return first

    def _new_module(self):
        # Layers of torch's own draw their initial weights without a generator.
        with explicit_stream(self._streams["weights"]):
            return self._build_module(self._input_shape, self._streams["weights"])

    def _fit_statistics(self, module, rows, support_fraction=1.0):
        """Let `_fit_score_statistics` see a sample of the rows."""
        if type(self)._fit_score_statistics is BaseTorchDetector._fit_score_statistics:
            return  # nothing to learn: spare the rows' preprocessing
        rows = self._rows_for_statistics(rows)
        index, weight = rows.sample(2 * sample_size(rows))
        with torch.no_grad():
            sample = self._preprocessed(rows, n_draws=0).take(index)
            self._fit_score_statistics(module, sample, weight, support_fraction)

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
        self._set_threshold(self._anomaly_scores(PickedRows(rows, index)), weight)

    def _set_threshold(self, scores, weight, contamination=None):
        """Set the threshold by anomaly scores of training rows."""
        if not np.isfinite(scores).all():
            raise DivergenceError(
                f"Fitting ended in scores that are not finite. {self._remedy}"
            )
        self._set_offset(scores, weight, contamination)

    # Scoring: nothing here reads a constructor parameter ----------------------------

    def _anomaly_scores(self, X):
        """The members' mean score."""
        return self._apply(X, lambda module, Z: module.anomaly_scores(Z).mean(dim=0))

    def _preprocess(self, X):
        X = preprocess(self.preprocessor_, X, self._shape_read)
        return X if self._accepts_missing else torch.nan_to_num_(X, nan=0.0)

    def _for_members(self, X):
        return X.unsqueeze(0).expand(self._n_members, *X.shape)

    def _apply(self, X, function):
        """Apply ``function(module, prepared)`` in blocks of whole tiles."""
        n_rows = X.shape[0]
        results = None
        module = self._module
        device = torch.device(self.device_)
        bf16 = torch.autocast(
            device.type, torch.bfloat16, enabled=self._precision == "bfloat16"
        )
        size, tile = _block_and_tile(self._input_shape)
        with torch.inference_mode(), bf16, BatchInvariantMatmul(SCORE_TERMS):
            for start in range(0, n_rows, size):
                block = slice(start, min(start + size, n_rows))
                batch = dense_rows(X, block)
                n_given = len(batch)
                missing = -n_given % tile
                if missing:
                    padding = np.repeat(batch[:1], missing, axis=0)
                    batch = np.concatenate([batch, padding])
                Z = self._for_members(self._preprocess(batch).to(device))
                result = function(module, Z)[:n_given].cpu().numpy()
                if results is None:
                    results = np.empty((n_rows, *result.shape[1:]))
                results[block] = result
        return results

    # State ------------------------------------------------------------------------

    def __getstate__(self):
        """Plain arrays in place of the module and the random streams."""
        state = super().__getstate__().copy()
        if "_streams" in state:
            state["_streams"] = stream_states(state["_streams"])
            state[self._fitted_attribute] = self._to_arrays()
            state["_versions"] = versions()
        return state

    def __setstate__(self, state):
        """Rebuild the module, on the CPU where the device is not there."""
        state = state.copy()
        check_versions(self, state.pop("_versions", {}))
        super().__setstate__(state)
        if "_streams" not in state:
            return
        try:
            resolve_device(self.device_)
        except ValueError:
            self.device_ = "cpu"
        fitted = as_fitted(self, self._parameters_as_fitted)
        fitted._streams = restore_streams(state["_streams"])
        module = fitted._from_arrays(state[self._fitted_attribute])
        setattr(self, self._fitted_attribute, module)
        # Building the module draws initial weights: restore the streams after it.
        self._streams = restore_streams(state["_streams"])


def sample_size(rows):
    """Number of rows that are kept of a table, or half of those that describe it."""
    cells = max(1, math.prod(rows.shape))
    return max(64, min(RESERVOIR_ROWS, RESERVOIR_CELLS // cells))


def _block_and_tile(input_shape):
    """Rows that are scored at once, and the number that they are a multiple of."""
    if len(input_shape) > 1:
        return SCORE_SHAPED_ROWS, SCORE_SHAPED_ROWS
    n_tiles = SCORE_CELLS // (SCORE_TILE * input_shape[0])
    return min(SCORE_ROWS, SCORE_TILE * max(1, n_tiles)), SCORE_TILE
