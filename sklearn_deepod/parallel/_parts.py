"""A folder of Parquet files that is complete, or can be completed."""

import re
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np

from sklearn_deepod.parallel._arrow import is_number
from sklearn_deepod.utils._optional_imports import optional_import
from sklearn_deepod.utils._whole_files import replaced

# Rows of a part that is there already which are scored again, to tell that it holds
# scores of this detector and of these rows.
ROWS_COMPARED = 100
# How far such scores may be apart: detectors may round by the number of rows.
TOLERANCE = 1e-4


def cut(batches, n_rows):
    """Cut batches where parts of a number of rows end.

    Parameters
    ----------
    batches : iterable of Batch
        Rows.
    n_rows : int
        Rows in each part but the last.

    Yields
    ------
    iterator of Batch
        Those of one part, to be used up before the next.
    """

    def pieces():
        n_before = 0
        for batch in batches:
            start = 0
            while start < len(batch):
                part = n_before // n_rows
                stop = min(len(batch), start + (part + 1) * n_rows - n_before)
                whole = start == 0 and stop == len(batch)
                yield part, batch if whole else batch.take(np.arange(start, stop))
                n_before += stop - start
                start = stop

    for _, group in groupby(pieces(), key=itemgetter(0)):
        yield map(itemgetter(1), group)


class Parts:
    """Writes tables to ``part-00000.parquet``, ``part-00001.parquet``, ...

    A part is written beside, as ``.part-00000.parquet``, and renamed when it is
    complete: whatever happens, a file that has its name has all its rows.

    Parameters
    ----------
    folder : path
        The folder; made if it is not there.
    scored : callable
        Gives the table of results of a `Batch`.

    Attributes
    ----------
    files : list of str
        The parts, in order.
    n_outliers : int
        Rows in them that are labelled -1.
    """

    def __init__(self, folder, scored):
        self._parquet = optional_import("pyarrow.parquet", "parquet")
        self._folder, self._scored = Path(folder), scored
        self._folder.mkdir(parents=True, exist_ok=True)
        self._schema = None
        self.files = []
        self.n_outliers = 0
        for name in self._names():
            if not re.fullmatch(r"part-\d{5,}\.parquet", name):
                self._refuse(name)

    def _names(self):
        return sorted(p.name for p in self._folder.iterdir() if p.name[0] not in "._")

    def _refuse(self, name):
        raise ValueError(
            f"The folder {self._folder} holds {name}, which this run would not have "
            "written: it is of another detector, of other rows, or of other settings. "
            "Give an empty folder, or one that an interrupted run of this kind left."
        )

    def add(self, batches):
        """Write one part, or check it if it is there.

        Parameters
        ----------
        batches : iterable of Batch
            Its rows.
        """
        path = self._folder / f"part-{len(self.files):05}.parquet"
        if path.exists():
            self._compare(path, batches)
        else:
            self._write(path, map(self._scored, batches))
        self.files.append(str(path))

    def close(self):
        """Raise ValueError if the folder holds more than the parts."""
        for name in self._names():
            if str(self._folder / name) not in self.files:
                self._refuse(name)

    def _write(self, path, tables):
        with replaced(path) as file:
            self._write_tables(file, tables)

    def _write_tables(self, file, tables):
        writer = None
        try:
            for table in tables:
                if self._schema is None:
                    self._schema = table.schema
                if writer is None:
                    # A dictionary of numbers that differ is tried in vain, and slow.
                    others = [f.name for f in self._schema if not is_number(f.type)]
                    writer = self._parquet.ParquetWriter(
                        file,
                        self._schema,
                        use_dictionary=others,
                        write_page_checksum=True,
                    )
                writer.write_table(table.cast(self._schema))
                self.n_outliers += int((table.column("label").to_numpy() == -1).sum())
        finally:
            if writer is not None:
                writer.close()

    def _compare(self, path, batches):
        with self._parquet.ParquetFile(path) as file:
            n_rows = 0
            for batch in batches:
                if n_rows == 0:
                    first = batch.take(np.arange(min(len(batch), ROWS_COMPARED)))
                    stored = next(file.iter_batches(batch_size=len(first)))
                    expected = self._scored(first).slice(0, len(stored))
                    if not _alike(stored, expected):
                        self._refuse(path.name)
                n_rows += len(batch)
            if n_rows != file.metadata.num_rows:
                self._refuse(path.name)
            labels = file.read(columns=["label"]).column("label").to_numpy()
            self.n_outliers += int((labels == -1).sum())


def _alike(stored, expected):
    """Whether two tables hold the same keys, and scores that differ by rounding."""
    if stored.schema.names != expected.schema.names or len(stored) != len(expected):
        return False
    *keys, score = [n for n in stored.schema.names if n not in ("decision", "label")]
    return np.allclose(
        stored.column(score), expected.column(score), rtol=TOLERANCE
    ) and all(
        stored.column(key).to_pylist() == expected.column(key).to_pylist()
        for key in keys
    )
