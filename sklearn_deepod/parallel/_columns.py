"""Which columns of a source are features, and which go beside them."""

import numpy as np

from sklearn_deepod.parallel._arrow import feature_frame, floats, is_number
from sklearn_deepod.parallel._batch import Batch, place, without_rows
from sklearn_deepod.utils._optional_imports import optional_import


class Columns:
    """The columns wanted of a source; those of arrays have positions for names.

    Parameters
    ----------
    features : list of str or int, or None
        The features; None takes all columns that are nothing else.
    keys : list of str or int
        Columns that are kept beside the scores.
    weight, y : str, int or None
        Columns of weights and of labels.
    keep_keys : bool, default=True
        Whether the keys are read; they are no features in any case.
    known : array-like of str, default=None
        What the features are, if `features` is None and the columns have names.

    Attributes
    ----------
    beside : list of str or int
        Keys, weight and labels.
    takes_all : bool
        Whether the features are all other columns.
    wanted : list of str or int, or None
        All of them, once `resolve` has seen the names.
    """

    def __init__(
        self, features=None, keys=(), weight=None, y=None, *, keep_keys=True, known=None
    ):
        self.features = None if features is None else list(features)
        self._known = None if known is None else [str(name) for name in known]
        self.keys, self.weight, self.y = list(keys) if keep_keys else [], weight, y
        self.beside = [c for c in (*self.keys, weight, y) if c is not None]
        self._no_features = {*keys, *self.beside}
        self.takes_all = False
        self.wanted = None
        self._is_number = None

    def resolve(self, names):
        """Decide by the names of the first file or piece what the features are."""
        if self.wanted is not None:
            return
        if self.features is None and self._known and isinstance(names[0], str):
            self.features = self._known
        elif self.features is None:
            self.takes_all = True
            self.features = [n for n in names if n not in self._no_features]
        if not self.features:
            raise ValueError(f"No column is left for the features among {list(names)}.")
        self.wanted = list(dict.fromkeys([*self.features, *self.beside]))

    def complaint(self, names):
        """What is wrong with the columns of a file or piece, or None."""
        missing = [name for name in self.wanted if name not in names]
        if missing:
            return f"has no column(s) {missing}. It has {list(names)}."
        extra = [n for n in names if n not in {*self.wanted, *self._no_features}]
        if extra and self.takes_all:
            return f"has more columns, {extra}. Name those to use in columns=."
        return None

    def changed_type(self, schema):
        """What is wrong with the types of the features, or None."""
        found = {name: schema.field(name).type for name in self.features}
        if self._is_number is None:
            self._is_number = {name: is_number(type_) for name, type_ in found.items()}
        for name, type_ in found.items():
            if is_number(type_) != self._is_number[name]:
                expected = "numbers" if self._is_number[name] else "no numbers"
                return f"has {type_} in column {name!r}, which holds {expected} before."
        return None

    def batch(self, chunk, faults):
        """Part a chunk into features and what goes beside them.

        Parameters
        ----------
        chunk : Chunk
            Rows as they were read.
        faults : Faults
            Is told of rows that cannot be used.

        Returns
        -------
        Batch or None
            None if all of its rows are left out.
        """
        data = chunk.data
        is_table = not isinstance(data, np.ndarray)
        if not is_table and self.features is None and not self._no_features:
            return Batch(data, chunk.file, chunk.rows)  # rows of any shape
        names = data.column_names if is_table else range(data.shape[1])
        self.resolve(names)
        complaint = self.complaint(names)
        complaint = complaint or (self.changed_type(data.schema) if is_table else None)
        if complaint:
            where = place(chunk.file, chunk.rows[0])
            faults.found(f"{where} and after {complaint}", n_rows=len(chunk.rows))
            return None
        X = feature_frame(data, self.features) if is_table else data[:, self.features]
        batch = Batch(X, chunk.file, chunk.rows, keys=self._keys(data))
        if self.y is not None:
            batch.y = data.column(self.y).to_numpy() if is_table else data[:, self.y]
        if self.weight is None:
            return batch
        weight = floats(data.column(self.weight)) if is_table else data[:, self.weight]
        batch.weight = np.asarray(weight, dtype=np.float64)
        bad = ~(np.isfinite(batch.weight) & (batch.weight >= 0))
        what = f"has no weight of at least 0 in column {self.weight!r}"
        return without_rows(batch, bad, what, faults)

    def _keys(self, data):
        if not self.keys:
            return None
        if isinstance(data, np.ndarray):
            arrow = optional_import("pyarrow", "parquet")
            return arrow.table({str(key): data[:, key] for key in self.keys})
        return data.select(self.keys)
