"""Artificial outliers, for methods that learn to separate them from training rows."""

import torch

from sklearn_deepod._nn._dense import normal_like, uniform_like

# Expected share of the cells to which noise is added.
_NOISY = 0.3


def artificial_outliers(X, low, high, generator, *, kind="mixed", epsilon=0.1):
    """Generate uniformly distributed rows, or training rows with noise in some cells.

    Parameters
    ----------
    X : torch.Tensor of shape (..., n_cells)
        Training rows.
    low, high : torch.Tensor of shape (n_cells,)
        Lowest and highest values of the training rows.
    generator : torch.Generator
        Source of the rows.
    kind : {"mixed", "uniform", "subspace"}, default="mixed"
        "uniform" rows are uniformly distributed over the bounding box of the training
        rows, widened by a share `epsilon` on each side; "subspace" rows are training
        rows with normal noise in some cells, at least one; "mixed" chooses between the
        two with equal probability.
    epsilon : float, default=0.1
        Standard deviation of the noise, as a share of each cell's range.

    Returns
    -------
    torch.Tensor of the shape of `X`
    """
    reach = epsilon * (high - low)
    uniform = low - reach + uniform_like(X, generator) * (high - low + 2 * reach)
    draws = uniform_like(X, generator)
    chosen = draws <= draws.amin(dim=-1, keepdim=True).clamp_min(_NOISY)
    noisy = X + chosen * reach * normal_like(X, generator)
    if kind == "mixed":
        return torch.where(uniform_like(X[..., :1], generator) < 0.5, uniform, noisy)
    return uniform if kind == "uniform" else noisy
