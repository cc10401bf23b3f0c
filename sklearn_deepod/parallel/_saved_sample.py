"""The sample of a stream, saved so that an interrupted fit need not read it again."""

import hashlib

import numpy as np
from sklearn.utils import Bunch

from sklearn_deepod.utils._checkpoint import CHECKPOINT
from sklearn_deepod.utils._optional_imports import optional_import
from sklearn_deepod.utils._whole_files import replaced


class SavedSample:
    """The file of a sample in the folder of `checkpoints`; outside of it, no file.

    Parameters
    ----------
    settings : tuple
        What the sample depends on. A file with others belongs to another fit.
    """

    def __init__(self, settings):
        self._checkpoint = CHECKPOINT.get()
        self._key = hashlib.sha256(repr(settings).encode()).hexdigest()
        if self._checkpoint is not None:
            self._path = self._checkpoint.folder / "sample.npz"

    def load(self):
        """What was saved, or None.

        Returns
        -------
        sample : tuple of (X, weight, y)
            The rows, and weights and labels or None.
        report : Bunch
            How many rows were read and left out.
        """
        if self._checkpoint is None or not self._path.exists():
            return None
        with np.load(self._path, allow_pickle=False) as file:
            saved = dict(file)
        if str(saved.pop("key")) != self._key:
            raise ValueError(
                f"{self._path} is of another fit: of another source, or with other "
                "parameters. Give the folder of this fit, or an empty one."
            )
        X, names = saved.pop("X"), saved.pop("names", None)
        if names is not None:
            pandas = optional_import("pandas", "parquet")
            X = pandas.DataFrame(X, columns=names.astype(object), copy=False)
        sample = X, saved.pop("weight", None), saved.pop("y", None)
        messages = saved.pop("errors").tolist()
        return sample, Bunch(**{k: int(v) for k, v in saved.items()}, errors=messages)

    def save(self, sample, report):
        """Save a sample, unless it holds other values than numbers.

        Parameters
        ----------
        sample, report
            See `load`.
        """
        X, weight, y = sample
        if self._checkpoint is None or not self._checkpoint.writes:
            return
        arrays = {"X": np.asarray(X), "weight": weight, "y": y}
        arrays = {name: a for name, a in arrays.items() if a is not None}
        if hasattr(X, "iloc"):
            arrays["names"] = np.array([*X.columns], dtype=str)
        if any(array.dtype == object for array in arrays.values()):
            return
        errors = np.array(report["errors"], dtype=str)
        with replaced(self._path) as file:
            np.savez(file, **arrays, **report | {"errors": errors}, key=self._key)
