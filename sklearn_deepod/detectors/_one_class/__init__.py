"""Detectors that enclose the inliers."""
