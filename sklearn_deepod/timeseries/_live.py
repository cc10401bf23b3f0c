"""The end of a series, kept so that the next time stamps can be scored."""

import numpy as np
import torch

from sklearn_deepod.timeseries._channels import fill_forward
from sklearn_deepod.timeseries._segments import (
    as_tensor,
    tile_length,
    tile_scores,
)


class LiveState:
    """The last time stamps of a series that is scored as it arrives.

    Parameters
    ----------
    n_channels : int
        Number of channels.
    """

    def __init__(self, n_channels):
        self._length = 0
        self._Z = np.empty((n_channels, 0))
        self._last = np.full(n_channels, np.nan)
        self._kept = {}

    def __getstate__(self):
        """All but the scores that can be computed anew."""
        return vars(self) | {"_kept": {}}

    def scores(self, scorer, channels, X, device):
        """Score the next time stamps causally, and keep what the ones after them need.

        Parameters
        ----------
        scorer : SeriesScorer
            The fitted scorer.
        channels : Channels
            Standardises the series.
        X : ndarray of shape (n_timestamps, n_channels)
            The next time stamps.
        device : str
            Torch device.

        Returns
        -------
        ndarray of shape (n_timestamps,)
        """
        scores, tile = np.empty(len(X)), tile_length(X.shape[1])
        for start in range(0, len(X), tile):
            part = X[start : start + tile]
            scores[start : start + len(part)] = self._tile(
                scorer, channels, part, device
            )
        return scores

    def advance(self, scorer, channels, X):
        """Take time stamps in without scoring them."""
        X = fill_forward(X, self._last)
        new = channels.standardized(X[-scorer.reach :])
        self._keep(scorer, np.concatenate([self._Z, new], axis=1), X)

    def _tile(self, scorer, channels, X, device):
        X = fill_forward(X, self._last)
        first = self._length - self._Z.shape[1]
        new = channels.standardized(X)
        whole = np.concatenate([self._Z, new], axis=1)
        Z = as_tensor(whole, device)

        def read(a, b):
            return Z[:, a - first : b - first]

        stop = self._length + len(X)
        with torch.inference_mode():
            scores = tile_scores(
                scorer,
                "last",
                read,
                self._length,
                stop,
                stop,
                by_channel=False,
                kept=self._kept,
            )
        self._keep(scorer, whole, X)
        return scores

    def _keep(self, scorer, Z, X):
        """Keep the standardised time stamps that are within reach."""
        self._Z = Z[:, -scorer.reach :]
        self._length += len(X)
        self._last = X[-1].copy()
