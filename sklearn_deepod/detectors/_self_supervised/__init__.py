"""Detectors trained on a self-supervised task."""
