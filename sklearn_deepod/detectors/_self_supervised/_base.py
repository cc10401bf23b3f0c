"""Base of the self-supervised detectors, which read tables only."""

import functools
from abc import ABCMeta, abstractmethod
from numbers import Integral

import torch
from torch.nn import functional as F

from sklearn_deepod._nn import DenseStack
from sklearn_deepod.base import BaseDeepDetector
from sklearn_deepod.networks._base import check_sizes
from sklearn_deepod.utils._sklearn_compat import Interval

# Bounds the memory: masks or windows make a row many times as large.
_ROWS_AT_ONCE = 64

#: Activation in the papers of all these detectors.
leaky_relu = functools.partial(F.leaky_relu, negative_slope=0.2)


class BaseTableDetector(BaseDeepDetector, metaclass=ABCMeta):
    """Base of the detectors whose methods are defined for tables only."""

    def _row_shape_read(self, row_shape):
        if len(row_shape) != 1:
            raise ValueError(
                f"{type(self).__name__} reads tables of shape (n_samples, n_features), "
                f"but these rows have shape {tuple(row_shape)}. Reshape X to two axes, "
                "or take a detector with a parameter `network`, such as AutoEncoder."
            )
        return row_shape

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = False
        return tags


class BaseEncodingDetector(BaseTableDetector, metaclass=ABCMeta):
    """Base of the detectors that encode rows by dense layers without biases.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(128,)
        Units of the hidden layers.
    latent_size : int, default=64
        Units of the code.
    {parameters}
    """

    _parameter_constraints: dict = {
        **BaseTableDetector._parameter_constraints,
        "hidden_layer_sizes": ["array-like"],
        "latent_size": [Interval(Integral, 1, None, closed="left")],
    }

    @abstractmethod
    def __init__(self, *, hidden_layer_sizes=(128,), latent_size=64, **shared):
        super().__init__(**shared)
        self.hidden_layer_sizes = hidden_layer_sizes
        self.latent_size = latent_size

    def _encoder_sizes(self, input_shape):
        """Sizes of the encoder's layers, from the features to the code."""
        hidden = check_sizes("hidden_layer_sizes", self.hidden_layer_sizes)
        return input_shape[0], *hidden, self.latent_size


def unbiased_stack(
    n_members, sizes, generator, *, activation=leaky_relu, activate_last=False
):
    """Build a `DenseStack` without biases and without dropout."""
    return DenseStack(
        n_members,
        sizes,
        activation,
        0.0,
        generator,
        activate_last=activate_last,
        bias=False,
    )


def in_parts(function, X):
    """Apply a function to rows (n_members, n, n_features), a few at a time."""
    return torch.cat([function(x) for x in X.split(_ROWS_AT_ONCE, dim=1)], dim=1)
