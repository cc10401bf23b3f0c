"""The sample of a stream, saved so that an interrupted fit need not read it again."""

import numpy as np
from sklearn.utils import Bunch

from sklearn_deepod.utils._checkpoint import CHECKPOINT
from sklearn_deepod.utils._optional_imports import optional_import


class SavedSample:
    """The file of a sample in the folder of `checkpoints`; outside of it, no file.

    Parameters
    ----------
    settings : tuple
        What the sample depends on. A file with others belongs to another fit.
    """

    def __init__(self, settings):
        checkpoint = CHECKPOINT.get()
        self._saved = checkpoint and checkpoint.saved("sample.pt", repr(settings))

    def load(self):
        """What was saved, or None.

        Returns
        -------
        sample : tuple of (X, weight, y)
            The rows, and weights and labels or None.
        report : Bunch
            How many rows were read and left out.
        """
        state = self._saved and self._saved.load()
        if state is None:
            return None
        sample = [part if part is None else part.numpy() for part in state["sample"]]
        if state["names"] is not None:
            pandas = optional_import("pandas", "parquet")
            sample[0] = pandas.DataFrame(sample[0], columns=state["names"], copy=False)
        return tuple(sample), Bunch(**state["report"])

    def save(self, sample, report):
        """Save a sample, unless it holds other values than numbers.

        Parameters
        ----------
        sample, report
            See `load`.
        """
        names = [*sample[0].columns] if hasattr(sample[0], "iloc") else None
        arrays = [part if part is None else np.array(part) for part in sample]
        if self._saved and all(a is None or a.dtype.kind in "biuf" for a in arrays):
            self._saved.save({"sample": arrays, "names": names, "report": dict(report)})
