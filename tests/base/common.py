"""What the tests of the base share."""

import numpy as np
import pytest
from skorch.callbacks import Callback

from sklearn_deepod import (
    AutoEncoder,
)
from sklearn_deepod.base import BaseDeepDetector
from sklearn_deepod.utils import all_detectors
from tests.conftest import QUICK, make_detector, make_table

CLASSES = [cls for _, cls in all_detectors()]
DEEP = [cls for cls in CLASSES if issubclass(cls, BaseDeepDetector)]
every_detector = pytest.mark.parametrize("cls", CLASSES)
every_deep_detector = pytest.mark.parametrize("cls", DEEP)


def quick(cls=AutoEncoder, **params):
    return make_detector(cls, **(QUICK | params))


def assert_same(a, b, X=None):
    """Two fitted detectors score and cut alike, bit for bit."""
    X = make_table(seed=9)[0] if X is None else X
    np.testing.assert_array_equal(a.score_samples(X), b.score_samples(X))
    assert a.offset_ == b.offset_


def fit_and_score(detector, X):
    return detector.fit(X).score_samples(X)


class Recorder(Callback):
    """Notes what each epoch leaves behind."""

    def __init__(self):
        self.rates, self.weights = [], []

    def on_epoch_end(self, net, **kwargs):
        self.rates.append(net.optimizer_.param_groups[0]["lr"])
        first = next(net.module_.parameters())
        self.weights.append(first.detach().clone())


class Raiser(Callback):
    """Fails in the middle of the training, when switched on."""

    def __init__(self, error, hook, at=3):
        self.error, self.at, self.on, self.count = error, at, True, 0
        setattr(self, hook, self._raise)

    def _raise(self, net, **kwargs):
        self.count += 1
        if self.on and self.count >= self.at:
            raise self.error("planted")
