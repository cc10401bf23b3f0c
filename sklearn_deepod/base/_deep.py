"""Detectors that train a network."""

from abc import ABCMeta, abstractmethod
from numbers import Integral, Real

import numpy as np

from sklearn_deepod._determinism import TrainingRows
from sklearn_deepod._training import OPTIMIZERS, Trainer, load_state, state_of
from sklearn_deepod.base._detector import VALIDATED
from sklearn_deepod.base._incremental import IncrementalMixin
from sklearn_deepod.base._torch import SUPPORT_FRACTION, BaseTorchDetector, sample_size
from sklearn_deepod.utils._optional import EpochWatch
from sklearn_deepod.utils._sklearn_compat import (
    Interval,
    StrOptions,
    _fit_context,
    with_callbacks,
)


class BaseDeepDetector(IncrementalMixin, BaseTorchDetector, metaclass=ABCMeta):
    """Base of the detectors that train a network.

    Subclasses implement `_build_module` and `_losses`, and `_initialize` and
    `_fit_score_statistics` where they need them. Batches have the shape
    (n_estimators, n_rows, ...): all members are trained in one pass.

    Read more in the :ref:`User Guide <write-a-detector>`.

    Parameters
    ----------
    novelty : bool, default=False
        Whether all training rows are known to be normal. False trains once with the
        highest losses of each batch left out (`trim_fraction`), and again on the share
        `inlier_fraction` of the rows, those that score lowest. The data alone cannot
        tell which one applies.
    trim_fraction : float, default=0.2
        Share of the highest losses of each batch, in [0, 1), that the first training
        leaves out. Without effect if `novelty`.
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
        "trim_fraction": [Interval(Real, 0, 1, closed="left")],
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
    _fitted_attribute = "net_"

    @abstractmethod
    def __init__(
        self,
        *,
        novelty=False,
        trim_fraction=0.2,
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
        self.trim_fraction = trim_fraction
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

    # What a method implements -------------------------------------------------------

    @abstractmethod
    def _losses(self, module, X, generator, labels=None):
        """Yield a `LossStep` for each optimizer step on a batch `X`.

        `labels` (1, 0 or -1 for each row of the batch) are given to detectors that
        learn from some.
        """

    def _optimizer_settings(self):
        """Arguments of the optimizer, as skorch takes them, beside the shared ones."""
        return {}

    def _sampling_weights(self, rows):
        """The training rows, with the weights by which batches draw them."""
        return rows

    def _trimmed_share(self):
        """Share of a batch's highest losses that a training leaves out."""
        return self.trim_fraction

    # Fitting: what `BaseDetector.fit` says holds here -------------------------------

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        with self._all_or_nothing():
            goes_on = self.warm_start and self._is_trained()
            X, weight = self._validate_training(X, sample_weight, goes_on=goes_on)
            self._fit_rows(TrainingRows(X, weight, self._labels(X, y)), goes_on=goes_on)
        return self

    def _fit_rows(self, rows, *, goes_on=False):
        """Train, refit on inliers, fit the score statistics, and set the threshold."""
        trainer = Trainer(self)
        self._begin(rows, goes_on=goes_on)
        refits = self._refits_on_inliers(rows)
        inliers = rows
        if goes_on:
            if refits:
                inliers = self._select_inliers(rows, trainer.n_draws(rows))
            watch = EpochWatch(self, len(trainer.epochs(inliers)))
            self._learn(trainer, inliers, watch, net=self.net_)
        elif not refits:
            self._fit_preprocessor(rows)
            watch = EpochWatch(self, len(trainer.epochs(rows)))
            self._learn(trainer, rows, watch, contaminated=not self.novelty)
        else:
            self._fit_preprocessor(rows)
            watch = EpochWatch(self, 2)
            with watch.training(len(trainer.epochs(rows))) as training:
                self._learn(trainer, rows, training, contaminated=True)
            inliers = self._select_inliers(rows, trainer.n_draws(rows))
            self._fit_preprocessor(inliers, narrow=True)
            with watch.training(len(trainer.epochs(inliers))) as training:
                self._learn(trainer, inliers, training)
        self._fit_threshold(rows)
        self._keep_sample(rows)
        watch.close()

    def _learn(
        self, trainer, rows, watch, *, contaminated=False, seen=None, **settings
    ):
        """One training, and what scoring needs to know of the rows."""
        trimmed = self._trimmed_share() if contaminated else 0.0
        self.net_ = trainer.train(rows, watch, trim_fraction=trimmed, **settings)
        support_fraction = SUPPORT_FRACTION if contaminated else 1.0
        self._fit_statistics(rows if seen is None else seen, support_fraction)

    def _partial_fit_rows(self, rows, *, goes_on):
        """Train for an epoch; fit statistics and threshold on all the rows seen."""
        seen = self._rows_seen(rows) if goes_on else rows
        self._begin(rows, goes_on=goes_on)
        trainer = Trainer(self)
        if not goes_on:
            self._fit_preprocessor(rows)
        watch = EpochWatch(self, 1)
        self._learn(
            trainer,
            rows,
            watch,
            contaminated=not self.novelty,
            seen=seen,
            net=self.net_ if goes_on else None,
            epochs=trainer.epochs(rows)[:1],
            cosine=False,
        )
        self._fit_threshold(seen)
        self._keep_sample(seen)
        watch.close()

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def _fit_as_part_of(self, detector, rows, *, epoch_only=False):
        """Fit on rows that another detector has validated and put in order."""
        goes_on = epoch_only and self._is_trained()
        for name in VALIDATED & vars(detector).keys():
            setattr(self, name, getattr(detector, name))
        if epoch_only:
            self._partial_fit_rows(rows, goes_on=goes_on)
        else:
            self._fit_rows(rows)

    def _is_trained(self):
        return "net_" in vars(self)

    def _rows_seen(self, rows):
        """More training rows, and a sample of the earlier ones."""
        new = rows.rows(), rows.weight, rows.labels
        pairs = zip(self._sample, new, strict=True)
        return TrainingRows(
            *(None if a is None else np.concatenate([a, b]) for a, b in pairs)
        )

    def _keep_sample(self, rows):
        """Keep what a later `partial_fit` needs, and what the training tells."""
        index, weight = rows.sample(sample_size(rows))
        labels = None if rows.labels is None else rows.labels[index]
        self._sample = rows.rows(index), weight, labels
        self.history_ = [dict(epoch) for epoch in self.net_.history]
        self.n_iter_ = len(self.history_)
        self.n_steps_ = self.net_.step_

    # State ------------------------------------------------------------------------

    def _to_arrays(self):
        return state_of(self.net_)

    def _from_arrays(self, arrays):
        net = load_state(Trainer(self).new_net(), arrays)
        net._set_training(False)
        return net
