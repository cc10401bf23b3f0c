"""Halves of a training series, so that each is scored by what the other has shown."""

import torch

#: Fewest lengths of a window in a block, and most blocks of a half.
SHORTEST_BLOCK, MOST_BLOCKS = 4, 5


def halves(n_windows, n_steps):
    """Which windows belong to the first half: alternating blocks of the series.

    What was learned scores lower than what is new, above all in short series, whose
    overlapping windows are alike. A threshold has to come from scores of windows that
    were not learned.

    Parameters
    ----------
    n_windows : int
        Number of windows.
    n_steps : int
        Number of windows from one to the next that does not overlap with it.

    Returns
    -------
    Tensor of bool of shape (n_windows,)
    """
    n_blocks = n_windows // (2 * SHORTEST_BLOCK * n_steps)
    n_blocks = 2 * min(max(n_blocks, 1), MOST_BLOCKS)
    return torch.arange(n_windows) * n_blocks // n_windows % 2 == 0
