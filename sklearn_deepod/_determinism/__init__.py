"""Bit-identical fits and scores: order of rows, random streams, products, threads."""

from sklearn_deepod._determinism._batch_invariant_matmul import BatchInvariantMatmul
from sklearn_deepod._determinism._random_streams import (
    explicit_stream,
    make_streams,
    restore_streams,
    stream_states,
)
from sklearn_deepod._determinism._threads import one_blas_thread
from sklearn_deepod._determinism._training_rows import (
    PickedRows,
    TrainingRows,
    chunks,
    dense_rows,
)

__all__ = [
    "BatchInvariantMatmul",
    "PickedRows",
    "TrainingRows",
    "chunks",
    "dense_rows",
    "explicit_stream",
    "make_streams",
    "one_blas_thread",
    "restore_streams",
    "stream_states",
]
