# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

class ConsensusScorer(BaseEstimator):
    detectors: Any
    random_state: RandomState | int | None
    def __init__(
        self,
        *,
        detectors: Any = None,
        random_state: RandomState | int | None = 0,
    ) -> None: ...
    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float: ...

class ExcessMassScorer(BaseEstimator):
    max_features: int | None
    n_draws: int
    n_uniform: int
    random_state: RandomState | int | None
    def __init__(
        self,
        *,
        max_features: int | None = 5,
        n_draws: int = 10,
        n_uniform: int = 10000,
        random_state: RandomState | int | None = 0,
    ) -> None: ...
    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float: ...

class MassVolumeScorer(BaseEstimator):
    max_features: int | None
    n_draws: int
    n_uniform: int
    random_state: RandomState | int | None
    def __init__(
        self,
        *,
        max_features: int | None = 5,
        n_draws: int = 10,
        n_uniform: int = 10000,
        random_state: RandomState | int | None = 0,
    ) -> None: ...
    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float: ...

class RankStabilityScorer(BaseEstimator):
    n_resamples: int
    subsample: float
    random_state: RandomState | int | None
    def __init__(
        self,
        *,
        n_resamples: int = 5,
        subsample: float = 0.5,
        random_state: RandomState | int | None = 0,
    ) -> None: ...
    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float: ...

def excess_mass_score(score_samples: Any, score_uniform: Any, *, volume: float = 1.0, min_excess: float = 0.9) -> float: ...

def false_alarm_rate(y_true: Any, y_pred: Any, *, per: float = 1000, pos_label: Literal[-1, 1] = -1, sample_weight: Any = None) -> float: ...

def get_outlier_scorer(name: Literal['accuracy', 'average_precision', 'consensus', 'excess_mass', 'f1', 'neg_false_alarm_rate', 'neg_mass_volume', 'precision', 'precision_at_n', 'range_fbeta', 'range_precision', 'range_recall', 'rank_stability', 'recall', 'roc_auc', 'vus_pr', 'vus_roc'], *, pos_label: Literal[-1, 1] = -1, **params: Any) -> Any: ...

def get_outlier_scorer_names() -> list[str]: ...

def mass_volume_score(score_samples: Any, score_uniform: Any, *, volume: float = 1.0, min_mass: float = 0.9, max_mass: float = 0.999) -> float: ...

def outlier_report(estimator: Any, X: Any, y: Any, *, pos_label: Literal[-1, 1] = -1, n: int | None = None, rows_per_day: float | None = None, digits: int = 3, output_dict: bool = False) -> dict[Any, Any] | str: ...

def outlier_scorers(*names: Any, pos_label: Literal[-1, 1] = -1) -> dict[Any, Any]: ...

def precision_at_n_score(y_true: Any, score_samples: Any, *, n: int | None = None, pos_label: Literal[-1, 1] = -1) -> float: ...

def range_fbeta_score(y_true: Any, y_pred: Any, *, beta: float = 1.0, existence_weight: float = 0.0, recall_bias: Literal['back', 'flat', 'front', 'middle'] = 'flat', precision_bias: Literal['back', 'flat', 'front', 'middle'] = 'flat', cardinality: Literal['one', 'reciprocal'] = 'reciprocal', pos_label: Literal[-1, 1] = -1) -> float: ...

def range_precision_score(y_true: Any, y_pred: Any, *, bias: Literal['back', 'flat', 'front', 'middle'] = 'flat', cardinality: Literal['one', 'reciprocal'] = 'reciprocal', pos_label: Literal[-1, 1] = -1) -> float: ...

def range_recall_score(y_true: Any, y_pred: Any, *, existence_weight: float = 0.0, bias: Literal['back', 'flat', 'front', 'middle'] = 'flat', cardinality: Literal['one', 'reciprocal'] = 'reciprocal', pos_label: Literal[-1, 1] = -1) -> float: ...

def vus_pr_score(y_true: Any, score_samples: Any, *, max_buffer: int = 100, existence_reward: bool = False, definition: Literal['paper', 'tsb_ad'] = 'paper', pos_label: Literal[-1, 1] = -1) -> float: ...

def vus_roc_score(y_true: Any, score_samples: Any, *, max_buffer: int = 100, existence_reward: bool = False, definition: Literal['paper', 'tsb_ad'] = 'paper', pos_label: Literal[-1, 1] = -1) -> float: ...

__all__ = ["ConsensusScorer", "ExcessMassScorer", "MassVolumeScorer", "RankStabilityScorer", "excess_mass_score", "false_alarm_rate", "get_outlier_scorer", "get_outlier_scorer_names", "mass_volume_score", "outlier_report", "outlier_scorers", "precision_at_n_score", "range_fbeta_score", "range_precision_score", "range_recall_score", "vus_pr_score", "vus_roc_score"]
