"""Base of the detectors that train one stack of dense layers."""

from abc import ABCMeta, abstractmethod
from numbers import Real

import torch

from sklearn_deepod._nn import ACTIVATIONS, DenseStack
from sklearn_deepod.base import BaseDeepDetector
from sklearn_deepod.networks._base import check_sizes
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions


class BaseDenseDetector(BaseDeepDetector, metaclass=ABCMeta):
    """Base of the detectors whose network is a stack of dense layers.

    Images and sequences are flattened.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(128, 128)
        Units of the hidden layers; () makes the network linear.
    activation : str, default="relu"
        Activation of the hidden layers: "identity", "relu", "leaky_relu", "elu",
        "gelu", "silu", "tanh" or "logistic".
    dropout : float, default=0.0
        Share of hidden units that is dropped in training.
    {parameters}
    """

    _parameter_constraints: dict = {
        **BaseDeepDetector._parameter_constraints,
        "hidden_layer_sizes": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    @abstractmethod
    def __init__(
        self,
        *,
        hidden_layer_sizes=(128, 128),
        activation="relu",
        dropout=0.0,
        **shared,
    ):
        super().__init__(**shared)
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout

    def _stack(self, n_inputs, n_outputs, generator):
        """Build the layers."""
        hidden = check_sizes("hidden_layer_sizes", self.hidden_layer_sizes)
        return DenseStack(
            self.n_estimators,
            (n_inputs, *hidden, n_outputs),
            self.activation,
            self.dropout,
            generator,
            activate_last=False,
        )

    def _exempt_from_trimming(self, module, X):
        """Mark the rows exempt from trimming: all but those that score highest.

        The loss of a noisy row depends on its noise more than on the row. Returns None
        where nothing is trimmed.
        """
        if self.novelty or not module.training:
            return None
        module.eval()
        with torch.no_grad():
            scores = module.anomaly_scores(X)
        module.train()
        return scores <= scores.quantile(1 - self.trim_fraction, dim=1, keepdim=True)
