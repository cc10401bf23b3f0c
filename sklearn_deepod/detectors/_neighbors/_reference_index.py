"""Exact nearest neighbours among reference rows, by matrix products."""

import math

import torch
from torch import nn
from torch.nn import functional as F

# Products of training rows and references that are made, which bounds the time.
MOST_PAIRS = 5_000_000
FEWEST_REFERENCES, MOST_REFERENCES = 384, 2_048
# Numbers that all the members' references may hold together, or a sample of the rows.
MOST_CELLS = 2**25
# The capacity is a multiple of this, so that it divides evenly into columns.
_MULTIPLE = 64
# torch.topk is fast if there are at least 64 values for each one that is asked for, but
# it reads all of them: beyond 2,048 values, candidates are selected first.
_QUICK, _MANY = 64, 2048
# Exceeds every squared distance, and can still be added to in float32.
_FAR = 1e38
# Additional candidates if distances are recomputed, as rounding may change their order.
_SPARE = 2


def most_references(n_rows, n_cells):
    """Number of references, at most, for a table.

    Parameters
    ----------
    n_rows : int
        Number of training rows.
    n_cells : int
        Numbers that all members hold of one reference.
    """
    bounds = MOST_REFERENCES, MOST_PAIRS // n_rows, MOST_CELLS // n_cells
    return max(FEWEST_REFERENCES, min(bounds))


class ReferenceIndex(nn.Module):
    """Finds the nearest reference rows, for each member.

    Parameters
    ----------
    n_members : int
        Number of members, each with its own features of the same rows.
    n_references : int
        Maximum number of reference rows.
    n_features : int
        Number of features.
    exact : bool, default=False
        Whether the distances of the rows found are recomputed from differences. Those
        of the search, from products, have rounding errors that grow with the norm of
        the rows and depend on the batch.
    """

    def __init__(self, n_members, n_references, n_features, *, exact=False):
        super().__init__()
        self.exact = exact
        capacity = math.ceil(n_references / _MULTIPLE) * _MULTIPLE
        self.register_buffer("rows", torch.zeros(n_members, capacity, n_features))
        # The product with (row, 1) is half the squared distance, up to a term that is
        # the same for all references. Unused entries are far from every row.
        terms = torch.zeros(n_members, n_features + 1, capacity)
        terms[:, -1] = _FAR
        self.register_buffer("terms", terms)
        self.register_buffer("count", torch.ones(capacity))

    def fill(self, rows, count):
        """Store reference rows.

        Parameters
        ----------
        rows : torch.Tensor of shape (n_members, n_rows, n_features)
            The rows, at most `n_references`.
        count : torch.Tensor of shape (n_rows,)
            Number of copies of each.
        """
        n_rows = rows.shape[1]
        self.rows[:, :n_rows] = rows
        self.terms[:, :-1, :n_rows] = -rows.mT
        self.terms[:, -1, :n_rows] = rows.square().sum(dim=2) / 2
        self.terms[:, -1, n_rows:] = _FAR
        self.count[:n_rows] = count

    def hold(self, rows, count):
        """Store reference rows after adapting the capacity to them; see `fill`."""
        n_members, n_rows, n_features = rows.shape
        empty = ReferenceIndex(n_members, n_rows, n_features)
        for name, buffer in empty.named_buffers():
            setattr(self, name, buffer.to(rows.device))
        self.fill(rows, count)

    def search(self, X, n_found):
        """Increasing squared distances of the nearest references, and their indices.

        Parameters
        ----------
        X : torch.Tensor of shape (n_members, n_rows, n_features)
            Query rows.
        n_found : int
            Number of references; two more are found if `exact`, and no more than the
            capacity.

        Returns
        -------
        squares, indices : torch.Tensor of shape (n_members, n_rows, n_found)
            Unused entries have huge squared distances.
        """
        halves = torch.bmm(F.pad(X, (0, 1), value=1.0), self.terms)
        n_found = min(n_found + _SPARE * self.exact, halves.shape[2])
        values, indices = _smallest(halves, n_found)
        if self.exact:
            return self._exact(X, values, indices)
        squares = 2 * values + X.square().sum(dim=2, keepdim=True)
        return squares.clamp_min(0.0), indices

    def _exact(self, X, values, indices):
        """Recompute the squared distances and sort by them."""
        member = torch.arange(len(X), device=X.device).unsqueeze(1)
        # One neighbour at a time, since a copy of all rows found may be large.
        squares = torch.stack(
            [
                (X - self.rows[member, index]).square_().sum(dim=2)
                for index in indices.unbind(dim=2)
            ],
            dim=2,
        )
        squares = squares.masked_fill_(values >= _FAR / 2, _FAR)
        squares, order = squares.sort(dim=2, stable=True)
        return squares, indices.gather(2, order)

    def forward(self, X, n_neighbors):
        """Increasing distances of the nearest neighbours, and their indices.

        One reference at distance zero (up to rounding, unless `exact`) is always
        excluded, so a training row is never its own neighbour, and a new row that
        equals it has the same neighbours. Where there are fewer references than
        neighbours, the last one is repeated.

        Parameters
        ----------
        X : torch.Tensor of shape (n_members, n_rows, n_features)
            Query rows.
        n_neighbors : int
            Number of neighbours.

        Returns
        -------
        distances, indices : torch.Tensor of shape (n_members, n_rows, n_neighbors)
        """
        squares, indices = self.search(X, n_neighbors + 1)
        count = self.count[indices]
        rounding = 8 * math.sqrt(X.shape[2]) * torch.finfo(X.dtype).eps
        zero = 0.0 if self.exact else rounding * X.square().sum(dim=2, keepdim=True)
        squares = squares.masked_fill(squares <= zero, 0.0)
        count[..., 0] -= (squares[..., 0] == 0.0).to(count.dtype)
        reached = count.cumsum(dim=2).unsqueeze(3)
        rank = torch.arange(n_neighbors, device=X.device)
        order = (reached <= rank).sum(dim=2)
        last = (squares < _FAR).sum(dim=2, keepdim=True) - 1
        order = torch.minimum(order, last)
        return squares.gather(2, order).sqrt(), indices.gather(2, order)


def _smallest(values, n_smallest):
    """Smallest values of the last axis in order, and their indices, as by topk."""
    n_values = values.shape[2]
    if n_smallest * _QUICK <= n_values <= _MANY:
        return values.topk(n_smallest, dim=2, largest=False)
    # Arranged in a table, they lie in the columns with the smallest minimums.
    n_rows = 2 ** round(math.log2(max(1.0, n_values / n_smallest)) / 2)
    table = values.unflatten(2, (min(n_rows, _MULTIPLE), -1))
    columns = table.amin(dim=2).topk(n_smallest, dim=2, largest=False).indices
    chosen = columns.unsqueeze(2).expand(-1, -1, table.shape[2], -1)
    found, order = table.gather(3, chosen).flatten(2).topk(n_smallest, largest=False)
    column = columns.gather(2, order % n_smallest)
    return found, order // n_smallest * table.shape[3] + column
