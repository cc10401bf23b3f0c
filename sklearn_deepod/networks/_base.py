"""What network specs share: check shapes, build encoders and decoders."""

import math
from abc import ABCMeta, abstractmethod
from numbers import Integral

from sklearn.base import BaseEstimator

from sklearn_deepod._nn import ACTIVATIONS, Members
from sklearn_deepod.utils._shared_parameters import SharedParametersMixin
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

ACTIVATION_CONSTRAINT = [StrOptions(set(ACTIVATIONS))]


class BaseNetwork(SharedParametersMixin, BaseEstimator, metaclass=ABCMeta):
    """Base of the specs that build encoders and decoders for rows of a given shape.

    A spec holds parameters only; detectors build their modules from it. Modules map
    ``(n_members, n_rows, ...)`` to ``(n_members, n_rows, ...)``, and are called with
    an optional generator, the source of their dropout.

    Read more in the :ref:`User Guide <networks>`.
    """

    #: Number of axes of a row that the network reads; None takes any.
    _n_axes = None
    _parameter_constraints: dict = {}

    def row_shape(self, input_shape):
        """Shape of a row as the network reads it.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of a row given to the detector.

        Returns
        -------
        tuple of int
            `input_shape`, or the spec's own `shape` for flat rows.

        Raises
        ------
        ValueError
            If the parameters are invalid or do not fit the rows.
        """
        self._validate_params()
        wanted = getattr(self, "shape", None)
        if wanted is not None:
            return self._given_shape(tuple(wanted), input_shape)
        if self._n_axes is not None and len(input_shape) != self._n_axes:
            raise ValueError(
                f"{type(self).__name__} reads rows of shape {self._axes}, but these "
                f"have shape {input_shape}. Reshape X, or name the shape of a flat "
                f"row: {type(self).__name__}(shape={self._axes})."
            )
        return input_shape

    def _given_shape(self, wanted, input_shape):
        check_sizes("shape", wanted)
        if len(wanted) != self._n_axes:
            raise ValueError(
                f"shape must be {self._axes} for {type(self).__name__}, got {wanted}."
            )
        n_cells = math.prod(wanted)
        is_flat = len(input_shape) == 1
        if math.prod(input_shape) != n_cells or not (is_flat or input_shape == wanted):
            raise ValueError(
                f"Rows of shape {input_shape} cannot be read in the shape {wanted} "
                f"({n_cells} cells)."
            )
        return wanted

    @abstractmethod
    def encoder(self, n_members, input_shape, n_outputs, *, generator, bias=True):
        """Build the module from rows of `input_shape` to `n_outputs` outputs.

        Parameters
        ----------
        n_members : int
            Number of members.
        input_shape : tuple of int
            Shape of a row.
        n_outputs : int
            Size of the code, which is not activated.
        generator : torch.Generator
            Source of the initial weights.
        bias : bool, default=True
            Whether layers have bias terms.

        Returns
        -------
        torch.nn.Module
            Maps ``(n_members, n_rows, *input_shape)`` to
            ``(n_members, n_rows, n_outputs)``.
        """

    @abstractmethod
    def decoder(self, n_members, n_inputs, output_shape, *, generator):
        """Build the module from codes of `n_inputs` to rows of `output_shape`.

        Parameters
        ----------
        n_members : int
            Number of members.
        n_inputs : int
            Size of the code.
        output_shape : tuple of int
            Shape of a row.
        generator : torch.Generator
            Source of the initial weights.

        Returns
        -------
        torch.nn.Module
            Maps ``(n_members, n_rows, n_inputs)`` to
            ``(n_members, n_rows, *output_shape)``.
        """


class ConvolutionalNetwork(BaseNetwork):
    """Base of the specs whose members are convolutional modules of their own.

    Parameters
    ----------
    channels : tuple of int
        Channels of each layer.
    kernel_size : int, default=3
        Size of the kernels.
    activation : str, default="relu"
        Activation of hidden layers: "identity", "relu", "leaky_relu", "elu", "gelu",
        "silu", "tanh" or "logistic".
    shape : tuple of int or None, default=None
        Shape of rows that are given flat; None where `X` has this shape already.
    """

    _parameter_constraints: dict = {
        "channels": ["array-like"],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "activation": ACTIVATION_CONSTRAINT,
        "shape": ["array-like", None],
    }

    def __init__(self, *, channels, kernel_size=3, activation="relu", shape=None):
        self.channels = channels
        self.kernel_size = kernel_size
        self.activation = activation
        self.shape = shape

    def row_shape(self, input_shape):
        shape = super().row_shape(input_shape)
        check_sizes("channels", self.channels, at_least=1)
        return shape

    def encoder(self, n_members, input_shape, n_outputs, *, generator, bias=True):
        members = range(n_members)
        return Members([self._encoder(input_shape, n_outputs, bias) for _ in members])

    def decoder(self, n_members, n_inputs, output_shape, *, generator):
        members = range(n_members)
        return Members([self._decoder(n_inputs, output_shape) for _ in members])

    @abstractmethod
    def _encoder(self, shape, n_outputs, bias):
        """The encoder of one member."""

    @abstractmethod
    def _decoder(self, n_inputs, shape):
        """The decoder of one member."""


def check_sizes(name, sizes, at_least=0):
    """The tuple of positive integers that a parameter holds, or a ValueError."""
    sizes = tuple(sizes)
    if not all(isinstance(size, Integral) and size > 0 for size in sizes):
        raise ValueError(f"{name} must hold positive integers, got {sizes}.")
    if len(sizes) < at_least:
        raise ValueError(f"{name} must hold at least {at_least} integer(s).")
    return sizes
