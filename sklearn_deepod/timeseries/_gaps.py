"""Split or fill a series at its gaps."""

import numpy as np


def cut_at_gaps(values, at, n_missing, *, on_gap, max_fill):
    """Split a series at its gaps, or fill them.

    Parameters
    ----------
    values : ndarray of shape (n_timestamps, n_channels)
        The series.
    at : ndarray of int
        Positions of the last time stamps before the gaps.
    n_missing : ndarray of int
        How many time stamps are missing in each.
    on_gap : {"split", "interpolate"}
        "interpolate" fills a gap linearly.
    max_fill : int
        Longest gap to fill; longer ones split the series as well.

    Yields
    ------
    first : int
        First row of the part.
    values : ndarray of shape (n_timestamps, n_channels)
        The part, with filled gaps.
    kept : ndarray of bool of shape (n_timestamps,) or None
        Which of its time stamps are rows of the series; None if all are.
    """
    is_split = np.ones(len(at), dtype=bool)
    if on_gap == "interpolate":
        is_split = n_missing > max_fill
    borders = [0, *(at[is_split] + 1).tolist(), len(values)]
    filled, missing = at[~is_split], n_missing[~is_split]
    for first, stop in zip(borders, borders[1:], strict=False):
        inside = (filled >= first) & (filled < stop)
        part = values[first:stop]
        if not inside.any():
            yield first, part, None
            continue
        yield first, *_fill(part, filled[inside] - first, missing[inside])


def _fill(values, at, n_missing):
    """Insert time stamps on the line between those before and after each gap."""
    steps = np.ones(len(values), dtype=int)
    steps[0] = 0
    steps[at + 1] += n_missing
    rows = np.cumsum(steps)
    filled = np.empty((rows[-1] + 1, values.shape[1]), dtype=values.dtype)
    kept = np.zeros(len(filled), dtype=bool)
    kept[rows] = True
    filled[rows] = values
    for i, n in zip(at, n_missing, strict=True):
        share = (np.arange(1, n + 1) / (n + 1))[:, None]
        filled[rows[i] + 1 : rows[i + 1]] = (1 - share) * values[i] + share * values[
            i + 1
        ]
    return filled, kept
