# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.base import MetaEstimatorMixin
from sklearn.base import OutlierMixin

class BaseThreshold(BaseEstimator):
    def fit(self, anomaly_scores: Any, y: Any = None, sample_weight: Any = None) -> Self: ...
    def set_fit_request(self, *, anomaly_scores: bool | str | None = ..., sample_weight: bool | str | None = ...) -> Self: ...

class ConformalDetector(MetaEstimatorMixin, OutlierMixin, BaseEstimator):
    detector: Any
    method: Literal['cross', 'jackknife+', 'split']
    alpha: float
    calibration_size: float | int
    cv: Any
    likelihood_ratio: Any
    n_jobs: Any
    random_state: RandomState | int | None
    detectors_: list[Any]
    calibration_scores_: list[Any]
    calibration_weights_: list[Any]
    n_calibration_: float | int
    offset_: float
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    def __init__(
        self,
        detector: Any,
        *,
        method: Literal['cross', 'jackknife+', 'split'] = 'split',
        alpha: float = 0.05,
        calibration_size: float | int = 0.5,
        cv: Any = 10,
        likelihood_ratio: Any = None,
        n_jobs: Any = None,
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def decision_function(self, X: Any) -> NDArray[Any]: ...
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self: ...
    def fit_predict(self, X: Any, y: Any = None, **fit_params: Any) -> NDArray[Any]: ...
    def get_metadata_routing(self) -> Any: ...
    def p_values(self, X: Any) -> NDArray[Any]: ...
    def predict(self, X: Any) -> NDArray[Any]: ...
    def predict_fdr(self, X: Any, level: float = 0.1) -> NDArray[Any]: ...
    def score_samples(self, X: Any) -> NDArray[Any]: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class CostThreshold(BaseThreshold):
    false_alarm: float
    missed: float
    threshold_: float
    def __init__(
        self,
        *,
        false_alarm: float = 1.0,
        missed: float = 10.0,
    ) -> None: ...
    def set_fit_request(self, *, anomaly_scores: bool | str | None = ..., sample_weight: bool | str | None = ...) -> Self: ...

class FBetaThreshold(BaseThreshold):
    beta: float
    threshold_: float
    def __init__(
        self,
        *,
        beta: float = 1.0,
    ) -> None: ...
    def set_fit_request(self, *, anomaly_scores: bool | str | None = ..., sample_weight: bool | str | None = ...) -> Self: ...

class IQRThreshold(BaseThreshold):
    factor: float
    skewed: bool
    most: float | None
    threshold_: float
    def __init__(
        self,
        *,
        factor: float = 1.5,
        skewed: bool = False,
        most: float | None = None,
    ) -> None: ...
    def set_fit_request(self, *, anomaly_scores: bool | str | None = ..., sample_weight: bool | str | None = ...) -> Self: ...

class MADThreshold(BaseThreshold):
    factor: float
    threshold_: float
    def __init__(
        self,
        *,
        factor: float = 3.5,
    ) -> None: ...
    def set_fit_request(self, *, anomaly_scores: bool | str | None = ..., sample_weight: bool | str | None = ...) -> Self: ...

class MixtureGapThreshold(BaseThreshold):
    random_state: RandomState | int | None
    threshold_: float
    mixture_: Any
    def __init__(
        self,
        *,
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def set_fit_request(self, *, anomaly_scores: bool | str | None = ..., sample_weight: bool | str | None = ...) -> Self: ...

class OtsuThreshold(BaseThreshold):
    lower: float | None
    linear_range: float | None
    threshold_: float
    def __init__(
        self,
        *,
        lower: float | None = 2.0,
        linear_range: float | None = 16.0,
    ) -> None: ...
    def set_fit_request(self, *, anomaly_scores: bool | str | None = ..., sample_weight: bool | str | None = ...) -> Self: ...

class PeaksOverThreshold(BaseThreshold):
    rate: float
    level: float
    max_peaks: int | None
    threshold_: float
    initial_threshold_: float
    peaks_: NDArray[Any]
    shape_: float
    scale_: float
    n_peaks_: int
    n_samples_seen_: int
    def __init__(
        self,
        *,
        rate: float = 0.001,
        level: float = 0.95,
        max_peaks: int | None = 2000,
    ) -> None: ...
    def update(self, anomaly_scores: Any) -> NDArray[Any]: ...
    def set_fit_request(self, *, anomaly_scores: bool | str | None = ..., sample_weight: bool | str | None = ...) -> Self: ...

class QuantileThreshold(BaseThreshold):
    contamination: float
    threshold_: float
    def __init__(
        self,
        *,
        contamination: float = 0.1,
    ) -> None: ...
    def set_fit_request(self, *, anomaly_scores: bool | str | None = ..., sample_weight: bool | str | None = ...) -> Self: ...

class StandardDeviationThreshold(BaseThreshold):
    factor: float
    threshold_: float
    def __init__(
        self,
        *,
        factor: float = 3.0,
    ) -> None: ...
    def set_fit_request(self, *, anomaly_scores: bool | str | None = ..., sample_weight: bool | str | None = ...) -> Self: ...

class TailExcessThreshold(BaseThreshold):
    level: float
    groups: bool
    threshold_: float
    def __init__(
        self,
        *,
        level: float = 0.2,
        groups: bool = True,
    ) -> None: ...
    def set_fit_request(self, *, anomaly_scores: bool | str | None = ..., sample_weight: bool | str | None = ...) -> Self: ...

class ThresholdedDetector(MetaEstimatorMixin, OutlierMixin, BaseEstimator):
    detector: Any
    threshold: Any
    novelty: bool
    cv: Any
    n_jobs: Any
    detector_: Any
    rule_: Any
    training_scores_: NDArray[Any]
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    offset_: float
    def __init__(
        self,
        detector: Any,
        *,
        threshold: Any = None,
        novelty: bool = False,
        cv: Any = None,
        n_jobs: Any = None,
    ) -> None: ...
    def decision_function(self, X: Any) -> NDArray[Any]: ...
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self: ...
    def fit_predict(self, X: Any, y: Any = None, **fit_params: Any) -> NDArray[Any]: ...
    def get_metadata_routing(self) -> Any: ...
    def predict(self, X: Any) -> NDArray[Any]: ...
    def score_samples(self, X: Any) -> NDArray[Any]: ...
    def set_threshold(self, threshold: Any) -> Self: ...
    def update(self, X: Any) -> NDArray[Any]: ...

__all__ = ["BaseThreshold", "ConformalDetector", "CostThreshold", "FBetaThreshold", "IQRThreshold", "MADThreshold", "MixtureGapThreshold", "OtsuThreshold", "PeaksOverThreshold", "QuantileThreshold", "StandardDeviationThreshold", "TailExcessThreshold", "ThresholdedDetector"]
