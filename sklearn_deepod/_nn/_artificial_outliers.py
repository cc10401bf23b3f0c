"""Outliers made of training rows, for methods that learn to tell the two apart."""

import torch

from sklearn_deepod._nn._dense import normal_like, uniform_like

# Share of the cells that are moved, on average.
_MOVED = 0.3


def artificial_outliers(X, low, high, generator, *, kind="mixed", epsilon=0.1):
    """Rows spread evenly over a box, or training rows with some cells moved.

    Parameters
    ----------
    X : torch.Tensor of shape (..., n_cells)
        Training rows.
    low, high : torch.Tensor of shape (n_cells,)
        Lowest and highest values of the training rows.
    generator : torch.Generator
        Source of the rows.
    kind : {"mixed", "uniform", "subspace"}, default="mixed"
        Where the rows lie: "uniform" in the box of the training rows, which is made
        wider by a share `epsilon` on each side; "subspace" at a training row of which
        some cells, at least one, are moved by normal noise; "mixed" takes either with
        equal odds.
    epsilon : float, default=0.1
        Standard deviation of the noise as a share of each cell's range.

    Returns
    -------
    torch.Tensor of the shape of `X`
    """
    reach = epsilon * (high - low)
    spread = low - reach + uniform_like(X, generator) * (high - low + 2 * reach)
    draws = uniform_like(X, generator)
    moved = draws <= draws.amin(dim=-1, keepdim=True).clamp_min(_MOVED)
    shifted = X + moved * reach * normal_like(X, generator)
    if kind == "mixed":
        return torch.where(uniform_like(X[..., :1], generator) < 0.5, spread, shifted)
    return spread if kind == "uniform" else shifted
