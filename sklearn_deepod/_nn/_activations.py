"""Activations by name."""

import torch
from torch.nn import functional as F


def _identity(X):
    return X


# Functions, not modules: calling a module costs as much as a small matrix product.
ACTIVATIONS = {
    "identity": _identity,
    "relu": torch.relu_,  # in place, which saves an array
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
    "logistic": torch.sigmoid,
}
