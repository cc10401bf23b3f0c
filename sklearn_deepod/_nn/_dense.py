"""Dense layers that hold all members of an ensemble."""

import torch
from torch import nn

from sklearn_deepod._nn._activations import ACTIVATIONS


class BatchedLinear(nn.Module):
    """A linear layer for each member, applied by one batched matrix product.

    Parameters
    ----------
    n_members : int
        Number of members.
    in_features, out_features : int
        Sizes of each member's layer.
    generator : torch.Generator
        Source of the initial weights, which are uniform in the interval from
        ``-1 / sqrt(in_features)`` to ``1 / sqrt(in_features)``.
    bias : bool, default=True
        Whether the layer has biases.
    """

    def __init__(self, n_members, in_features, out_features, generator, bias=True):
        super().__init__()
        bound = in_features**-0.5
        weight = torch.empty(n_members, in_features, out_features)
        self.weight = nn.Parameter(weight.uniform_(-bound, bound, generator=generator))
        self.bias = None
        if bias:
            shift = torch.empty(n_members, 1, out_features)
            self.bias = nn.Parameter(shift.uniform_(-bound, bound, generator=generator))

    def forward(self, X):
        """Map (n_members, n, in_features) to (n_members, n, out_features)."""
        if self.bias is None:
            return torch.bmm(X, self.weight)
        return torch.baddbmm(self.bias, X, self.weight)


class BatchedNorm(nn.Module):
    """Layer, batch or window normalisation of each member's units.

    Parameters
    ----------
    n_members, n_features : int
        Number of members, and of units or windows of each.
    kind : {"layer", "batch", "window"}
        Normalise over the units of a row, over the rows of a batch, or, for each
        window, over both: (n_members, n, n_windows, n_units).
    bias : bool, default=True
        Whether scale and shift are learned.
    """

    def __init__(self, n_members, n_features, kind, bias=True):
        super().__init__()
        shape = (n_members, 1, n_features) + (1,) * (kind == "window")
        self.dim = {"layer": 2, "batch": 1, "window": (1, 3)}[kind]
        self.tracks_moments = kind != "layer"
        self.weight = nn.Parameter(torch.ones(shape)) if bias else None
        self.bias = nn.Parameter(torch.zeros(shape)) if bias else None
        if self.tracks_moments:
            self.register_buffer("mean", torch.zeros(shape))
            self.register_buffer("variance", torch.ones(shape))

    def forward(self, h):
        """Normalise units (n_members, n, n_features), or windows of units."""
        if self.tracks_moments and not self.training:
            mean, variance = self.mean, self.variance
        else:
            variance, mean = torch.var_mean(h, dim=self.dim, correction=0, keepdim=True)
            if self.tracks_moments:
                with torch.no_grad():
                    self.mean.lerp_(mean, 0.1)
                    self.variance.lerp_(variance, 0.1)
        h = (h - mean) * torch.rsqrt(variance + 1e-5)
        return h if self.weight is None else h * self.weight + self.bias


class DenseStack(nn.Module):
    """Linear layers with an activation after each; the last one is optional.

    Parameters
    ----------
    n_members : int
        Number of members.
    sizes : sequence of int
        Input size, hidden sizes, output size.
    activation : str or callable
        A key of ACTIVATIONS, or a function of a tensor.
    dropout : float
        Share of a hidden layer's units that is dropped in training.
    generator : torch.Generator
        Source of the initial weights.
    activate_last : bool, default=True
        Whether the last layer is activated (and normalised) too.
    normalization : {None, "layer", "batch"}, default=None
        Normalisation before each activation.
    bias : bool, default=True
        Whether layers have biases.
    """

    def __init__(
        self,
        n_members,
        sizes,
        activation,
        dropout,
        generator,
        *,
        activate_last=True,
        normalization=None,
        bias=True,
    ):
        super().__init__()
        pairs = zip(sizes[:-1], sizes[1:], strict=True)
        self.layers = nn.ModuleList(
            BatchedLinear(n_members, m, n, generator, bias) for m, n in pairs
        )
        self.activation = ACTIVATIONS.get(activation, activation)
        self.dropout = dropout
        self.activate_last = activate_last
        self.norms = None
        if normalization is not None:
            normalised = sizes[1:] if activate_last else sizes[1:-1]
            self.norms = nn.ModuleList(
                BatchedNorm(n_members, n, normalization, bias) for n in normalised
            )

    def after(self, h, i, generator=None):
        """Normalisation, activation and dropout of layer i's output."""
        if i == len(self.layers) - 1 and not self.activate_last:
            return h
        if self.norms is not None:
            h = self.norms[i](h)
        h = self.activation(h)
        if self.training and self.dropout:
            h = h * bernoulli_like(h, 1 - self.dropout, generator) / (1 - self.dropout)
        return h

    def forward(self, h, generator=None, start=0):
        """Apply the layers from `start` on; `generator` draws the dropout."""
        if h.ndim > 3:
            h = h.flatten(2)
        for i, layer in enumerate(self.layers):
            if i >= start:
                h = self.after(layer.forward(h), i, generator)
        return h


class Shaped(nn.Module):
    """A module whose flat output rows are reshaped.

    Parameters
    ----------
    module : torch.nn.Module
        Module that returns flat rows.
    shape : tuple of int
        New shape of a row.
    """

    def __init__(self, module, shape):
        super().__init__()
        self.module = module
        self.shape = tuple(shape)

    def forward(self, h, generator=None):
        """Map (n_members, n, ...) to (n_members, n, *shape)."""
        return self.module.forward(h, generator).unflatten(2, self.shape)


def bernoulli_like(X, p, generator):
    """Draw ones with probability `p`, else zeros, on the CPU; see `uniform_like`."""
    return uniform_like(X, generator).lt(p).to(X.dtype)


def uniform_like(X, generator):
    """Draw uniform numbers in the shape of `X` on the CPU; move them to its device."""
    return torch.rand(X.shape, generator=generator).to(X.device)


def normal_like(X, generator):
    """Draw normal numbers in the shape of `X` on the CPU; move them to its device."""
    return torch.randn(X.shape, generator=generator).to(X.device)
