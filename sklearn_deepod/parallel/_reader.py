"""Batches of rows from anything that can be read piece by piece."""

from numbers import Integral

from tqdm import tqdm

from sklearn_deepod.parallel._batch import without_infinite_rows
from sklearn_deepod.parallel._faults import Faults
from sklearn_deepod.parallel._sources import read_chunks
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

#: Constraints of the parameters that all functions which read have.
READER_CONSTRAINTS = {
    "source": "no_validation",  # see read_chunks
    "columns": ["array-like", None],
    "key_columns": ["array-like"],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "on_error": [StrOptions({"raise", "skip"})],
    "verbose": ["verbose"],
}


class Reader:
    """Reads a source, once for each iteration.

    Parameters
    ----------
    source : object
        See `sklearn_deepod.parallel.score_stream`.
    columns : Columns
        The columns wanted.
    batch_size : int
        Rows in a batch, at most.
    on_error : {"raise", "skip"}
        See `Faults`.
    verbose : int
        Whether to show a progress bar.

    Attributes
    ----------
    n_samples : int
        Rows that the batches held.
    faults : Faults
        What was left out.
    """

    def __init__(self, source, columns, *, batch_size, on_error, verbose):
        self._source, self._columns = source, columns
        self._batch_size, self._verbose = batch_size, verbose
        self.n_samples = 0
        self.faults = Faults(on_error)

    def __iter__(self):
        """Yield batches; raise ValueError if there is no row."""
        chunks = read_chunks(self._source, self._columns, self._batch_size, self.faults)
        for chunk in _with_progress(chunks) if self._verbose else chunks:
            batch = self._columns.batch(chunk, self.faults)
            if batch is not None:
                batch = without_infinite_rows(batch, self.faults)
            if batch is not None and len(batch):
                self.n_samples += len(batch)
                yield batch
        if not self.n_samples:
            reason = "".join(self.faults.messages[:1])
            raise ValueError(f"The source has no row that can be used. {reason}")


def _with_progress(chunks):
    """Show how many rows were read and used, and how many in a second."""
    with tqdm(unit=" rows", unit_scale=True) as progress:
        for chunk in chunks:
            yield chunk
            progress.update(len(chunk.rows))
