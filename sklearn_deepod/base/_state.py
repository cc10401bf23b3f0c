"""The state of a fitted detector: parameters as fitted, arrays, and versions."""

import copy
import warnings
from abc import ABCMeta, abstractmethod
from importlib import import_module

import numpy as np
from sklearn.base import clone

from sklearn_deepod._determinism import restore_streams, stream_states
from sklearn_deepod._training import resolve_device
from sklearn_deepod.exceptions import InconsistentVersionWarning

_PACKAGES = "sklearn_deepod", "numpy", "sklearn", "torch"
# What plays no part in a fitted module.
_NOT_KEPT = {"callbacks", "verbose", "random_state"}


class FittedStateMixin(metaclass=ABCMeta):
    """For detectors with a fitted module: pickled as plain arrays, and built anew.

    Subclasses name the attribute that holds what scores, the module or a net that holds
    it, and say how it becomes arrays and comes back.
    """

    _fitted_attribute: str

    @abstractmethod
    def _to_arrays(self):
        """The fitted attribute as plain arrays."""

    @abstractmethod
    def _from_arrays(self, arrays):
        """The fitted attribute anew, from what `_to_arrays` gave."""

    def __getstate__(self):
        """Plain arrays in place of the module and the random streams."""
        state = super().__getstate__().copy()
        if "_streams" in state:
            state["_streams"] = stream_states(state["_streams"])
            state[self._fitted_attribute] = self._to_arrays()
            state["_versions"] = versions()
        return state

    def __setstate__(self, state):
        """Rebuild the module, on the CPU where the device is not there."""
        state = state.copy()
        check_versions(self, state.pop("_versions", {}))
        super().__setstate__(state)
        if "_streams" not in state:
            return
        try:
            resolve_device(self.device_)
        except ValueError:
            self.device_ = "cpu"
        fitted = as_fitted(self, self._parameters_as_fitted)
        fitted._streams = restore_streams(state["_streams"])
        module = fitted._from_arrays(state[self._fitted_attribute])
        setattr(self, self._fitted_attribute, module)
        # Building the module draws initial weights: restore the streams after it.
        self._streams = restore_streams(state["_streams"])


def parameters_as_fitted(detector):
    """Constructor parameters, safe from later changes of the detector's.

    Parameters
    ----------
    detector : estimator
        The detector that is being fitted.

    Returns
    -------
    dict of str to object
    """
    return {
        name: _kept(value)
        for name, value in detector.get_params(deep=False).items()
        if name not in _NOT_KEPT
    }


def _kept(value):
    # ``set_params(network__dropout=0.5)`` changes a spec in place.
    if hasattr(value, "get_params") and not isinstance(value, type):
        return clone(value)
    if isinstance(value, list | dict | set | np.ndarray):
        return copy.deepcopy(value)
    return value


def as_fitted(detector, parameters):
    """The detector with the parameters that it was fitted with; shares all else."""
    fitted = object.__new__(type(detector))
    vars(fitted).update(vars(detector) | parameters)
    return fitted


def versions():
    """Versions of the packages that a fitted detector stands on."""
    return {name: str(import_module(name).__version__) for name in _PACKAGES}


def check_versions(detector, found):
    """Warn where a detector was saved by other versions than are installed.

    Parameters
    ----------
    detector : estimator
        The detector that is being loaded.
    found : dict of str to str
        What `versions` gave when it was saved.
    """
    installed = versions()
    for name, version in found.items():
        if version != installed.get(name):
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=type(detector).__name__,
                    package=name,
                    current_version=installed.get(name),
                    original_version=version,
                ),
                stacklevel=3,
            )
