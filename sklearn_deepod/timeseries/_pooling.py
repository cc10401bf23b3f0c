"""Sliding reductions over the windows of a series, in linear time."""

import torch
from torch.nn import functional as F

#: Longest distance between the starts of two windows, in time stamps. Strides are
#: powers of two, so that tiles that start at its multiples hold whole blocks.
LONGEST_STRIDE = 8
_REDUCED = {torch.add: torch.sum, torch.maximum: torch.amax}


def stride_of(window, share=16, longest=LONGEST_STRIDE):
    """Distance between the starts of windows, a power of two.

    Parameters
    ----------
    window : int
        Length of a window.
    share : int, default=16
        The stride is about the window divided by this.
    longest : int, default=LONGEST_STRIDE
        The longest stride.

    Returns
    -------
    int
    """
    stride = 1
    while 2 * stride <= min(window // share, longest):
        stride *= 2
    return stride


def sliding(operation, values, length):
    """Reduce all runs of `length` values along the second axis.

    Runs of length 1, 2, 4, ... are combined in an order that is the same for every
    result, so a result depends on the values of its run alone, to the last bit; or to
    the last digits, where only one is asked for.

    Parameters
    ----------
    operation : {torch.add, torch.maximum}
        What reduces two values.
    values : Tensor of shape (n_channels, n_values, ...)
        At least `length` values.
    length : int
        Length of the runs.

    Returns
    -------
    Tensor of shape (n_channels, n_values - length + 1, ...)
    """
    n_runs = values.shape[1] - length + 1
    if n_runs == 1:
        return _REDUCED[operation](values, 1, keepdim=True)
    result, start, power = None, 0, 1
    while True:
        if length & power:
            part = values[:, start : start + n_runs]
            result = part if result is None else operation(result, part)
            start += power
        power *= 2
        if power > length:
            return result
        half = power // 2
        values = operation(values[:, :-half], values[:, half:])


class Merge:
    """Scores of the time stamps of a segment, from those of the windows.

    Parameters
    ----------
    window, stride : int
        Length of the windows and distance of their starts; `stride` divides `window`.
    causal : bool
        False takes the mean over all windows that contain the time stamp; True the
        latest one that ends at or before it.
    """

    def __init__(self, window, stride, causal):
        self.window, self.stride, self.causal = window, stride, causal
        self._n_blocks = window // stride

    def windows(self, start, stop, length):
        """First and last window that time stamps `start` to `stop` need.

        Parameters
        ----------
        start, stop : int
            The time stamps. `start` is a multiple of the stride, unless `causal`.
        length : int
            Length of the segment.

        Returns
        -------
        first, last : int
            Indices of windows. `last` is smaller than `first` if there are none.
        """
        n_windows = max(0, length - self.window) // self.stride + 1
        n_windows *= length >= self.window
        if self.causal:
            ends = start + 1 - self.window, stop - self.window
            return max(0, ends[0] // self.stride), min(
                ends[1] // self.stride, n_windows - 1
            )
        last = min((stop - 1) // self.stride, n_windows - 1)
        first = start // self.stride - self._n_blocks + 1
        return max(0, min(first, last)), last

    def stamps(self, scores, start, stop, first, last):
        """Scores of time stamps, from those of the windows that `windows` names.

        Parameters
        ----------
        scores : Tensor of shape (n_channels, n_windows)
            Scores of the windows.
        start, stop, first, last : int
            The time stamps, and the windows.

        Returns
        -------
        Tensor of shape (n_channels, stop - start)
            NaN where no window tells.
        """
        if last < first:
            return scores.new_full((len(scores), stop - start), torch.nan)
        if self.causal and start + 1 == stop:  # the usual case of live scores
            return scores[:, -1:]
        stamps = torch.arange(start, stop, device=scores.device)
        if self.causal:
            latest = (stamps + 1 - self.window).div(
                self.stride, rounding_mode="floor"
            ) - first
            merged = scores.index_select(1, latest.clamp(min=0))
            return merged.masked_fill_(stamps + 1 < self.window, torch.nan)
        return self._means(scores, stamps // self.stride, first, last)

    def _means(self, scores, blocks, first, last):
        """Mean over the windows that contain each block of stamps.

        A block at the end that no whole window contains takes the last window.
        """
        margin = self._n_blocks - 1
        padded = F.pad(scores, (margin, margin))
        counts = F.pad(torch.ones_like(scores[:1]), (margin, margin))
        means = sliding(torch.add, padded, self._n_blocks)
        means = means / sliding(torch.add, counts, self._n_blocks)
        # Entry i of `means` is for the block in which window `first` + i starts.
        place = (blocks - first).clamp(max=last - first + margin)
        return means.index_select(1, place)
