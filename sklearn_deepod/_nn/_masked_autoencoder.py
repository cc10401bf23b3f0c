"""Autoencoders of masked rows."""

import math

import torch
from torch import nn

from sklearn_deepod._nn._activations import ACTIVATIONS
from sklearn_deepod._nn._multiscale_error import MultiscaleError
from sklearn_deepod._stats import LowRankWhitening, make_whitening

# Number of features of a flat row beyond which each member reads N_READ of them, and a
# covariance of low rank describes all. On MNIST and on generated tables of 600 and 800
# columns, members that read 64, 128, 256 or all features ranked rows alike.
MOST_READ = 300
N_READ = 64
# Added to the mean square of a preprocessed row, so that a row that is almost 0 does
# not get a huge relative error.
_LEAST_SIZE = 0.01


class MaskedAutoencoder(nn.Module):
    """Encoder and decoder of rows of any shape, some cells of which are masked.

    Parameters
    ----------
    network : BaseNetwork
        Spec of encoder and decoder.
    n_members, input_shape, latent_size, generator
        As in `BaseNetwork.encoder`, with the code as its outputs.
    reads_mask : bool
        Whether the encoder also reads which cells are unmasked, as further channels.
    score_function : str
        As in `AutoEncoder`, but for "auto".
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
        score_function,
        generator,
    ):
        super().__init__()
        self.score_function = score_function
        whitens = score_function.startswith("whitened")
        code_in_features = score_function == "whitened"
        self.register_buffer("columns", None)
        self.input_whitening = None
        if whitens and len(input_shape) == 1 and input_shape[0] > MOST_READ:
            self.columns = _dealt_out(input_shape[0], n_members, generator)
            self.input_whitening = LowRankWhitening(1, input_shape[0])
            input_shape = (N_READ,)
        self.latent_size = latent_size
        #: Number of cells of a row that each member reads.
        self.n_inputs = math.prod(input_shape)
        self.reads_mask = reads_mask
        self.code_in_features = code_in_features
        # Axis in a row: channels come first in images and last in sequences.
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
        self.block_sizes = (n_described, self.n_inputs)
        self.whitening = None
        if whitens:
            self.whitening = make_whitening(n_members, sum(self.block_sizes))
        self.multiscale_error = None
        if score_function == "multiscale_error":
            self.multiscale_error = MultiscaleError(n_members, input_shape)

    def _n_described(self, latent_size):
        """Number of units in the description of a row; see `encode`."""
        return latent_size

    def encode(self, X, seen, generator=None):
        """Description of a row, which enters `features`, and code."""
        if self.reads_mask:
            seen = torch.ones_like(X) if seen is None else seen
            X = torch.cat([X * seen, seen], dim=2 + self.channel_axis)
        elif seen is not None:
            X = X * seen
        code = self.encoder(X, generator)
        # Rectified, since the covariance of a linear code is that of the rows.
        return torch.relu(code), code

    def encode_decode(self, X, seen, generator=None):
        """Description, code and reconstruction; None means that all cells are seen."""
        hidden, code = self.encode(X, seen, generator)
        return hidden, code, self.decoder.forward(code, generator)

    def read(self, X):
        """Select the cells that each member reads, of rows (n_members, n_rows, ...)."""
        if self.columns is None:
            return X
        return X.gather(2, self.columns.expand(-1, X.shape[1], -1))

    def forward(self, X):
        """Description, code and reconstruction of the cells read; NaN is missing."""
        return self.encode_decode(*split_missing(X))

    def rebuild(self, X):
        """Reconstruct whole rows; cells that a member does not read by low rank."""
        _, _, rebuilt = self(self.read(X))
        if self.columns is None:
            return rebuilt
        rows = self.input_whitening.rebuild(torch.nan_to_num(X[:1]))
        columns = self.columns.expand(-1, X.shape[1], -1)
        return rows.repeat(len(X), 1, 1).scatter_(2, columns, rebuilt)

    def features(self, X):
        """Features to whiten: residuals, after the description if it is scored."""
        X = self.read(X)
        hidden, _, rebuilt = self(X)
        # Only missing cells: a network that diverged must not look perfect.
        residual = (rebuilt - X).masked_fill_(torch.isnan(X), 0.0).flatten(2)
        if not self.code_in_features:
            return residual
        return torch.cat([hidden, residual], dim=2)

    def fit_whitening(self, X, sample_weight, **settings):
        """Learn from training rows how the features vary together."""
        features, sizes = self.features(X), self.block_sizes
        self.whitening.fit(features, sample_weight, sizes=sizes, **settings)
        if self.input_whitening is not None:
            X = torch.nan_to_num(X[:1])
            self.input_whitening.fit(X, sample_weight, **settings)

    def whitened_features(self, X):
        """Whitened features, with those of the whole row where only a part is read."""
        whitened = self.whitening.whiten(self.features(X))
        if self.input_whitening is None:
            return whitened
        # The same rows for all members.
        rows = self.input_whitening.whiten(torch.nan_to_num(X[:1]))
        return torch.cat([whitened, rows.expand(len(whitened), -1, -1)], dim=2)

    @property
    def feature_sizes(self):
        """Sizes of the blocks of `whitened_features`."""
        parts = self.whitening, self.input_whitening
        return tuple(part.n_outputs for part in parts if part is not None)

    def distances(self, X):
        """Norms of the whitened features, (n_members, n_rows)."""
        return torch.linalg.vector_norm(self.whitened_features(X), dim=2)

    def anomaly_scores(self, X):
        """Anomaly scores (n_members, n_rows) by `score_function`."""
        if self.whitening is not None:
            return self.distances(X)
        features = self.features(X)
        if self.multiscale_error is not None:
            errors = self.multiscale_error(features)
        else:
            errors = features.square().mean(dim=2)
        if self.score_function == "squared_error":
            return errors
        size = torch.nan_to_num(X).flatten(2).square().mean(dim=2)
        return errors / (size + _LEAST_SIZE).sqrt()


class DenseMaskedAutoencoder(MaskedAutoencoder):
    """Autoencoder of dense layers, whose description is the first hidden layer."""

    _encoder_settings = {"activate_last": True}

    def _n_described(self, latent_size):
        return self.encoder.layers[0].weight.shape[2]

    @property
    def is_linear(self):
        """Whether the hidden units are linear."""
        return self.encoder.activation is ACTIVATIONS["identity"]

    def encode(self, X, seen, generator=None):
        """First hidden layer and code; None means that all cells are seen."""
        X = X.flatten(2)
        seen = None if seen is None else seen.flatten(2)
        first = self.encoder.layers[0]
        if not self.reads_mask:
            h = first.forward(X if seen is None else X * seen)
        elif self.training:
            seen = torch.ones_like(X) if seen is None else seen
            h = first.forward(torch.cat([X * seen, seen], dim=2))
        else:
            # Most cells are seen: add the weights of their mask to the bias.
            values, mask = first.weight.split(self.n_inputs, dim=1)
            bias = first.bias + mask.sum(dim=1, keepdim=True)
            h = torch.baddbmm(bias, X, values)
            if seen is not None:
                # Subtracts exactly 0 from a row without missing cells.
                h = h - (1 - seen) @ mask
        hidden = self.encoder.after(h, 0, generator)
        return hidden, self.encoder.forward(hidden, generator, start=1)


def _dealt_out(n_columns, n_members, generator):
    """Columns (n_members, 1, N_READ) of each member; all are read about equally."""
    order = torch.randperm(n_columns, generator=generator)
    # Dealt out in turn, so that no member reads a column twice.
    index = torch.arange(n_members * N_READ) % n_columns
    return order[index].view(n_members, 1, N_READ).sort(dim=2).values


def split_missing(X):
    """Values with 0 in missing cells, and a mask of present cells, None for all."""
    # The sum is NaN if any cell is, which is much faster than looking at each.
    if not torch.isnan(X.sum()):
        return X, None
    return torch.nan_to_num(X), (~torch.isnan(X)).to(X.dtype)
