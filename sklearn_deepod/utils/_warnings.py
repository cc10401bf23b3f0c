"""Warnings that point to the line of the user's code."""

import sys
import warnings

# Packages whose frames lie between the user's code and a warning.
_INSIDE = {"sklearn_deepod", "sklearn", "joblib", "contextlib"}


def warn(message, category=UserWarning):
    """Warn at the line that called scikit-learn or this package.

    The number of frames in between varies: scikit-learn wraps `fit`, and a pipeline or
    a search may have called it.

    Parameters
    ----------
    message : str
        What is wrong and what to do.
    category : type, default=UserWarning
        Class of the warning.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _INSIDE:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
