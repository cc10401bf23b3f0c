# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray

def fit_stream(detector: Any, source: Any, *, columns: Any = None, key_columns: Any = ..., weight_column: Any = None, y_column: Any = None, max_samples: int = 100000, batch_size: int = 32768, on_error: Literal['raise', 'skip'] = 'raise', random_state: RandomState | int | None = None, return_report: bool = False, verbose: bool | int = 0) -> tuple[Any, Any]: ...

def score_stream(detector: Any, source: Any, output: Any = None, *, method: Literal['decision_function', 'predict', 'score_samples'] = 'score_samples', columns: Any = None, key_columns: Any = ..., batch_size: int = 32768, rows_per_file: int = 1048576, on_error: Literal['raise', 'skip'] = 'raise', verbose: bool | int = 0) -> Any: ...

__all__ = ["fit_stream", "score_stream"]
