"""Detectors that train a generator against a discriminator."""
