# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.base import MetaEstimatorMixin
from sklearn.base import OutlierMixin

class SeriesOutlierDetector(OutlierMixin, BaseEstimator):
    windows: Any
    level_windows: Any
    n_kernels: int
    n_centers: int
    merge: Literal['last', 'mean']
    time_column: str | None
    on_gap: Literal['interpolate', 'raise', 'split']
    contamination: Literal['auto'] | float
    novelty: bool
    device: Any
    random_state: RandomState | int | None
    windows_: tuple[int, ...]
    live_offset_: float
    device_: str
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    offset_: float
    def __init__(
        self,
        *,
        windows: Any = ...,
        level_windows: Any = ...,
        n_kernels: int = 48,
        n_centers: int = 128,
        merge: Literal['last', 'mean'] = 'mean',
        time_column: str | None = None,
        on_gap: Literal['interpolate', 'raise', 'split'] = 'raise',
        contamination: Literal['auto'] | float = 'auto',
        novelty: bool = True,
        device: Any = 'auto',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def contributions(self, X: Any, *, groups: Any = None) -> Any: ...
    def decision_function(self, X: Any, *, groups: Any = None) -> Any: ...
    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self: ...
    def fit_predict(self, X: Any, y: Any = None, *, groups: Any = None) -> Any: ...
    def partial_fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self: ...
    def predict(self, X: Any, *, groups: Any = None) -> Any: ...
    def reset(self) -> Self: ...
    def score_next(self, X: Any) -> NDArray[Any]: ...
    def score_samples(self, X: Any, *, groups: Any = None) -> Any: ...
    def set_output(self, *, transform: Literal['default', 'pandas', 'polars'] | None = None) -> Self: ...
    def set_decision_function_request(self, *, groups: bool | str | None = ...) -> Self: ...
    def set_fit_request(self, *, groups: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, groups: bool | str | None = ...) -> Self: ...
    def set_predict_request(self, *, groups: bool | str | None = ...) -> Self: ...

class WindowedDetector(MetaEstimatorMixin, OutlierMixin, BaseEstimator):
    detector: Any
    window: int
    stride: int
    merge: Literal['last', 'max', 'mean']
    flatten: Literal['auto'] | bool
    time_column: str | None
    on_gap: Literal['interpolate', 'raise', 'split']
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
        time_column: str | None = None,
        on_gap: Literal['interpolate', 'raise', 'split'] = 'raise',
        contamination: Literal['auto'] | float = 'auto',
        novelty: bool = False,
    ) -> None: ...
    def decision_function(self, X: Any, *, groups: Any = None) -> Any: ...
    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self: ...
    def fit_predict(self, X: Any, y: Any = None, *, groups: Any = None) -> Any: ...
    def get_metadata_routing(self) -> Any: ...
    def predict(self, X: Any, *, groups: Any = None) -> Any: ...
    def score_samples(self, X: Any, *, groups: Any = None) -> Any: ...
    def set_output(self, *, transform: Literal['default', 'pandas', 'polars'] | None = None) -> Self: ...
    def set_decision_function_request(self, *, groups: bool | str | None = ...) -> Self: ...
    def set_fit_request(self, *, groups: bool | str | None = ...) -> Self: ...
    def set_predict_request(self, *, groups: bool | str | None = ...) -> Self: ...

def find_events(detector_or_scores: Any, X: Any = None, *, threshold: float | None = None, min_length: int = 1, min_gap: int = 1, groups: Any = None, time_column: str | None = None) -> Any: ...

__all__ = ["SeriesOutlierDetector", "WindowedDetector", "find_events"]
