"""What a detector of series keeps of its training series."""

import numpy as np
import torch

from sklearn_deepod.timeseries._channels import Channels

# Time stamps that the components are fitted on, and length of their pieces.
FEWEST_FITTED, MOST_FITTED = 2**14, 2**16
PIECE = 2048


class TrainingSample:
    """Pieces of all training series, or a sample of them, and the channels' scale.

    Parameters
    ----------
    segments : list of ndarray of shape (n_timestamps, n_channels)
        Training series, without missing values but at the starts.
    generator : torch.Generator
        Draws where the sampled pieces start.
    before : TrainingSample, default=None
        What was kept of the series before them, of which a share stays.

    Attributes
    ----------
    pieces : list of ndarray of shape (n_timestamps, n_channels)
        The sample: each time stamp seen is in it with the same probability.
    channels : Channels
        The scale of the channels in all that was seen.
    n_seen : int
        Time stamps seen.
    is_all : bool
        Whether the sample is all that was seen.
    """

    def __init__(self, segments, generator, before=None):
        n_new, n_channels = sum(map(len, segments)), segments[0].shape[1]
        most = max(FEWEST_FITTED, MOST_FITTED // n_channels)
        kept = []
        self.n_seen = n_new
        if before is not None:
            self.n_seen += before.n_seen
            share = max(1, most * before.n_seen // self.n_seen)
            kept = before.pieces
            if self.n_seen > most:
                kept = _fewer(_cut(kept, share, generator), share, generator)
            most -= sum(map(len, kept))
        # Copies, since who gave the series may write to them again.
        self.pieces = kept + [X.copy() for X in _cut(segments, most, generator)]
        self.channels = Channels(segments, before and before.channels)
        self.is_all = sum(map(len, self.pieces)) == self.n_seen

    def others(self, segments, generator):
        """Draw other pieces of the segments, as many time stamps as the sample has.

        What the components have learned scores lower than the rest of the series, so
        that a threshold on the sample would flag more of the series than it says.
        """
        return _cut(segments, sum(map(len, self.pieces)), generator)


def _cut(segments, most, generator):
    """Pieces of about `most` time stamps in all, or the segments if those are fewer."""
    total = sum(map(len, segments))
    if total <= most:
        return segments
    pieces = []
    for X in segments:
        # One piece from each of as many equal parts as the segment may have.
        n_parts = max(1, round(len(X) / total * most / PIECE))
        ends = np.linspace(0, len(X), n_parts + 1).astype(int)
        room = np.maximum(np.diff(ends) - PIECE, 0)
        drawn = torch.rand(n_parts, generator=generator).numpy() * (room + 1)
        starts = ends[:-1] + drawn.astype(int)
        pieces += [X[start : start + PIECE] for start in starts]
    if sum(map(len, pieces)) > most + PIECE:  # of many segments
        pieces = _fewer(pieces, most, generator)
    return pieces


def _fewer(pieces, most, generator):
    """Some of the pieces, drawn at random, with at most `most` time stamps in all."""
    order = torch.randperm(len(pieces), generator=generator).tolist()
    total = np.cumsum([len(pieces[i]) for i in order])
    n_kept = max(1, int(np.searchsorted(total, most, side="right")))
    return [pieces[i] for i in sorted(order[:n_kept])]
