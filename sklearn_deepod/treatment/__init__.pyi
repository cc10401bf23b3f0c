# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.base import MetaEstimatorMixin
from sklearn.base import OneToOneFeatureMixin
from sklearn.base import TransformerMixin

class OutlierDropper(MetaEstimatorMixin, BaseEstimator):
    detector: Any
    detector_: Any
    kept_indices_: NDArray[Any]
    dropped_indices_: NDArray[Any]
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    def __init__(
        self,
        detector: Any,
    ) -> None: ...
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self: ...
    def fit_resample(self, X: Any, y: Any = None, **params: Any) -> tuple[Any, Any]: ...
    def get_metadata_routing(self) -> Any: ...

class OutlierRepairer(MetaEstimatorMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    detector: Any
    max_cells: float | int
    min_change: float
    imputer: Any
    imputer_: Any
    detector_: Any
    repair_report_: dict[Any, Any]
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    def __init__(
        self,
        detector: Any,
        *,
        max_cells: float | int = 0.5,
        min_change: float = 2.0,
        imputer: Any = None,
    ) -> None: ...
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self: ...
    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any: ...
    def get_metadata_routing(self) -> Any: ...
    def repair_report(self, X: Any) -> dict[Any, Any]: ...
    def transform(self, X: Any) -> Any: ...

class OutlierReplacer(MetaEstimatorMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    detector: Any
    max_cells: float | int
    min_change: float
    strategy: Literal['clip', 'constant', 'median', 'nan', 'nearest']
    level: Literal['cell', 'row']
    fill_value: float | None
    quantile_range: Any
    detector_: Any
    repair_report_: dict[Any, Any]
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    def __init__(
        self,
        detector: Any,
        *,
        max_cells: float | int = 0.5,
        min_change: float = 2.0,
        strategy: Literal['clip', 'constant', 'median', 'nan', 'nearest'] = 'nan',
        level: Literal['cell', 'row'] = 'cell',
        fill_value: float | None = None,
        quantile_range: Any = ...,
    ) -> None: ...
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self: ...
    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any: ...
    def get_metadata_routing(self) -> Any: ...
    def repair_report(self, X: Any) -> dict[Any, Any]: ...
    def transform(self, X: Any) -> Any: ...

__all__ = ["OutlierDropper", "OutlierRepairer", "OutlierReplacer"]
