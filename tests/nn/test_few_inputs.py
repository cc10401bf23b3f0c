"""What random units read, and where they bend."""

import numpy as np
import pytest
import torch

from sklearn_deepod._nn import BatchedLinear, read_few_inputs


def drawn(X, in_features=None, seed=0):
    layer = BatchedLinear(2, in_features or X.shape[1], 300, torch.Generator())
    read_few_inputs(
        layer,
        X.expand(layer.weight.shape[0], *X.shape),
        torch.Generator().manual_seed(seed),
    )
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


@pytest.mark.parametrize("n_inputs", [1, 3, 20])
def test_units_read_one_to_four_inputs_with_norm_one(n_inputs):
    weight, _ = drawn(torch.randn(7, n_inputs, generator=torch.Generator()))
    n_read = (weight != 0).sum(axis=1)
    assert set(n_read.ravel()) == set(range(1, min(4, n_inputs) + 1))
    np.testing.assert_allclose(np.linalg.norm(weight, axis=1), 1.0, rtol=1e-5)
    assert (weight != 0).any(axis=2).all()  # each input is read by some unit


def test_each_unit_bends_at_a_row():
    X = torch.randn(5, 8, generator=torch.Generator())
    weight, bias = drawn(X)
    distance = np.abs(X.numpy() @ weight + bias).min(axis=1)
    np.testing.assert_allclose(distance, 0.0, atol=1e-6)


def test_further_inputs_are_not_read():
    X = torch.randn(5, 3, generator=torch.Generator())
    weight, bias = drawn(X, in_features=6)
    assert (weight[:, 3:] == 0).all()
    np.testing.assert_array_equal(weight[:, :3], drawn(X)[0])
    np.testing.assert_array_equal(bias, drawn(X)[1])
