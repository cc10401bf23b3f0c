"""Autoencoders that read which cells they see."""

import math

import torch
from torch import nn

from sklearn_deepod.networks._activations import ACTIVATIONS
from sklearn_deepod.networks._multiscale_error import MultiscaleError
from sklearn_deepod.networks._whitening import Whitening


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
    compares_scales : bool, default=False
        Whether there is a `multiscale_error` of the residuals; for images only.
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
        compares_scales=False,
    ):
        super().__init__()
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
        self.feature_sizes = (n_described, self.n_inputs)
        self.whitening = None
        if whitens:
            self.whitening = Whitening(n_members, sum(self.feature_sizes))
        self.multiscale_error = None
        if compares_scales:
            self.multiscale_error = MultiscaleError(n_members, input_shape)

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

    def forward(self, X):
        """Description, code and reconstruction of rows that may miss cells."""
        return self.encode_decode(*split_missing(X))

    def features(self, X):
        """What is whitened: description, if asked for, and residual."""
        hidden, _, rebuilt = self(X)
        # Missing cells only: a network that diverged must not score as perfect.
        residual = (rebuilt - X).masked_fill_(torch.isnan(X), 0.0).flatten(2)
        if not self.code_in_features:
            return residual
        return torch.cat([hidden, residual], dim=2)

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


def split_missing(X):
    """Values with 0 in missing cells, and ones where cells are present (or None)."""
    # A sum is NaN where a cell is, and much quicker to look at.
    if not torch.isnan(X.sum()):
        return X, None
    return torch.nan_to_num(X), (~torch.isnan(X)).to(X.dtype)
