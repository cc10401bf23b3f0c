"""Temporal convolutional networks for sequences."""

from torch import nn
from torch.nn import functional as F

from sklearn_deepod._nn import ACTIVATIONS
from sklearn_deepod.networks._base import ConvolutionalNetwork


class TCN(ConvolutionalNetwork):
    """Temporal convolutional network, for sequences.

    Each level is a residual block of two causal convolutions with twice the dilation of
    the previous level, so the receptive field doubles with each level. A dense layer
    maps all steps to the code; the decoder mirrors the encoder.

    Read more in the :ref:`User Guide <networks>`.

    Parameters
    ----------
    channels : tuple of int, default=(32, 32, 32)
        Channels of each level.
    kernel_size : int, default=3
        Number of steps that a kernel spans.
    shape : tuple of int or None, default=None
        (time, channels) of rows that are given flat; None if `X` has this shape
        already.
    {parameters}

    See Also
    --------
    LSTM : Recurrent, for sequences.

    References
    ----------
    .. [1] S. Bai, J. Z. Kolter, V. Koltun (2018). An empirical evaluation of generic
       convolutional and recurrent networks for sequence modeling. arXiv:1803.01271.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_deepod import AutoEncoder
    >>> from sklearn_deepod.networks import TCN
    >>> X = np.sin(np.arange(40)[:, None, None] + np.arange(16)[None, :, None])
    >>> detector = AutoEncoder(network=TCN(), max_steps=20, random_state=0)
    >>> detector.set_params(network__channels=(8, 8)).fit(X).predict(X).shape
    (40,)
    """

    _n_axes = 2
    _axes = "(time, channels)"

    def __init__(self, *, channels=(32, 32, 32), **shared):
        super().__init__(channels=channels, **shared)

    def _levels(self, channels, bias=True):
        return [
            ResidualLevel(
                n_in, n_out, self.kernel_size, 2**i, ACTIVATIONS[self.activation], bias
            )
            for i, (n_in, n_out) in enumerate(
                zip(channels[:-1], channels[1:], strict=True)
            )
        ]

    def _encoder(self, shape, n_outputs, bias):
        n_steps, n_channels = shape
        return nn.Sequential(
            TimeLast(),
            *self._levels((n_channels, *self.channels), bias),
            nn.Flatten(),
            nn.Linear(self.channels[-1] * n_steps, n_outputs, bias),
        )

    def _decoder(self, n_inputs, shape):
        n_steps, n_channels = shape
        channels = self.channels[::-1]
        return nn.Sequential(
            nn.Linear(n_inputs, channels[0] * n_steps),
            nn.Unflatten(1, (channels[0], n_steps)),
            *self._levels((channels[0], *channels)),
            nn.Conv1d(channels[-1], n_channels, 1),
            TimeLast(),
        )


class TimeLast(nn.Module):
    """Swap the axes of time and channels."""

    def forward(self, X):
        """Map (n, a, b) to (n, b, a)."""
        return X.transpose(1, 2)


class ResidualLevel(nn.Module):
    """Two causal dilated convolutions in parallel to a shortcut.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    kernel_size, dilation : int
        Steps of a kernel, and the distance between them.
    activation : callable
        Activation after each convolution and after the sum.
    bias : bool
        Whether convolutions have bias terms.
    """

    def __init__(self, n_in, n_out, kernel_size, dilation, activation, bias):
        super().__init__()
        settings = {"dilation": dilation, "bias": bias}
        self.past = (kernel_size - 1) * dilation
        self.first = nn.Conv1d(n_in, n_out, kernel_size, **settings)
        self.second = nn.Conv1d(n_out, n_out, kernel_size, **settings)
        self.shortcut = (
            nn.Identity() if n_in == n_out else nn.Conv1d(n_in, n_out, 1, bias=bias)
        )
        self.activation = activation

    def forward(self, X):
        """Map (n, n_in, time) to (n, n_out, time)."""
        h = self.activation(self.first(F.pad(X, (self.past, 0))))
        h = self.activation(self.second(F.pad(h, (self.past, 0))))
        return self.activation(h + self.shortcut(X))
