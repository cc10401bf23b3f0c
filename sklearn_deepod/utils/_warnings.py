"""Warnings that point at the line of the user's code."""

import sys
import warnings

# Whose frames lie between the user's code and a warning.
_INSIDE = {"sklearn_deepod", "sklearn", "joblib", "contextlib"}


def warn(message, category=UserWarning):
    """Warn at the line that called scikit-learn or this package.

    How many frames lie between depends on the way: `fit` is wrapped by scikit-learn,
    and may have been called by a pipeline or a search.

    Parameters
    ----------
    message : str
        What is wrong, and what to do.
    category : type, default=UserWarning
        Class of the warning.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _INSIDE:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
