"""Detectors with random networks that are not trained."""
