"""Detectors that look for neighbours."""
