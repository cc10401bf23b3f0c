"""Discriminators and their losses."""

import pytest
import torch

from sklearn_deepod._nn import Discriminator, discriminator_losses
from sklearn_deepod.networks import Dense


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(shape, generator=stream(seed))


@pytest.mark.parametrize("gain", [1.0, 10.0])
def test_discriminator_is_lipschitz(gain):
    judge = Discriminator(Dense(), 2, (6,), 8, stream(), gain=gain).eval()
    X, Y = normal(2, 50, 6), normal(2, 50, 6, seed=2)
    distance = (X - Y).norm(dim=2)
    assert ((judge(X)[1] - judge(Y)[1]).norm(dim=2) <= distance * 1.001).all()
    ratio = (judge(X)[0] - judge(Y)[0]).abs() / distance
    assert (ratio <= gain * 1.001).all()


@pytest.mark.parametrize("code_size", [0, 3])
def test_discriminator_losses(code_size):
    judge = Discriminator(Dense(), 2, (6,), 8, stream(), code_size=code_size).eval()
    real = [normal(2, 5, 6), normal(2, 5, 3)][: 1 + bool(code_size)]
    fake = [normal(2, 5, 6, seed=2), normal(2, 5, 3, seed=3)][: 1 + bool(code_size)]
    chance_real = torch.sigmoid(judge(*real)[0])
    chance_fake = torch.sigmoid(judge(*fake)[0])
    expected = -torch.log(chance_real) - torch.log(1 - chance_fake)
    found = discriminator_losses(judge, real, fake)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
