"""Detectors that score by the error of a reconstruction."""
