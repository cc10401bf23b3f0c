"""Detectors that train a network."""

import math
from abc import ABCMeta, abstractmethod
from numbers import Integral, Real

import numpy as np
import torch

from sklearn_deepod._determinism import (
    TrainingRows,
)
from sklearn_deepod._training import (
    DetectorNet,
    EarlyStopping,
    WeightedBatches,
    load_state,
    state_of,
)
from sklearn_deepod.base._detector import _VALIDATED
from sklearn_deepod.base._torch import (
    SCORE_ROWS,
    SUPPORT_FRACTION,
    TRIM_FRACTION,
    BaseTorchDetector,
)
from sklearn_deepod.utils._optional import EpochWatch
from sklearn_deepod.utils._sklearn_compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    _fit_context,
    with_callbacks,
)

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}


class BaseDeepDetector(CallbackSupportMixin, BaseTorchDetector, metaclass=ABCMeta):
    """Base of the detectors that train a network.

    Subclasses give `_build_module`, `_losses` and `_scores`; `_initialize` and
    `_fit_score_statistics` where they need them. Batches have the shape
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
    _trim = TRIM_FRACTION

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

    def _sampling_weights(self, rows):
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
        twice = self._refits_on_inliers(rows)
        if twice and not goes_on:
            watch = self._train_and_refit(rows)
        else:
            known = self._select_inliers(rows) if twice else rows
            watch = EpochWatch(self, len(self._plan(known)))
            if not goes_on:
                self._fit_preprocessor(rows)
            dirty = not (self.novelty or goes_on)
            trim, keep = (self._trim, SUPPORT_FRACTION) if dirty else (0.0, 1.0)
            self._train(known, watch, trim=trim, keep=keep, goes_on=goes_on)
        self._finish(rows)
        watch.close()

    def _train_and_refit(self, rows):
        """Train on all rows, and again on those that score lowest."""
        watch = EpochWatch(self, 2)
        training = watch.training(len(self._plan(rows)))
        self._fit_preprocessor(rows)
        self._train(rows, training, trim=self._trim, keep=SUPPORT_FRACTION)
        training.close()
        rows = self._select_inliers(rows)
        self._narrow_preprocessor(rows)
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
                self._fit_preprocessor(rows)
            plan = self._plan(rows)[:1]
            watch = EpochWatch(self, 1)
            self._train(
                rows,
                watch,
                plan=plan,
                goes_on=goes_on,
                trim=0.0 if self.novelty else self._trim,
                keep=1.0 if self.novelty else SUPPORT_FRACTION,
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
        prepared = self._preprocessed(self._sampling_weights(rows), n_draws)
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
        self._describe_rows(net.module_, source, keep)

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
        held_out = self._preprocessed(
            rows.subset(index[:count], rows.weight[:count]), 0
        )
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
