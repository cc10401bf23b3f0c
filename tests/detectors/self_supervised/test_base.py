"""What the detectors share that read nothing but tables."""

import numpy as np
import pytest
import torch

from sklearn_deepod import (
    DecomposedRepresentation,
    InternalContrastive,
    MaskedCellModel,
)
from sklearn_deepod.detectors._self_supervised._base import in_parts
from tests.conftest import QUICK

every_detector = pytest.mark.parametrize(
    "cls", [DecomposedRepresentation, InternalContrastive, MaskedCellModel]
)


@every_detector
@pytest.mark.parametrize("shape", [(3, 4), (1, 5, 5)])
def test_refuses_what_is_no_table(cls, shape):
    X = np.random.RandomState(0).randn(20, *shape)
    with pytest.raises(ValueError, match="reads tables") as raised:
        cls(**QUICK).fit(X)
    assert cls.__name__ in str(raised.value)
    assert str(shape) in str(raised.value)
    assert "AutoEncoder" in str(raised.value)


@every_detector
def test_broken_dependences_score_higher(cls):
    rng = np.random.RandomState(0)
    half = rng.randn(1000, 3)
    X = np.hstack([half, half]) + 0.05 * rng.randn(1000, 6)
    detector = cls(novelty=True, random_state=0).fit(X[:500])
    # Every feature alone stays as it was.
    broken = X[500:].copy()
    broken[:, 3:] = rng.permutation(broken[:, 3:])
    whole = -detector.score_samples(X[500:])
    assert np.mean(-detector.score_samples(broken) > whole) > 0.8


@pytest.mark.parametrize("n_rows", [1, 64, 65, 200])
def test_parts_are_put_together_in_order(n_rows):
    X = torch.randn(2, n_rows, 3, generator=torch.Generator().manual_seed(0))
    seen = []

    def function(part):
        seen.append(part.shape[1])
        return part.sum(dim=2)

    assert torch.equal(in_parts(function, X), X.sum(dim=2))
    assert max(seen) <= 64
    assert sum(seen) == n_rows
