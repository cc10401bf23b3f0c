"""Reads anything that can be read piece by piece."""

import os

import numpy as np

from sklearn_deepod.parallel._arrow import as_table, is_frame
from sklearn_deepod.parallel._batch import Chunk
from sklearn_deepod.parallel._files import dataset_chunks, file_chunks
from sklearn_deepod.utils._optional_imports import optional_import

KINDS = (
    "a path of Parquet, CSV or .npy files, an array, a data frame, a pyarrow Dataset "
    "or Table, an iterable of arrays or frames (such as a torch DataLoader), or a "
    "function that returns one"
)


def read_chunks(source, columns, batch_size, faults):
    """Read a source in chunks of at most `batch_size` rows.

    Parameters
    ----------
    source : path, array-like, data frame, pyarrow.dataset.Dataset, iterable or callable
        See `KINDS`.
    columns : Columns
        The columns wanted of files; others need not be read.
    batch_size : int
        Number of rows.
    faults : Faults
        Is told of what cannot be read.

    Yields
    ------
    Chunk
    """
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        if path.endswith(".npy"):
            yield from _sliced(np.load(path, mmap_mode="r"), batch_size, file=path)
        else:
            yield from _merged(
                file_chunks(path, columns, batch_size, faults), batch_size
            )
    elif hasattr(source, "get_fragments"):
        yield from _merged(
            dataset_chunks(source, columns, batch_size, faults), batch_size
        )
    elif hasattr(source, "__dask_graph__"):
        raise TypeError("source is a Dask collection. Give it to DaskDetector.")
    elif _is_sliceable(source):
        yield from _sliced(source, batch_size)
    elif callable(source) or hasattr(source, "__iter__"):
        pieces = source() if callable(source) else source
        yield from _merged(_pieces(pieces, batch_size), batch_size)
    else:
        raise TypeError(f"source must be {KINDS}, got {type(source).__name__}.")


def _is_sliceable(source):
    is_array = hasattr(source, "shape") and hasattr(source, "__getitem__")
    return is_array or (is_frame(source) and hasattr(source, "__len__"))


def _sliced(source, batch_size, *, file=None, start=0):
    """Slices of an array or data frame."""
    n_rows = source.shape[0]
    for first in range(0, n_rows, batch_size):
        stop = min(first + batch_size, n_rows)
        if hasattr(source, "iloc"):
            part = source.iloc[first:stop]
        elif hasattr(source, "slice"):
            part = source.slice(first, stop - first)
        else:
            part = source[first:stop]
        data = as_table(part) if is_frame(part) else np.asarray(part)
        yield Chunk(data, file, np.arange(start + first, start + stop))


def _pieces(pieces, batch_size):
    """Chunks of what an iterable gives, row by row or batch by batch."""
    n_rows = 0
    for i, piece in enumerate(pieces):
        if isinstance(piece, tuple | list) and hasattr(next(iter(piece), 0), "shape"):
            piece = piece[0]  # a DataLoader gives (X, y)
        if hasattr(piece, "__arrow_c_array__"):
            piece = as_table(piece)  # a record batch
        if not _is_sliceable(piece) or len(piece.shape) == 0:
            raise TypeError(
                f"Piece {i} of the source is neither rows nor a row, but "
                f"{type(piece).__name__}."
            )
        if len(piece.shape) == 1:
            piece = np.asarray(piece)[None]
        for chunk in _sliced(piece, batch_size, start=n_rows):
            is_array = isinstance(chunk.data, np.ndarray)
            # a copy: the iterable may write its next piece into the same array
            yield chunk._replace(data=chunk.data.copy()) if is_array else chunk
        n_rows += piece.shape[0]


def _merged(chunks, batch_size):
    """Join small chunks of one file: a detector's call has its price."""
    held, n_rows, kind = [], 0, None
    for chunk in chunks:
        data = chunk.data
        is_array = isinstance(data, np.ndarray)
        of_chunk = (chunk.file, data.shape[1:] if is_array else data.schema)
        if held and (kind != of_chunk or n_rows + len(chunk.rows) > batch_size):
            yield _joined(held)
            held, n_rows = [], 0
        kind = of_chunk
        held.append(chunk)
        n_rows += len(chunk.rows)
    if held:
        yield _joined(held)


def _joined(chunks):
    if len(chunks) == 1:
        return chunks[0]
    parts, files, rows = zip(*chunks, strict=True)
    if isinstance(parts[0], np.ndarray):
        data = np.concatenate(parts)
    else:
        concat_tables = optional_import("pyarrow", "parquet").concat_tables
        data = concat_tables(parts)
    return Chunk(data, files[0], np.concatenate(rows))
