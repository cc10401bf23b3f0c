"""Imports of packages that only some functions need."""

from importlib import import_module


def optional_import(name, extra):
    """Import a package that an extra of this one brings.

    Parameters
    ----------
    name : str
        Dotted name of the module.
    extra : str
        The extra of ``setup.cfg`` that requires it.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If it is not installed; the message says how to install it.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f"This needs {name.split('.')[0]}, which cannot be imported ({error}). "
            f'Install it with: pip install "sklearn-deepod[{extra}]"'
        ) from error
