"""Preprocess features."""

from sklearn_deepod.preprocessing._robust_asinh_scaler import RobustAsinhScaler

__all__ = ["RobustAsinhScaler"]
