"""The weighted set of training rows in canonical order."""

import numpy as np
import scipy.sparse as sp

# Number of cells that are processed together, which bounds the memory.
CHUNK_CELLS = 2**18
# Fixes the hash, and so the canonical order.
_KEY_SEED = 20260101


def dense_rows(X, positions):
    """Extract rows of `X` as a dense float64 array without negative zeros.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...) or CSR matrix
        The table.
    positions : ndarray of int or slice
        Indices of the rows.

    Returns
    -------
    ndarray of shape (n_positions, ...), float64
    """
    rows = X[positions]
    rows = rows.toarray() if sp.issparse(rows) else rows
    # Adding zero makes a copy, and turns -0.0 into 0.0.
    return np.add(rows, 0.0, dtype=np.float64, order="C")


def chunks(n_rows, n_cells_per_row):
    """Slices of about CHUNK_CELLS cells that cover `n_rows` rows."""
    step = max(1, CHUNK_CELLS // max(1, n_cells_per_row))
    return [slice(i, min(i + step, n_rows)) for i in range(0, n_rows, step)]


def _words(X, positions):
    """Bytes of each row, as 32-bit words."""
    rows = dense_rows(X, positions)
    rows = rows.reshape(len(rows), -1)
    rows[np.isnan(rows)] = np.nan  # one of the many bit patterns of NaN
    return rows.view(np.uint32)


def _hash_rows(X):
    """Multilinear 64-bit hash of each row's bytes (Lemire and Kaser, 2014)."""
    n_cells = int(np.prod(X.shape[1:]))
    keys = np.random.default_rng(_KEY_SEED).integers(
        0, 2**64, size=2 * n_cells + 1, dtype=np.uint64
    )
    hashes = np.empty(X.shape[0], dtype=np.uint64)
    for part in chunks(X.shape[0], n_cells):
        hashes[part] = _words(X, part).astype(np.uint64) @ keys[1:] + keys[0]
    # Only the high bits are well mixed: mix them into the others, as splitmix64 does.
    hashes ^= hashes >> np.uint64(31)
    hashes *= np.uint64(0x94D049BB133111EB)
    hashes ^= hashes >> np.uint64(29)
    return hashes


class TrainingRows:
    """Distinct rows in canonical order, each with the total weight of its copies.

    The rows are sorted by a hash of their bytes. The order therefore depends neither on
    the order nor on the repetition of the rows given, and any consecutive rows are a
    random sample.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...) or CSR matrix
        The table; not copied.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights, at least one of them positive; rows of weight 0 are left out.
    labels : ndarray of int of shape (n_samples,), default=None
        Labels; rows with different labels are distinct.

    Attributes
    ----------
    positions : ndarray of int of shape (n_distinct,)
        Index of each distinct row in `X`.
    weight : ndarray of shape (n_distinct,)
        Total weight of each distinct row.
    labels : ndarray of int of shape (n_distinct,) or None
        Label of each distinct row.
    """

    def __init__(self, X, sample_weight=None, labels=None):
        self.X = X
        hashes = _hash_rows(X)
        if labels is not None:
            # An odd factor preserves the low bits, and a large one mixes the high ones.
            hashes += labels.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        if sample_weight is None:
            order = np.argsort(hashes, kind="stable")
        else:
            # Then by weight, so that copies are always summed in the same order.
            order = np.lexsort((sample_weight, hashes))
            order = order[sample_weight[order] > 0]
        order, first = self._first_of_equals(order, hashes[order], labels)
        starts = np.flatnonzero(first)
        self.positions = order[starts]
        self.labels = None if labels is None else labels[self.positions]
        if sample_weight is None:
            self.weight = np.diff(np.append(starts, len(order))).astype(np.float64)
        else:
            self.weight = np.add.reduceat(sample_weight[order], starts)
        self._accumulate()

    def _accumulate(self):
        """Prepare the inverse transform of `draw`."""
        self._cumulated = np.cumsum(self.weight)
        self._even = self.weight.min() == self.weight.max()

    def _first_of_equals(self, order, hashes, labels):
        """Mark the first of each run of equal rows; sort rows with the same hash."""
        first = np.ones(len(order), dtype=bool)
        same_hash = np.flatnonzero(hashes[1:] == hashes[:-1]) + 1
        n_cells = int(np.prod(self.X.shape[1:]))
        for part in chunks(len(same_hash), n_cells):
            i = same_hash[part]
            equal = _words(self.X, order[i]) == _words(self.X, order[i - 1])
            first[i] = ~equal.all(axis=1)
            if labels is not None:
                first[i] |= labels[order[i]] != labels[order[i - 1]]
        if first[same_hash].any():
            run = np.union1d(same_hash, same_hash - 1)
            words = _words(self.X, order[run])
            if labels is not None:
                words = np.column_stack([words, labels[order[run]].astype(np.uint32)])
            by_words = np.lexsort((*words.T[::-1], hashes[run]))
            order[run], words = order[run[by_words]], words[by_words]
            first[run[1:]] = (words[1:] != words[:-1]).any(axis=1)
            first[run[0]] = True
        return order, first

    def __len__(self):
        return len(self.positions)

    @property
    def shape(self):
        """Shape of one row."""
        return self.X.shape[1:]

    @property
    def total_weight(self):
        """Sum of the weights."""
        return float(self._cumulated[-1])

    def rows(self, index=slice(None)):
        """Rows at `index` of the canonical order, as a dense float64 array."""
        return dense_rows(self.X, self.positions[index])

    def column_blocks(self, columns):
        """Yield some of the `columns` of the flat table at a time, and their values."""
        if sp.issparse(self.X):
            table, positions = self.X[self.positions].tocsc(), slice(None)
        else:
            table, positions = self.X.reshape(len(self.X), -1), self.positions
        for part in chunks(len(columns), len(self)):
            block = columns[part]
            yield block, dense_rows(table[:, block], positions)

    def draw(self, uniforms):
        """Draw indices by weight, by inverse transform of `uniforms` in [0, 1)."""
        if self._even:
            found = (uniforms * len(self)).astype(np.intp)
        else:
            found = np.searchsorted(
                self._cumulated, uniforms * self.total_weight, side="right"
            )
        return np.minimum(found, len(self) - 1)

    def sample(self, size):
        """Represent all rows by at most `size` distinct ones: (index, weight).

        These are all rows if there are few enough, else a systematic sample with
        probabilities proportional to the weights.
        """
        if len(self) <= size:
            return np.arange(len(self)), self.weight
        drawn = self.draw((np.arange(size) + 0.5) / size)
        index, count = np.unique(drawn, return_counts=True)
        return index, count * (self.total_weight / size)

    def sample_counts(self, size):
        """Like `sample`, with integer numbers of copies instead of the weights."""
        index, weight = self.sample(size)
        share = min(1.0, size / self.total_weight)
        return index, np.maximum(1.0, np.round(weight * share))

    def subset(self, index, weight):
        """Select the rows at increasing `index`, with new weights."""
        part = object.__new__(TrainingRows)
        part.X, part.positions = self.X, self.positions[index]
        part.weight = weight
        part.labels = None if self.labels is None else self.labels[index]
        part._accumulate()
        return part


class PickedRows:
    """Some rows of a `TrainingRows`, which can be sliced like a table.

    Parameters
    ----------
    rows : TrainingRows
        The rows.
    index : ndarray of int of shape (n_picked,), default=None
        Their indices in canonical order; None means all.
    """

    def __init__(self, rows, index=None):
        self._X = rows.X
        self._positions = rows.positions if index is None else rows.positions[index]
        self.shape = (len(self._positions), *rows.shape)

    def __getitem__(self, part):
        return self._X[self._positions[part]]
