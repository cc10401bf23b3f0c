"""LUNAR: its neighbours, what it learns of them, and how it orders rows."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from sklearn_deepod import LUNAR
from sklearn_deepod.detectors._neighbors import _lunar
from sklearn_deepod.detectors._neighbors._lunar import References
from tests.conftest import QUICK, make_table


def brute_distances(rows, count, X, n_neighbors):
    """From references that are repeated, one at distance zero left out."""
    repeated = np.repeat(rows, count.astype(int), axis=0)
    result = []
    for x in X:
        distance = np.sort(np.sqrt(((repeated - x) ** 2).sum(axis=1)))
        distance = distance[1:] if distance[0] == 0 else distance
        filled = np.full(n_neighbors, distance[-1] if len(distance) else 0.0)
        filled[: len(distance)] = distance[:n_neighbors]
        result.append(filled)
    return np.array(result)


def distances(rows, count, X, n_neighbors):
    """What `References` finds, as an array."""
    rows, X = (torch.as_tensor(np.asarray(a)).float() for a in (rows, X))
    return References(*rows.shape, n_neighbors).fill(rows, count)(X).numpy()


class TestReferences:
    @pytest.mark.parametrize("n_features", [2, 30])
    @pytest.mark.parametrize("n_neighbors", [1, 5, 300])
    def test_distances(self, n_features, n_neighbors):
        rng = np.random.RandomState(0)
        rows = rng.randn(200, n_features)
        count = rng.randint(1, 4, size=200).astype(float)
        X = np.r_[rows[:50], rng.randn(50, n_features)]
        found = distances(rows, count, X, n_neighbors)
        expected = brute_distances(rows, count, X, n_neighbors)
        if n_neighbors > 200:  # the last of the distinct ones is repeated
            found, expected = found[:, :190], expected[:, :190]
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    def test_training_rows_leave_themselves_out(self):
        rows = np.random.RandomState(0).randn(100, 3)
        search = NearestNeighbors(n_neighbors=4).fit(rows)
        expected, _ = search.kneighbors()  # of each row, without itself
        found = distances(rows, np.ones(100), rows, 4)
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    def test_a_row_that_is_there_twice_has_itself_once(self):
        rows, count = np.array([[0.0], [1.0], [3.0]]), np.array([2.0, 1.0, 1.0])
        found = distances(rows, count, np.array([[0.0], [1.0], [2.0]]), 2)
        assert found.tolist() == [[0.0, 1.0], [1.0, 1.0], [1.0, 1.0]]

    def test_fewer_references_than_neighbours(self):
        X = np.array([[0.0, 0.0], [3.0, 4.0]])
        found = distances(np.zeros((1, 2)), np.ones(1), X, 3)
        assert found.tolist() == [[0.0] * 3, [5.0] * 3]

    @pytest.mark.parametrize("n_features", [3, 60])
    def test_the_batch_does_not_matter(self, n_features):
        rows, X = np.random.RandomState(0).randn(2, 3000, n_features)
        rows, X = torch.tensor(rows).float(), torch.tensor(X).float()
        references = References(*rows.shape, 5).fill(rows, np.ones(3000))
        expected = references(X)
        for part in (slice(0, 1), slice(3, 260), slice(400, 3000), [699, 0]):
            assert torch.equal(references(X[part]), expected[part])

    def test_far_from_zero_small_distances_are_kept(self):
        rows = 1e4 + np.random.RandomState(0).randn(200, 3).astype(np.float32)
        found = distances(rows, np.ones(200), rows, 2)
        expected = brute_distances(rows.astype(float), np.ones(200), rows, 2)
        np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_with_one_neighbour_rows_are_ordered_by_its_distance(activation):
    X, _ = make_table(600)
    detector = LUNAR(
        n_neighbors=1,
        negative_samples="uniform",
        activation=activation,
        novelty=True,
        random_state=0,
    ).fit(X[:300])
    Z = detector.preprocessor_.transform(X).astype(float)
    distance, _ = NearestNeighbors(n_neighbors=1).fit(Z[:300]).kneighbors(Z[300:])
    order = spearmanr(-detector.score_samples(X[300:]), distance.ravel())
    assert order.statistic > 0.999
    among, _ = NearestNeighbors(n_neighbors=1).fit(Z[:300]).kneighbors()
    order = spearmanr(-detector.score_samples(X[:300]), among.ravel())
    assert order.statistic > 0.99


def test_with_more_neighbours_the_order_is_close_to_theirs():
    X, y = make_table(600)
    detector = LUNAR(n_neighbors=5, novelty=True, random_state=0).fit(X[:300])
    Z = detector.preprocessor_.transform(X).astype(float)
    distance, _ = NearestNeighbors(n_neighbors=5).fit(Z[:300]).kneighbors(Z[300:])
    scores = -detector.score_samples(X[300:])
    assert spearmanr(scores, distance.mean(axis=1)).statistic > 0.9
    assert roc_auc_score(y[300:] == -1, scores) > 0.95


def test_scores_go_on_rising_far_away():
    X, _ = make_table()
    detector = LUNAR(random_state=0).fit(X)
    far = X[:1] + np.outer([10.0, 30.0, 100.0, 1e6], np.ones(5))
    assert (np.diff(detector.score_samples(far)) < 0).all()


def test_loss_is_the_squared_error_of_the_sigmoid():
    X, _ = make_table()
    detector = LUNAR(novelty=True, **QUICK).fit(X)
    module = detector.net_.module_
    Z = detector._for_members(detector._preprocess(X.copy()))
    ((part, losses, _),) = detector._losses(module, Z, None)
    assert part is module

    def sigmoid(values):
        return 1 / (1 + np.exp(-values.detach().double().numpy()))

    missed = (
        1 - sigmoid(module.anomaly_scores(detector._for_members(module.negatives)))
    ) ** 2
    expected = sigmoid(module.anomaly_scores(Z)) ** 2 + missed.mean(
        axis=1, keepdims=True
    )
    np.testing.assert_allclose(losses.detach(), expected, rtol=1e-4)


def test_training_tells_artificial_outliers_from_rows():
    X, y = make_table(400)
    X = X[y == 1]
    detector = LUNAR(novelty=True, random_state=0).fit(X)
    module = detector.net_.module_
    rows, made = detector._preprocess(X.copy()), module.negatives
    with torch.no_grad():
        scores = module.anomaly_scores(
            detector._for_members(torch.cat([rows, made]))
        ).mean(dim=0)
    truth = np.arange(len(scores)) >= len(rows)
    # As well as the mean distance, one of the weightings that are fixed elsewhere.
    fixed = roc_auc_score(truth, torch.cat([rows, made]).mean(dim=1))
    assert 0.7 < fixed - 0.005 < roc_auc_score(truth, scores)


def test_references_of_a_large_table_are_a_sample():
    rng = np.random.RandomState(0)
    X = rng.randn(3000, 3)
    X[:30] = rng.uniform(-8, 8, (30, 3))
    detector = LUNAR(max_references=200, **QUICK).set_params(max_steps=60).fit(X)
    assert detector.references_.n_references == 200
    assert roc_auc_score(np.arange(3000) >= 30, detector.score_samples(X)) > 0.95
    # A heavy row comes up in the sample, as often as its weight asks for.
    weight = np.r_[3000.0, np.ones(2999)]
    detector.set_params(novelty=True).fit(X, sample_weight=weight)
    count = detector.references_.nearest.count[: detector.references_.n_references]
    assert count.sum() == 200
    assert count.max().item() == pytest.approx(100, abs=1)


def test_wide_tables_have_fewer_references(monkeypatch):
    monkeypatch.setattr(_lunar, "_MOST_CELLS", 2_000)
    X = np.random.default_rng(0).normal(size=(60, 100))
    assert LUNAR(**QUICK).fit(X).references_.n_references == 20
    explicit = LUNAR(max_references=30, **QUICK).fit(X)
    assert explicit.references_.n_references == 30


def test_weights_are_repeated_rows():
    X, _ = make_table()
    weight = np.random.RandomState(0).randint(1, 4, size=len(X)).astype(float)
    weighted = LUNAR(**QUICK).fit(X, sample_weight=weight)
    repeated = LUNAR(**QUICK).fit(np.repeat(X, weight.astype(int), axis=0))
    np.testing.assert_array_equal(weighted.score_samples(X), repeated.score_samples(X))


def test_references_are_kept_when_training_goes_on():
    X, _ = make_table()
    detector = LUNAR(**QUICK).partial_fit(X[:100])
    before = detector.references_
    assert detector.partial_fit(X[100:]).references_ is before
    warm = LUNAR(warm_start=True, **QUICK).fit(X)
    before = warm.references_
    assert warm.fit(X).references_ is before
    assert not hasattr(warm, "_negatives")


@pytest.mark.parametrize("kind", ["mixed", "uniform", "subspace"])
@pytest.mark.parametrize("shape", [(5,), (3, 2), (1, 3, 3)])
def test_kinds_of_negatives_and_shapes_of_rows(kind, shape):
    X = np.random.RandomState(0).randn(80, *shape)
    X[:3] *= 20
    detector = LUNAR(negative_samples=kind, epsilon=0.3, early_stopping=True, **QUICK)
    scores = detector.set_params(max_steps=60).fit(X).score_samples(X)
    assert scores[:3].max() < np.median(scores)
    assert "valid_loss" in detector.history_[0]
