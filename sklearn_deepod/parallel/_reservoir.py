"""A sample of rows that pass by once."""

import numpy as np

from sklearn_deepod.parallel._arrow import concatenated
from sklearn_deepod.utils._sklearn_compat import _safe_indexing


class Reservoir:
    """Priority sample of bounded size, drawn in one pass.

    Each row gets the rank u / w, with u uniform in [0, 1) and its weight w, and the
    rows with the lowest ranks stay. Without weights that is a uniform sample without
    replacement. With weights, a row that stays weighs max(w, 1 / t), where t is the
    lowest rank that was left out; sums over the sample then estimate those over all
    rows without bias (Duffield, Lund, Thorup, 2007).

    Parameters
    ----------
    size : int
        Number of rows that stay.
    random_state : RandomState
        Draws one number for each row, in order: the sample does not depend on how the
        rows come in batches.

    Attributes
    ----------
    n_samples : int
        Rows seen.
    """

    def __init__(self, size, random_state):
        self._size, self._random_state = size, random_state
        self._bound = np.inf  # lowest rank left out
        self._held = []  # (rank, rows, weights, labels)
        self._n_held = 0
        self.n_samples = 0

    def add(self, X, weight=None, y=None):
        """See some rows, and keep those that may stay."""
        ranks = self._random_state.random_sample(len(X))
        self.n_samples += len(X)
        if weight is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                ranks /= weight
        kept = np.flatnonzero((ranks < self._bound) & np.isfinite(ranks))
        self._hold((ranks, X, weight, y), kept)
        if self._n_held > 2 * self._size:
            self._shrink()

    def merge(self, other):
        """See the rows that another reservoir of the same size has seen."""
        self.n_samples += other.n_samples
        self._bound = min(self._bound, other._bound)
        self._held += other._held
        self._n_held += other._n_held
        self._shrink()
        return self

    def sample(self):
        """The sample, in the order in which it was seen.

        Returns
        -------
        X : ndarray or data frame of shape (n_rows, n_features)
            The rows.
        weight : ndarray of shape (n_rows,) or None
            Their weights; the least is 1 if not all rows stayed.
        y : ndarray of shape (n_rows,) or None
            Their labels.
        """
        self._shrink()
        if not self._held:
            raise ValueError("No row has a positive weight. Give some row one.")
        _, X, weight, y = self._held[0]
        if weight is not None and np.isfinite(self._bound):
            weight = np.maximum(weight * self._bound, 1.0)
        return X, weight, y

    def _hold(self, table, kept):
        if len(kept):
            # copies, even of all rows: who gave them may write to them again
            self._held.append(
                tuple(p if p is None else _safe_indexing(p, kept) for p in table)
            )
            self._n_held += len(kept)

    def _shrink(self):
        """Keep the rows of lowest ranks, in one piece."""
        if not self._held:
            return
        ranks, *others = (_joined(parts) for parts in zip(*self._held, strict=True))
        kept = np.flatnonzero(ranks < self._bound)
        if len(kept) > self._size:
            order = np.argpartition(ranks[kept], self._size)
            self._bound = ranks[kept[order[self._size]]]
            kept = np.sort(kept[order[: self._size]])
        self._held, self._n_held = [], 0
        self._hold((ranks, *others), kept)


def _joined(parts):
    return None if parts[0] is None else concatenated(parts)
