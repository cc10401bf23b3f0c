"""Detectors that learn from tasks made of the rows themselves."""
