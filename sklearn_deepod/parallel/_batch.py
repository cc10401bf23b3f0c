"""Rows on their way from a source to a detector."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sklearn_deepod.utils._sklearn_compat import _safe_indexing


class Chunk(NamedTuple):
    """Some rows as they were read."""

    data: Any  # ndarray, or pyarrow.Table where the columns have names
    file: str | None
    rows: np.ndarray  # their numbers in the file, or in a source without files


@dataclass
class Batch:
    """Some rows as a detector is given them."""

    X: Any  # ndarray, or data frame where the columns have names
    file: str | None
    rows: np.ndarray
    keys: Any = None  # pyarrow.Table
    weight: np.ndarray | None = None
    y: np.ndarray | None = None

    def __len__(self):
        return len(self.rows)

    def take(self, kept):
        """Those of the rows at the positions `kept`."""
        return Batch(
            _safe_indexing(self.X, kept),
            self.file,
            self.rows[kept],
            None if self.keys is None else self.keys.take(kept),
            None if self.weight is None else self.weight[kept],
            None if self.y is None else self.y[kept],
        )


def place(file, row):
    """Name a row for a message, such as "Row 7 of part.parquet".

    Parameters
    ----------
    file : str or None
        The file, if it comes from one.
    row : int
        Its number; the first is row 0.

    Returns
    -------
    str
    """
    return f"Row {row:,}" if file is None else f"Row {row:,} of {file}"


def without_infinite_rows(batch, faults):
    """Leave out rows that hold infinity.

    Parameters
    ----------
    batch : Batch
        Rows.
    faults : Faults
        Is told of those rows.

    Returns
    -------
    Batch
    """
    values, names = batch.X, None
    if hasattr(values, "iloc"):
        values = values.select_dtypes("number")
        values, names = values.to_numpy(), list(values.columns)
    if values.dtype.kind != "f":
        return batch
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum()):  # spares a table of marks
            return batch
    infinite = np.isinf(values).reshape(len(values), -1)
    column = int(infinite.any(axis=0).argmax())
    column = column if names is None else names[column]
    return without_rows(
        batch, infinite.any(axis=1), f"is infinite in column {column!r}", faults
    )


def without_rows(batch, bad, what, faults):
    """Leave out the rows that are marked as bad.

    Parameters
    ----------
    batch : Batch
        Rows.
    bad : ndarray of bool of shape (n_rows,)
        Which of them.
    what : str
        What is wrong with the first of them.
    faults : Faults
        Is told of those rows.

    Returns
    -------
    Batch
    """
    if not bad.any():
        return batch
    first = place(batch.file, batch.rows[bad.argmax()])
    faults.found(f"{first} {what}.", n_rows=int(bad.sum()))
    return batch.take(np.flatnonzero(~bad))
