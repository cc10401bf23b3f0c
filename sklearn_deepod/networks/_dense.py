"""Fully connected networks."""

import math
from numbers import Real

from sklearn_deepod._nn._dense import DenseStack, Shaped
from sklearn_deepod.networks._base import (
    ACTIVATION_CONSTRAINT,
    BaseNetwork,
    check_sizes,
)
from sklearn_deepod.utils._shared_docs import documented_like
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions


class Dense(BaseNetwork):
    """Fully connected layers, for tables; rows of other shapes are flattened.

    Read more in the :ref:`User Guide <networks>`.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(64,)
        Units of the encoder's hidden layers.
    decoder_layer_sizes : tuple of int or None, default=None
        Units of the decoder's hidden layers. None reverses those of the encoder; with
        () the decoder is linear.
    activation : str, default="relu"
        Activation of hidden layers: "identity", "relu", "leaky_relu", "elu", "gelu",
        "silu", "tanh" or "logistic".
    dropout : float, default=0.0
        Share of the hidden units that training sets to zero.
    normalization : {None, "layer", "batch"}, default=None
        Normalisation before the activation of hidden layers: of each row over the
        units, or of each unit over the batch (with the running moments of training
        while scoring).

    See Also
    --------
    Conv : For images.
    LSTM, GRU, TCN : For sequences.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import AutoEncoder
    >>> from sklearn_deepod.networks import Dense
    >>> network = Dense(hidden_layer_sizes=(16, 8), activation="tanh")
    >>> detector = AutoEncoder(network=network, latent_size=2, random_state=0)
    >>> detector.fit(load_iris().data).predict([[9.0, 1.0, 1.0, 3.0]]).tolist()
    [-1]
    """

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like"],
        "decoder_layer_sizes": ["array-like", None],
        "activation": ACTIVATION_CONSTRAINT,
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "normalization": [None, StrOptions({"layer", "batch"})],
    }

    def __init__(
        self,
        *,
        hidden_layer_sizes=(64,),
        decoder_layer_sizes=None,
        activation="relu",
        dropout=0.0,
        normalization=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.decoder_layer_sizes = decoder_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.normalization = normalization

    def _stack(self, n_members, sizes, generator, *, bias=True, activate_last=False):
        return DenseStack(
            n_members,
            sizes,
            self.activation,
            self.dropout,
            generator,
            activate_last=activate_last,
            normalization=self.normalization,
            bias=bias,
        )

    @documented_like(BaseNetwork.encoder)
    def encoder(
        self,
        n_members,
        input_shape,
        n_outputs,
        *,
        generator,
        bias=True,
        activate_last=False,
    ):
        """Build the module from rows of `input_shape` to `n_outputs` outputs.

        Parameters
        ----------
        activate_last : bool, default=False
            Whether the code is activated as hidden layers are.
        """
        hidden = check_sizes("hidden_layer_sizes", self.hidden_layer_sizes)
        sizes = (math.prod(input_shape), *hidden, n_outputs)
        return self._stack(
            n_members, sizes, generator, bias=bias, activate_last=activate_last
        )

    def decoder(self, n_members, n_inputs, output_shape, *, generator):
        hidden = check_sizes("hidden_layer_sizes", self.hidden_layer_sizes)[::-1]
        if self.decoder_layer_sizes is not None:
            hidden = check_sizes("decoder_layer_sizes", self.decoder_layer_sizes)
        sizes = (n_inputs, *hidden, math.prod(output_shape))
        stack = self._stack(n_members, sizes, generator)
        return stack if len(output_shape) == 1 else Shaped(stack, output_shape)
