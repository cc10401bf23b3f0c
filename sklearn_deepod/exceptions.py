"""Errors and warnings of the package."""


class DivergenceError(ValueError):
    """Raised when a training loss is not finite."""
