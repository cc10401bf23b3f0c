"""Networks whose layers hold all the members of an ensemble."""

from sklearn_deepod.networks._dense import (
    ACTIVATIONS,
    DenseStack,
    MemberLinear,
    bernoulli_like,
    uniform_like,
)
from sklearn_deepod.networks._members import Members

__all__ = [
    "ACTIVATIONS",
    "DenseStack",
    "MemberLinear",
    "Members",
    "bernoulli_like",
    "uniform_like",
]
