"""DecomposedRepresentation: loss and score against the equations, row by row."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sklearn_deepod import DecomposedRepresentation
from sklearn_deepod.detectors._self_supervised._decomposed_representation import (
    mean_cosine,
)
from tests.conftest import QUICK, make_table

SMALL = {"hidden_layer_sizes": (12, 9), "latent_size": 8, "n_basis_vectors": 3}


@pytest.fixture(scope="module")
def fitted():
    X, _ = make_table(60)
    detector = DecomposedRepresentation(novelty=True, **SMALL, **QUICK).fit(X)
    return detector, X


def apply(stack, i, x, activate_last=False):
    """Layers of member i without additive terms, on one row."""
    for depth, layer in enumerate(stack.layers):
        x = x @ layer.weight[i]
        if activate_last or depth < len(stack.layers) - 1:
            x = torch.where(x > 0, x, 0.2 * x)
    return x


def decomposition(module, i, x):
    """Code and weights of one row, and how far the code is from its mean."""
    code = apply(module.encoder, i, x, activate_last=True)
    logits = apply(module.weigher, i, x).exp()
    weights = logits / logits.sum()
    expected = sum(w * b for w, b in zip(weights, module.basis[i], strict=True))
    return code, weights, ((code - expected) ** 2).sum()


def test_loss_is_the_papers(fitted):
    detector, X = fitted
    Z = detector._for_members(detector._preprocess(X.copy()))
    module = detector.net_.module_
    ((part, losses, _),) = detector._losses(module, Z, None)
    assert part is module
    for i in range(2):
        rows = [decomposition(module, i, z) for z in Z[i]]
        for j, (code, weights, distance) in enumerate(rows):
            cosines = [F.cosine_similarity(weights, v, dim=0) for _, v, _ in rows]
            separation = (sum(cosines) - cosines[j]) / (len(rows) - 1)
            back = apply(module.decoder, i, code)
            alignment = 1 - F.cosine_similarity(back, Z[i, j], dim=0)
            expected = distance + 0.06 * separation + 0.1 * alignment
            torch.testing.assert_close(losses[i, j], expected, rtol=1e-4, atol=1e-5)


def test_score_is_the_mean_distance_over_the_members(fitted):
    detector, X = fitted
    Z = detector._preprocess(X[:7].copy())
    module = detector.net_.module_
    expected = [
        np.mean([decomposition(module, i, z)[2].item() for i in range(2)]) for z in Z
    ]
    np.testing.assert_allclose(-detector.score_samples(X[:7]), expected, rtol=1e-4)


def test_weights_of_the_losses():
    X, _ = make_table(40)
    detectors = [
        DecomposedRepresentation(
            separation_weight=separation, alignment_weight=alignment, **SMALL, **QUICK
        ).fit(X)
        for separation, alignment in [(0.0, 0.0), (2.0, 0.0), (0.0, 3.0)]
    ]
    module = detectors[0].net_.module_
    Z = detectors[0]._for_members(detectors[0]._preprocess(X.copy()))
    (plain,), (separated,), (aligned,) = (
        [losses for _, losses, _ in d._losses(module, Z, None)] for d in detectors
    )
    code, weights = module(Z)
    torch.testing.assert_close(plain, module.distances(code, weights))
    torch.testing.assert_close(separated - plain, 2 * mean_cosine(weights))
    cosine = F.cosine_similarity(module.decoder(code), Z, dim=2)
    torch.testing.assert_close(aligned - plain, 3 * (1 - cosine))


def test_a_row_alone_has_none_to_be_separated_from():
    assert mean_cosine(torch.tensor([[[0.2, 0.8]]])).abs().item() < 1e-6


def test_vectors_are_orthonormal_fixed_and_each_members_own(fitted):
    detector, X = fitted
    basis = detector.basis_
    assert basis.shape == (2, 3, 8)
    for vectors in basis:
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(3), atol=1e-6)
    assert not np.allclose(basis[0], basis[1])
    longer = DecomposedRepresentation(
        novelty=True, **SMALL, **(QUICK | {"max_steps": 40})
    )
    np.testing.assert_array_equal(longer.fit(X).basis_, basis)
    np.testing.assert_array_equal(longer.partial_fit(X).basis_, basis)


def test_nothing_comes_of_nothing(fitted):
    module = fitted[0].net_.module_
    code, weights = module(torch.zeros(2, 4, 5))
    assert (code == 0).all()
    torch.testing.assert_close(weights, torch.full((2, 4, 3), 1 / 3))


def test_refuses_more_vectors_than_dimensions():
    X, _ = make_table(40)
    detector = DecomposedRepresentation(n_basis_vectors=9, latent_size=8)
    with pytest.raises(ValueError, match=r"n_basis_vectors=9 .* latent_size=8"):
        detector.fit(X)
    detector.set_params(n_basis_vectors=8, max_steps=2).fit(X)
    assert detector.basis_.shape == (4, 8, 8)
