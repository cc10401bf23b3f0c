"""Spectral normalisation and discriminators."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_deepod._nn import BatchedLinear, SpectralNorm, spectral_norm
from sklearn_deepod.networks import GRU, TCN, Conv, Dense


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(shape, generator=stream(seed))


def norms(layer):
    """Largest singular values by numpy, one for each member of the layer."""
    matrices = layer.weight.detach().numpy().astype(np.float64)
    if not isinstance(layer, BatchedLinear):
        matrices = matrices.reshape(1, len(matrices), -1)
    return np.array([np.linalg.norm(matrix, 2) for matrix in matrices])


def test_singular_values():
    matrices = normal(3, 7, 5).numpy()
    expected = [np.linalg.norm(m, 2) for m in matrices]
    np.testing.assert_allclose(spectral_norm(matrices).ravel(), expected, rtol=1e-5)


def test_zero_and_not_finite_matrices():
    assert spectral_norm(np.zeros((1, 2, 2), np.float32)) > 0
    assert spectral_norm(np.full((1, 2, 2), np.nan)) == 1


def test_training_divides_by_the_largest_singular_value():
    layer = BatchedLinear(3, 6, 4, stream())
    with torch.no_grad():
        layer.weight.mul_(torch.tensor([0.1, 1.0, 30.0]).view(3, 1, 1))
    original = copy.deepcopy(layer)
    normalised = SpectralNorm(layer, stream())
    X = normal(3, 5, 6)
    for _ in range(200):
        found = normalised(X)
    sizes = torch.from_numpy(norms(original)).float().view(3, 1, 1)
    expected = torch.baddbmm(original.bias, X, original.weight / sizes)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(layer.weight, original.weight)


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (Dense(normalization="layer"), (6,)),
        (Conv(channels=(4, 8)), (2, 8, 8)),
        (GRU(hidden_size=5), (4, 3)),
        (TCN(channels=(4, 4)), (4, 3)),
    ],
)
def test_every_layer_is_divided_when_training_ends(network, shape):
    module = SpectralNorm(network.encoder(2, shape, 3, generator=stream()), stream())
    X = normal(2, 5, *shape)
    for _ in range(300):
        while_training = module(X)
    module.eval()
    kinds = (BatchedLinear, nn.Linear, nn.Conv1d, nn.Conv2d)
    layers = [m for m in module.modules() if isinstance(m, kinds)]
    assert len(layers) >= 2
    for layer in layers:
        np.testing.assert_allclose(norms(layer), 1.0, rtol=1e-5)
    torch.testing.assert_close(module(X), while_training, rtol=1e-3, atol=1e-4)


def test_weights_are_divided_once():
    module = SpectralNorm(BatchedLinear(1, 4, 3, stream()), stream()).eval()
    divided = copy.deepcopy(module.state_dict())
    other = SpectralNorm(BatchedLinear(1, 4, 3, stream(5)), stream())
    other.load_state_dict(divided)
    other.eval()
    assert torch.equal(other.module.weight, divided["module.weight"])
    other.train()
    other(normal(1, 2, 4))
    with torch.no_grad():
        other.module.weight.mul_(3.0)
    other.eval()
    np.testing.assert_allclose(norms(other.module), 1.0, rtol=1e-5)


def test_gradient_is_orthogonal_to_the_weights():
    # What normalised weights compute does not depend on the weights' size.
    module = SpectralNorm(BatchedLinear(1, 4, 3, stream(), bias=False), stream())
    X = normal(1, 6, 4)
    for _ in range(300):
        loss = module(X).square().sum()
    loss.backward()
    weight = module.module.weight
    assert abs((weight * weight.grad).sum()) < 1e-3 * weight.grad.norm()
