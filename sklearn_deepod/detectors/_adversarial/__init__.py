"""Detectors with a generator and a discriminator."""
