"""Layers that hold all members of an ensemble."""

from sklearn_deepod._nn._activations import ACTIVATIONS
from sklearn_deepod._nn._artificial_outliers import artificial_outliers
from sklearn_deepod._nn._dense import (
    BatchedLinear,
    BatchedNorm,
    DenseStack,
    bernoulli_like,
    normal_like,
    uniform_like,
)
from sklearn_deepod._nn._discriminator import (
    Discriminator,
    discriminator_losses,
    fake_loss,
    feature_matching_losses,
    real_loss,
)
from sklearn_deepod._nn._few_inputs import read_few_inputs
from sklearn_deepod._nn._masked_autoencoder import (
    DenseMaskedAutoencoder,
    MaskedAutoencoder,
    split_missing,
)
from sklearn_deepod._nn._members import Members
from sklearn_deepod._nn._range_excess import RangeExcess
from sklearn_deepod._nn._spectral_norm import SpectralNorm, spectral_norm
from sklearn_deepod._nn._variational import DenseVariationalNetwork, VariationalNetwork

__all__ = [
    "ACTIVATIONS",
    "BatchedLinear",
    "BatchedNorm",
    "DenseMaskedAutoencoder",
    "DenseStack",
    "DenseVariationalNetwork",
    "Discriminator",
    "MaskedAutoencoder",
    "Members",
    "RangeExcess",
    "SpectralNorm",
    "VariationalNetwork",
    "artificial_outliers",
    "bernoulli_like",
    "discriminator_losses",
    "fake_loss",
    "feature_matching_losses",
    "normal_like",
    "read_few_inputs",
    "real_loss",
    "spectral_norm",
    "split_missing",
    "uniform_like",
]
