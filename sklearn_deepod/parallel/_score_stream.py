"""Scores of more rows than memory holds."""

import os
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from sklearn_deepod.parallel._batch import place
from sklearn_deepod.parallel._columns import Columns
from sklearn_deepod.parallel._parts import Parts, cut
from sklearn_deepod.parallel._reader import READER_CONSTRAINTS, Reader
from sklearn_deepod.parallel._results import (
    METHODS,
    check_fitted_detector,
    check_no_result_names,
    check_scores_rows_alone,
    one_result,
    results,
)
from sklearn_deepod.utils._optional_imports import optional_import
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions, validate_params


@validate_params(
    {
        **READER_CONSTRAINTS,
        "detector": "no_validation",  # see check_fitted_detector
        "output": [str, os.PathLike, None],
        "method": [StrOptions(set(METHODS))],
        "rows_per_file": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def score_stream(
    detector,
    source,
    output=None,
    *,
    method="score_samples",
    columns=None,
    key_columns=(),
    batch_size=2**15,
    rows_per_file=2**20,
    on_error="raise",
    verbose=0,
):
    """Score more rows than memory holds, batch by batch.

    Memory holds a few batches, whatever the number of rows. The scores are those that
    the detector gives to the whole table at once. Detectors whose score of a row
    depends on the rows beside it, such as
    `sklearn_deepod.timeseries.WindowedDetector`, are refused.

    Read more in the :ref:`User Guide <scaling-out>`.

    Parameters
    ----------
    detector : estimator
        Fitted outlier detector with scikit-learn's interface, or a pipeline that ends
        in one.
    source : path, array, data frame, pyarrow.dataset.Dataset, iterable or callable
        The rows:

        - a path of a Parquet or CSV file (with a header and commas), of a folder of
          such files, a pattern such as ``"2026-*/*.parquet"``, or a URI that Arrow can
          read, such as ``"s3://bucket/folder"``; of a ``.npy`` file;
        - an array, such as a ``numpy.memmap``, or a data frame of pandas or polars;
        - a ``pyarrow.dataset.Dataset``, for other file formats, or a ``pyarrow.Table``;
        - an iterable of arrays or data frames, or of single rows, such as a torch
          ``DataLoader`` or ``IterableDataset``, or a function that returns one. Of
          pairs such as (X, y) the first is taken.
    output : path, default=None
        Folder for Parquet files with the columns of `key_columns` (without these,
        ``file`` and ``row``, where the row comes from), ``score``, ``decision`` and
        ``label``. A file is complete, or not there. If the folder holds files of an
        earlier call, which was interrupted, rows in them are read and not scored again.
        None gives an iterator in place of files.
    method : {"score_samples", "decision_function", "predict"}, default="score_samples"
        What the iterator gives. Without effect if there is an `output`.
    columns : list of str or int, default=None
        The features. None takes those that the detector was fitted on, where both have
        names, and otherwise all columns but `key_columns`. Columns of arrays are
        counted from 0.
    key_columns : list of str or int, default=()
        Columns that go into the output as they are, and are no features.
    batch_size : int, default=32768
        Rows that are read, and given to the detector, at once. Of wide tables, take
        less.
    rows_per_file : int, default=1048576
        Rows in each file of the output but the last.
    on_error : {"raise", "skip"}, default="raise"
        What to do with files that cannot be read or lack columns, text among numbers,
        and infinite values. "skip" leaves such rows out and warns at the end.
    verbose : int, default=0
        Whether to show a progress bar with the number of rows per second.

    Returns
    -------
    iterator of ndarray of shape (n_rows,), or Bunch
        With an `output`, a Bunch of ``files`` (paths written), ``n_samples`` (rows
        scored), ``n_outliers``, ``n_skipped`` (rows left out), ``n_skipped_files``
        (files left out, as a whole or from a row on) and ``errors`` (why, as text).

    Raises
    ------
    ValueError
        If the data is bad, with the file and the row, if `output` holds other files, or
        if the detector does not score each row by itself.
    OSError
        If the disk is full. Call again to go on.

    See Also
    --------
    fit_stream : Fit a detector on such a source.
    DaskDetector, SparkDetector : Score tables of Dask and Spark on many machines.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn_deepod.parallel import score_stream
    >>> X = np.random.RandomState(0).normal(size=(1000, 3))
    >>> forest = IsolationForest(random_state=0).fit(X)
    >>> batches = score_stream(forest, X, batch_size=400)
    >>> [len(scores) for scores in batches]
    [400, 400, 200]
    """
    check_fitted_detector(detector)
    check_no_result_names(key_columns)
    known = getattr(detector, "feature_names_in_", None)
    reader = Reader(
        source,
        Columns(columns, key_columns, known=known),
        batch_size=batch_size,
        on_error=on_error,
        verbose=verbose,
    )
    if output is None:
        return _iterate(detector, reader, method)
    _check_apart(source, output)
    parts = Parts(output, lambda batch: _scored_table(detector, batch))
    for part in cut(_checked(detector, reader), rows_per_file):
        parts.add(part)
    parts.close()
    reader.faults.warn()
    return Bunch(
        n_samples=reader.n_samples,
        n_outliers=parts.n_outliers,
        n_skipped=reader.faults.n_rows,
        n_skipped_files=reader.faults.n_files,
        errors=reader.faults.messages,
        files=parts.files,
    )


def _checked(detector, reader):
    """Batches for a detector that scores each row by itself."""
    for i, batch in enumerate(reader):
        if i == 0:
            _located(check_scores_rows_alone, detector, batch)
        yield batch


def _iterate(detector, reader, method):
    for batch in _checked(detector, reader):
        yield _located(one_result, detector, batch, method=method)
    reader.faults.warn()


def _check_apart(source, output):
    """Raise where the output would be read as a part of the source."""
    if isinstance(source, str | os.PathLike) and "://" not in os.fspath(source):
        output = Path(output).resolve()
        if Path(source).resolve() in (output, *output.parents):
            raise ValueError(
                f"output={str(output)!r} lies in the source, whose files would include "
                "it. Give another folder."
            )


def _located(function, detector, batch, **arguments):
    """Let a detector's error say which rows it was given."""
    try:
        return function(detector, batch.X, **arguments)
    except Exception as error:
        where = place(batch.file, batch.rows[0])
        error.add_note(f"{where}, or one of the {len(batch) - 1:,} after it.")
        raise


def _scored_table(detector, batch):
    """Keys and results of a batch."""
    arrow = optional_import("pyarrow", "parquet")
    if batch.keys is not None:
        keys = batch.keys.replace_schema_metadata(None)
    else:
        keys = {"row": batch.rows}
        if batch.file is not None:
            file = arrow.array([batch.file]).dictionary_encode()
            codes = arrow.array(np.zeros(len(batch), dtype=np.int32))
            file = arrow.DictionaryArray.from_arrays(codes, file.dictionary)
            keys = {"file": file, **keys}
        keys = arrow.table(keys)
    for name, values in _located(results, detector, batch).items():
        keys = keys.append_column(name, arrow.array(values))
    return keys
