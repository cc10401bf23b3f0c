"""Detectors that need some labels."""
