"""Detectors that map the inliers close to one point."""
