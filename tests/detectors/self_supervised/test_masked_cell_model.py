"""MaskedCellModel: loss and score against the equations, row by row."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sklearn_deepod import MaskedCellModel
from sklearn_deepod.detectors._self_supervised._masked_cell_model import (
    diversity_losses,
)
from tests.conftest import QUICK, make_table

SMALL = {"hidden_layer_sizes": (12, 9), "latent_size": 6, "n_masks": 4}


def prepared(detector, X):
    return detector._for_members(detector._preprocess(X.copy()))


@pytest.fixture(scope="module")
def fitted():
    X, _ = make_table(60)
    return MaskedCellModel(novelty=True, **SMALL, **QUICK).fit(X), X


def apply(stack, i, x, slope):
    """Layers of stack i without additive terms, on one row; the last is linear."""
    for depth, layer in enumerate(stack.layers):
        x = x @ layer.weight[i]
        if depth < len(stack.layers) - 1:
            x = torch.where(x > 0, x, slope * x)
    return x


def masks_and_error(module, i, x):
    """Masks of one row before the sigmoid, and the mean length of its residuals."""
    logits, lengths = [], []
    for k in range(module.n_masks):
        logit = apply(module.generators, i * module.n_masks + k, x, slope=0.0)
        masked = x / (1 + (-logit).exp())
        code = apply(module.encoder, i, masked, slope=0.2)
        rebuilt = apply(module.decoder, i, code, slope=0.2)
        logits.append(logit)
        lengths.append(((rebuilt - x) ** 2).sum().sqrt())
    return logits, sum(lengths) / len(lengths)


def diversity(masks):
    """The loss of one row's masks, in two loops."""
    total = 0.0
    for k, mask in enumerate(masks):
        others = (
            math.exp(F.cosine_similarity(mask, other, dim=0).item() / 0.1)
            for j, other in enumerate(masks)
            if j != k
        )
        total += math.log(sum(others))
    return total / (len(masks) * math.log(len(masks)))


@pytest.mark.parametrize("weight", [0.0, 5.0])
def test_loss_is_the_papers(fitted, weight):
    detector, X = fitted
    Z = prepared(detector, X[:9])
    module = detector.net_.module_
    losing = MaskedCellModel(diversity_weight=weight)
    ((part, losses, _),) = losing._losses(module, Z, None)
    assert part is module
    for i in range(2):
        for j, z in enumerate(Z[i]):
            masks, error = masks_and_error(module, i, z)
            expected = error.item() + weight * diversity(masks)
            assert losses[i, j].item() == pytest.approx(expected, rel=1e-4)


def test_score_is_the_mean_error_over_the_members(fitted):
    detector, X = fitted
    Z = prepared(detector, X[:7])
    module = detector.net_.module_
    expected = np.mean(
        [[masks_and_error(module, i, z)[1].item() for z in Z[i]] for i in range(2)],
        axis=0,
    )
    np.testing.assert_allclose(-detector.score_samples(X[:7]), expected, rtol=1e-4)


class TestDiversity:
    @pytest.mark.parametrize("n_masks", [2, 3, 15])
    def test_equals_two_loops(self, n_masks):
        masks = torch.randn(
            2, n_masks, 3, 6, generator=torch.Generator().manual_seed(0)
        )
        found = diversity_losses(masks)
        assert found.shape == (2, 3)
        for i in range(2):
            for j in range(3):
                expected = diversity(masks[i, :, j])
                assert found[i, j].item() == pytest.approx(expected, rel=1e-4)

    def test_one_mask_has_none_to_differ_from(self):
        assert torch.equal(diversity_losses(torch.ones(2, 1, 3, 4)), torch.zeros(2, 3))
        X, _ = make_table(40)
        detector = MaskedCellModel(n_masks=1, **QUICK).fit(X)
        assert np.isfinite(detector.score_samples(X)).all()

    def test_training_drives_the_masks_apart(self):
        X, _ = make_table(100)

        def cosine(weight):
            detector = MaskedCellModel(
                diversity_weight=weight, novelty=True, n_estimators=1, random_state=0
            ).fit(X)
            logits, _ = detector.net_.module_(prepared(detector, X))
            unit = F.normalize(logits[0], dim=2)
            pairs = torch.einsum("knd,jnd->nkj", unit, unit)
            return (pairs.sum(dim=(1, 2)) - 15).mean().item() / (15 * 14)

        # No 15 vectors have a lower mean cosine than -1 / 14.
        assert cosine(5.0) < -0.8 / 14 < 0 < cosine(0.0)


def test_every_mask_has_a_generator_of_its_own(fitted):
    module = fitted[0].net_.module_
    weights = module.generators.layers[0].weight
    assert weights.shape == (2 * 4, 5, 5)
    assert len({tuple(w.flatten().tolist()) for w in weights}) == 8
    assert not any(name.endswith("bias") for name, _ in module.named_parameters())


def test_generators_of_wide_tables_are_bounded():
    X = np.random.RandomState(0).randn(30, 200)
    detector = MaskedCellModel(n_masks=2, **QUICK).set_params(max_steps=2).fit(X)
    sizes = [w.weight.shape[1:] for w in detector.net_.module_.generators.layers]
    assert sizes == [(200, 128), (128, 128), (128, 200)]
