"""Detectors that learn from a few labels."""
