"""The skorch net: the training loop of all detectors."""

import math
from typing import NamedTuple

import torch
from skorch import NeuralNet
from tqdm import tqdm

from sklearn_deepod._training._fused import fused_step, takes_fused_steps
from sklearn_deepod.exceptions import DivergenceError

# Steps of linear warm-up, and what is left of the learning rate at the end.
WARM_UP_STEPS = 30
_FINAL_SHARE = 0.02


class LossStep(NamedTuple):
    """What one step of the optimizer minimises.

    Read more in the :ref:`User Guide <write-a-detector>`.

    Attributes
    ----------
    part : torch.nn.Module
        The submodule whose parameters the step updates.
    losses : torch.Tensor of shape (n_members, n_rows)
        Loss of each row.
    exempt : torch.Tensor of bool of shape (n_members, n_rows) or None
        Rows that trimming must not leave out.
    """

    part: torch.nn.Module
    losses: torch.Tensor
    exempt: torch.Tensor | None = None


class DetectorNet(NeuralNet):
    """A skorch net that trains on losses per row instead of targets.

    Parameters
    ----------
    module : torch.nn.Module
        The initialised module; it may hold several members.
    total_steps : int or None
        Length of the learning-rate schedule; None keeps the rate constant.
    trim_fraction : float
        Share of each batch's highest losses that is left out.
    autocast : bool
        Whether losses are computed in bfloat16 on an accelerator.
    **kwargs
        Arguments of `skorch.NeuralNet`.
    """

    #: Processes that share the batches; set while `run` lasts.
    _ranks = None

    def __init__(
        self,
        module,
        *,
        total_steps=None,
        trim_fraction=0.0,
        autocast=False,
        **kwargs,
    ):
        self.total_steps = total_steps
        self.trim_fraction = trim_fraction
        self.autocast = autocast
        kwargs.setdefault("criterion", torch.nn.Identity)
        super().__init__(module, **kwargs)

    @property
    def _default_callbacks(self):
        return []

    def initialize_optimizer(self, triggered_directly=None):
        """Create the optimizer and start the schedule."""
        super().initialize_optimizer()
        self.step_ = 0
        # Clearing the gradients here costs a third of optimizer.zero_grad.
        self._parameters = list(self.module_.parameters())
        self._parts = {self.module_: None}
        self._base_rates = [g["lr"] for g in self.optimizer_.param_groups]
        # Callbacks may wrap the optimizer's own method.
        self._fused = not self.callbacks_ and takes_fused_steps(self.optimizer_)
        return self

    def _schedule(self):
        """Linear warm-up, then half a cosine down to 2 % of the rate."""
        if self.total_steps is None:
            return
        warm_up = min(WARM_UP_STEPS, self.total_steps // 5)
        if self.step_ < warm_up:
            factor = (self.step_ + 1) / warm_up
        else:
            done = (self.step_ - warm_up) / max(1, self.total_steps - warm_up)
            factor = _FINAL_SHARE + (1 - _FINAL_SHARE) * 0.5 * (
                1 + math.cos(math.pi * min(1.0, done))
            )
        for group, rate in zip(
            self.optimizer_.param_groups, self._base_rates, strict=True
        ):
            group["lr"] = rate * factor

    def _row_weights(self, losses, exempt=None):
        """Weight of each row in the loss: members add up, rows are averaged.

        The highest losses may be left out, those of the rows `exempt` last.
        """
        n_rows = losses.shape[1]
        if not self.trim_fraction:
            return losses.new_full(losses.shape, 1 / n_rows)
        kept = max(1, round(n_rows * (1 - self.trim_fraction)))
        if exempt is not None:
            losses = losses.masked_fill(exempt, -torch.inf)
        index = losses.topk(kept, dim=1, largest=False, sorted=False).indices
        return torch.zeros_like(losses).scatter_(1, index, 1 / kept)

    def _loss_steps(self, batch):
        """Loss steps of a batch; under autocast only while they are computed."""
        steps = (LossStep(*step) for step in self._losses(self.module_, batch))
        if not self.autocast:
            yield from steps
            return
        while True:
            with torch.autocast(self._parameters[0].device.type, torch.bfloat16):
                step = next(steps, None)
            if step is None:
                return
            yield step

    def _parameters_of(self, part):
        """The parameters that a step on `part` moves; None for all."""
        if part not in self._parts:
            self._parts[part] = list(part.parameters())
        return self._parts[part]

    def train_step(self, batch, **fit_params):
        """One batch: an optimizer step for each part that the losses name."""
        self._schedule()
        total = 0.0
        for part, losses, exempt in self._loss_steps(batch):
            losses = losses.float()
            weights = self._row_weights(losses.detach(), exempt)
            for parameter in self._parameters:
                parameter.grad = None
            inputs = self._parameters_of(part)
            torch.autograd.backward(losses, weights, inputs=inputs)
            if self._ranks is not None:
                moved = self._parameters if inputs is None else inputs
                self._ranks.average([p.grad for p in moved if p.grad is not None])
            total = total + (losses.detach() * weights).sum()
            if self.callbacks_:
                self.notify(
                    "on_grad_computed",
                    named_parameters=self.get_all_learnable_params(),
                    batch=batch,
                    training=True,
                )
            if self._fused:
                fused_step(self.optimizer_)
            else:
                self.optimizer_.step()
        self.step_ += 1
        return {"loss": total, "y_pred": None}

    def _average_buffers(self):
        """What a module notes of its own batches becomes the same everywhere."""
        buffers = [b for b in self.module_.buffers() if b.is_floating_point()]
        if buffers:
            self._ranks.average(buffers)

    def validation_step(self, batch, **fit_params):
        """Mean loss of a batch in evaluation mode."""
        with torch.no_grad():
            losses = [step.losses.float().mean() for step in self._loss_steps(batch)]
        return {"loss": sum(losses), "y_pred": None}

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run over the batches; the mean loss goes into the history."""
        total, count = None, 0
        self._set_training(training)
        for batch in iterator:
            if self.callbacks_:
                self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch)
            total = step["loss"] if total is None else total + step["loss"]
            count += 1
            if self.callbacks_:
                self.history.record_batch(f"{prefix}_loss", step["loss"].item())
                self.notify("on_batch_end", batch=batch, training=training, **step)
        if training and self._ranks is not None:
            self._ranks.average([total])
        mean = total.item() / count
        if not math.isfinite(mean):
            raise DivergenceError(
                f"The {prefix} loss became {mean} in epoch {len(self.history)}. Lower "
                "`lr`, check the loss, or scale the features (preprocessor='auto')."
            )
        self.history.record(f"{prefix}_loss", mean)
        self.history.record(f"{prefix}_batch_count", count)

    def run(
        self,
        losses,
        batches,
        plan,
        *,
        validation=None,
        stopping=None,
        watch=None,
        progress=None,
        ranks=None,
    ):
        """Train through skorch's hooks; exceptions, KeyboardInterrupt too, propagate.

        Parameters
        ----------
        losses : callable
            ``losses(module, batch)`` yields a `LossStep` for each optimizer step. It is
            not kept: a net that held its detector would be freed by the garbage
            collector only.
        batches : WeightedBatches
            Source of the batches.
        plan : list of int
            Number of steps of each epoch.
        validation : list of torch.Tensor, default=None
            Held-out batches.
        stopping : EarlyStopping, default=None
            The stopping rule on the validation loss.
        watch : callable, default=None
            Called after each epoch; training stops where it returns True.
        progress : TrainingProgress, default=None
            Where epochs are saved; those that it holds are not run again.
        ranks : Ranks, default=None
            The processes that train together.
        """
        self._losses, self._ranks = losses, ranks
        try:
            self._run_epochs(batches, plan, validation, stopping, watch, progress)
        finally:
            del self._losses, self._ranks
        return self

    def _run_epochs(self, batches, plan, validation, stopping, watch, progress):
        n_done = 0 if progress is None else progress.restore(self, stopping)
        self.notify("on_train_begin", X=None, y=None)
        bar = tqdm(total=sum(plan), unit="step", disable=not self.verbose, leave=False)
        with bar:
            bar.update(sum(plan[:n_done]))
            for n_steps in plan[n_done:]:
                epoch = {"dataset_train": batches, "dataset_valid": validation}
                self.notify("on_epoch_begin", **epoch)
                self.run_single_epoch(
                    batches.steps(n_steps), True, "train", self.train_step
                )
                if self._ranks is not None:
                    self._average_buffers()
                stop = False
                if validation is not None:
                    self.run_single_epoch(
                        validation, False, "valid", self.validation_step
                    )
                    stop = stopping.update(self.history[-1, "valid_loss"], self.module_)
                self.notify("on_epoch_end", **epoch)
                bar.update(n_steps)
                bar.set_postfix(loss=self.history[-1, "train_loss"])
                stop |= watch is not None and watch()
                n_done = len(plan) if stop else n_done + 1
                if progress is not None:
                    progress.save(self, stopping, n_done)
                if stop:
                    break
        if stopping is not None:
            stopping.restore(self.module_)
        self.notify("on_train_end", X=None, y=None)
        for epoch in self.history:
            epoch.pop("batches", None)  # the largest part of a pickle
        self._set_training(False)
