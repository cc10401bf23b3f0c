"""One long series as windows for any detector."""

from sklearn_deepod.timeseries._windowed_detector import WindowedDetector

__all__ = ["WindowedDetector"]
