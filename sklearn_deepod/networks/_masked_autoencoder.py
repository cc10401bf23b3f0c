"""Autoencoders that read which cells they see."""

import math

import torch
from torch import nn

from sklearn_deepod.networks._activations import ACTIVATIONS
from sklearn_deepod.networks._whitening import make_whitening

# Features of a flat row that each member reads at least, where there are more.
FEWEST_READ = 256
# Features of a flat row that every member reads all of.
MOST_READ = 300


class MaskedAutoencoder(nn.Module):
    """Encoder and decoder of rows of any shape, some cells of which are hidden.

    Parameters
    ----------
    network : BaseNetwork
        The spec of encoder and decoder.
    n_members : int
        Number of members.
    input_shape : tuple of int
        Shape of a row.
    latent_size : int
        Units of the code.
    reads_mask : bool
        Whether the encoder also reads which cells are seen, as further channels.
    whitens : bool
        Whether there is a `whitening` of the features.
    code_in_features : bool
        Whether `features` holds the code beside the residual.
    generator : torch.Generator
        Source of the initial weights.
    """

    _outputs_per_code = 1
    _encoder_settings: dict = {}

    def __init__(
        self,
        network,
        n_members,
        input_shape,
        latent_size,
        reads_mask,
        whitens,
        code_in_features,
        generator,
    ):
        super().__init__()
        n_inputs = math.prod(input_shape)
        self.register_buffer("columns", None)
        if len(input_shape) == 1 and n_inputs > MOST_READ:
            n_read = max(FEWEST_READ, math.ceil(n_inputs / n_members))
            n_read = min(n_read, n_inputs)
            columns = _dealt_out(n_inputs, n_members, n_read, generator)
            self.columns = columns
            input_shape = (n_read,)
        #: Cells of a row that each member reads.
        self.n_inputs = math.prod(input_shape)
        self.reads_mask = reads_mask
        self.code_in_features = code_in_features
        # Images have their channels first, sequences last; without a member's axis.
        self.channel_axis = 0 if len(input_shape) == 3 else len(input_shape) - 1
        read = list(input_shape)
        read[self.channel_axis] *= 1 + reads_mask
        self.encoder = network.encoder(
            n_members,
            tuple(read),
            self._outputs_per_code * latent_size,
            generator=generator,
            **self._encoder_settings,
        )
        self.decoder = network.decoder(
            n_members, latent_size, input_shape, generator=generator
        )
        n_described = self._n_described(latent_size) if code_in_features else 0
        self.block_sizes = (n_described, n_inputs)
        self.whitening = None
        if whitens:
            self.whitening = make_whitening(n_members, sum(self.block_sizes))

    def _n_described(self, latent_size):
        """Number of units that `encode` gives first."""
        return latent_size

    def encode(self, X, seen, generator=None):
        """What describes a row in `features`, and the code."""
        if self.reads_mask:
            seen = torch.ones_like(X) if seen is None else seen
            X = torch.cat([X * seen, seen], dim=2 + self.channel_axis)
        elif seen is not None:
            X = X * seen
        code = self.encoder(X, generator)
        # Bent, a code tells more: a distance sees no more than the rows' covariance.
        return torch.relu(code), code

    def encode_decode(self, X, seen, generator=None):
        """Description, code and reconstruction; `seen` None means all cells."""
        hidden, code = self.encode(X, seen, generator)
        return hidden, code, self.decoder.forward(code, generator)

    def read(self, X):
        """Cells that each member reads, of rows (n_members, n_rows, ...)."""
        if self.columns is None:
            return X
        return X.gather(2, self.columns.expand(-1, X.shape[1], -1))

    def forward(self, X):
        """Description, code and reconstruction of cells read, some of them missing."""
        return self.encode_decode(*split_missing(X))

    def features(self, X):
        """What is whitened: description, if asked for, and residual.

        A cell that a member does not read is rebuilt as 0.
        """
        cells = self.read(X)
        hidden, _, rebuilt = self(cells)
        # Missing cells only: a network that diverged must not score as perfect.
        residual = (rebuilt - cells).masked_fill_(torch.isnan(cells), 0.0).flatten(2)
        if self.columns is not None:
            columns = self.columns.expand(-1, X.shape[1], -1)
            residual = torch.nan_to_num(X).neg_().scatter_(2, columns, residual)
        if not self.code_in_features:
            return residual
        return torch.cat([hidden, residual], dim=2)

    @property
    def feature_sizes(self):
        """Sizes of the blocks of `whitened_features`."""
        return (self.whitening.n_outputs,)

    def whitened_features(self, X):
        """Features of which all directions count alike."""
        return self.whitening.whiten(self.features(X))


class DenseMaskedAutoencoder(MaskedAutoencoder):
    """One of dense layers, described by its first hidden layer."""

    _encoder_settings = {"activate_last": True}

    def _n_described(self, latent_size):
        return self.encoder.layers[0].weight.shape[2]

    @property
    def is_linear(self):
        """Whether hidden units are not bent at all."""
        return self.encoder.activation is ACTIVATIONS["identity"]

    def encode(self, X, seen, generator=None):
        """First hidden layer and code; `seen` None means all cells."""
        X = X.flatten(2)
        seen = None if seen is None else seen.flatten(2)
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
        return hidden, self.encoder.forward(hidden, generator, start=1)


def _dealt_out(n_columns, n_members, n_read, generator):
    """Columns (n_members, 1, n_read) of each member, each about as often."""
    order = torch.randperm(n_columns, generator=generator)
    # Round and round, so that no member gets a column twice.
    place = torch.arange(n_members * n_read) % n_columns
    return order[place].view(n_members, 1, n_read).sort(dim=2).values


def split_missing(X):
    """Values with 0 in missing cells, and ones where cells are present (or None)."""
    # A sum is NaN where a cell is, and much quicker to look at.
    if not torch.isnan(X.sum()):
        return X, None
    return torch.nan_to_num(X), (~torch.isnan(X)).to(X.dtype)
