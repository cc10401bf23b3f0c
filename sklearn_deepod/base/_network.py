"""What detectors share whose networks are built from a spec."""

import inspect
from abc import ABCMeta, abstractmethod
from numbers import Integral, Real

from sklearn_deepod._nn import ACTIVATIONS
from sklearn_deepod.base._deep import BaseDeepDetector
from sklearn_deepod.networks import BaseNetwork, Dense
from sklearn_deepod.networks._registry import NETWORKS
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions


class BaseNetworkDetector(BaseDeepDetector, metaclass=ABCMeta):
    """Base of the detectors with encoders and decoders of any kind of network.

    Parameters
    ----------
    network : str or spec, default="dense"
        The kind of network: "dense" for tables, "conv" for images, "lstm", "gru" or
        "tcn" for sequences; or a spec from `sklearn_deepod.networks`, whose parameters
        can be set and searched as ``network__...``.
    hidden_layer_sizes : tuple of int, default=(64,)
        Units of the hidden layers of ``network="dense"``.
    latent_size : int, default=64
        Units of the code.
    activation : str, default="relu"
        Activation of the hidden layers of ``network="dense"``: "identity", "relu",
        "leaky_relu", "elu", "gelu", "silu", "tanh" or "logistic".
    dropout : float, default=0.0
        Share of hidden units of ``network="dense"`` left out in training.
    {parameters}

    Attributes
    ----------
    {attributes}
    """

    _parameter_constraints: dict = {
        **BaseDeepDetector._parameter_constraints,
        "network": [StrOptions(set(NETWORKS)), BaseNetwork],
        "hidden_layer_sizes": ["array-like"],
        "latent_size": [Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    @abstractmethod
    def __init__(
        self,
        *,
        network="dense",
        hidden_layer_sizes=(64,),
        latent_size=64,
        activation="relu",
        dropout=0.0,
        **shared,
    ):
        super().__init__(**shared)
        self.network = network
        self.hidden_layer_sizes = hidden_layer_sizes
        self.latent_size = latent_size
        self.activation = activation
        self.dropout = dropout

    #: Parameters of the spec that ``network="dense"`` stands for.
    _dense_parameters = ("hidden_layer_sizes", "activation", "dropout")

    def _spec(self):
        if self.network == "dense":
            return Dense(
                **{name: getattr(self, name) for name in self._dense_parameters}
            )
        if isinstance(self.network, str):
            return NETWORKS[self.network]()
        return self.network

    def _row_shape_read(self, row_shape):
        self._refuse_ignored_parameters()
        return self._spec().row_shape(tuple(row_shape))

    def _refuse_ignored_parameters(self):
        """Raise where a parameter of dense networks would be ignored."""
        if self.network == "dense":
            return
        defaults = inspect.signature(type(self)).parameters
        for name in self._dense_parameters:
            value = getattr(self, name)
            if value != defaults[name].default:
                raise ValueError(
                    f"{name}={value!r} is for network='dense', and would be ignored "
                    f"with network={self.network!r}. Leave it out, and set parameters "
                    "of the network on a spec from sklearn_deepod.networks."
                )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Tags are asked for before `fit` validates the parameter.
        network = self.network
        if isinstance(network, str):
            network = NETWORKS.get(network)
        axes = getattr(network, "_n_axes", None)
        tags.input_tags.three_d_array = axes in (None, 2)
        return tags
