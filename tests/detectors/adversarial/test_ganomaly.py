"""What is special to GANomaly; what it shares with AnoGAN is tested there."""

import numpy as np
import pytest
import torch

from sklearn_deepod import GANomaly
from tests.conftest import QUICK


def quick(**params):
    return GANomaly(**(QUICK | {"novelty": True, "max_steps": 40} | params))


def test_published_score(table):
    X, _ = table
    detector = quick().fit(X)
    parts = detector.net_.module_.generator
    Z = detector._for_members(detector._preprocess(X))
    with torch.no_grad():
        code = parts["encoder"](Z)
        again = parts["encoder_again"](parts["decoder"](code))
    difference = code.numpy().astype(np.float64) - again.numpy()
    score = np.abs(difference).mean(axis=(0, 2))
    np.testing.assert_allclose(detector.score_samples(X), -score, rtol=1e-4)


@pytest.mark.parametrize("weights", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (2.0, 3.0, 4.0)])
def test_published_losses(weights, table):
    names = ("adversarial_weight", "contextual_weight", "encoder_weight")
    detector = quick(max_steps=1, **dict(zip(names, weights, strict=True)))
    detector.fit(table[0])
    module = detector.net_.module_.eval()
    X = detector._for_members(detector._preprocess(table[0]))
    module.training = True  # of the whole, so that its layers stay as they are
    with torch.no_grad():
        steps = [losses for _, losses, _ in detector._losses(module, X, None)]
        code, rebuilt, again = module(X)
        (real, f_real), (fake, f_fake) = map(module.discriminator, (X, rebuilt))
    judge = -torch.sigmoid(real).log() - (1 - torch.sigmoid(fake)).log()
    expected = (
        weights[0] * (f_real - f_fake).square().mean(dim=2)
        + weights[1] * (X - rebuilt).abs().mean(dim=2)
        + weights[2] * (code - again).square().mean(dim=2)
    )
    torch.testing.assert_close(steps[0], judge, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(steps[1], expected, rtol=1e-4, atol=1e-5)


def test_the_second_encoder_learns_the_codes(table):
    X, y = table
    detector = quick(max_steps=300, batch_size=64).fit(X[y == 1])
    Z = detector._for_members(detector._preprocess(X[y == 1]))
    with torch.no_grad():
        code, _, again = detector.net_.module_(Z)
    assert (code - again).square().mean() < 0.05 * code.var()
