"""Errors and warnings of the package."""

import sklearn.exceptions

__all__ = ["DivergenceError", "InconsistentVersionWarning"]


class DivergenceError(ValueError):
    """Raised if training or scoring results in values that are not finite.

    Read more in the :ref:`User Guide <diverging-training>`.
    """


class InconsistentVersionWarning(sklearn.exceptions.InconsistentVersionWarning):
    """Warning that a detector was saved with another version of a package.

    Read more in the :ref:`User Guide <saving>`.

    Parameters
    ----------
    estimator_name : str
        Class name of the detector.
    package : str
        The package whose version differs.
    current_version, original_version : str
        Its current version, and the version when the detector was saved.
    """

    def __init__(self, *, estimator_name, package, current_version, original_version):
        self.package = package
        self.current_version = current_version
        self.original_version = original_version
        super().__init__(
            estimator_name=estimator_name,
            current_sklearn_version=current_version,
            original_sklearn_version=original_version,
        )

    def __str__(self):
        return (
            f"{self.estimator_name} was saved with {self.package} "
            f"{self.original_version}, and is loaded with {self.package} "
            f"{self.current_version}. Scores may differ. Fit it again with the current "
            "version, or install the original one."
        )
