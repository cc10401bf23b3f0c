"""What all detectors share."""

import contextlib
import math
from abc import ABCMeta, abstractmethod
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from sklearn_deepod.networks import RowwiseProducts
from sklearn_deepod.preparation import (
    check_no_empty_columns,
    fit_preprocessor,
    narrowed,
    prepare,
)
from sklearn_deepod.scoring import likely_inliers, training_cutoff
from sklearn_deepod.training import (
    ConstantFeatures,
    DetectorNet,
    DivergedError,
    EarlyStopping,
    PickedRows,
    PreparedRows,
    TrainingRows,
    WeightedBatches,
    dense_rows,
    explicit_stream,
    load_state,
    make_streams,
    resolve_device,
    restore_streams,
    state_of,
    stream_states,
)
from sklearn_deepod.utils import (
    CallbackSupportMixin,
    DecisionMixin,
    EpochWatch,
    inherit_parameters,
    with_callbacks,
)

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
# Rows are scored in blocks filled up to a multiple of SCORE_TILE rows: products of such
# shapes round alike, so that a row's score does not depend on the rows beside it. (Nor
# on its place, thanks to RowwiseProducts.) A block has SCORE_ROWS rows, or fewer of a
# wide table, to bound the memory that is taken.
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
TRIM = 0.2
TRUSTED = 0.6
CLEAN = 0.7
# Shrinkage of a covariance: little where all training rows are normal, much where
# outliers may be among them.
RIDGE_CLEAN = 1e-3
RIDGE_DIRTY = 0.1
# Of fewer rows none is dropped.
LEAST_CLEANED = 10
# What the validation of training rows sets.
_VALIDATED = {"n_features_in_", "feature_names_in_", "_row_shape", "_constants"}


class BaseDetector(DecisionMixin, BaseEstimator, metaclass=ABCMeta):
    """Base of all detectors: scores, the cut, labels.

    Subclasses give `_fit` and `_anomaly_scores`. The sign is turned here, once. Rows in
    which a feature leaves the one value that it had in training score beyond all
    training rows, whatever `_anomaly_scores` says
    (`sklearn_deepod.training.ConstantFeatures`).

    Parameters
    ----------
    contamination : "auto" or float, default="auto"
        Where `predict` cuts. "auto" flags what exceeds the tail of the bulk of the
        training scores (`sklearn_deepod.scoring.tail_excess_cutoff`), the highest
        score alone if none does; with ``novelty=True``, where all training rows are
        normal, it is a boxplot fence (`sklearn_deepod.scoring.kimber_cutoff`), beyond
        which at most 1.5 % of them lie. A float in (0, 0.5] marks that share of the
        training rows.
    """

    _parameter_constraints: dict = {
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
    }

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
            goes_on = self._fit_goes_on()
            X, sample_weight = self._validate_training(
                X, sample_weight, reset=not goes_on
            )
            self._find_constants(X, sample_weight, goes_on=goes_on)
            self._fit(X, sample_weight, **self._targets(X, y))
        return self

    def score_samples(self, X):
        """Score the rows; higher is more normal.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to score.

        Returns
        -------
        ndarray of shape (n_samples,)
            The opposite of the anomaly score.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        if self._constants is None:
            return -self._anomaly_scores(X)
        return -self._constants.scores(X, self._anomaly_scores)

    def _fit_goes_on(self):
        """Whether `fit` continues an earlier one."""
        return False

    def _row_shape_read(self, row_shape):
        """Shape in which the method reads rows of `row_shape`."""
        return row_shape

    def _targets(self, X, y):
        """What `_fit` is given besides rows and weights: nothing, or ``labels``."""
        return {}

    @abstractmethod
    def _fit(self, X, sample_weight):
        """Learn from validated rows and call `_set_offset`."""

    @abstractmethod
    def _anomaly_scores(self, X):
        """Anomaly scores of validated rows, higher is more anomalous."""

    def _set_offset(self, anomaly_scores, sample_weight, contamination=None):
        self.offset_ = -training_cutoff(
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

    def _validate_training(self, X, sample_weight, *, reset):
        X = self._validate(X, reset=reset)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
            if not sample_weight.any():
                raise ValueError(
                    "All sample weights are zero. Give some row a positive weight."
                )
        return X, sample_weight

    @contextlib.contextmanager
    def _all_or_nothing(self):
        """Put the detector back as it was if anything goes wrong, Ctrl-C included."""
        before = dict(vars(self))
        if "_streams" in before:  # Generators change in place.
            streams = before["_streams"].items()
            before["_streams"] = {name: g.clone_state() for name, g in streams}
        # Set by scikit-learn around fit; its teardown needs them.
        try:
            yield
        except BaseException:
            kept = {k: v for k, v in vars(self).items() if k.startswith("_callback")}
            kept |= {k: v for k, v in vars(self).items() if k.startswith("_skl_")}
            vars(self).clear()
            vars(self).update(before | kept)
            raise

    def __sklearn_is_fitted__(self):
        return hasattr(self, "offset_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags


class BaseTorchDetector(BaseDetector, metaclass=ABCMeta):
    """Base of the detectors that score prepared rows by a torch module.

    Subclasses give `_fit`, `_module`, `_build_module` and `_scores`; `_initialize` and
    `_calibrate` where they need them. Batches have the shape (n_members, n_rows, ...).

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
        Where `predict` cuts. "auto" flags what exceeds the tail of the bulk of the
        training scores (`sklearn_deepod.scoring.tail_excess_cutoff`), the highest
        score alone if none does; with ``novelty=True``, where all training rows are
        normal, it is a boxplot fence (`sklearn_deepod.scoring.kimber_cutoff`), beyond
        which at most 1.5 % of them lie. A float in (0, 0.5] marks that share of the
        training rows.
    preprocessor : "auto", None or transformer, default="auto"
        How features are prepared; fitted in `fit` and kept. "auto" takes
        `sklearn_deepod.preparation.SquashScaler`; None takes the values as they are; a
        scikit-learn transformer is cloned.
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

    def __init_subclass__(cls, **kwargs):
        """Let ``**shared`` in a subclass's constructor stand for these parameters."""
        super().__init_subclass__(**kwargs)
        parents = (c for c in cls.__mro__[1:] if issubclass(c, BaseTorchDetector))
        inherit_parameters(cls, next(parents))

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
    def _ridge(self):
        """Shrinkage of covariances, as a share of the mean eigenvalue."""
        return RIDGE_CLEAN if self.novelty else RIDGE_DIRTY

    def _initialize(self, module, X, generator):
        """Set what depends on training rows `X` before the training starts."""

    def _calibrate(self, module, X, sample_weight, keep):
        """Learn statistics for scoring from the share `keep` of training rows `X`."""

    def _described(self, rows):
        """The training rows among which `_calibrate` is to look."""
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

    def _fit_preparation(self, rows):
        """Learn how rows are prepared."""
        self.preprocessor_ = fit_preprocessor(self.preprocessor, rows, self._shape_read)

    def _narrow_preparation(self, rows):
        """Keep the preparation, less the features that vary among outliers only.

        A network that trains on the cleanest rows learns nothing of those.
        """
        self.preprocessor_ = narrowed(self.preprocessor_, rows, self._shape_read)

    def _prepared(self, rows, n_draws):
        device = torch.device(self.device_)
        return PreparedRows(rows, self._prepare, device, n_draws)

    def _prepare(self, X):
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

    def _describe(self, module, rows, keep):
        """Let `_calibrate` see a sample of the rows."""
        if type(self)._calibrate is BaseTorchDetector._calibrate:
            return  # nothing to learn: spare the rows' preparation
        rows = self._described(rows)
        index, weight = rows.sample(self._sample_size(rows) * 2)
        with torch.no_grad():
            sample = self._prepared(rows, n_draws=0).take(index)
            self._calibrate(module, sample, weight, keep)

    def _sample_size(self, rows):
        cells = max(1, math.prod(rows.shape))
        return max(64, min(RESERVOIR_ROWS, RESERVOIR_CELLS // cells))

    def _n_draws(self, rows):
        """Number of rows that a training draws."""
        return 0

    def _fits_twice(self, rows):
        """Whether to fit again on the cleanest rows."""
        return not self.novelty and len(rows) >= LEAST_CLEANED

    def _cleanest(self, rows):
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
        kept = likely_inliers(scores, weight, CLEAN)
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
            raise DivergedError(
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
        with torch.inference_mode(), bf16, RowwiseProducts(SCORE_TERMS):
            for start in range(0, n_rows, size):
                block = slice(start, min(start + size, n_rows))
                batch = dense_rows(X, block)
                n_given = len(batch)
                missing = -n_given % tile
                if missing:
                    padding = np.repeat(batch[:1], missing, axis=0)
                    batch = np.concatenate([batch, padding])
                Z = self._for_members(self._prepare(batch).to(device))
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


class BaseDeepDetector(CallbackSupportMixin, BaseTorchDetector, metaclass=ABCMeta):
    """Base of the detectors that train a network.

    Subclasses give `_build_module`, `_losses` and `_scores`; `_initialize` and
    `_calibrate` where they need them. Batches have the shape
    (n_estimators, n_rows, ...): all members are trained in one pass.

    Parameters
    ----------
    novelty : bool, default=False
        Whether all training rows are known to be normal. False trains once with the
        highest losses of each batch left out, drops the 30 % of the rows that score
        highest, and trains again on the others. Which of the two is right cannot be
        told from the data.
    n_estimators : int, default=4
        Number of members, trained together; the score is the mean of theirs.
    bootstrap : bool, default=False
        Whether each member is trained on its own bootstrap sample of the rows.
    max_epochs : int or None, default=None
        Upper bound on the epochs of a training; an epoch is as many steps as batches
        hold the summed weights. None sets no bound.
    max_steps : int or None, default=150
        Upper bound on the optimizer steps of a training, which keeps its cost
        independent of the number of rows. None sets no bound.
    batch_size : int, default=64
        Rows of each member's batch, drawn with replacement by weight.
    lr : float, default=3e-3
        Learning rate at its highest.
    lr_schedule : {"cosine", "constant"}, default="cosine"
        "cosine" warms up over 30 steps and falls to 2 % of `lr`; "constant" leaves the
        rate to `lr` and to skorch's LRScheduler among `callbacks`.
    optimizer : {"adam", "adamw", "sgd"} or optimizer class, default="adamw"
        The optimizer.
    weight_decay : float, default=0.01
        Weight decay of the optimizer.
    early_stopping : bool, default=False
        Whether to hold rows out and to stop when their loss no longer improves; the
        best weights are kept.
    validation_fraction : float, default=0.1
        Share of the rows held out if `early_stopping`.
    n_iter_no_change : int, default=10
        Epochs without an improvement before an early stop.
    tol : float, default=1e-4
        Smallest decrease of the held-out loss that counts as an improvement.
    warm_start : bool, default=False
        Whether `fit` goes on from the network of the last fit.
    callbacks : list of skorch.callbacks.Callback or None, default=None
        Called during training as skorch does.
    verbose : int, default=0
        1 shows a progress bar.
    {parameters}

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The trained net; its `module_` holds all members.
    history_ : list of dict
        Losses of each epoch of the last training.
    n_iter_ : int
        Epochs of the last training.
    n_steps_ : int
        Optimizer steps of the last training.
    {attributes}
    """

    _parameter_constraints: dict = {
        **BaseTorchDetector._parameter_constraints,
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "bootstrap": ["boolean"],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), None],
        "max_steps": [Interval(Integral, 1, None, closed="left"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "lr_schedule": [StrOptions({"cosine", "constant"})],
        "optimizer": [StrOptions(set(OPTIMIZERS)), callable],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "callbacks": [list, tuple, None],
        "verbose": ["verbose"],
    }

    _remedy = "Lower `lr`, check the loss, or scale the features (preprocessor='auto')."
    #: Share of a batch's highest losses that a first training leaves out.
    _trim = TRIM

    @abstractmethod
    def __init__(
        self,
        *,
        novelty=False,
        n_estimators=4,
        bootstrap=False,
        max_epochs=None,
        max_steps=150,
        batch_size=64,
        lr=3e-3,
        lr_schedule="cosine",
        optimizer="adamw",
        weight_decay=0.01,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        warm_start=False,
        callbacks=None,
        verbose=0,
        **shared,
    ):
        super().__init__(novelty=novelty, **shared)
        self.n_estimators = n_estimators
        self.bootstrap = bootstrap
        self.max_epochs = max_epochs
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.verbose = verbose

    # What a method gives ----------------------------------------------------------

    @abstractmethod
    def _losses(self, module, X, generator):
        """Yield (part, losses of shape (n_members, n_rows)): a step for each yield.

        A third item, booleans of the shape of the losses, marks rows that trimming
        must not leave out. Methods with labels get them after `X`.
        """

    def _optimizer_settings(self):
        """Arguments of the optimizer, as skorch takes them, beside the shared ones."""
        return {}

    def _drawn(self, rows):
        """The training rows, with the weights by which batches draw them."""
        return rows

    @property
    def _module(self):
        return self.net_.module_

    # Fitting ----------------------------------------------------------------------

    def _fit_goes_on(self):
        return self.warm_start and hasattr(self, "net_")

    def _fit(self, X, sample_weight, labels=None):
        goes_on = self._fit_goes_on()
        rows = self._start(X, sample_weight, labels, goes_on=goes_on)
        self._fit_rows(rows, goes_on=goes_on)

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def _fit_as_part_of(self, detector, rows):
        """Fit on rows that another detector has validated and put in order."""
        for name in _VALIDATED & vars(detector).keys():
            setattr(self, name, getattr(detector, name))
        self._begin(rows.shape)
        self._fit_rows(rows)

    def _fit_rows(self, rows, *, goes_on=False):
        twice = self._fits_twice(rows)
        if twice and not goes_on:
            watch = self._train_twice(rows)
        else:
            known = self._cleanest(rows) if twice else rows
            watch = EpochWatch(self, len(self._plan(known)))
            if not goes_on:
                self._fit_preparation(rows)
            dirty = not (self.novelty or goes_on)
            trim, keep = (self._trim, TRUSTED) if dirty else (0.0, 1.0)
            self._train(known, watch, trim=trim, keep=keep, goes_on=goes_on)
        self._finish(rows)
        watch.close()

    def _train_twice(self, rows):
        """Train on all rows, and again on those that score lowest."""
        watch = EpochWatch(self, 2)
        training = watch.training(len(self._plan(rows)))
        self._fit_preparation(rows)
        self._train(rows, training, trim=self._trim, keep=TRUSTED)
        training.close()
        rows = self._cleanest(rows)
        self._narrow_preparation(rows)
        training = watch.training(len(self._plan(rows)))
        self._train(rows, training)
        training.close()
        return watch

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Train for one more epoch on these rows.

        The first call prepares as `fit` does. Later ones keep the preparation, and take
        statistics and the cut from a sample of all the rows seen. Where `novelty` is
        False, the highest losses of each batch are left out.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : Ignored
            For API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self : object
            The detector.
        """
        goes_on = hasattr(self, "net_")
        with self._all_or_nothing():
            X, weight = self._validate_training(X, sample_weight, reset=not goes_on)
            self._find_constants(X, weight, goes_on=goes_on)
            labels = self._targets(X, y).get("labels")
            rows = self._start(X, weight, labels, goes_on=goes_on)
            seen = rows
            if goes_on:
                seen = self._rows_seen(rows)
            if not goes_on:
                self._fit_preparation(rows)
            plan = self._plan(rows)[:1]
            watch = EpochWatch(self, 1)
            self._train(
                rows,
                watch,
                plan=plan,
                goes_on=goes_on,
                trim=0.0 if self.novelty else self._trim,
                keep=1.0 if self.novelty else TRUSTED,
                statistics_of=seen,
                constant_rate=True,
            )
            self._finish(seen)
            watch.close()
        return self

    def _rows_seen(self, rows):
        """More training rows, and a sample of the earlier ones."""
        new = rows.rows(), rows.weight, rows.labels
        pairs = zip(self._reservoir, new, strict=True)
        return TrainingRows(
            *(None if a is None else np.concatenate([a, b]) for a, b in pairs)
        )

    def _begin(self, row_shape, *, goes_on=False):
        if self.max_epochs is None and self.max_steps is None:
            raise ValueError(
                "max_epochs and max_steps are both None, so training would never end. "
                "Set one of them."
            )
        if not goes_on:
            self.__dict__.pop("net_", None)
        super()._begin(row_shape, goes_on=goes_on)

    def _plan(self, rows):
        """Number of steps of each epoch of a training."""
        steps = max(1, math.ceil(rows.total_weight / self.batch_size))
        total = math.inf if self.max_steps is None else self.max_steps
        if self.max_epochs is not None:
            total = min(total, self.max_epochs * steps)
        full, rest = divmod(total, steps)
        return [steps] * int(full) + [rest] * (rest > 0)

    def _n_draws(self, rows):
        return sum(self._plan(rows)) * self.batch_size

    def _train(
        self,
        rows,
        watch,
        *,
        plan=None,
        trim=0.0,
        keep=1.0,
        goes_on=False,
        statistics_of=None,
        constant_rate=False,
    ):
        """Train on `rows`, from the beginning or going on, and set `net_`."""
        plan = self._plan(rows) if plan is None else plan
        rows, held_out = self._hold_out(rows)
        n_draws = sum(plan) * self.batch_size
        prepared = self._prepared(self._drawn(rows), n_draws)
        batches = WeightedBatches(
            prepared,
            self.n_estimators,
            self.batch_size,
            self.bootstrap,
            self._streams["batches"],
        )
        first = None if goes_on else self._first(prepared)
        state = state_of(self.net_) if goes_on else None
        cosine = self.lr_schedule == "cosine" and not constant_rate
        net = self._new_net(trim=trim, total_steps=sum(plan) if cosine else None)
        if goes_on:
            try:
                load_state(net, state)
            except RuntimeError as error:
                raise ValueError(
                    "The network to go on from has another architecture. Set "
                    "warm_start=False and fit, or undo the change of parameters."
                ) from error
            net.history.clear()
            net.step_ = 0
        else:
            self._initialize(net.module_, first, self._streams["weights"])
        stopping = EarlyStopping(self.n_iter_no_change, self.tol)
        net.run(
            batches,
            plan,
            validation=held_out,
            stopping=stopping if held_out is not None else None,
            watch=watch,
        )
        self.net_ = net
        self.n_steps_ = net.step_
        source = rows if statistics_of is None else statistics_of
        self._describe(net.module_, source, keep)

    def _hold_out(self, rows):
        """Part the first rows of the canonical order, a random sample, as batches."""
        if not self.early_stopping:
            return rows, None
        share = np.cumsum(rows.weight) / rows.total_weight
        count = int(np.searchsorted(share, self.validation_fraction)) + 1
        if count >= len(rows):
            raise ValueError(
                f"early_stopping holds out a share of {self.validation_fraction} of "
                f"the rows, which leaves none of {len(rows)} distinct rows to train "
                "on. Give more rows or set early_stopping=False."
            )
        index = np.arange(len(rows))
        held_out = self._prepared(rows.subset(index[:count], rows.weight[:count]), 0)
        batches = []
        for part in np.array_split(index[:count], math.ceil(count / SCORE_ROWS)):
            batch = self._for_members(held_out.take(part))
            labels = held_out.labels_at(part)
            if labels is not None:
                batch = batch, self._for_members(labels)
            batches.append(batch)
        return rows.subset(index[count:], rows.weight[count:]), batches

    def _finish(self, rows):
        """Set the cut and what a later `partial_fit` needs."""
        super()._finish(rows)
        index, weight = rows.sample(self._sample_size(rows))
        labels = None if rows.labels is None else rows.labels[index]
        self._reservoir = rows.rows(index), weight, labels
        self.history_ = [dict(epoch) for epoch in self.net_.history]
        self.n_iter_ = len(self.history_)

    def _new_net(self, **kwargs):
        """An initialised net with fresh weights."""
        optimizer = OPTIMIZERS.get(self.optimizer, self.optimizer)
        settings = {
            "optimizer__weight_decay": self.weight_decay,
            **self._optimizer_settings(),
        }
        if optimizer in OPTIMIZERS.values():
            settings["optimizer__fused"] = self.device_.split(":")[0] in ("cpu", "cuda")
        net = DetectorNet(
            self._new_module(),
            row_losses=self._row_losses,
            autocast=self.precision == "bfloat16",
            optimizer=optimizer,
            lr=self.lr,
            batch_size=self.batch_size,
            callbacks=self.callbacks,
            device=self.device_,
            train_split=None,
            verbose=self.verbose,
            **settings,
            **kwargs,
        )
        return net.initialize()

    def _row_losses(self, module, batch):
        batch = batch if isinstance(batch, tuple) else (batch,)
        return self._losses(module, *batch, self._streams["noise"])

    # State ------------------------------------------------------------------------

    def __getstate__(self):
        """Plain arrays in place of the net and the random streams."""
        state = super().__getstate__()
        if "net_" in state:
            state["net_"] = state_of(state["net_"])
        return state

    def _restore_module(self, state):
        self.net_ = load_state(self._new_net(), state["net_"])
        self.net_._set_training(False)
