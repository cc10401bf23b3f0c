"""Discovery, optional imports, shared parameters and threads."""

from sklearn_deepod.utils._discovery import all_detectors
from sklearn_deepod.utils._optional import (
    CallbackSupportMixin,
    EpochWatch,
    with_callbacks,
)
from sklearn_deepod.utils._shared_parameters import inherit_parameters
from sklearn_deepod.utils._threads import one_blas_thread

__all__ = [
    "CallbackSupportMixin",
    "EpochWatch",
    "all_detectors",
    "inherit_parameters",
    "one_blas_thread",
    "with_callbacks",
]
