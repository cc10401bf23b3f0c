"""Detectors that score preprocessed rows by a torch module."""

import math
from abc import ABCMeta, abstractmethod

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
from sklearn_deepod.exceptions import DivergenceError
from sklearn_deepod.preprocessing._preprocess import (
    check_no_empty_columns,
    fit_preprocessor,
    narrowed,
    prepare,
)
from sklearn_deepod.utils._sklearn_compat import HasMethods, StrOptions

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
# A cut needs no more rows than this to be stable in its second digit.
OFFSET_ROWS = 2**13
# Rows kept for the statistics of a later partial_fit.
RESERVOIR_ROWS = 2048
RESERVOIR_CELLS = 2**18
# Training on rows that may hold outliers (novelty=False): shares of a first training's
# highest losses left out, of the rows trusted in its statistics, and of the cleanest
# rows that a second training uses. Measured in examples/benchmarks.
TRIM_FRACTION = 0.2
SUPPORT_FRACTION = 0.6
INLIER_FRACTION = 0.7
# Shrinkage of a covariance: little where all training rows are normal, much where
# outliers may be among them.
SHRINKAGE_CLEAN = 1e-3
SHRINKAGE_CONTAMINATED = 0.1
# Of fewer rows none is dropped.
LEAST_CLEANED = 10


class BaseTorchDetector(BaseDetector, metaclass=ABCMeta):
    """Base of the detectors that score prepared rows by a torch module.

    Subclasses implement `_fit`, `_module`, `_build_module` and `_scores`, and
    `_initialize` and `_fit_score_statistics` where they need them. Batches have the
    shape (n_members, n_rows, ...).

    The fit is a function of the weighted set of rows and of `random_state`: rows in
    another order, repeated rows in place of weights, or rows of weight 0 give a
    bit-identical model.

    Parameters
    ----------
    novelty : bool, default=False
        Whether all training rows are known to be normal. False fits once, drops the
        30 % of the rows that score highest, and fits again on the others. Which of the
        two is right cannot be told from the data.
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
    device : str, default="auto"
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
        "preprocessor": [StrOptions({"auto"}), None, HasMethods(["fit", "transform"])],
        "device": [str],
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
        contamination="auto",
        preprocessor="auto",
        device="auto",
        precision="float32",
        random_state=None,
    ):
        super().__init__(contamination=contamination)
        self.novelty = novelty
        self.preprocessor = preprocessor
        self.device = device
        self.precision = precision
        self.random_state = random_state

    # What a method gives ----------------------------------------------------------

    @abstractmethod
    def _build_module(self, input_shape, generator):
        """Module for prepared rows of `input_shape`, weights from `generator`."""

    @abstractmethod
    def _scores(self, module, X):
        """Anomaly scores of shape (n_members, n_rows)."""

    @property
    @abstractmethod
    def _module(self):
        """The fitted module."""

    @abstractmethod
    def _restore_module(self, state):
        """Rebuild the fitted module from what `__getstate__` gave."""

    @property
    def _n_members(self):
        """Number of members that the module holds."""
        return self.n_estimators

    @property
    def _shrinkage(self):
        """Shrinkage of covariances, as a share of the mean eigenvalue."""
        return SHRINKAGE_CLEAN if self.novelty else SHRINKAGE_CONTAMINATED

    def _initialize(self, module, X, generator):
        """Set what depends on training rows `X` before the training starts."""

    def _fit_score_statistics(self, module, X, sample_weight, keep):
        """Learn statistics for scoring from the share `keep` of training rows `X`."""

    def _rows_for_statistics(self, rows):
        """The training rows among which `_fit_score_statistics` is to look."""
        return rows

    # Fitting ----------------------------------------------------------------------

    def _start(self, X, sample_weight, labels=None, *, goes_on=False):
        """Check what `_begin` and `_check_columns` do, and order the rows."""
        self._begin(X.shape[1:], goes_on=goes_on)
        if not goes_on:
            self._check_columns(X, sample_weight)
        return TrainingRows(X, sample_weight, labels)

    def _begin(self, row_shape, *, goes_on=False):
        """Check the device, and seed the streams."""
        device = resolve_device(self.device)
        if self.precision == "bfloat16" and device.type == "cpu":
            raise ValueError(
                "precision='bfloat16' needs an accelerator, but the device is the "
                "CPU. Use precision='float32'."
            )
        self.device_ = str(device)
        if not goes_on:
            self._streams = make_streams(self.random_state)
            self._shape_read = tuple(self._row_shape_read(row_shape))

    def _check_columns(self, X, sample_weight):
        """Raise where a column has no value in the rows that count."""
        present = X if sample_weight is None else X[sample_weight > 0]
        check_no_empty_columns(present, getattr(self, "feature_names_in_", None))

    def _fit_preprocessor(self, rows):
        """Learn how rows are prepared."""
        self.preprocessor_ = fit_preprocessor(self.preprocessor, rows, self._shape_read)

    def _narrow_preprocessor(self, rows):
        """Keep the preparation, less the features that vary among outliers only.

        A network that trains on the cleanest rows learns nothing of those.
        """
        self.preprocessor_ = narrowed(self.preprocessor_, rows, self._shape_read)

    def _preprocessed(self, rows, n_draws):
        device = torch.device(self.device_)
        return PreprocessedRows(rows, self._preprocess, device, n_draws)

    def _preprocess(self, X):
        X = prepare(self.preprocessor_, X, self._shape_read)
        return X if self._accepts_missing else torch.nan_to_num_(X, nan=0.0)

    def _first(self, prepared):
        """The first prepared rows, a random sample; their shape is the module's."""
        count = min(len(prepared.rows), OFFSET_ROWS // 2)
        first = prepared.take(np.arange(count))
        self._input_shape = tuple(first.shape[1:])
        return first

    def _for_members(self, X):
        return X.unsqueeze(0).expand(self._n_members, *X.shape)

    def _new_module(self):
        # Layers of torch's own draw their initial weights without a generator.
        with explicit_stream(self._streams["weights"]):
            return self._build_module(self._input_shape, self._streams["weights"])

    def _describe_rows(self, module, rows, keep):
        """Let `_fit_score_statistics` see a sample of the rows."""
        if type(self)._fit_score_statistics is BaseTorchDetector._fit_score_statistics:
            return  # nothing to learn: spare the rows' preparation
        rows = self._rows_for_statistics(rows)
        index, weight = rows.sample(self._sample_size(rows) * 2)
        with torch.no_grad():
            sample = self._preprocessed(rows, n_draws=0).take(index)
            self._fit_score_statistics(module, sample, weight, keep)

    def _sample_size(self, rows):
        cells = max(1, math.prod(rows.shape))
        return max(64, min(RESERVOIR_ROWS, RESERVOIR_CELLS // cells))

    def _n_draws(self, rows):
        """Number of rows that a training draws."""
        return 0

    def _refits_on_inliers(self, rows):
        """Whether to fit again on the cleanest rows."""
        return not self.novelty and len(rows) >= LEAST_CLEANED

    def _select_inliers(self, rows):
        """The rows that score lowest, or those of a sample of a large table."""
        index, weight = rows.sample(max(OFFSET_ROWS, self._n_draws(rows)))
        if rows.labels is not None:
            # What is known is neither sampled nor dropped on suspicion.
            known = np.flatnonzero(rows.labels)
            unknown = rows.labels[index] == 0
            if not unknown.any():
                return rows
            index, weight = index[unknown], weight[unknown]
        scores = self._network_scores(PickedRows(rows, index))
        kept = likely_inliers(scores, weight, INLIER_FRACTION)
        index, weight = index[kept], weight[kept]
        if rows.labels is not None:
            index = np.concatenate([known, index])
            weight = np.concatenate([rows.weight[known], weight])
            order = np.argsort(index)
            index, weight = index[order], weight[order]
        return rows.subset(index, weight)

    def _finish(self, rows):
        """Set the cut."""
        size = len(rows) if self.contamination != "auto" else OFFSET_ROWS
        index, weight = rows.sample(size)
        self._set_threshold(self._training_scores(rows, index), weight)

    def _set_threshold(self, scores, weight, contamination=None):
        """Set the cut by anomaly scores of training rows."""
        if not np.isfinite(scores).all():
            raise DivergenceError(
                f"Fitting ended in scores that are not finite. {self._remedy}"
            )
        self._set_offset(scores, weight, contamination)

    # Scoring ----------------------------------------------------------------------

    def _anomaly_scores(self, X):
        return self._network_scores(X)

    def _network_scores(self, X):
        """The members' mean score, by which the cleanest rows are chosen."""
        return self._apply(X, lambda module, Z: self._scores(module, Z).mean(dim=0))

    def _training_scores(self, rows, index):
        """Anomaly scores of training rows, which set the cut."""
        return self._anomaly_scores(PickedRows(rows, index))

    def _apply(self, X, function):
        """Apply ``function(module, prepared)`` in blocks of whole tiles."""
        n_rows = X.shape[0]
        results = None
        module = self._module
        device = torch.device(self.device_)
        bf16 = torch.autocast(
            device.type, torch.bfloat16, enabled=self.precision == "bfloat16"
        )
        size, tile = self._block_and_tile()
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

    def _block_and_tile(self):
        """Rows that `_apply` takes at once, and the number they are a multiple of."""
        if len(self._input_shape) > 1:
            return SCORE_SHAPED_ROWS, SCORE_SHAPED_ROWS
        n_tiles = SCORE_CELLS // (SCORE_TILE * self._input_shape[0])
        return min(SCORE_ROWS, SCORE_TILE * max(1, n_tiles)), SCORE_TILE

    # State ------------------------------------------------------------------------

    def __getstate__(self):
        """Plain arrays in place of the random streams."""
        state = super().__getstate__().copy()
        if "_streams" in state:
            state["_streams"] = stream_states(state["_streams"])
        return state

    def __setstate__(self, state):
        """Rebuild the module, on the CPU where the device is not there."""
        super().__setstate__(state)
        if "_streams" not in state:
            return
        try:
            resolve_device(self.device_)
        except ValueError:
            self.device_ = "cpu"
        # Building the module draws initial weights: restore the streams after it.
        self._streams = restore_streams(state["_streams"])
        self._restore_module(state)
        self._streams = restore_streams(state["_streams"])
