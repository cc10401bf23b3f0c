"""Detectors with random features that are not trained."""
