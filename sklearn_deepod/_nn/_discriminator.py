"""Discriminators for adversarial training."""

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_deepod._nn._dense import BatchedLinear
from sklearn_deepod._nn._spectral_norm import SpectralNorm

# Slope of the leaky rectifiers below zero, as in DCGAN.
_SLOPE = 0.2


class Discriminator(nn.Module):
    """Distinguishes real from generated rows; every layer is spectrally normalised.

    Parameters
    ----------
    network : BaseNetwork
        Spec whose encoder reads the rows.
    n_members, input_shape, generator
        As in `BaseNetwork.encoder`.
    n_features : int
        Units of the last hidden layer.
    code_size : int, default=0
        Size of a code that is read together with the row; 0 for none.
    gain : float, default=1.0
        Factor of the logits: an upper bound on the difference of the logits of two rows
        at distance 1.
    """

    def __init__(
        self,
        network,
        n_members,
        input_shape,
        n_features,
        generator,
        *,
        code_size=0,
        gain=1.0,
    ):
        super().__init__()
        self.gain = gain

        def linear(n_inputs, n_outputs):
            layer = BatchedLinear(n_members, n_inputs, n_outputs, generator)
            return SpectralNorm(layer, generator)

        reader = network.encoder(
            n_members, input_shape, n_features, generator=generator
        )
        self.reader = SpectralNorm(reader, generator)
        self.code_reader = self.joint = None
        if code_size:
            self.code_reader = linear(code_size, n_features)
            self.joint = linear(2 * n_features, n_features)
        self.head = linear(n_features, 1)

    def forward(self, X, code=None, generator=None):
        """Logits (n_members, n_rows) and features (n_members, n_rows, n_features).

        Logits are positive for rows that look real.
        """
        features = F.leaky_relu(self.reader(X, generator), _SLOPE)
        if self.joint is not None:
            read = F.leaky_relu(self.code_reader(code), _SLOPE)
            joined = torch.cat([features, read], dim=2)
            features = F.leaky_relu(self.joint(joined), _SLOPE)
        return self.gain * self.head(features).squeeze(2), features


def real_loss(logits):
    """Cross-entropy of each row with the target "real"."""
    return F.softplus(-logits)


def fake_loss(logits):
    """Cross-entropy of each row with the target "generated"."""
    return F.softplus(logits)


def discriminator_losses(discriminator, real, fake, generator=None):
    """Discriminator loss of each pair of a real and a generated row.

    `real` and `fake` are tuples of the discriminator's inputs.
    """
    pairs = (torch.cat(pair, dim=1) for pair in zip(real, fake, strict=True))
    logits, _ = discriminator(*pairs, generator=generator)
    for_real, for_fake = logits.chunk(2, dim=1)
    return real_loss(for_real) + fake_loss(for_fake)


def feature_matching_losses(discriminator, real, fake, generator=None):
    """Mean squared difference of the discriminator features of each pair of rows."""
    _, features = discriminator(torch.cat([real, fake], dim=1), generator=generator)
    of_real, of_fake = features.chunk(2, dim=1)
    return (of_fake - of_real).square().mean(dim=2)
