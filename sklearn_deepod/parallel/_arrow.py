"""From tables of Arrow to what detectors take."""

import numpy as np

from sklearn_deepod.utils._optional_imports import optional_import


def is_frame(piece):
    """Whether something is a frame of pandas or polars, or a table of Arrow."""
    # polars 1.0 has not all of the protocol yet
    return hasattr(piece, "__arrow_c_stream__") or hasattr(piece, "to_arrow")


def as_table(piece):
    """A table of Arrow of a frame, a table or a record batch."""
    arrow = optional_import("pyarrow", "parquet")
    if hasattr(piece, "iloc"):
        return arrow.Table.from_pandas(piece, preserve_index=False)
    return piece.to_arrow() if hasattr(piece, "to_arrow") else arrow.table(piece)


def is_number(arrow_type):
    """Whether a detector takes values of this type of Arrow for numbers."""
    types = optional_import("pyarrow", "parquet").types
    return (
        types.is_floating(arrow_type)
        or types.is_integer(arrow_type)
        or types.is_boolean(arrow_type)
        or types.is_decimal(arrow_type)
        or types.is_null(arrow_type)
    )


def floats(column):
    """A column as an array of floats, NaN where it has no value."""
    arrow = optional_import("pyarrow", "parquet")
    if not arrow.types.is_floating(column.type):
        # not safe: whole numbers beyond 2**53 are rounded, as NumPy does
        column = column.cast(arrow.float64(), safe=False)
    return column.to_numpy()


def feature_frame(table, names):
    """Columns of a table as a data frame, in one block if all hold numbers.

    Parameters
    ----------
    table : pyarrow.Table
        The table.
    names : list of str
        Names of the columns.

    Returns
    -------
    pandas.DataFrame
    """
    pandas = optional_import("pandas", "parquet")
    columns = [table.column(name) for name in names]
    if not all(is_number(column.type) for column in columns):
        return table.select(names).to_pandas()
    single = all(str(column.type) in ("float", "halffloat") for column in columns)
    # Column by column in memory, as the columns come: seven times as fast.
    shape, dtype = (table.num_rows, len(names)), np.float32 if single else np.float64
    X = np.empty(shape, dtype, order="F")
    for j, column in enumerate(columns):
        X[:, j] = floats(column)
    return pandas.DataFrame(X, columns=names, copy=False)


def concatenated(parts):
    """Join arrays, or frames of pandas, below each other."""
    if len(parts) == 1:
        return parts[0]
    if hasattr(parts[0], "iloc"):
        pandas = optional_import("pandas", "parquet")
        return pandas.concat(parts, ignore_index=True)
    return np.concatenate(parts)
