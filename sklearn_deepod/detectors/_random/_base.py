"""What the detectors share whose networks are not trained."""

from abc import ABCMeta, abstractmethod

import torch

from sklearn_deepod._training import arrays_of, load_arrays
from sklearn_deepod.base import BaseTorchDetector
from sklearn_deepod.base._torch import SUPPORT_FRACTION


class BaseUntrainedDetector(BaseTorchDetector, metaclass=ABCMeta):
    """Base of the detectors with networks of random weights.

    Subclasses implement `_build_module` and `_fit_score_statistics`, which learns from
    the training rows.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    module_ : torch.nn.Module
        The networks of all members, and what was learned of their outputs.
    {attributes}
    """

    @abstractmethod
    def __init__(self, **shared):
        super().__init__(**shared)

    _fitted_attribute = "module_"

    @property
    def _module(self):
        return self.module_

    def _fit(self, X, sample_weight):
        rows = self._begin(X, sample_weight)
        self._fit_preprocessor(rows)
        self._learn(rows, 1.0 if self.novelty else SUPPORT_FRACTION)
        if self._refits_on_inliers(rows):
            inliers = self._select_inliers(rows)
            self._narrow_preprocessor(inliers)
            self._learn(inliers)
        self._fit_threshold(rows)

    def _learn(self, rows, support_fraction=1.0):
        """Draw the networks and describe the rows by them; sets `module_`."""
        first = self._first(self._preprocessed(rows, n_draws=0))
        module = self._new_module().to(self.device_).eval()
        with torch.no_grad():
            self._initialize(module, first, self._streams["weights"])
        self._fit_statistics(module, rows, support_fraction)
        self.module_ = module

    def _to_arrays(self):
        return arrays_of(self.module_)

    def _from_arrays(self, arrays):
        module = load_arrays(self._new_module(), arrays)
        return module.to(self.device_).eval()
