"""What the detectors share that read nothing but tables."""

import functools
from abc import ABCMeta

import torch
from torch.nn import functional as F

from sklearn_deepod.base import BaseDeepDetector

# What these methods make of a row is many times as large as the row.
_ROWS_AT_ONCE = 64

#: The activation of the papers that these detectors follow.
leaky_relu = functools.partial(F.leaky_relu, negative_slope=0.2)


class BaseTableDetector(BaseDeepDetector, metaclass=ABCMeta):
    """Base of the detectors whose methods are defined for rows of features.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}
    """

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


def in_parts(function, X):
    """Apply a function of rows (n_members, n, n_features) to few rows at a time."""
    return torch.cat([function(x) for x in X.split(_ROWS_AT_ONCE, dim=1)], dim=1)
