"""Members that are independent copies of a module."""

import torch
from torch import nn


class Members(nn.Module):
    """Independent modules, each of which is applied to its own batch.

    Parameters
    ----------
    modules : sequence of torch.nn.Module
        One module for each member.
    score_function : callable, default=None
        ``score_function(module, X)`` returns the anomaly score of each row.
    """

    def __init__(self, modules, score_function=None):
        super().__init__()
        self.score_function = score_function
        self.members = nn.ModuleList(modules)

    def forward(self, X, generator=None):
        """Apply each member to its part of (n_members, n, ...)."""
        return self.map(lambda member, x: member(x), X)

    def anomaly_scores(self, X):
        """Scores (n_members, n) by `score_function`."""
        return self.map_rows(self.score_function, X, "score_function")

    def map_rows(self, function, X, name):
        """Like `map`, for a function called `name` that returns a value per row."""
        values = self.map(function, X)
        if values.shape != X.shape[:2]:
            raise ValueError(
                f"{name}(module, X) must give one value for each row, of shape "
                f"({X.shape[1]},); it gave {tuple(values.shape[1:])}. Reduce over the "
                "other axes, not over the rows."
            )
        return values

    def map(self, function, X):
        """Stack ``function(member, X[i])`` over the members."""
        return torch.stack(
            [function(member, x) for member, x in zip(self.members, X, strict=True)]
        )
