"""Detectors that use nearest neighbours."""
