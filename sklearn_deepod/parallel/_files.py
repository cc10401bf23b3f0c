"""Reads Parquet and CSV files; says which file and row are bad."""

import glob
import os
from pathlib import Path

import numpy as np

from sklearn_deepod.parallel._batch import Chunk
from sklearn_deepod.parallel._csv import csv_chunks
from sklearn_deepod.utils._optional_imports import optional_import

PARQUET = (".parquet", ".parq", ".pq")
CSV = (".csv", ".csv.gz", ".csv.bz2", ".csv.zst", ".csv.lz4")
# Batches and files that Arrow reads ahead; by default so many that memory grows.
READAHEAD = {"batch_readahead": 2, "fragment_readahead": 1}


def data_files(path):
    """List the data files at a path, in order.

    Parameters
    ----------
    path : str
        A file, a folder (with folders in it), or a pattern with ``*``.

    Returns
    -------
    list of str

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    if os.path.isdir(path):
        found = [
            str(file)
            for file in sorted(Path(path).rglob("*"))
            if file.name.endswith(PARQUET + CSV)
            and file.is_file()
            # what is written beside, such as Spark's _temporary/
            and not any(p[0] in "._" for p in file.relative_to(path).parts)
        ]
    else:
        found = [path] if os.path.exists(path) else sorted(glob.glob(path))
    if not found:
        raise FileNotFoundError(f"No Parquet or CSV file at {path!r}.")
    return found


def file_chunks(path, columns, batch_size, faults):
    """Chunks of a file, a folder, a pattern, or a URI such as ``s3://...``.

    Parameters
    ----------
    path : str
        Where.
    columns : Columns
        The columns to read.
    batch_size : int
        Number of rows that Arrow gives at once.
    faults : Faults
        Is told of what cannot be read.

    Yields
    ------
    Chunk
    """
    dataset = optional_import("pyarrow.dataset", "parquet")
    if "://" in path:
        whole = dataset.dataset(path, partitioning="hive")
        yield from dataset_chunks(whole, columns, batch_size, faults)
        return
    files = data_files(path)
    if all(file.endswith(CSV) for file in files):
        yield from csv_chunks(files, columns, faults)
        return
    # Arrow takes the names of columns from the first: let it be one that it can read.
    readable = next((file for file in files if _opens(file)), None)
    if readable is None:
        message = f"{files[0]} cannot be opened. Is it a Parquet file?"
        faults.found(message, n_files=len(files))
        return
    options = dataset.ParquetFragmentScanOptions(page_checksum_verification=True)
    whole = dataset.dataset(
        [readable, *(file for file in files if file != readable)],
        format=dataset.ParquetFileFormat(default_fragment_scan_options=options),
        partitioning="hive",
        partition_base_dir=path if os.path.isdir(path) else os.path.dirname(path),
    )
    yield from dataset_chunks(whole, columns, batch_size, faults)


def _opens(file):
    parquet = optional_import("pyarrow.parquet", "parquet")
    try:
        parquet.read_schema(file)
    except (OSError, ValueError):
        return False
    return True


def dataset_chunks(dataset, columns, batch_size, faults):
    """Chunks of a dataset of Arrow, file by file.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
        The dataset.
    columns, batch_size, faults
        See `file_chunks`.

    Yields
    ------
    Chunk
    """
    try:
        fragments = list(dataset.get_fragments())
    except ValueError:  # filtered: its files do not tell which rows remain
        columns.resolve(dataset.schema.names)
        options = {"columns": columns.wanted, "batch_size": batch_size, **READAHEAD}
        yield from _tables(dataset.to_batches(**options), None)
        return
    for fragment in sorted(fragments, key=lambda part: getattr(part, "path", "")):
        yield from _fragment_chunks(fragment, columns, batch_size, faults)


def _tables(batches, file, row=0):
    """Chunks of record batches, numbered from `row` on."""
    table = optional_import("pyarrow", "parquet").Table
    for batch in batches:
        if batch.num_rows:
            rows = np.arange(row, row + batch.num_rows)
            yield Chunk(table.from_batches([batch]), file, rows)
            row += batch.num_rows


def _fragment_chunks(fragment, columns, batch_size, faults):
    """Chunks of one file."""
    file = getattr(fragment, "path", None)
    try:
        schema = fragment.physical_schema
    except (OSError, ValueError) as error:
        faults.found(f"{file} cannot be opened: {error}", n_files=1, error=error)
        return
    columns.resolve(schema.names)
    schema = _with_partition(schema, fragment, columns.wanted)
    complaint = columns.complaint(schema.names) or columns.changed_type(schema)
    if complaint:
        faults.found(f"{file} {complaint}", n_files=1)
        return
    row, options = 0, {"schema": schema, "columns": columns.wanted}
    try:
        batches = fragment.to_batches(batch_size=batch_size, **READAHEAD, **options)
        for chunk in _tables(batches, file):
            row += len(chunk.rows)
            yield chunk
    except (OSError, ValueError) as error:
        if hasattr(fragment, "split_by_row_group"):
            yield from _row_groups(fragment, row, batch_size, options, faults)
        else:
            message = f"{file} cannot be read from row {row:,} on: {error}"
            faults.found(message, n_files=1, error=error)


def _with_partition(schema, fragment, wanted):
    """A file's schema with the columns that its folder's name gives."""
    arrow = optional_import("pyarrow", "parquet")
    dataset = optional_import("pyarrow.dataset", "parquet")
    values = dataset.get_partition_keys(fragment.partition_expression)
    for name, value in values.items():
        if name in wanted and name not in schema.names:
            schema = schema.append(arrow.field(name, arrow.scalar(value).type))
    return schema


def _row_groups(fragment, done, batch_size, options, faults):
    """Chunks of a bad Parquet file from row `done` on, without the bad row groups.

    One by one, because reading ahead stops at a different row each time.
    """
    first = 0
    for group in fragment.split_by_row_group():
        stop = first + group.row_groups[0].num_rows
        start = max(first, done)
        if start < stop:
            try:
                table = group.to_table(**options).slice(start - first)
            except (OSError, ValueError) as error:
                where = f"Rows {start:,} to {stop - 1:,} of {fragment.path}"
                message = f"{where} cannot be read: {error}"
                faults.found(message, n_rows=stop - start, error=error)
            else:
                batches = table.to_batches(max_chunksize=batch_size)
                yield from _tables(batches, fragment.path, start)
        first = stop
