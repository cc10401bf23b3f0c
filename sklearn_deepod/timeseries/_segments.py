"""Segments of a series on their way through the scorer, tile by tile."""

import numpy as np
import torch

from sklearn_deepod.timeseries._channels import fill_forward
from sklearn_deepod.timeseries._pooling import LONGEST_STRIDE

# Time stamps of one channel that are scored at once, and the fewest and the most of
# all: what a tile takes of its neighbours is small beside it, and the memory bounded.
TILE_CELLS = 2**18
SHORTEST_TILE, LONGEST_TILE = 512, 4096


def tile_length(n_channels):
    """Number of time stamps that are scored at once, a multiple of the strides."""
    length = TILE_CELLS // n_channels // LONGEST_STRIDE * LONGEST_STRIDE
    return min(max(length, SHORTEST_TILE), LONGEST_TILE)


def as_tensor(Z, device):
    """Standardised values on the device, in double precision where it has it."""
    # Double precision makes tiles, chunks and batches agree to the last digits, and
    # costs little: most of the time goes to moving memory.
    dtype = torch.float32 if torch.device(device).type == "mps" else torch.float64
    # A copy: memory of torch is aligned, and products of other arrays round otherwise.
    Z = torch.from_numpy(np.ascontiguousarray(Z)).to(dtype, copy=True)
    return Z.to(device)


def tile_scores(scorer, merge, read, start, stop, length, *, by_channel, kept=None):
    """Scores of one tile, or the contributions of the channels to them.

    Parameters
    ----------
    scorer : SeriesScorer
        The fitted scorer.
    merge : {"mean", "last"}
        How the windows are merged.
    read, start, stop, length, kept
        See `SeriesScorer.parts`.
    by_channel : bool
        Whether to get contributions.

    Returns
    -------
    ndarray of shape (stop - start,) or (stop - start, n_channels)
    """
    parts = scorer.parts(read, start, stop, length, causal=merge == "last", kept=kept)
    calibration = scorer.merges[merge]
    if by_channel:
        return calibration.contributions(parts).T.cpu().numpy()
    return calibration(parts).cpu().numpy()


def segment_scores(scorer, channels, X, merge, device, *, by_channel=False):
    """Anomaly scores of a segment, or the contributions of the channels to them.

    Parameters
    ----------
    scorer : SeriesScorer
        The fitted scorer.
    channels : Channels
        Standardises the series.
    X : ndarray of shape (n_timestamps, n_channels)
        The segment.
    merge : {"mean", "last"}
        How the windows are merged.
    device : str
        Torch device.
    by_channel : bool, default=False
        Whether to get contributions.

    Returns
    -------
    ndarray of float64 of shape (n_timestamps,) or (n_timestamps, n_channels)
    """
    X = fill_forward(X)
    length, tile = len(X), tile_length(X.shape[1])
    scores = np.empty(X.shape if by_channel else length)
    for start in range(0, length, tile):
        stop = min(start + tile, length)
        first = max(0, start - scorer.reach)
        part = X[first : stop + scorer.reach]
        Z = as_tensor(channels.standardized(part), device)

        def read(a, b, Z=Z, first=first):
            return Z[:, a - first : b - first]

        with torch.inference_mode():
            scores[start:stop] = tile_scores(
                scorer, merge, read, start, stop, length, by_channel=by_channel
            )
    return scores


def with_changes(scores, channels, X, step):
    """Scores or contributions, raised where channels changed beyond comparison.

    Parameters
    ----------
    scores : ndarray of shape (n_timestamps,) or (n_timestamps, n_channels)
        Anomaly scores, or contributions to them.
    channels : Channels
        Tells what changed.
    X : ndarray of shape (n_timestamps, n_channels)
        The series.
    step : float
        Score of the smallest change.

    Returns
    -------
    ndarray of the shape of `scores`
        Root of the sum of the squared scores and the squared steps.
    """
    changes = channels.changes(X)
    if changes is None:
        return scores
    squares = (step * changes) ** 2
    if scores.ndim == 1:
        return np.sqrt(scores**2 + squares.sum(axis=1))
    before = scores.sum(axis=1, keepdims=True)
    squares = scores * before + squares
    after = np.sqrt(squares.sum(axis=1, keepdims=True))
    return np.divide(squares, after, out=np.zeros_like(scores), where=after > 0)
