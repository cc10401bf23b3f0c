"""Outlier detection in time series."""

from sklearn_deepod.timeseries._events import find_events
from sklearn_deepod.timeseries._series_outlier_detector import SeriesOutlierDetector
from sklearn_deepod.timeseries._windowed_detector import WindowedDetector

__all__ = ["SeriesOutlierDetector", "WindowedDetector", "find_events"]
