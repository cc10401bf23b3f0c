"""Networks whose layers hold all the members of an ensemble, and specs of them."""

from sklearn_deepod.networks._activations import ACTIVATIONS
from sklearn_deepod.networks._base import BaseNetwork, check_sizes
from sklearn_deepod.networks._conv import Conv
from sklearn_deepod.networks._dense import (
    Dense,
    DenseStack,
    MemberLinear,
    MemberNorm,
    bernoulli_like,
    normal_like,
    uniform_like,
)
from sklearn_deepod.networks._discriminator import (
    Discriminator,
    discriminator_losses,
    fake_loss,
    real_loss,
)
from sklearn_deepod.networks._few_inputs import read_few_inputs
from sklearn_deepod.networks._masked_autoencoder import (
    DenseMaskedAutoencoder,
    MaskedAutoencoder,
    split_missing,
)
from sklearn_deepod.networks._members import Members
from sklearn_deepod.networks._nearest_references import NearestReferences
from sklearn_deepod.networks._recurrent import GRU, LSTM
from sklearn_deepod.networks._rowwise import RowwiseProducts
from sklearn_deepod.networks._spectral import SpectralNorm, spectral_norm
from sklearn_deepod.networks._tcn import TCN
from sklearn_deepod.networks._variational import (
    DenseVariationalNetwork,
    VariationalNetwork,
)
from sklearn_deepod.networks._whitening import make_whitening

#: What the parameter `network` may name.
NETWORKS = {"conv": Conv, "dense": Dense, "gru": GRU, "lstm": LSTM, "tcn": TCN}

__all__ = [
    "ACTIVATIONS",
    "GRU",
    "LSTM",
    "NETWORKS",
    "TCN",
    "BaseNetwork",
    "Conv",
    "Dense",
    "DenseMaskedAutoencoder",
    "DenseStack",
    "DenseVariationalNetwork",
    "Discriminator",
    "MaskedAutoencoder",
    "MemberLinear",
    "MemberNorm",
    "Members",
    "NearestReferences",
    "RowwiseProducts",
    "SpectralNorm",
    "VariationalNetwork",
    "bernoulli_like",
    "check_sizes",
    "discriminator_losses",
    "fake_loss",
    "make_whitening",
    "normal_like",
    "read_few_inputs",
    "real_loss",
    "spectral_norm",
    "split_missing",
    "uniform_like",
]
