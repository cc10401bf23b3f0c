"""Discovery, decisions, optional imports, shared parameters and threads."""

from sklearn_deepod.utils._decision import DecisionMixin
from sklearn_deepod.utils._discovery import all_detectors
from sklearn_deepod.utils._meta import (
    MetaDetectorMixin,
    check_scores_new_rows,
    out_of_fold_scores,
    take_features,
)
from sklearn_deepod.utils._optional import (
    CallbackSupportMixin,
    EpochWatch,
    with_callbacks,
)
from sklearn_deepod.utils._shared_parameters import inherit_parameters
from sklearn_deepod.utils._threads import one_blas_thread

__all__ = [
    "CallbackSupportMixin",
    "DecisionMixin",
    "EpochWatch",
    "MetaDetectorMixin",
    "all_detectors",
    "check_scores_new_rows",
    "inherit_parameters",
    "one_blas_thread",
    "out_of_fold_scores",
    "take_features",
    "with_callbacks",
]
