"""Discriminators of adversarial training."""

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_deepod._nn._dense import BatchedLinear
from sklearn_deepod._nn._spectral_norm import SpectralNorm

_SLOPE = 0.2


class Discriminator(nn.Module):
    """Tells two kinds of rows apart; all its layers are spectrally normalised.

    Parameters
    ----------
    network : BaseNetwork
        The spec whose encoder reads the rows.
    n_members : int
        Number of members.
    input_shape : tuple of int
        Shape of a row.
    n_features : int
        Units of the last hidden layer.
    generator : torch.Generator
        Source of the initial weights.
    code_size : int, default=0
        Size of a code that is judged together with the row; 0 for none.
    gain : float, default=1.0
        Multiplies the logits, and so is the most that they can differ by between rows
        at a distance of 1.
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

        Logits are positive for rows that pass for real ones.
        """
        features = F.leaky_relu(self.reader(X, generator), _SLOPE)
        if self.joint is not None:
            read = F.leaky_relu(self.code_reader(code), _SLOPE)
            joined = torch.cat([features, read], dim=2)
            features = F.leaky_relu(self.joint(joined), _SLOPE)
        return self.gain * self.head(features).squeeze(2), features


def real_loss(logits):
    """Cross-entropy of each row if it should pass for real."""
    return F.softplus(-logits)


def fake_loss(logits):
    """Cross-entropy of each row if it should be found out."""
    return F.softplus(logits)


def discriminator_losses(discriminator, real, fake, generator=None):
    """Discriminator loss of each pair of a real and a generated row.

    `real` and `fake` are tuples of what the discriminator reads.
    """
    pairs = (torch.cat(pair, dim=1) for pair in zip(real, fake, strict=True))
    logits, _ = discriminator(*pairs, generator=generator)
    for_real, for_fake = logits.chunk(2, dim=1)
    return real_loss(for_real) + fake_loss(for_fake)
