"""Find every detector of the package."""

import importlib
import inspect
import pkgutil

from sklearn.base import BaseEstimator, MetaEstimatorMixin, OutlierMixin


def all_detectors():
    """List the public detectors as (name, class), sorted by name.

    Meta-estimators, which hold another detector, are not listed, nor are detectors of
    `sklearn_deepod.timeseries`: the rows of a series depend on each other.

    Read more in the :ref:`User Guide <detectors>`.

    Returns
    -------
    list of tuple of str and type
        The name and the class of each detector.

    Examples
    --------
    >>> from sklearn_deepod.utils import all_detectors
    >>> [name for name, _ in all_detectors()][:1]
    ['ALAD']
    """
    root = importlib.import_module("sklearn_deepod")
    found = {}
    for info in pkgutil.walk_packages(root.__path__, "sklearn_deepod."):
        if any(part.startswith("_") for part in info.name.split(".")[1:]):
            continue
        module = importlib.import_module(info.name)
        for name in getattr(module, "__all__", []):
            item = getattr(module, name)
            if (
                inspect.isclass(item)
                and issubclass(item, OutlierMixin)
                and issubclass(item, BaseEstimator)
                and not issubclass(item, MetaEstimatorMixin)
                and not name.startswith("Base")
                and not item.__module__.startswith("sklearn_deepod.timeseries.")
            ):
                found[name] = item
    return sorted(found.items())
