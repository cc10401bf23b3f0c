"""Convolutional networks for images."""

import numpy as np
from torch import nn

from sklearn_deepod._nn import ACTIVATIONS
from sklearn_deepod.networks._base import ConvolutionalNetwork
from sklearn_deepod.utils._sklearn_compat import StrOptions


class Conv(ConvolutionalNetwork):
    """Strided convolutions and a dense layer, for images of 8 x 8 and more.

    Each layer halves the height and the width. The decoder mirrors the encoder with
    transposed convolutions, and returns images of the original size.

    Read more in the :ref:`User Guide <networks>`.

    Parameters
    ----------
    channels : tuple of int, default=(32, 64)
        Channels of each layer.
    kernel_size : int, default=3
        Height and width of the kernels; odd.
    normalization : {None, "layer", "batch"}, default=None
        Normalisation before activations: of each image over channels and pixels, or
        of each channel over the batch.
    linear_path : bool, default=True
        Whether a linear layer runs in parallel to the convolutions, from the image to
        the code and back. It learns the principal components quickly, and the
        convolutions learn the remainder.
    shape : tuple of int or None, default=None
        (channels, height, width) of rows that are given flat, so that images can pass
        through a Pipeline; None if `X` has this shape already.
    {parameters}

    See Also
    --------
    Dense : For tables.
    TCN : For sequences.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_deepod import AutoEncoder
    >>> from sklearn_deepod.networks import Conv
    >>> digits = load_digits()
    >>> zeros = digits.data[digits.target == 0]
    >>> network = Conv(shape=(1, 8, 8), channels=(8, 16))
    >>> detector = AutoEncoder(network=network, max_steps=100, random_state=0)
    >>> detector.fit(zeros).score_samples(digits.data).shape
    (1797,)
    """

    _n_axes = 3
    _axes = "(channels, height, width)"
    _parameter_constraints: dict = {
        **ConvolutionalNetwork._parameter_constraints,
        "normalization": [None, StrOptions({"layer", "batch"})],
        "linear_path": ["boolean"],
    }

    def __init__(
        self, *, channels=(32, 64), normalization=None, linear_path=True, **shared
    ):
        super().__init__(channels=channels, **shared)
        self.normalization = normalization
        self.linear_path = linear_path

    def row_shape(self, input_shape):
        shape = super().row_shape(input_shape)
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {self.kernel_size}.")
        halvings = len(self.channels)
        smallest = min(shape[1:])
        if smallest < 2**halvings:
            raise ValueError(
                f"Images of {shape[1]} x {shape[2]} are too small for {halvings} "
                f"layers, each of which halves them. Give fewer channels, now "
                f"{self.channels}."
            )
        return shape

    def _sizes(self, shape):
        """Height and width before and after each layer."""
        sizes = [np.array(shape[1:])]
        for _ in self.channels:
            sizes.append((sizes[-1] + 1) // 2)
        return sizes

    def _encoder(self, shape, n_outputs, bias):
        layers = []
        channels = (shape[0], *self.channels)
        for n_in, n_out in zip(channels[:-1], channels[1:], strict=True):
            layers += [
                nn.Conv2d(
                    n_in,
                    n_out,
                    self.kernel_size,
                    stride=2,
                    padding=self.kernel_size // 2,
                    bias=bias,
                ),
                *self._after(n_out, bias),
            ]
        n_flat = channels[-1] * int(np.prod(self._sizes(shape)[-1]))
        layers += [nn.Flatten(), nn.Linear(n_flat, n_outputs, bias)]
        path = nn.Sequential(*layers)
        if not self.linear_path:
            return path
        straight = nn.Linear(int(np.prod(shape)), n_outputs, bias=False)
        return Beside(path, nn.Sequential(nn.Flatten(), straight))

    def _decoder(self, n_inputs, shape):
        sizes = self._sizes(shape)[::-1]
        channels = (*self.channels[::-1], shape[0])
        first = (channels[0], *map(int, sizes[0]))
        layers = [
            nn.Linear(n_inputs, int(np.prod(first))),
            nn.Unflatten(1, first),
            *self._after(channels[0]),
        ]
        for i in range(len(self.channels)):
            layers.append(
                nn.ConvTranspose2d(
                    channels[i],
                    channels[i + 1],
                    self.kernel_size,
                    stride=2,
                    padding=self.kernel_size // 2,
                    # Compensates for the rounding of odd sizes.
                    output_padding=tuple(map(int, sizes[i + 1] - 2 * sizes[i] + 1)),
                )
            )
            if i + 1 < len(self.channels):
                layers += self._after(channels[i + 1])
        path = nn.Sequential(*layers)
        if not self.linear_path:
            return path
        straight = nn.Linear(n_inputs, int(np.prod(shape)), bias=False)
        return Beside(path, nn.Sequential(straight, nn.Unflatten(1, shape)))

    def _after(self, n_channels, affine=True):
        layers = []
        if self.normalization == "batch":
            layers.append(nn.BatchNorm2d(n_channels, affine=affine))
        elif self.normalization == "layer":
            layers.append(nn.GroupNorm(1, n_channels, affine=affine))
        return [*layers, Activation(self.activation)]


class Beside(nn.Module):
    """The sum of two modules.

    Parameters
    ----------
    first, second : torch.nn.Module
        The modules, which are given the same input.
    """

    def __init__(self, first, second):
        super().__init__()
        self.first = first
        self.second = second

    def forward(self, X):
        """Add the outputs of both for `X`."""
        return self.first(X) + self.second(X)


class Activation(nn.Module):
    """One of ACTIVATIONS as a module.

    Parameters
    ----------
    name : str
        A key of ACTIVATIONS.
    """

    def __init__(self, name):
        super().__init__()
        self.function = ACTIVATIONS[name]

    def forward(self, h):
        """Apply it."""
        return self.function(h)
