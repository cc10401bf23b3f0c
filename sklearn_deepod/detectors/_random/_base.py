"""Base of the detectors whose networks are not trained."""

from abc import ABCMeta, abstractmethod

import torch

from sklearn_deepod._determinism import TrainingRows
from sklearn_deepod._training import PreprocessedRows, arrays_of, load_arrays
from sklearn_deepod.base import BaseTorchDetector
from sklearn_deepod.base._torch import SUPPORT_FRACTION


class BaseUntrainedDetector(BaseTorchDetector, metaclass=ABCMeta):
    """Base of the detectors with networks of random weights.

    Subclasses implement `_build_module`, and `_fit_score_statistics`, which learns from
    the training rows.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    module_ : torch.nn.Module
        Networks of all members, and the statistics of their outputs.
    {attributes}
    """

    @abstractmethod
    def __init__(self, **shared):
        super().__init__(**shared)

    _fitted_attribute = "module_"

    def _fit(self, X, sample_weight):
        rows = TrainingRows(X, sample_weight)
        self._begin(rows)
        self._fit_preprocessor(rows)
        self._learn(rows, 1.0 if self.novelty else SUPPORT_FRACTION)
        if self._refits_on_inliers(rows):
            inliers = self._select_inliers(rows)
            self._fit_preprocessor(inliers, narrow=True)
            self._learn(inliers)
        self._fit_threshold(rows)

    def _learn(self, rows, support_fraction=1.0):
        """Draw the networks, learn the statistics of their outputs, set `module_`."""
        rows_read = PreprocessedRows(rows, self._preprocess, self.device_, n_draws=0)
        X = self._for_members(rows_read.first())
        self._input_shape = tuple(X.shape[2:])
        self.module_ = self._new_module().to(self.device_).eval()
        with torch.no_grad():
            self._initialize(self.module_, X, self._streams["weights"])
        self._fit_statistics(rows, support_fraction)

    def _to_arrays(self):
        return arrays_of(self.module_)

    def _from_arrays(self, arrays):
        module = load_arrays(self._new_module(), arrays)
        return module.to(self.device_).eval()
