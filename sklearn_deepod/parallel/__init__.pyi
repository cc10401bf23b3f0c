# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.base import MetaEstimatorMixin
from sklearn.base import OutlierMixin

class DaskDetector(MetaEstimatorMixin, OutlierMixin, BaseEstimator):
    detector: Any
    max_samples: int
    random_state: RandomState | int | None
    detector_: Any
    n_samples_seen_: int
    offset_: float
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    def __init__(
        self,
        detector: Any,
        *,
        max_samples: int = 100000,
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def decision_function(self, X: Any) -> Any: ...
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self: ...
    def fit_predict(self, X: Any, y: Any = None, **fit_params: Any) -> NDArray[Any]: ...
    def get_metadata_routing(self) -> Any: ...
    def predict(self, X: Any) -> Any: ...
    def score_samples(self, X: Any) -> Any: ...

class SparkDetector(BaseEstimator):
    detector: Any
    columns: Any
    def __init__(
        self,
        detector: Any,
        *,
        columns: Any = None,
    ) -> None: ...
    def transform(self, df: Any) -> Any: ...

def checkpoints(folder: Any) -> Any: ...

def data_parallel() -> Any: ...

def fit_stream(detector: Any, source: Any, *, columns: Any = None, key_columns: Any = ..., weight_column: Any = None, y_column: Any = None, max_samples: int = 100000, batch_size: int = 32768, on_error: Literal['raise', 'skip'] = 'raise', random_state: RandomState | int | None = None, return_report: bool = False, verbose: bool | int = 0) -> Any: ...

def score_stream(detector: Any, source: Any, output: Any = None, *, method: Literal['decision_function', 'predict', 'score_samples'] = 'score_samples', columns: Any = None, key_columns: Any = ..., batch_size: int = 32768, rows_per_file: int = 1048576, on_error: Literal['raise', 'skip'] = 'raise', verbose: bool | int = 0) -> Any: ...

__all__ = ["DaskDetector", "SparkDetector", "checkpoints", "data_parallel", "fit_stream", "score_stream"]
