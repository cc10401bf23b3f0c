"""Outlier detection in time series."""

from sklearn_deepod.timeseries._events import find_events
from sklearn_deepod.timeseries._windowed_detector import WindowedDetector

__all__ = ["WindowedDetector", "find_events"]
