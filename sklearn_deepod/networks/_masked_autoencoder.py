"""Autoencoder that reads which cells it sees."""

import torch
from torch import nn

from sklearn_deepod.networks._dense import DenseStack
from sklearn_deepod.utils import one_blas_thread

_MOST_INPUTS = 4


class MaskedAutoencoder(nn.Module):
    """Dense autoencoders that read values and, optionally, which of them are seen.

    Parameters
    ----------
    n_members : int
        Number of members.
    n_inputs : int
        Cells of a row.
    hidden_layer_sizes : tuple of int
        Units of the encoder's hidden layers.
    latent_size : int
        Units of the code.
    decoder_layer_sizes : tuple of int
        Units of the decoder's hidden layers.
    activation : str
        A key of ACTIVATIONS.
    dropout : float
        Share of units left out in training.
    reads_mask : bool
        Whether the first layer also reads which cells are seen.
    hidden_in_features : bool
        Whether `features` holds the first hidden layer beside the residual.
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(
        self,
        n_members,
        n_inputs,
        hidden_layer_sizes,
        latent_size,
        decoder_layer_sizes,
        activation,
        dropout,
        reads_mask,
        hidden_in_features,
        generator,
    ):
        super().__init__()
        self.n_inputs = n_inputs
        self.reads_mask = reads_mask
        self.hidden_in_features = hidden_in_features
        encoder = (n_inputs * (1 + reads_mask), *hidden_layer_sizes, latent_size)
        decoder = (latent_size, *decoder_layer_sizes, n_inputs)
        self.encoder = DenseStack(n_members, encoder, activation, dropout, generator)
        self.decoder = DenseStack(
            n_members, decoder, activation, dropout, generator, activate_last=False
        )
        n_features = n_inputs + encoder[1] * hidden_in_features
        self.register_buffer("shift", torch.zeros(n_members, 1, n_features))
        self.register_buffer("matrix", torch.zeros(n_members, n_features, n_features))

    def read_few_inputs(self, X, generator):
        """Let each first unit read few inputs and bend at a random training row."""
        first = self.encoder.layers[0]
        n_members, _, n_units = first.weight.shape
        most = min(_MOST_INPUTS, self.n_inputs)
        shape = (n_members, n_units)
        count = torch.randint(1, most + 1, (*shape, 1), generator=generator)
        # The positions of the smallest of random numbers are a random subset.
        order = torch.rand(*shape, self.n_inputs, generator=generator)
        inputs = order.topk(most, dim=2, largest=False).indices
        weight = torch.randn(*shape, most, generator=generator)
        weight = weight * (torch.arange(most) < count)
        weight = weight / weight.norm(dim=2, keepdim=True).clamp_min(1e-6)
        row = torch.randint(len(X), (*shape, 1), generator=generator)
        bias = -(weight * X[row, inputs]).sum(dim=2)
        dense = torch.zeros(*shape, first.weight.shape[1]).scatter_(2, inputs, weight)
        with torch.no_grad():
            first.weight.copy_(dense.transpose(1, 2))
            first.bias.copy_(bias.unsqueeze(1))

    def set_whitening(self, mean, matrix):
        """Store what `distances` needs."""
        with one_blas_thread():
            shift = -mean[:, None] @ matrix
        self.shift.copy_(torch.from_numpy(shift))
        self.matrix.copy_(torch.from_numpy(matrix))

    def encode_decode(self, X, seen, generator=None):
        """First hidden layer, code and reconstruction; `seen` None means all cells."""
        first = self.encoder.layers[0]
        if not self.reads_mask:
            h = first.forward(X if seen is None else X * seen)
        elif self.training:
            seen = torch.ones_like(X) if seen is None else seen
            h = first.forward(torch.cat([X * seen, seen], dim=2))
        else:
            # Cells seen are the rule: their part of the weights belongs to the bias.
            values, mask = first.weight.split(self.n_inputs, dim=1)
            bias = first.bias + mask.sum(dim=1, keepdim=True)
            h = torch.baddbmm(bias, X, values)
            if seen is not None:
                # Subtracts exactly 0 from a row that misses nothing.
                h = h - (1 - seen) @ mask
        hidden = self.encoder.after(h, 0, generator)
        code = self.encoder.forward(hidden, generator, start=1)
        return hidden, code, self.decoder.forward(code, generator)

    def forward(self, X):
        """First hidden layer, code and reconstruction of rows that may miss cells."""
        X = X.flatten(2)
        return self.encode_decode(*split_missing(X))

    def features(self, X):
        """What is whitened: first hidden layer, if asked for, and residual."""
        hidden, _, rebuilt = self(X)
        X = X.flatten(2)
        # Missing cells only: a network that diverged must not score as perfect.
        residual = (rebuilt - X).masked_fill_(torch.isnan(X), 0.0)
        if not self.hidden_in_features:
            return residual
        return torch.cat([hidden, residual], dim=2)

    def distances(self, features):
        """Mahalanobis distance of each row's features."""
        white = torch.baddbmm(self.shift, features, self.matrix)
        return torch.linalg.vector_norm(white, dim=2)


def split_missing(X):
    """Values with 0 in missing cells, and ones where cells are present (or None)."""
    # A sum is NaN where a cell is, and much quicker to look at.
    if not torch.isnan(X.sum()):
        return X, None
    return torch.nan_to_num(X), (~torch.isnan(X)).to(X.dtype)
