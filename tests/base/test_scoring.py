"""Scoring in blocks."""

import numpy as np
import pytest
import torch

from sklearn_deepod import AutoEncoder
from sklearn_deepod.base._scoring import SCORE_TILE, scored_in_tiles
from tests.conftest import QUICK


def test_memory_that_runs_out_changes_no_score(monkeypatch):
    X = np.random.default_rng(0).normal(size=(3000, 5))
    detector = AutoEncoder(**QUICK).fit(X)
    expected = detector.score_samples(X)
    preprocess, sizes = detector._preprocess, []

    def short_of_memory(rows):
        sizes.append(len(rows))
        if len(rows) > 300:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return preprocess(rows)

    monkeypatch.setattr(detector, "_preprocess", short_of_memory)
    np.testing.assert_array_equal(detector.score_samples(X), expected)
    assert sizes[:4] == [1024, 512, 256, 256]


def test_one_tile_has_to_fit():
    def too_much(rows):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        scored_in_tiles(too_much, np.ones((SCORE_TILE, 2)), (2,))
