# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

class BaseNetwork(BaseEstimator):
    def decoder(self, n_members: int, n_inputs: int, output_shape: Any, *, generator: Any) -> Any: ...
    def encoder(self, n_members: int, input_shape: Any, n_outputs: int, *, generator: Any, bias: bool = True) -> Any: ...
    def row_shape(self, input_shape: Any) -> tuple[int, ...]: ...

class Conv(BaseNetwork):
    channels: Any
    normalization: Literal['batch', 'layer'] | None
    linear_path: bool
    kernel_size: int
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    shape: Any
    def __init__(
        self,
        *,
        channels: Any = ...,
        normalization: Literal['batch', 'layer'] | None = None,
        linear_path: bool = True,
        kernel_size: int = 3,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'relu',
        shape: Any = None,
    ) -> None: ...
    def decoder(self, n_members: int, n_inputs: int, output_shape: Any, *, generator: Any) -> Any: ...
    def encoder(self, n_members: int, input_shape: Any, n_outputs: int, *, generator: Any, bias: bool = True) -> Any: ...
    def row_shape(self, input_shape: Any) -> tuple[int, ...]: ...

class Dense(BaseNetwork):
    hidden_layer_sizes: Any
    decoder_layer_sizes: Any
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    dropout: float
    normalization: Literal['batch', 'layer'] | None
    def __init__(
        self,
        *,
        hidden_layer_sizes: Any = ...,
        decoder_layer_sizes: Any = None,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'relu',
        dropout: float = 0.0,
        normalization: Literal['batch', 'layer'] | None = None,
    ) -> None: ...
    def decoder(self, n_members: int, n_inputs: int, output_shape: Any, *, generator: Any) -> Any: ...
    def encoder(self, n_members: int, input_shape: Any, n_outputs: int, *, generator: Any, bias: bool = True, activate_last: bool = False) -> Any: ...

class GRU(BaseNetwork):
    hidden_size: int
    n_layers: int
    shape: Any
    def __init__(
        self,
        *,
        hidden_size: int = 32,
        n_layers: int = 1,
        shape: Any = None,
    ) -> None: ...
    def decoder(self, n_members: int, n_inputs: int, output_shape: Any, *, generator: Any) -> Any: ...
    def encoder(self, n_members: int, input_shape: Any, n_outputs: int, *, generator: Any, bias: bool = True) -> Any: ...

class LSTM(BaseNetwork):
    hidden_size: int
    n_layers: int
    shape: Any
    def __init__(
        self,
        *,
        hidden_size: int = 32,
        n_layers: int = 1,
        shape: Any = None,
    ) -> None: ...
    def decoder(self, n_members: int, n_inputs: int, output_shape: Any, *, generator: Any) -> Any: ...
    def encoder(self, n_members: int, input_shape: Any, n_outputs: int, *, generator: Any, bias: bool = True) -> Any: ...

class TCN(BaseNetwork):
    channels: Any
    kernel_size: int
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    shape: Any
    def __init__(
        self,
        *,
        channels: Any = ...,
        kernel_size: int = 3,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'relu',
        shape: Any = None,
    ) -> None: ...
    def decoder(self, n_members: int, n_inputs: int, output_shape: Any, *, generator: Any) -> Any: ...
    def encoder(self, n_members: int, input_shape: Any, n_outputs: int, *, generator: Any, bias: bool = True) -> Any: ...
    def row_shape(self, input_shape: Any) -> tuple[int, ...]: ...

__all__ = ["BaseNetwork", "Conv", "Dense", "GRU", "LSTM", "TCN"]
