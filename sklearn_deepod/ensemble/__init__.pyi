# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.base import MetaEstimatorMixin
from sklearn.base import OutlierMixin

class DetectorEnsemble(MetaEstimatorMixin, OutlierMixin, BaseEstimator):
    detectors: Any
    calibration: Literal['robust', 'tail']
    combine: Literal['largest', 'max', 'mean']
    n_largest: int
    weights: Any
    cv: Any
    n_jobs: Any
    contamination: Literal['auto'] | float
    novelty: bool
    detectors_: list[Any]
    named_detectors_: Any
    weights_: NDArray[Any]
    training_scores_: NDArray[Any]
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    offset_: float
    def __init__(
        self,
        detectors: Any,
        *,
        calibration: Literal['robust', 'tail'] = 'tail',
        combine: Literal['largest', 'max', 'mean'] = 'mean',
        n_largest: int = 4,
        weights: Any = None,
        cv: Any = None,
        n_jobs: Any = None,
        contamination: Literal['auto'] | float = 'auto',
        novelty: bool = False,
    ) -> None: ...
    def decision_function(self, X: Any) -> NDArray[Any]: ...
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self: ...
    def fit_predict(self, X: Any, y: Any = None, **fit_params: Any) -> NDArray[Any]: ...
    def get_metadata_routing(self) -> Any: ...
    def get_params(self, deep: bool = True) -> dict[Any, Any]: ...
    def predict(self, X: Any) -> NDArray[Any]: ...
    def score_samples(self, X: Any) -> NDArray[Any]: ...
    def set_params(self, **params: Any) -> Self: ...

__all__ = ["DetectorEnsemble"]
