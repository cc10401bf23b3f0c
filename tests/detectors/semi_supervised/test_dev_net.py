"""DevNet: its loss and scores against the formula, and what labels do."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from sklearn_deepod import DeepSVDD, DevNet
from tests.conftest import QUICK, make_table


def labelled(n_outliers=8):
    X, truth = make_table(300)
    y = np.zeros(300, dtype=int)
    y[np.flatnonzero(truth == -1)[:n_outliers]] = -1
    y[np.flatnonzero(truth == 1)[:20]] = 1
    return X, y, truth


def deviations_of(detector, X):
    Z = detector._for_members(detector._preprocess(X.copy()))
    with torch.no_grad():
        return Z, detector.net_.module_(Z).double().numpy()


@pytest.mark.parametrize("margin", [5.0, 2.0])
def test_loss_is_the_papers(margin):
    X, y, _ = labelled()
    detector = DevNet(margin=margin, novelty=True, **QUICK).fit(X, y)
    Z, deviation = deviations_of(detector, X)
    labels = torch.from_numpy(y).expand(2, -1)
    module = detector.net_.module_
    ((part, losses, spared),) = detector._losses(module, Z, None, labels)
    assert part is module
    outlier = (y == -1).astype(float)
    expected = (1 - outlier) * np.abs(deviation)
    expected = expected + outlier * np.maximum(0.0, margin - deviation)
    np.testing.assert_allclose(losses.detach(), expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(spared, labels != 0)


@pytest.mark.parametrize("score_function", ["absolute", "deviation"])
@pytest.mark.parametrize("hidden", [(), (12,)])
def test_score_is_the_deviation_of_a_rectified_code(hidden, score_function):
    X, y, _ = labelled()
    detector = DevNet(
        hidden_layer_sizes=hidden,
        score_function=score_function,
        n_reference_scores=10,
        **QUICK,
    )
    module = detector.fit(X, y).net_.module_
    h = detector._preprocess(X.copy()).double().numpy()
    for layer in (*module.encoder.layers, module.head):
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        h = h @ weight + bias
        h = h if layer is module.head else np.maximum(h, 0.0)
    mean, std = module.reference_mean.numpy(), module.reference_std.numpy()
    deviation = (h[..., 0] - mean) / std
    expected = np.abs(deviation) if score_function == "absolute" else deviation
    scores = detector.score_samples(X)
    np.testing.assert_allclose(scores, -expected.mean(axis=0), rtol=1e-3, atol=1e-5)


def test_reference_is_standard_normal_and_drawn_for_each_member():
    X, y, _ = labelled()
    module = DevNet(**QUICK).fit(X, y).net_.module_
    assert module.reference_mean.abs().max() < 4 / np.sqrt(5000)
    assert (module.reference_std - 1).abs().max() < 4 / np.sqrt(10000)
    assert module.reference_mean[0] != module.reference_mean[1]


def test_known_outliers_reach_the_margin_and_the_others_stay_near_zero():
    X, y, truth = labelled()
    detector = DevNet(novelty=True, max_steps=500, lr=0.01, random_state=0).fit(X, y)
    _, deviation = deviations_of(detector, X)
    deviation = deviation.mean(axis=0)
    assert deviation[y == -1].min() > 4.5
    assert np.median(np.abs(deviation[truth == 1])) < 0.3
    scores = -detector.score_samples(X)
    assert scores[y == -1].min() > np.quantile(scores[truth == 1], 0.99)


def test_labels_help_to_find_outliers_of_their_kind():
    rng = np.random.RandomState(0)

    def rows(n, shift):  # outliers lie on one side of two features
        return rng.randn(n, 8) + shift * np.array([1, 1, 0, 0, 0, 0, 0, 0])

    X = np.vstack([rows(500, 0.0), rows(10, 1.7)])
    y = np.repeat([0, -1], [500, 10])
    test = np.vstack([rows(300, 0.0), rows(100, 1.7)])
    truth = np.repeat([1, -1], [300, 100])
    params = {"random_state": 0, "novelty": True}
    without = DeepSVDD(**params).fit(X[:500]).score_samples(test)
    with_labels = DevNet(**params).fit(X, y).score_samples(test)
    gain = roc_auc_score(truth, with_labels) - roc_auc_score(truth, without)
    assert gain > 0.05


@pytest.mark.parametrize("shape", [(6, 2), (1, 8, 8)])
def test_without_known_outliers_artificial_ones_take_their_place(shape):
    X, truth = make_table(300)
    params = QUICK | {"lr": 0.03, "max_steps": 60}
    unlabelled = DevNet(**params).fit(X)
    assert roc_auc_score(truth, unlabelled.score_samples(X)) > 0.9
    same = DevNet(**params).fit(X, np.zeros(300)).score_samples(X)
    np.testing.assert_array_equal(same, unlabelled.score_samples(X))
    network = "conv" if len(shape) == 3 else "gru"
    X = np.random.RandomState(0).randn(60, *shape)
    X[:3] += 10
    scores = DevNet(network=network, **params).fit(X).score_samples(X)
    assert scores[:3].max() < np.median(scores)


def test_artificial_outliers_ignore_labels():
    X, y, _ = labelled()
    ignored = DevNet(outliers="artificial", **QUICK)
    scores = ignored.fit(X, np.full(300, "anything")).score_samples(X)
    np.testing.assert_array_equal(scores, DevNet(**QUICK).fit(X).score_samples(X))
    assert not np.array_equal(scores, DevNet(**QUICK).fit(X, y).score_samples(X))


def test_a_known_outlier_of_weight_zero_is_none():
    X, y, _ = labelled(n_outliers=1)
    y[y == 1] = 0
    weight = np.where(y == -1, 0.0, 1.0)
    found = DevNet(**QUICK).fit(X, y, sample_weight=weight).score_samples(X)
    expected = DevNet(**QUICK).fit(X[y == 0]).score_samples(X)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("novelty", [True, False])
def test_fit_is_a_function_of_the_labelled_rows(novelty):
    X, y, _ = labelled()
    params = QUICK | {"novelty": novelty}
    order = np.random.RandomState(0).permutation(len(X))
    first = DevNet(**params).fit(X, y).score_samples(X)
    again = DevNet(**params).fit(X[order], y[order]).score_samples(X)
    np.testing.assert_array_equal(again, first)


def test_labels_in_partial_fit_and_early_stopping():
    X, y, truth = labelled()
    detector = DevNet(**QUICK)
    detector.partial_fit(X[:150], y[:150]).partial_fit(X[150:], y[150:])
    plain = DevNet(**QUICK)
    plain.partial_fit(X[:150]).partial_fit(X[150:])
    assert not np.array_equal(detector.score_samples(X), plain.score_samples(X))
    stopped = DevNet(early_stopping=True, novelty=True, **(QUICK | {"max_steps": 40}))
    assert "valid_loss" in stopped.fit(X, y).history_[0]


def test_trimming_takes_no_more_of_the_unlabelled_rows():
    X, y, _ = labelled()
    assert DevNet(**QUICK).fit(X)._trimmed_share() == pytest.approx(0.2)
    assert DevNet(**QUICK).fit(X, y)._trimmed_share() == pytest.approx(0.1)
