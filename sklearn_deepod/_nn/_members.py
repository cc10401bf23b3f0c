"""Any torch module, several times over."""

import torch
from torch import nn


class Members(nn.Module):
    """Independent copies of a module, each applied to its own batch.

    Parameters
    ----------
    modules : sequence of torch.nn.Module
        One module for each member.
    """

    def __init__(self, modules):
        super().__init__()
        self.members = nn.ModuleList(modules)

    def forward(self, X, generator=None):
        """Apply each member to its part of (n_members, n, ...)."""
        return self.map(lambda member, x: member(x), X)

    def map(self, function, X):
        """Stack ``function(member, X[i])`` over the members."""
        return torch.stack(
            [function(member, x) for member, x in zip(self.members, X, strict=True)]
        )
