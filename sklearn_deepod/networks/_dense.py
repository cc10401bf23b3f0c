"""Dense layers that hold several members at once."""

import torch
from torch import nn
from torch.nn import functional as F


def _identity(X):
    return X


# Functions, not modules: calling a module costs as much as a small layer's product.
ACTIVATIONS = {
    "identity": _identity,
    "relu": torch.relu_,  # in place, which spares an array
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
    "logistic": torch.sigmoid,
}


class MemberLinear(nn.Module):
    """A linear layer for each member, applied in one batched product.

    Parameters
    ----------
    n_members : int
        Number of members.
    in_features, out_features : int
        Sizes of each member's layer.
    generator : torch.Generator
        Source of the initial weights, uniform in plus or minus 1 / sqrt(in_features).
    """

    def __init__(self, n_members, in_features, out_features, generator):
        super().__init__()
        bound = in_features**-0.5
        weight = torch.empty(n_members, in_features, out_features)
        bias = torch.empty(n_members, 1, out_features)
        self.weight = nn.Parameter(weight.uniform_(-bound, bound, generator=generator))
        self.bias = nn.Parameter(bias.uniform_(-bound, bound, generator=generator))

    def forward(self, X):
        """Map (n_members, n, in_features) to (n_members, n, out_features)."""
        return torch.baddbmm(self.bias, X, self.weight)


class DenseStack(nn.Module):
    """Linear layers with an activation after each, the last one optional.

    Parameters
    ----------
    n_members : int
        Number of members.
    sizes : sequence of int
        Input size, hidden sizes, output size.
    activation : str
        A key of ACTIVATIONS.
    dropout : float
        Share of a hidden layer's units left out in training.
    generator : torch.Generator
        Source of the initial weights.
    activate_last : bool, default=True
        Whether the last layer is activated too.
    """

    def __init__(
        self, n_members, sizes, activation, dropout, generator, *, activate_last=True
    ):
        super().__init__()
        pairs = zip(sizes[:-1], sizes[1:], strict=True)
        self.layers = nn.ModuleList(
            MemberLinear(n_members, m, n, generator) for m, n in pairs
        )
        self.activation = ACTIVATIONS[activation]
        self.dropout = dropout
        self.activate_last = activate_last

    def after(self, h, i, generator=None):
        """Activation and dropout of layer i's output."""
        if i == len(self.layers) - 1 and not self.activate_last:
            return h
        h = self.activation(h)
        if self.training and self.dropout:
            h = h * bernoulli_like(h, 1 - self.dropout, generator) / (1 - self.dropout)
        return h

    def forward(self, h, generator=None, start=0):
        """Apply the layers from `start` on; `generator` draws the dropout."""
        for i, layer in enumerate(self.layers):
            if i >= start:
                h = self.after(layer.forward(h), i, generator)
        return h


def bernoulli_like(X, p, generator):
    """Ones with probability `p`, zeros else, drawn from an explicit CPU stream."""
    return uniform_like(X, generator).lt(p).to(X.dtype)


def uniform_like(X, generator):
    """Uniform numbers in the shape of `X`, drawn on the CPU and moved to its device."""
    return torch.rand(X.shape, generator=generator).to(X.device)
