"""The training loop: batches, devices and the skorch net."""

from sklearn_deepod._training._arrays import (
    arrays_of,
    load_arrays,
    load_state,
    set_arrays,
    state_of,
)
from sklearn_deepod._training._batches import PreprocessedRows, WeightedBatches
from sklearn_deepod._training._devices import resolve_device
from sklearn_deepod._training._early_stopping import EarlyStopping
from sklearn_deepod._training._fused import fused_step, takes_fused_steps
from sklearn_deepod._training._net import DetectorNet, LossStep
from sklearn_deepod._training._trainer import OPTIMIZERS, Trainer

__all__ = [
    "OPTIMIZERS",
    "DetectorNet",
    "EarlyStopping",
    "LossStep",
    "PreprocessedRows",
    "Trainer",
    "WeightedBatches",
    "arrays_of",
    "fused_step",
    "load_arrays",
    "load_state",
    "resolve_device",
    "set_arrays",
    "state_of",
    "takes_fused_steps",
]
