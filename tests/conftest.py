"""What several test modules share."""

import inspect
import math
from dataclasses import dataclass

import numpy as np
import pytest
from torch import nn

from sklearn_deepod import (
    AnoGAN,
    AutoEncoder,
    ContractionMatching,
    DeepIsolationForest,
    DeepOutlierDetector,
    DeepSAD,
    DevNet,
    DiffusionTimeEstimation,
    InternalContrastive,
    MaskedCellModel,
    ModuleDetector,
    ScoreMatching,
)

#: A training short enough for tests in which accuracy is not the point.
QUICK = {"max_steps": 12, "n_estimators": 2, "batch_size": 16, "random_state": 0}


class Bottleneck(nn.Module):
    """A small autoencoder with dropout, for rows of any shape."""

    def __init__(self, input_shape):
        super().__init__()
        n = math.prod(input_shape)
        self.layers = nn.Sequential(
            nn.Linear(n, 4), nn.Tanh(), nn.Dropout(0.2), nn.Linear(4, n)
        )

    def forward(self, X):
        return self.layers(X.flatten(1))


@dataclass(frozen=True)
class RebuildingLoss:
    """Mean squared error of each row; its repr holds no address, so test ids last."""

    def __call__(self, module, X):
        return (module(X) - X.flatten(1)).square().mean(dim=1)


#: What the constructor of a detector asks for, or what makes it quick.
PER_DETECTOR_PARAMS = {
    ModuleDetector: {"module": Bottleneck, "loss": RebuildingLoss()},
    # scikit-learn's checks give all kinds of y; with 0 any is accepted.
    DeepSAD: {"eta": 0.0},
    DevNet: {"outliers": "artificial", "lr": 0.03},
    DeepIsolationForest: {"n_representations": 8, "hidden_layer_sizes": (50, 20)},
    DeepOutlierDetector: {"autoencoder": AutoEncoder(max_steps=12, n_estimators=2)},
    AnoGAN: {"n_search_steps": 2},
    DiffusionTimeEstimation: {"lr": 0.03},
    InternalContrastive: {"lr": 0.01},
    ContractionMatching: {"hidden_layer_sizes": (32,)},
    MaskedCellModel: {"hidden_layer_sizes": (32,)},
    ScoreMatching: {"hidden_layer_sizes": (32,)},
}


def make_detector(cls, **params):
    """A detector of the class, with its `PER_DETECTOR_PARAMS`.

    What QUICK sets is left out where the class has no training.
    """
    known = inspect.signature(cls).parameters
    params = {k: v for k, v in params.items() if k in known or k not in QUICK}
    return cls(**(PER_DETECTOR_PARAMS.get(cls, {}) | params))


@pytest.fixture
def table():
    """Correlated inliers, and every tenth row an outlier that keeps no correlation."""
    return make_table()


def make_table(n_samples=200, seed=0):
    """Rows of five features and labels of 1 and -1."""
    rng = np.random.RandomState(seed)
    code = rng.randn(n_samples, 2)
    mixing = np.array([[1.0, -1.0, 0.5, 2.0, 0.0], [0.5, 1.0, -1.0, 0.0, 2.0]])
    X = code @ mixing + 0.1 * rng.randn(n_samples, 5)
    y = np.ones(n_samples, dtype=int)
    y[::10] = -1
    X[y == -1] = rng.uniform(-6, 6, size=((y == -1).sum(), 5))
    return X, y
