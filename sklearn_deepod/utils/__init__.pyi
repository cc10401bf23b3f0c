# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray

def all_detectors() -> list[Any]: ...

__all__ = ["all_detectors"]
