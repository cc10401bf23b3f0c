"""Deep SAD: its loss, and what labels do."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from sklearn_deepod import DeepSAD, DeepSVDD
from tests.conftest import QUICK, make_table


def labelled(n_outliers=6):
    X, truth = make_table(300)
    y = np.zeros(300, dtype=int)
    y[np.flatnonzero(truth == -1)[:n_outliers]] = -1
    y[np.flatnonzero(truth == 1)[:20]] = 1
    return X, y, truth


def fit(X, y=None, **params):
    return DeepSAD(**(QUICK | params)).fit(X, y)


def test_no_labels_are_all_unlabelled():
    X, _ = make_table()
    np.testing.assert_array_equal(
        fit(X).score_samples(X), fit(X, np.zeros(len(X))).score_samples(X)
    )


def test_eta_of_zero_ignores_labels():
    X, y, _ = labelled()
    ignored = fit(X, np.full(len(X), "anything"), eta=0)
    np.testing.assert_array_equal(
        ignored.score_samples(X), fit(X, eta=0).score_samples(X)
    )
    assert not np.array_equal(fit(X, y).score_samples(X), ignored.score_samples(X))


def test_loss_is_the_papers():
    X, y, _ = labelled()
    detector = fit(X, y, eta=3.0, novelty=True)
    Z = detector._for_members(detector._preprocess(X.copy()))
    labels = torch.from_numpy(y).expand(2, -1)
    module = detector.net_.module_
    ((part, losses, spared),) = detector._losses(module, Z, None, labels)
    assert part is module.encoder
    distances = (module(Z) - module.center).square().sum(dim=2)
    expected = torch.where(labels == 1, 3 * distances, distances)
    expected = torch.where(labels == -1, 3 / (distances + 1e-6), expected)
    torch.testing.assert_close(losses, expected)
    assert torch.equal(spared, labels != 0)


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
    with_labels = DeepSAD(**params).fit(X, y).score_samples(test)
    gain = roc_auc_score(truth, with_labels) - roc_auc_score(truth, without)
    assert gain > 0.03


@pytest.mark.parametrize("novelty", [True, False])
def test_fit_is_a_function_of_the_labelled_rows(novelty):
    X, y, _ = labelled()
    order = np.random.RandomState(0).permutation(len(X))
    first = fit(X, y, novelty=novelty).score_samples(X)
    np.testing.assert_array_equal(
        fit(X[order], y[order], novelty=novelty).score_samples(X), first
    )
    twice = np.r_[order, order[:50]]
    weight = np.ones(len(X))
    weight[order[:50]] = 2
    weighted = DeepSAD(novelty=novelty, **QUICK).fit(X, y, sample_weight=weight)
    repeated = fit(X[twice], y[twice], novelty=novelty)
    np.testing.assert_array_equal(weighted.score_samples(X), repeated.score_samples(X))


def test_labels_in_partial_fit_and_early_stopping():
    X, y, _ = labelled()
    detector = DeepSAD(**QUICK)
    detector.partial_fit(X[:150], y[:150]).partial_fit(X[150:], y[150:])
    plain = DeepSAD(**QUICK)
    plain.partial_fit(X[:150]).partial_fit(X[150:])
    assert not np.array_equal(detector.score_samples(X), plain.score_samples(X))
    stopped = fit(X, y, early_stopping=True, novelty=True, max_steps=40)
    assert np.isfinite(stopped.score_samples(X)).all()
    assert "valid_loss" in stopped.history_[0]
