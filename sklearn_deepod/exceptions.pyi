# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.exceptions import InconsistentVersionWarning

class DivergenceError(ValueError):
    ...

class InconsistentVersionWarning(InconsistentVersionWarning):
    estimator_name: str
    package: str
    current_version: str
    original_version: str
    def __init__(
        self,
        *,
        estimator_name: str,
        package: str,
        current_version: str,
        original_version: str,
    ) -> None: ...

__all__ = ["DivergenceError", "InconsistentVersionWarning"]
