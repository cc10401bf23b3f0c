"""Discovery of detectors."""

from sklearn_deepod.utils._discovery import all_detectors

__all__ = ["all_detectors"]
