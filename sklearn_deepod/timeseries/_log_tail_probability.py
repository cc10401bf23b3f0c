"""Log tail probabilities among the training scores: one scale for all components."""

import math
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from sklearn_deepod.timeseries._in_parts import in_parts

#: Up to the highest of these quantiles of the training scores, log tail probabilities
#: are interpolated between theirs; beyond, they grow with the excess.
QUANTILES = 0.0, 0.1, 0.25, 0.5, 0.75, 0.9
#: How much they rise between these quantiles, and in a unit of the excess beyond.
RISES = [math.log((1 - a) / (1 - b)) for a, b in pairwise(QUANTILES)] + [1.0]
#: The unit of the excess is at least this share of the highest quantile.
SMALLEST_UNIT = 0.05
#: Beyond this, they grow by their logarithm only.
LARGE = 20.0


class LogTailProbability(nn.Module):
    """Negative log tail probability of scores, extrapolated exponentially.

    Parameters
    ----------
    n_scores : int
        Number of scores that are calibrated side by side.
    """

    def __init__(self, n_scores):
        super().__init__()
        shape = n_scores, len(RISES), 1
        self.register_buffer("slope", torch.ones(shape))
        self.register_buffer("start", torch.zeros(shape))
        self.register_buffer("rise", torch.tensor(RISES))

    def fit(self, scores):
        """Learn from training scores (n_scores, n_timestamps); NaN is left out."""
        pieces = np.array([_pieces(row) for row in scores.cpu().numpy()])
        low, width = torch.tensor(pieces).to(scores).unsqueeze(-1).unbind(1)
        self.slope, self.start = 1 / width, -low / width
        self.rise = torch.tensor(RISES).to(low)
        return self

    def forward(self, scores):
        """Calibrate scores (n_scores, n_timestamps); NaN stays NaN."""
        return in_parts(self._of_few, scores, self.slope, self.start)

    def _of_few(self, scores, slope, start):
        steps = torch.addcmul(start, scores.unsqueeze(1), slope)
        # All pieces but the last one end.
        steps[:, :-1].clamp_(0.0, 1.0)
        steps[:, -1].clamp_(min=0.0)
        rise = self.rise.expand(len(scores), 1, -1)
        found = torch.bmm(rise, steps).squeeze(1)
        if found.amax() <= LARGE:
            return found
        beyond = (found / LARGE).clamp_(min=1.0).log_()
        return found.clamp_(max=LARGE).add_(beyond, alpha=LARGE)


def _pieces(scores):
    """Starts and widths of the pieces on which it is linear."""
    scores = np.sort(scores[~np.isnan(scores)])
    places = np.multiply(QUANTILES, len(scores) - 1)
    low = np.interp(places, np.arange(len(scores)), scores)
    top = low[-1]
    above = scores[scores > top] - top
    unit = above.mean() if len(above) else 0.0
    unit = max(unit, SMALLEST_UNIT * top, 1e-6)
    # Rounding errors of a score must not become steps of the result.
    return low, np.append(np.maximum(np.diff(low), 1e-3 * unit), unit)


class Calibration(nn.Module):
    """Combines the components' scores of time stamps into one.

    The score is the root mean square of the log tail probabilities of all components
    that have a score there.

    Parameters
    ----------
    n_channels : int
        Number of channels.
    by_channel : list of bool
        For each component, whether its channels are calibrated one by one. These
        components follow each other.
    """

    def __init__(self, n_channels, by_channel):
        super().__init__()
        places = [place for place, each in enumerate(by_channel) if each]
        self._own = slice(places[0], places[-1] + 1) if places else slice(0)
        self.channels = LogTailProbability(len(places) * n_channels)
        self.totals = LogTailProbability(len(by_channel))

    def fit(self, parts):
        """Learn from the components' training scores, and calibrate them.

        Parameters
        ----------
        parts : Tensor of shape (n_components, n_channels, n_timestamps)
            The scores, which are written over. NaN is left out.

        Returns
        -------
        Tensor of shape (n_timestamps,)
        """
        own = parts[self._own]
        if len(own):
            self.channels.fit(own.flatten(0, 1))
        parts = self._by_channel(parts)
        self.totals.fit(_root_mean_square(parts))
        return self._combined(parts)[0]

    def forward(self, parts):
        """Scores of time stamps from those of the components; see `fit`."""
        return self._combined(self._by_channel(parts))[0]

    def contributions(self, parts):
        """Contributions of the channels to the scores, which they add up to.

        Parameters
        ----------
        parts : Tensor of shape (n_components, n_channels, n_timestamps)
            As in `fit`.

        Returns
        -------
        Tensor of shape (n_channels, n_timestamps)
        """
        parts = self._by_channel(parts)
        scores, squares = self._combined(parts)
        shares = torch.zeros_like(parts[0])
        for part, square in zip(parts, squares.nan_to_num(), strict=True):
            part = part.nan_to_num().square()
            whole = part.sum(0)
            shares += square * torch.where(whole > 0, part / whole, 1 / len(part))
        whole = shares.sum(0)
        return torch.where(whole > 0, shares * (scores / whole), 0.0)

    def _by_channel(self, parts):
        """Calibrate channels one by one in the components that are to be, in place."""
        own = parts[self._own]
        if len(own):
            own.copy_(self.channels(own.flatten(0, 1)).view_as(own))
        return parts

    def _combined(self, parts):
        """Scores, and the square of each component, NaN where it has no score."""
        squares = self.totals(_root_mean_square(parts)).square_()
        means = squares.mean(0)
        if means.isnan().any():
            means = squares.nanmean(0)
        return means.sqrt_(), squares


def _root_mean_square(parts):
    return torch.linalg.vector_norm(parts, dim=1).div_(parts.shape[1] ** 0.5)
