"""Ensembles of outlier detectors."""

from sklearn_deepod.ensemble._detector_ensemble import DetectorEnsemble

__all__ = ["DetectorEnsemble"]
