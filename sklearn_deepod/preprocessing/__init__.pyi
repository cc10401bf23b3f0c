# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.base import TransformerMixin

class RobustAsinhScaler(TransformerMixin, BaseEstimator):
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any: ...
    def inverse_transform(self, X: Any) -> NDArray[Any]: ...
    def transform(self, X: Any) -> NDArray[Any]: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

__all__ = ["RobustAsinhScaler"]
