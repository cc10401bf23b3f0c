"""Cut a series into windows, and merge the scores of windows."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def window_starts(n_timestamps, window, stride):
    """Get the first time stamps of the windows that cover a series.

    Parameters
    ----------
    n_timestamps : int
        Length of the series, at least `window`.
    window : int
        Length of a window.
    stride : int
        Distance between the starts of two windows.

    Returns
    -------
    ndarray of int
        Every `stride`-th position, and the start of the last window, which need not be
        a multiple of `stride`.
    """
    last = n_timestamps - window
    starts = np.arange(0, last + 1, stride)
    return starts if starts[-1] == last else np.append(starts, last)


def cut_windows(X, starts, window):
    """Cut windows from a series, as one array.

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
    """Compute the scores of time stamps from the scores of the windows.

    Parameters
    ----------
    scores : ndarray of shape (n_windows,)
        Anomaly scores of the windows.
    starts : ndarray of int of shape (n_windows,)
        Their first time stamps, increasing. The windows must cover the series.
    window : int
        Length of a window.
    n_timestamps : int
        Length of the series.
    rule : {"max", "mean", "last"}
        "max" and "mean" are over all windows that contain the time stamp; "last" takes
        the latest window that ends at or before it, or else the first window.

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
    # Not by differences of cumulative sums: the rounding error of one huge score would
    # remain in all later ones. The bounds keep the mean of equal scores exact.
    with np.errstate(over="ignore"):  # the bounds are finite
        mean = _reduce(np.add, scores, first, stop) / (stop - first)
    return np.clip(mean, _reduce(np.minimum, scores, first, stop), highest)


def _reduce(ufunc, values, first, stop):
    """Reduce ``values[first[i]:stop[i]]`` for each i."""
    ends = np.stack([first, stop], axis=1).ravel()
    # One more value, since reduceat needs every end of a range to be an index.
    return ufunc.reduceat(np.append(values, 0.0), ends)[::2]
