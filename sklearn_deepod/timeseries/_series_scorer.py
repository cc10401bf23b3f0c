"""What scores a series once it is fitted: components, calibrations, scaling."""

from functools import cached_property

import torch
from torch import nn

from sklearn_deepod.timeseries._level import LevelComponent, StampComponent
from sklearn_deepod.timeseries._log_tail_probability import Calibration
from sklearn_deepod.timeseries._pooling import Merge, stride_of
from sklearn_deepod.timeseries._shape import SHORTEST_WINDOW, ShapeComponent

STAMP_CENTERS = 500
#: Windows of levels are that many strides long, and strides at most 4 time stamps.
LEVEL_STRIDES = 8, 4


class SeriesScorer(nn.Module):
    """Scores the time stamps of standardised segments, tile by tile.

    Parameters
    ----------
    n_channels : int
        Number of channels.
    length : int
        Length of the longest training segment. Windows are at most a third of it.
    n_stamps : int
        Number of training time stamps.
    windows : tuple of int
        Windows of the shape components. Those below 15 are left out.
    level_windows : tuple of int
        Windows of the level components.
    n_kernels, n_centers : int
        See `ShapeComponent`.
    measured : tuple of int
        The channels of measurements. Those of states have no shape and no level: only
        the shortest level component and the joint one look at them.
    """

    def __init__(
        self,
        n_channels,
        length,
        n_stamps,
        windows,
        level_windows,
        n_kernels,
        n_centers,
        measured,
    ):
        super().__init__()
        self.settings = {
            "n_channels": n_channels,
            "length": length,
            "n_stamps": n_stamps,
            "windows": tuple(windows),
            "level_windows": tuple(level_windows),
            "n_kernels": n_kernels,
            "n_centers": n_centers,
            "measured": tuple(measured),
        }
        n_measured = len(measured)
        shapes = [
            ShapeComponent(window, stride, n_kernels, n_centers, n_measured)
            for window, stride in sorted({_fitting(w, length) for w in windows})
            if window >= SHORTEST_WINDOW
        ]
        lengths = sorted({_fitting(w, length, *LEVEL_STRIDES) for w in level_windows})
        levels = [LevelComponent(*length, n_channels) for length in lengths[:1]]
        levels += [LevelComponent(*length, n_measured) for length in lengths[1:]]
        self.windowed = nn.ModuleList([*shapes, *levels])
        shortest = len(shapes)
        self._is_partial = [
            n_measured < n_channels and place != shortest
            for place in range(len(self.windowed))
        ]
        self.register_buffer("measured", torch.tensor(measured))
        self.stamps = StampComponent(min(STAMP_CENTERS, n_stamps // 2), n_channels)
        by_channel = [False] * len(shapes) + [True] * len(levels) + [False]
        self.merges = nn.ModuleDict(
            {name: Calibration(n_channels, by_channel) for name in ("mean", "last")}
        )

    @property
    def shape_windows(self):
        """Lengths of the windows of the shape components."""
        shapes = (c for c in self.windowed if isinstance(c, ShapeComponent))
        return tuple(component.window for component in shapes)

    @cached_property
    def reach(self):
        """Number of time stamps before (and after) one that its score depends on."""
        return max((c.window + c.stride for c in self.windowed), default=1)

    def fit(self, pieces, generator):
        """Learn from pieces of the training series; get their scores, by merge.

        Parameters
        ----------
        pieces : list of Tensor of shape (n_channels, n_timestamps)
            Standardised pieces of the training series.
        generator : torch.Generator
            Draws all that is random.

        Returns
        -------
        scores, held_out : dict of str to Tensor of shape (n_timestamps,)
            The scores of what was learned, and by what the other half has shown.
        exact : bool
            Whether they are those that the fitted scorer gives; else windows in
            between were used as well.
        """
        learned, held_out, strides = [], [], []
        for place, component in enumerate(self.windowed):
            own = [self._own(place, piece) for piece in pieces]
            long = [piece for piece in own if piece.shape[1] >= component.window]
            scores, unseen, stride = component.fit(long, generator)
            learned.append(scores)
            held_out.append(unseen)
            strides.append(stride)
        lengths = [piece.shape[1] for piece in pieces]
        stamps = torch.cat(self.stamps.fit(pieces, generator), 1)
        found = {}, {}
        for name, calibration in self.merges.items():
            merges = [
                Merge(component.window, stride, causal=name == "last")
                for component, stride in zip(self.windowed, strides, strict=True)
            ]
            parts = self._merged(merges, learned, stamps, lengths)
            found[0][name] = calibration.fit(parts)
            parts = self._merged(merges, held_out, stamps, lengths)
            found[1][name] = calibration(parts)
        exact = strides == [component.stride for component in self.windowed]
        return *found, exact

    def _merged(self, merges, scores, stamps, lengths):
        """Scores of the time stamps of all pieces, for each component and channel."""
        parts = stamps.new_zeros(len(merges) + 1, *stamps.shape)
        for place, merge in enumerate(merges):
            merged = _of_pieces(merge, scores[place], lengths)
            if self._is_partial[place]:
                parts[place].index_copy_(0, self.measured, merged)
            else:
                parts[place] = merged
        parts[-1] = stamps
        return parts

    def parts(self, read, start, stop, length, *, causal, kept=None):
        """The components' scores of time stamps, by channel.

        Parameters
        ----------
        read : callable
            Maps a first and a last time stamp to the standardised values between them,
            a tensor (n_channels, n_timestamps).
        start, stop : int
            The time stamps. `start` is a multiple of LONGEST_STRIDE, unless `causal`.
        length : int
            Length of the segment.
        causal : bool
            Whether scores may depend on earlier time stamps only.
        kept : dict, default=None
            Where the scores of the latest windows are kept for the next call.

        Returns
        -------
        Tensor of shape (n_components, n_channels, stop - start)
        """
        found = []
        for place, component in enumerate(self.windowed):
            merge = Merge(component.window, component.stride, causal)
            first, last = merge.windows(start, stop, length)
            here = place, first, last
            if last < first:
                scores = self._own(place, read(start, start))
            elif kept is not None and kept.get(place, (None,))[0] == here:
                scores = kept[place][1]
            else:
                stride, window = component.stride, component.window
                Z = read(first * stride, last * stride + window)
                scores = component(self._own(place, Z))
                if kept is not None:
                    kept[place] = here, scores
            merged = merge.stamps(scores, start, stop, first, last)
            found.append(self._of_all(place, merged))
        return torch.stack([*found, self.stamps(read(start, stop))])

    def _own(self, place, Z):
        """The channels that a component looks at."""
        return Z[self.measured] if self._is_partial[place] else Z

    def _of_all(self, place, scores):
        """Scores of a component for all channels: 0 for those it does not look at."""
        if not self._is_partial[place]:
            return scores
        everywhere = scores.new_zeros(self.settings["n_channels"], scores.shape[1])
        return everywhere.index_copy_(0, self.measured, scores)


def _fitting(window, length, *strides):
    """Window and stride: the window at most a third, and a multiple of the stride."""
    window = max(1, min(window, length // 3))
    stride = stride_of(window, *strides)
    return window // stride * stride, stride


def _of_pieces(merge, scores, lengths):
    """Scores of the time stamps of all pieces; NaN in pieces shorter than a window."""
    found, merged = iter(scores), []
    for length in lengths:
        if length >= merge.window:
            windows = merge.windows(0, length, length)
            merged.append(merge.stamps(next(found), 0, length, *windows))
        else:
            merged.append(scores[0].new_full((len(scores[0]), length), torch.nan))
    return torch.cat(merged, 1)
