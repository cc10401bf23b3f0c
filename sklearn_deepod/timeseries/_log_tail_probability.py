"""Log tail probabilities among the training scores: one scale for all components."""

import math
from itertools import pairwise

import torch
from torch import nn

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
        shape = n_scores, 1, len(QUANTILES)
        self.register_buffer("low", torch.zeros(shape))
        self.register_buffer("width", torch.ones(shape))
        self.register_buffer("rise", torch.tensor(RISES))
        self.register_buffer("most", torch.tensor([1.0] * len(RISES)))

    def fit(self, scores):
        """Learn from training scores, a list of tensors (n_timestamps,)."""
        fitted = [_pieces(each) for each in scores]
        low, width = zip(*fitted, strict=True)
        self.low = torch.stack(low).unsqueeze(1)
        self.width = torch.stack(width).unsqueeze(1)
        self.rise = torch.tensor(RISES).to(self.low)
        # All pieces but the last one end.
        self.most = torch.ones_like(self.rise)
        self.most[-1] = math.inf
        return self

    def forward(self, scores):
        """Calibrate scores (n_scores, n_timestamps); NaN stays NaN."""
        steps = (scores.unsqueeze(-1) - self.low) / self.width
        found = steps.clamp_(torch.zeros_like(self.most), self.most) @ self.rise
        beyond = (found / LARGE).clamp_(min=1.0).log_()
        return found.clamp_(max=LARGE).add_(beyond, alpha=LARGE)


def _pieces(scores):
    """Starts and widths of the pieces on which it is linear."""
    levels = torch.tensor(QUANTILES).to(scores)
    low = torch.quantile(scores, levels)
    top = low[-1]
    above = scores[scores > top] - top
    unit = above.mean() if len(above) else torch.zeros_like(top)
    unit = torch.maximum(unit, SMALLEST_UNIT * top).clamp(min=1e-6)
    # Rounding errors of a score must not become steps of the result.
    width = low.diff().clamp(min=1e-3 * float(unit))
    return low, torch.cat([width, unit[None]])


class Calibration(nn.Module):
    """Combines the components' scores of time stamps into one.

    The score is the root mean square of the log tail probabilities of all components
    that have a score there.

    Parameters
    ----------
    n_channels : int
        Number of channels.
    by_channel : list of bool
        For each component, whether its channels are calibrated one by one.
    """

    def __init__(self, n_channels, by_channel):
        super().__init__()
        self.channels = nn.ModuleList(
            LogTailProbability(n_channels) if each else nn.Identity()
            for each in by_channel
        )
        self.totals = LogTailProbability(len(by_channel))

    def fit(self, parts):
        """Learn from the components' training scores.

        Parameters
        ----------
        parts : list of Tensor of shape (n_channels, n_timestamps)
            The scores, for each component. NaN is left out.

        Returns
        -------
        Calibration
        """
        parts = [scores[:, ~scores.isnan().any(0)] for scores in parts]
        for scores, channels in zip(parts, self.channels, strict=True):
            if isinstance(channels, LogTailProbability):
                channels.fit(list(scores))
        self.totals.fit([_root_mean_square(each) for each in self._by_channel(parts)])
        return self

    def forward(self, parts):
        """Scores of time stamps from those of the components, a list as in `fit`."""
        return self._combined(self._by_channel(parts))[0]

    def contributions(self, parts):
        """Contributions of the channels to the scores, which they add up to.

        Parameters
        ----------
        parts : list of Tensor
            As in `forward`.

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
        return [f(scores) for f, scores in zip(self.channels, parts, strict=True)]

    def _combined(self, parts):
        """Scores, and the square of each component, NaN where it has no score."""
        totals = _root_mean_square(torch.stack(parts, 1))
        squares = self.totals(totals).square_()
        return squares.nanmean(0).sqrt_(), squares


def _root_mean_square(scores):
    return scores.square().mean(0).sqrt_()
