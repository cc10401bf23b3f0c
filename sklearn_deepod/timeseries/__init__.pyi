# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.base import MetaEstimatorMixin
from sklearn.base import OutlierMixin

class WindowedDetector(MetaEstimatorMixin, OutlierMixin, BaseEstimator):
    detector: Any
    window: int
    stride: int
    merge: Literal['last', 'max', 'mean']
    flatten: Literal['auto'] | bool
    contamination: Literal['auto'] | float
    novelty: bool
    detector_: Any
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    offset_: float
    def __init__(
        self,
        detector: Any,
        *,
        window: int = 32,
        stride: int = 1,
        merge: Literal['last', 'max', 'mean'] = 'max',
        flatten: Literal['auto'] | bool = 'auto',
        contamination: Literal['auto'] | float = 'auto',
        novelty: bool = False,
    ) -> None: ...
    def decision_function(self, X: Any) -> NDArray[Any]: ...
    def fit(self, X: Any, y: Any = None) -> Self: ...
    def fit_predict(self, X: Any, y: Any = None, **fit_params: Any) -> NDArray[Any]: ...
    def get_metadata_routing(self) -> Any: ...
    def predict(self, X: Any) -> NDArray[Any]: ...
    def score_samples(self, X: Any) -> NDArray[Any]: ...

__all__ = ["WindowedDetector"]
