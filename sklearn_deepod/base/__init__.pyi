# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.base import OutlierMixin
from sklearn.callback import CallbackSupportMixin

class BaseDeepDetector(CallbackSupportMixin, BaseTorchDetector):
    trim_fraction: float
    n_estimators: int
    bootstrap: bool
    max_epochs: int | None
    max_steps: int | None
    batch_size: int
    lr: float
    lr_schedule: Literal['constant', 'cosine']
    optimizer: Any
    weight_decay: float
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    tol: float
    warm_start: bool
    callbacks: Any
    verbose: bool | int
    net_: Any
    history_: list[Any]
    n_iter_: int
    n_steps_: int
    offset_: float
    def __init__(
        self,
        *,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        n_estimators: int = 4,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        max_steps: int | None = 150,
        batch_size: int = 64,
        lr: float = 0.003,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self: ...
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class BaseDetector(OutlierMixin, BaseEstimator):
    contamination: Literal['auto'] | float
    offset_: float
    def __init__(
        self,
        *,
        contamination: Literal['auto'] | float = 'auto',
    ) -> None: ...
    def decision_function(self, X: Any) -> NDArray[Any]: ...
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self: ...
    def fit_predict(self, X: Any, y: Any = None, **fit_params: Any) -> NDArray[Any]: ...
    def predict(self, X: Any) -> NDArray[Any]: ...
    def score_samples(self, X: Any) -> NDArray[Any]: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class BaseTorchDetector(BaseDetector):
    novelty: bool
    inlier_fraction: float
    preprocessor: Any
    device: Any
    precision: Literal['bfloat16', 'float32']
    random_state: RandomState | int | None
    preprocessor_: Any
    device_: str
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    def __init__(
        self,
        *,
        novelty: bool = False,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class LossStep:
    ...

__all__ = ["BaseDeepDetector", "BaseDetector", "BaseTorchDetector", "LossStep"]
