"""Training: rows, batches, random streams and the skorch net."""

from sklearn_deepod.training._batches import PreparedRows, WeightedBatches
from sklearn_deepod.training._constant_features import ConstantFeatures
from sklearn_deepod.training._devices import resolve_device
from sklearn_deepod.training._net import (
    DetectorNet,
    DivergedError,
    EarlyStopping,
    arrays_of,
    load_arrays,
    load_state,
    set_arrays,
    state_of,
)
from sklearn_deepod.training._rows import (
    PickedRows,
    TrainingRows,
    chunks,
    dense_rows,
)
from sklearn_deepod.training._streams import (
    explicit_stream,
    make_streams,
    restore_streams,
    stream_states,
)

__all__ = [
    "ConstantFeatures",
    "DetectorNet",
    "DivergedError",
    "EarlyStopping",
    "PickedRows",
    "PreparedRows",
    "TrainingRows",
    "WeightedBatches",
    "arrays_of",
    "chunks",
    "dense_rows",
    "explicit_stream",
    "load_arrays",
    "load_state",
    "make_streams",
    "resolve_device",
    "restore_streams",
    "set_arrays",
    "state_of",
    "stream_states",
]
