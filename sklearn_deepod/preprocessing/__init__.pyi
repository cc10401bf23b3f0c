# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.base import OneToOneFeatureMixin
from sklearn.base import TransformerMixin

class RobustAsinhScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    linear_range: float
    center_: NDArray[Any]
    scale_: NDArray[Any]
    linear_range_: float
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    def __init__(
        self,
        *,
        linear_range: float = 10.0,
    ) -> None: ...
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self: ...
    def inverse_transform(self, X: Any) -> Any: ...
    def transform(self, X: Any) -> Any: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

__all__ = ["RobustAsinhScaler"]
