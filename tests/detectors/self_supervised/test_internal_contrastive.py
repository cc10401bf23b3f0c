"""InternalContrastive: windows, loss and score against the equations, row by row."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sklearn_deepod import InternalContrastive
from sklearn_deepod.detectors._self_supervised._internal_contrastive import (
    contrastive_losses,
    window_features,
    window_size_for,
)
from tests.conftest import QUICK, make_table

SMALL = {"window_size": 2, "latent_size": 8, "temperature": 0.2}


@pytest.fixture(scope="module")
def fitted():
    X, _ = make_table(60)
    return InternalContrastive(novelty=True, **SMALL, **QUICK).fit(X), X


def leaky(h):
    return torch.where(h > 0, h, 0.2 * h)


def unit_vectors(encoder, i, windows, activations, n_normalised):
    """One member's vectors of the windows of one row, in scoring."""
    vectors = []
    for place, h in enumerate(windows):
        for depth, layer in enumerate(encoder.layers):
            h = activations[depth](h @ layer.weight[i] + layer.bias[i, 0])
            if depth < n_normalised:
                norm = encoder.norms[depth]
                mean, variance = norm.mean[i, 0, place], norm.variance[i, 0, place]
                h = (h - mean) / (variance + 1e-5).sqrt()
                h = h * norm.weight[i, 0, place] + norm.bias[i, 0, place]
        vectors.append(h / h.square().sum().sqrt())
    return vectors


def row_loss(detector, i, x):
    """The loss of a prepared row of five features under member i."""
    module = detector.net_.module_
    x = x[torch.from_numpy(detector.feature_order_[i])]
    windows = [x[start : start + 2] for start in range(4)]
    rests = [torch.cat([x[:start], x[start + 2 :]]) for start in range(4)]
    f = unit_vectors(module.rest_encoder, i, rests, (torch.tanh, leaky, leaky), 2)
    g = unit_vectors(module.window_encoder, i, windows, (leaky,) * 3, 1)
    losses = []
    for k in range(4):
        logits = torch.stack([f[k] @ other / detector.temperature for other in g])
        losses.append(-torch.log_softmax(logits, dim=0)[k])
    return sum(losses) / 4


def test_loss_and_score_are_the_papers(fitted):
    detector, X = fitted
    Z = detector._for_members(detector._preprocess(X[:9].copy()))
    module = detector.net_.module_
    with torch.no_grad():
        ((part, losses, _),) = detector._losses(module, Z, None)
        expected = [[row_loss(detector, i, z) for z in Z[i]] for i in range(2)]
    assert part is module
    torch.testing.assert_close(losses, torch.tensor(expected), rtol=1e-4, atol=1e-5)
    scores = np.mean(expected, axis=0)
    np.testing.assert_allclose(-detector.score_samples(X[:9]), scores, rtol=1e-4)


def test_loss_is_a_cross_entropy():
    generator = torch.Generator().manual_seed(0)
    f, g = F.normalize(torch.randn(2, 2, 3, 6, 5, generator=generator), dim=4)
    logits = torch.einsum("mnid,mnjd->mnij", f, g) / 0.3
    target = torch.arange(6).expand(2, 3, 6)
    expected = F.cross_entropy(
        logits.flatten(0, 2), target.flatten(), reduction="none"
    ).view(2, 3, 6)
    found = contrastive_losses(f, g, 0.3)
    torch.testing.assert_close(found, expected.mean(dim=2))


class TestWindows:
    @pytest.mark.parametrize(
        ("n_features", "expected"),
        [(2, 1), (3, 2), (39, 2), (40, 10), (160, 10), (161, 11), (400, 250)],
    )
    def test_sizes_are_the_papers(self, n_features, expected):
        assert window_size_for(n_features) == expected

    @pytest.mark.parametrize(
        ("n_features", "size"), [(2, 1), (5, 2), (41, 10), (100, 10), (300, 150)]
    )
    def test_window_and_rest_part_the_features(self, n_features, size):
        windows, rests = window_features(n_features, size, 40)
        assert windows.shape[1] == size
        assert len(windows) == len(rests) == min(40, n_features - size + 1)
        for window, rest in zip(windows, rests, strict=True):
            start = window[0].item()
            assert window.tolist() == list(range(start, start + size))
            others = set(range(n_features)) - set(window.tolist())
            assert rest.tolist() == sorted(others)

    def test_all_where_there_are_few_else_at_equal_distances_to_both_ends(self):
        windows, _ = window_features(12, 3, 40)
        assert windows[:, 0].tolist() == list(range(10))
        windows, _ = window_features(103, 3, 11)
        assert windows[:, 0].tolist() == list(range(0, 101, 10))

    def test_wide_tables_get_fewer(self):
        detector = InternalContrastive(window_size=5, n_estimators=1)
        module = detector._build_module((20_000,), torch.Generator())
        assert module.windows.shape == (6, 5)
        assert module.rests.shape == (6, 19_995)

    def test_max_windows(self):
        X, _ = make_table(30)
        module = InternalContrastive(max_windows=2, **QUICK).fit(X).net_.module_
        assert module.windows.tolist() == [[0, 1], [3, 4]]


def test_every_member_has_an_order_of_its_own(fitted):
    detector, X = fitted
    order = detector.feature_order_
    assert order.shape == (2, 5)
    np.testing.assert_array_equal(np.sort(order, axis=1), np.tile(np.arange(5), (2, 1)))
    assert not np.array_equal(order[0], order[1])
    longer = InternalContrastive(novelty=True, **SMALL, **(QUICK | {"max_steps": 30}))
    np.testing.assert_array_equal(longer.fit(X).feature_order_, order)


def test_scores_do_not_see_the_batch(fitted):
    detector, X = fitted
    scores = detector.score_samples(X)
    far = np.vstack([X[:5], np.full((3, 5), 1e3)])
    np.testing.assert_array_equal(detector.score_samples(far)[:5], scores[:5])


def test_held_out_losses_are_the_scores():
    # More rows than are scored in one part.
    X, _ = make_table(300)
    detector = InternalContrastive(novelty=True, **QUICK).fit(X)
    Z = detector._for_members(detector._preprocess(X.copy()))
    with torch.inference_mode():
        ((_, losses, _),) = detector._losses(detector.net_.module_, Z, None)
    np.testing.assert_allclose(
        losses.mean(dim=0), -detector.score_samples(X), rtol=1e-5
    )


def test_one_feature_gets_a_second_that_is_zero():
    X = np.random.RandomState(0).randn(40, 1)
    detector = InternalContrastive(**QUICK).fit(X)
    assert detector.feature_order_.shape == (2, 2)
    assert np.isfinite(detector.score_samples(X)).all()


@pytest.mark.parametrize("window_size", [5, 9])
def test_refuses_windows_that_leave_nothing(window_size):
    X, _ = make_table(40)
    detector = InternalContrastive(window_size=window_size, **QUICK)
    with pytest.raises(ValueError, match="Give at most 4, or 'auto'") as raised:
        detector.fit(X)
    assert f"window_size={window_size}" in str(raised.value)
    assert "5 features" in str(raised.value)
    detector.set_params(window_size=4).fit(X)
    assert detector.net_.module_.windows.shape == (2, 4)
