"""Windows of a series, and scores of windows back on its time stamps."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def window_starts(n_timestamps, window, stride):
    """First time stamps of the windows that cover a series.

    Parameters
    ----------
    n_timestamps : int
        Length of the series, at least `window`.
    window : int
        Length of a window.
    stride : int
        Steps from one window to the next.

    Returns
    -------
    ndarray of int
        Every `stride`-th position, and that of the last window, which would otherwise
        be left out where `stride` does not divide the rest.
    """
    last = n_timestamps - window
    starts = np.arange(0, last + 1, stride)
    return starts if starts[-1] == last else np.append(starts, last)


def cut_windows(X, starts, window):
    """Windows of a series as one array.

    Parameters
    ----------
    X : ndarray of shape (n_timestamps, n_channels)
        The series.
    starts : ndarray of int of shape (n_windows,)
        First time stamps.
    window : int
        Length of a window.

    Returns
    -------
    ndarray of shape (n_windows, window, n_channels)
    """
    return sliding_window_view(X, (window, X.shape[1]))[starts, 0]


def merge_scores(scores, starts, window, n_timestamps, rule):
    """Scores of time stamps from those of the windows that hold them.

    Parameters
    ----------
    scores : ndarray of shape (n_windows,)
        Anomaly scores of the windows.
    starts : ndarray of int of shape (n_windows,)
        Their first time stamps, ascending; no time stamp is left uncovered.
    window : int
        Length of a window.
    n_timestamps : int
        Length of the series.
    rule : {"max", "mean", "last"}
        "max" and "mean" are over all windows that hold the time stamp; "last" is the
        latest window that does not reach beyond it, or the first of all.

    Returns
    -------
    ndarray of shape (n_timestamps,)
    """
    t = np.arange(n_timestamps)
    if rule == "last":
        latest = np.searchsorted(starts, t - window + 1, side="right") - 1
        return scores[np.maximum(latest, 0)]
    first = np.searchsorted(starts, t - window, side="right")
    stop = np.searchsorted(starts, t, side="right")
    highest = _reduce(np.maximum, scores, first, stop)
    if rule == "max":
        return highest
    # Sums of each range, not differences of cumulated ones: one huge score would leave
    # its rounding in all that come after it. Nor must rounding part equal scores.
    with np.errstate(over="ignore"):  # the bounds put it right
        mean = _reduce(np.add, scores, first, stop) / (stop - first)
    return np.clip(mean, _reduce(np.minimum, scores, first, stop), highest)


def _reduce(ufunc, values, first, stop):
    """Reduce ``values[first[i]:stop[i]]`` for each i."""
    ends = np.stack([first, stop], axis=1).ravel()
    # Where a range ends is an index to reduceat, too, which must exist.
    return ufunc.reduceat(np.append(values, 0.0), ends)[::2]
