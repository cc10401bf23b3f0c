"""The training of a detector's network: its length, its batches and its end."""

import math

import numpy as np
import torch

from sklearn_deepod._training._arrays import load_state, state_of
from sklearn_deepod._training._batches import PreprocessedRows, WeightedBatches
from sklearn_deepod._training._early_stopping import EarlyStopping
from sklearn_deepod._training._net import DetectorNet
from sklearn_deepod._training._progress import TrainingProgress
from sklearn_deepod.utils._ranks import RANKS

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
# Rows of a validation batch, about.
_VALIDATION_ROWS = 1024


class Trainer:
    """Trains the network of a detector by the detector's parameters and hooks.

    Parameters
    ----------
    detector : BaseDeepDetector
        Not kept longer than the training lasts.
    """

    def __init__(self, detector):
        if detector.max_epochs is None and detector.max_steps is None:
            raise ValueError(
                "max_epochs and max_steps are both None, so training would never end. "
                "Set one of them."
            )
        self.detector = detector
        self._optimizer_settings = detector._optimizer_settings()

    def epochs(self, rows):
        """Number of steps of each epoch of a training on these rows."""
        detector = self.detector
        steps = max(1, math.ceil(rows.total_weight / detector.batch_size))
        total = math.inf if detector.max_steps is None else detector.max_steps
        if detector.max_epochs is not None:
            total = min(total, detector.max_epochs * steps)
        full, rest = divmod(total, steps)
        return [steps] * int(full) + [rest] * (rest > 0)

    def n_draws(self, rows):
        """Number of rows that a training on these rows draws."""
        return sum(self.epochs(rows)) * self.detector.batch_size

    def train(
        self, rows, watch, *, trim_fraction=0.0, net=None, epochs=None, cosine=None
    ):
        """Train a new network, or go on from one.

        Parameters
        ----------
        rows : TrainingRows
            The training rows.
        watch : EpochWatch
            Called after each epoch.
        trim_fraction : float, default=0.0
            Share of each batch's highest losses that is left out.
        net : DetectorNet, default=None
            The network to go on from; it is left as it is.
        epochs : list of int, default=None
            Number of steps of each epoch; None takes all of `epochs`.
        cosine : bool, default=None
            Whether the learning rate falls; None takes the detector's ``lr_schedule``.

        Returns
        -------
        DetectorNet
            The trained net.
        """
        detector, ranks = self.detector, RANKS.get()
        if ranks is not None:
            ranks.align(detector._streams)
        epochs = self.epochs(rows) if epochs is None else epochs
        cosine = detector.lr_schedule == "cosine" if cosine is None else cosine
        progress = TrainingProgress.of(detector, rows, epochs, trim_fraction)
        rows, validation = self._hold_out(rows)
        preprocessed = self._preprocessed(
            detector._sampling_weights(rows), sum(epochs) * detector.batch_size
        )
        batches = WeightedBatches(
            preprocessed,
            detector._n_members,
            detector.batch_size,
            detector.bootstrap,
            detector._streams["batches"],
            share=slice(None) if ranks is None else ranks.share(detector.batch_size),
        )
        settings = {
            "trim_fraction": trim_fraction,
            "total_steps": sum(epochs) if cosine else None,
        }
        if net is None:
            X = detector._for_members(preprocessed.first())
            detector._input_shape = tuple(X.shape[2:])
            net = self.new_net(**settings)
            detector._initialize(net.module_, X, detector._streams["weights"])
        else:
            net = self._continued(net, settings)
        stopping = None
        if validation is not None:
            stopping = EarlyStopping(detector.n_iter_no_change, detector.tol)
        return net.run(
            self._losses,
            batches,
            epochs,
            validation=validation,
            stopping=stopping,
            watch=watch,
            progress=progress,
            ranks=ranks,
        )

    def new_net(self, **settings):
        """An initialised net with fresh weights."""
        detector = self.detector
        optimizer = OPTIMIZERS.get(detector.optimizer, detector.optimizer)
        settings |= {"optimizer__weight_decay": detector.weight_decay}
        settings |= self._optimizer_settings
        if optimizer in OPTIMIZERS.values():
            on = detector.device_.split(":")[0]
            settings["optimizer__fused"] = on in ("cpu", "cuda")
        net = DetectorNet(
            detector._new_module(),
            autocast=detector._precision == "bfloat16",
            optimizer=optimizer,
            lr=detector.lr,
            batch_size=detector.batch_size,
            callbacks=detector.callbacks,
            device=detector.device_,
            train_split=None,
            verbose=detector.verbose,
            **settings,
        )
        return net.initialize()

    def _continued(self, net, settings):
        """A net with the weights and the optimizer's moments of another one."""
        state = state_of(net)
        new = self.new_net(**settings)
        try:
            load_state(new, state)
        except RuntimeError as error:
            raise ValueError(
                "The network to go on from has another architecture. Set "
                "warm_start=False and fit, or undo the change of parameters."
            ) from error
        new.history.clear()
        new.step_ = 0
        return new

    def _preprocessed(self, rows, n_draws):
        detector = self.detector
        return PreprocessedRows(rows, detector._preprocess, detector.device_, n_draws)

    def _losses(self, module, batch):
        """Loss steps of a batch: rows, or rows and labels."""
        X, labels = batch if isinstance(batch, tuple) else (batch, None)
        generator = self.detector._streams["noise"]
        return self.detector._losses(module, X, generator, labels)

    def _hold_out(self, rows):
        """Hold out the first rows in canonical order (a random sample) as batches."""
        detector = self.detector
        if not detector.early_stopping:
            return rows, None
        share = np.cumsum(rows.weight) / rows.total_weight
        count = int(np.searchsorted(share, detector.validation_fraction)) + 1
        if count >= len(rows):
            raise ValueError(
                f"early_stopping holds out a share of {detector.validation_fraction} "
                f"of the rows, which leaves none of {len(rows)} distinct rows to train "
                "on. Give more rows or set early_stopping=False."
            )
        index = np.arange(len(rows))
        held_out = rows.subset(index[:count], rows.weight[:count])
        held_out = self._preprocessed(held_out, 0)
        batches = []
        n_batches = math.ceil(count / _VALIDATION_ROWS)
        for part in np.array_split(index[:count], n_batches):
            batch = detector._for_members(held_out.take(part))
            labels = held_out.labels_at(part)
            if labels is not None:
                batch = batch, detector._for_members(labels)
            batches.append(batch)
        return rows.subset(index[count:], rows.weight[count:]), batches
