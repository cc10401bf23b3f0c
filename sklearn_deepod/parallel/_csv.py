"""Reads CSV files; says which row is bad."""

import numpy as np

from sklearn_deepod.parallel._arrow import is_number
from sklearn_deepod.parallel._batch import Chunk, place
from sklearn_deepod.utils._optional_imports import optional_import

# Bytes that are read, and types guessed from, at once.
BLOCK_SIZE = 2**22


def csv_chunks(files, columns, faults):
    """Chunks of CSV files that have a header and commas.

    Parameters
    ----------
    files : list of str
        The files. The first one's first rows decide which columns are numbers.
    columns : Columns
        The columns to read.
    faults : Faults
        Is told of what cannot be read.

    Yields
    ------
    Chunk
    """
    types = None
    for file in files:
        try:
            with _open(file, invalid_row_handler=_skip) as reader:
                schema = reader.schema
                first = None if types else next(iter(reader), None)
        except (OSError, ValueError) as error:
            faults.found(f"{file} cannot be opened: {error}", n_files=1, error=error)
            continue
        columns.resolve(schema.names)
        if complaint := columns.complaint(schema.names):
            faults.found(f"{file} {complaint}", n_files=1)
            continue
        if types is None and first is not None:
            types = _types(first, columns)
        if types:  # else there is a header only
            yield from _file_chunks(file, types, faults)


def _skip(row):
    return "skip"


def _types(batch, columns):
    """Types to read the columns with: floats for features, others as they look."""
    arrow = optional_import("pyarrow", "parquet")
    types = {name: batch.schema.field(name).type for name in columns.wanted}
    for name in types:
        if name in columns.features or name == columns.weight:
            number = is_number(types[name]) or _mostly_numbers(batch.column(name))
            types[name] = arrow.float64() if number else arrow.string()
        elif arrow.types.is_null(types[name]):
            types[name] = arrow.string()
    return types


def _mostly_numbers(column):
    """Whether text among the values of a column is the exception."""
    if str(column.type) != "string":
        return False
    pandas = optional_import("pandas", "parquet")
    values = column.to_pandas().dropna()
    return pandas.to_numeric(values, errors="coerce").notna().mean() > 0.5


def _open(file, types=None, **parse_options):
    csv = optional_import("pyarrow.csv", "parquet")
    return csv.open_csv(
        file,
        csv.ReadOptions(block_size=BLOCK_SIZE, use_threads=not parse_options),
        csv.ParseOptions(**parse_options),
        csv.ConvertOptions(
            column_types=types, include_columns=types, strings_can_be_null=True
        ),
    )


def _file_chunks(file, types, faults):
    table = optional_import("pyarrow", "parquet").Table
    row = 0
    try:
        with _open(file, types) as reader:
            for batch in reader:
                rows = np.arange(row, row + batch.num_rows)
                row += batch.num_rows
                yield Chunk(table.from_batches([batch]), file, rows)
    except (OSError, ValueError):
        yield from _careful_chunks(file, types, row, faults)


def _careful_chunks(file, types, done, faults):
    """Chunks of a bad CSV file from row `done` on, without the bad rows."""
    arrow = optional_import("pyarrow", "parquet")
    numbers = [name for name, type_ in types.items() if arrow.types.is_floating(type_)]
    as_text = types | dict.fromkeys(numbers, arrow.string())
    malformed, told, row = [], 0, 0

    def note(bad):
        malformed.append(bad)
        return "skip"

    try:
        with _open(file, as_text, invalid_row_handler=note) as reader:
            for batch in reader:
                for bad in malformed[told:]:
                    faults.found(
                        f"{place(file, bad.number - 2)} has {bad.actual_columns} "
                        f"cells, not {bad.expected_columns}: {bad.text!r}.",
                        n_rows=1,
                    )
                told = len(malformed)
                rows = _row_numbers(row, batch.num_rows, malformed)
                row = rows[-1] + 1
                fresh = int(np.searchsorted(rows, done))
                table = arrow.Table.from_batches([batch]).slice(fresh)
                table, rows = _parsed(table, rows[fresh:], numbers, file, faults)
                if len(rows):
                    yield Chunk(table, file, rows)
    except (OSError, arrow.ArrowInvalid) as error:
        message = f"{file} cannot be read from row {max(row, done):,} on: {error}"
        faults.found(message, n_files=1, error=error)


def _row_numbers(first, n_rows, malformed):
    """Numbers of rows from `first` on, in which malformed rows count as well."""
    bad = [row.number - 2 for row in malformed]  # its first is the header, number 1
    numbers = np.arange(first, first + n_rows + len(bad))
    return numbers[~np.isin(numbers, bad)][:n_rows]


def _parsed(table, rows, numbers, file, faults):
    """A table with floats for text; rows with other text are left out."""
    arrow = optional_import("pyarrow", "parquet")
    pandas = optional_import("pandas", "parquet")
    bad = np.zeros(len(rows), dtype=bool)
    for name in numbers:
        i, text = table.column_names.index(name), table.column(name)
        values = pandas.to_numeric(text.to_pandas(), errors="coerce").to_numpy(float)
        wrong = np.isnan(values) & text.is_valid().to_numpy() & ~bad
        if wrong.any():
            first = int(wrong.argmax())
            found = f"has {text[first].as_py()!r} in column {name!r}, no number."
            message = f"{place(file, rows[first])} {found}"
            faults.found(message, n_rows=int(wrong.sum()))
        bad |= wrong
        table = table.set_column(i, name, arrow.array(values, from_pandas=True))
    kept = np.flatnonzero(~bad)
    return table.take(kept), rows[kept]
