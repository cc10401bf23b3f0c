"""Networks whose layers hold all the members of an ensemble."""

from sklearn_deepod.networks._dense import (
    ACTIVATIONS,
    DenseStack,
    MemberLinear,
    bernoulli_like,
    uniform_like,
)
from sklearn_deepod.networks._masked_autoencoder import (
    MaskedAutoencoder,
    split_missing,
)
from sklearn_deepod.networks._members import Members
from sklearn_deepod.networks._rowwise import RowwiseProducts

__all__ = [
    "ACTIVATIONS",
    "DenseStack",
    "MaskedAutoencoder",
    "MemberLinear",
    "Members",
    "RowwiseProducts",
    "bernoulli_like",
    "split_missing",
    "uniform_like",
]
