"""Where artificial outliers lie."""

import numpy as np
import pytest
import torch

from sklearn_deepod._nn._artificial_outliers import artificial_outliers

LOW, HIGH = torch.tensor([0.0, -10.0, 3.0]), torch.tensor([1.0, 10.0, 3.0])


def made(n=4000, seed=0, **params):
    X = LOW + torch.rand(n, 3, generator=torch.Generator()) * (HIGH - LOW)
    stream = torch.Generator().manual_seed(seed)
    return X.numpy(), artificial_outliers(X, LOW, HIGH, stream, **params).numpy()


@pytest.mark.parametrize("epsilon", [0.1, 0.5])
def test_uniform_ones_fill_a_wider_box(epsilon):
    _, rows = made(kind="uniform", epsilon=epsilon)
    for column, low, high in zip(rows.T, LOW.tolist(), HIGH.tolist(), strict=True):
        reach = epsilon * (high - low)
        assert column.min() == pytest.approx(low - reach, abs=0.01 * (high - low))
        assert column.max() == pytest.approx(high + reach, abs=0.01 * (high - low))
        assert np.median(column) == pytest.approx((low + high) / 2, abs=0.5)


def test_subspace_ones_move_some_cells_at_least_one():
    X, rows = made(kind="subspace")
    moved = rows != X
    assert not moved[:, 2].any()  # a constant cell stays
    chosen = moved[:, :2]
    # Of three cells, each is chosen with odds of 0.3, and the first of them at least.
    assert chosen.mean() == pytest.approx(0.3 + 0.7**3 / 3, abs=0.02)
    noise = (rows - X)[:, :2]
    for j, span in enumerate((1.0, 20.0)):
        assert noise[chosen[:, j], j].std() == pytest.approx(0.1 * span, rel=0.05)


def test_mixed_ones_are_of_both_kinds():
    X, rows = made(kind="mixed")
    near = (rows == X).any(axis=1, where=[True, True, False])
    assert near.mean() == pytest.approx(0.5 * (1 - 0.3**2), abs=0.04)


def test_same_stream_same_rows():
    np.testing.assert_array_equal(made()[1], made()[1])
    assert not np.array_equal(made()[1], made(seed=1)[1])
