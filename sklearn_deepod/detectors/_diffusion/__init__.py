"""Detectors that learn to remove noise."""
