"""Discovery and optional imports."""

from sklearn_deepod.utils._discovery import all_detectors
from sklearn_deepod.utils._optional import (
    CallbackSupportMixin,
    EpochWatch,
    with_callbacks,
)

__all__ = ["CallbackSupportMixin", "EpochWatch", "all_detectors", "with_callbacks"]
