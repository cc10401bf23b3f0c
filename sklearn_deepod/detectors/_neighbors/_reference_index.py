"""The nearest of some rows that are kept."""

import math

import torch
from torch import nn
from torch.nn import functional as F

# Products of training rows and references that are made, which bounds the time.
MOST_PAIRS = 5_000_000
FEWEST_REFERENCES, MOST_REFERENCES = 384, 2_048
# Numbers that all the members' references may hold together, or a sample of the rows.
MOST_CELLS = 2**25
# Places come in multiples of this, so that they part evenly into columns.
_MULTIPLE = 64
# torch's topk takes a quick way from this many values for each one asked for, but it
# still looks at all of them.
_QUICK, _MANY = 64, 2048
# A number that no squared distance reaches, which float32 can still add to.
_FAR = 1e38
# Found beyond those asked for where distances are exact: the search may swap two.
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
    """Finds the nearest of the reference rows, for each member.

    Parameters
    ----------
    n_members : int
        Number of members, each with its own features of the same rows.
    n_references : int
        Number of places for reference rows.
    n_features : int
        Number of features.
    exact : bool, default=False
        Whether distances are computed once more from the differences to what was found.
        The search rounds as products do, by the size of the rows, and otherwise in
        another batch.
    """

    def __init__(self, n_members, n_references, n_features, *, exact=False):
        super().__init__()
        self.exact = exact
        n_places = math.ceil(n_references / _MULTIPLE) * _MULTIPLE
        self.register_buffer("rows", torch.zeros(n_members, n_places, n_features))
        # What a product with (row, 1) makes half the squared distance, but for what is
        # the same for all references of a row. An empty place is far from all.
        terms = torch.zeros(n_members, n_features + 1, n_places)
        terms[:, -1] = _FAR
        self.register_buffer("terms", terms)
        self.register_buffer("count", torch.ones(n_places))

    def fill(self, rows, count):
        """Take the reference rows.

        Parameters
        ----------
        rows : torch.Tensor of shape (n_members, n_rows, n_features)
            The rows, at most as many as there are places.
        count : torch.Tensor of shape (n_rows,)
            How often each is there.
        """
        n_rows = rows.shape[1]
        self.rows[:, :n_rows] = rows
        self.terms[:, :-1, :n_rows] = -rows.mT
        self.terms[:, -1, :n_rows] = rows.square().sum(dim=2) / 2
        self.terms[:, -1, n_rows:] = _FAR
        self.count[:n_rows] = count

    def hold(self, rows, count):
        """Take reference rows, with as many places as they need; see `fill`."""
        n_members, n_rows, n_features = rows.shape
        places = ReferenceIndex(n_members, n_rows, n_features)
        for name, buffer in places.named_buffers():
            setattr(self, name, buffer.to(rows.device))
        self.fill(rows, count)

    def search(self, X, n_found):
        """Increasing squared distances of the nearest references, and their places.

        Parameters
        ----------
        X : torch.Tensor of shape (n_members, n_rows, n_features)
            Any rows.
        n_found : int
            Number of references; two more if `exact`, fewer where places are fewer.

        Returns
        -------
        squares, places : torch.Tensor of shape (n_members, n_rows, n_found)
            Huge squares stand for places that are empty.
        """
        halves = torch.bmm(F.pad(X, (0, 1), value=1.0), self.terms)
        n_found = min(n_found + _SPARE * self.exact, halves.shape[2])
        values, places = _least(halves, n_found)
        if self.exact:
            return self._exact(X, values, places)
        squares = 2 * values + X.square().sum(dim=2, keepdim=True)
        return squares.clamp_min(0.0), places

    def _exact(self, X, values, places):
        member = torch.arange(len(X), device=X.device).unsqueeze(1)
        # One by one, as a copy of all that was found may be large.
        squares = torch.stack(
            [
                (X - self.rows[member, place]).square_().sum(dim=2)
                for place in places.unbind(dim=2)
            ],
            dim=2,
        )
        squares = squares.masked_fill_(values >= _FAR / 2, _FAR)
        squares, order = squares.sort(dim=2, stable=True)
        return squares, places.gather(2, order)

    def forward(self, X, n_neighbors):
        """The nearest neighbours: increasing distances and places of references.

        A reference at distance zero (up to rounding, unless `exact`) is left out once,
        whoever asks: so a training row is not its own neighbour, and gets the same
        answer as a new row that equals it. Where there are fewer references, the last
        one is repeated.

        Parameters
        ----------
        X : torch.Tensor of shape (n_members, n_rows, n_features)
            Any rows.
        n_neighbors : int
            Number of neighbours.

        Returns
        -------
        distances, places : torch.Tensor of shape (n_members, n_rows, n_neighbors)
        """
        squares, places = self.search(X, n_neighbors + 1)
        count = self.count[places]
        rounding = 8 * math.sqrt(X.shape[2]) * torch.finfo(X.dtype).eps
        zero = 0.0 if self.exact else rounding * X.square().sum(dim=2, keepdim=True)
        squares = squares.masked_fill(squares <= zero, 0.0)
        count[..., 0] -= (squares[..., 0] == 0.0).to(count.dtype)
        reached = count.cumsum(dim=2).unsqueeze(3)
        rank = torch.arange(n_neighbors, device=X.device)
        order = (reached <= rank).sum(dim=2)
        last = (squares < _FAR).sum(dim=2, keepdim=True) - 1
        order = torch.minimum(order, last)
        return squares.gather(2, order).sqrt(), places.gather(2, order)


def _least(values, n_least):
    """The least of the last axis, increasing, and their places, as topk gives them."""
    n_values = values.shape[2]
    if n_least * _QUICK <= n_values <= _MANY:
        return values.topk(n_least, dim=2, largest=False)
    # The least lie in those columns of a table whose own least values are the least.
    n_rows = 2 ** round(math.log2(max(1.0, n_values / n_least)) / 2)
    table = values.unflatten(2, (min(n_rows, _MULTIPLE), -1))
    columns = table.amin(dim=2).topk(n_least, dim=2, largest=False).indices
    chosen = columns.unsqueeze(2).expand(-1, -1, table.shape[2], -1)
    found, order = table.gather(3, chosen).flatten(2).topk(n_least, largest=False)
    column = columns.gather(2, order % n_least)
    return found, order // n_least * table.shape[3] + column
