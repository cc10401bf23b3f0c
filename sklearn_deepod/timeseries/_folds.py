"""Halves of a training series, so that each is scored by what the other has shown."""

from itertools import pairwise

#: Fewest lengths of a window in a block, and most blocks of a half.
SHORTEST_BLOCK, MOST_BLOCKS = 4, 5


def halves(n_windows, n_steps):
    """Alternating blocks of the windows of a series.

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
    list of list of slice
        The blocks of both halves. A single window is in both.
    """
    if n_windows < 2:
        return [[slice(0, n_windows)]] * 2
    n_blocks = n_windows // (2 * SHORTEST_BLOCK * n_steps)
    n_blocks = 2 * min(max(n_blocks, 1), MOST_BLOCKS)
    ends = [i * n_windows // n_blocks for i in range(n_blocks + 1)]
    blocks = [slice(*pair) for pair in pairwise(ends)]
    return [blocks[::2], blocks[1::2]]
