"""Score components against the same scores computed with numpy and scikit-learn."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

from sklearn_deepod._determinism import TrainingRows
from sklearn_deepod.detectors._neighbors._score_components import (
    FittingRows,
    InputNeighbors,
    LearnedNeighbors,
    Marginals,
    NeighborSmoothing,
    NetworkDistance,
    RobustCovariance,
)


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array)).float()


def fitting_rows(X, features=None, inliers=None, weight=None, n_references=1000):
    """Rows in the order in which they are given, as components are fitted on them."""
    rows = TrainingRows(X, weight)
    order = rows.positions
    features = None if features is None else tensor(features)[:, order]
    return FittingRows(
        rows=rows,
        values=tensor(X[order]),
        inliers=np.arange(len(rows)) if inliers is None else inliers,
        features=lambda index: features[:, index],
        n_references=n_references,
    )


def fitted(component, fitting):
    component.fit(fitting)
    return component


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(150, 3))


@pytest.fixture
def new():
    return np.random.default_rng(1).normal(size=(40, 3))


def test_network_distance_is_the_mean_length_of_the_features():
    features = tensor([[[3.0, 4.0]], [[0.0, 1.0]]])
    assert NetworkDistance()(None, features).tolist() == [[3.0]]


class TestRobustCovariance:
    def test_ignores_a_distant_group(self, X, new):
        dirty = np.concatenate([X, np.full((30, 3), 20.0)])
        dirty[-30:] += np.random.default_rng(2).normal(size=(30, 3))
        component = fitted(RobustCovariance(3), fitting_rows(dirty))
        scores = component(tensor(dirty), None).numpy().ravel()
        assert scores[-30:].min() > 3 * np.sort(scores[:-30])[-5]

    def test_ranks_as_the_density_of_a_normal_distribution(self):
        covariance = np.array([[1.0, 0.8, 0.0], [0.8, 1.0, 0.0], [0.0, 0.0, 0.5]])
        rng = np.random.default_rng(0)
        X = rng.multivariate_normal(np.zeros(3), covariance, size=4000)
        component = fitted(RobustCovariance(3), fitting_rows(X))
        scores = component(tensor(X[:500]), None).numpy().ravel()
        exact = -multivariate_normal(cov=covariance).logpdf(X[:500])
        ranks = np.argsort(np.argsort(scores)), np.argsort(np.argsort(exact))
        assert np.corrcoef(ranks)[0, 1] > 0.98

    def test_a_rare_category_is_not_infinitely_far_away(self, X):
        rare = np.arange(len(X)) < 5
        both = np.column_stack([X, rare])
        component = fitted(RobustCovariance(4), fitting_rows(both))
        scores = component(tensor(both), None).numpy().ravel()
        # 0.1 times the mean variance is the least that a category varies by.
        assert scores[rare].max() < 2 + 1 / np.sqrt(0.1 * 0.5)


class TestNeighbors:
    def test_distances_in_the_inputs(self, X, new):
        component = fitted(InputNeighbors((1, 4)), fitting_rows(X))
        distances, _ = NearestNeighbors(n_neighbors=4).fit(X).kneighbors(new)
        found = component(tensor(new), None).numpy()
        np.testing.assert_allclose(found, distances[:, [0, 3]], rtol=1e-3)
        assert component.names == ("input_neighbor_1", "input_neighbor_4")

    def test_a_training_row_is_not_its_own_neighbour(self, X):
        component = fitted(InputNeighbors((1,)), fitting_rows(X))
        distances, _ = NearestNeighbors(n_neighbors=1).fit(X).kneighbors()
        found = component(tensor(X), None).numpy()
        np.testing.assert_allclose(found, distances, rtol=1e-3)

    def test_only_inliers_are_references(self, X, new):
        inliers = np.arange(100)
        fitting = fitting_rows(X, inliers=inliers)
        component = fitted(InputNeighbors((2,)), fitting)
        kept = fitting.values[inliers].numpy()
        distances, _ = NearestNeighbors(n_neighbors=2).fit(kept).kneighbors(new)
        found = component(tensor(new), None).numpy()
        np.testing.assert_allclose(found[:, 0], distances[:, 1], rtol=1e-3)

    def test_learned_features_of_all_members_are_one_vector(self, X, new):
        scale = np.array([1.0, 3.0])[:, None, None]
        component = LearnedNeighbors(5)
        component.fit(fitting_rows(X, features=X * scale))
        found = component(None, tensor(new * scale)).numpy()
        nearest = NearestNeighbors(n_neighbors=5).fit(X)
        distances, places = nearest.kneighbors(new)
        own, _ = nearest.kneighbors()
        expected = np.sqrt(10) * distances[:, 0]
        np.testing.assert_allclose(found[:, 0], expected, rtol=1e-3)
        around = own.mean(axis=1)[places].mean(axis=1)
        expected = distances.mean(axis=1) / around
        np.testing.assert_allclose(found[:, 1], expected, rtol=1e-3)

    def test_density_finds_what_the_local_outlier_factor_finds(self):
        rng = np.random.default_rng(0)
        X = np.concatenate(
            [rng.normal(size=(200, 2)), 5 + 0.05 * rng.normal(size=(200, 2))]
        )
        new = np.array([[5.0, 5.0], [0.0, 0.0], [5.5, 5.5], [0.4, 0.4]])
        component = LearnedNeighbors(5)
        component.fit(fitting_rows(X, features=X[None]))
        density = component(None, tensor(new[None]))[:, 1].numpy()
        factor = LocalOutlierFactor(n_neighbors=5, novelty=True).fit(X)
        assert density.argmax() == (-factor.score_samples(new)).argmax() == 2

    def test_copies_have_a_spacing(self):
        X = np.array([[0.0], [0.1], [0.2], [5.0]]).repeat(5, axis=0)
        component = LearnedNeighbors(2)
        component.fit(fitting_rows(X, features=X[None]))
        assert torch.isfinite(component(None, tensor(X[None]))).all()

    def test_rows_of_weight_two_are_two_references(self, X, new):
        weight = np.random.default_rng(3).integers(1, 4, size=len(X)).astype(float)
        weighted = fitted(InputNeighbors((3,)), fitting_rows(X, weight=weight))
        repeated = np.repeat(X, weight.astype(int), axis=0)
        distances, _ = NearestNeighbors(n_neighbors=3).fit(repeated).kneighbors(new)
        found = weighted(tensor(new), None).numpy()[:, 0]
        np.testing.assert_allclose(found, distances[:, 2], rtol=1e-3)


class TestMarginals:
    def scores(self, train, test, weight=None):
        component = Marginals(["frequency", "tail"])
        component.n_largest = {"frequency": 1, "tail": 1}
        component.fit(fitting_rows(train, weight=weight))
        return component(tensor(test), None).numpy()

    def test_rare_values_of_a_discrete_feature(self):
        train = np.repeat([0.0, 1.0, 2.0], [70, 25, 5])[:, None]
        weight = np.ones(100)
        found = self.scores(train, np.array([[0.0], [1.0], [2.0], [1.5]]), weight)
        smoothed = (np.array([70, 25, 5, 0]) + 0.5) / 101
        mean = -(np.array([70, 25, 5]) / 100) @ np.log(smoothed[:3])
        np.testing.assert_allclose(found[:, 0], -np.log(smoothed) - mean, rtol=1e-5)

    def test_tails_of_a_discrete_feature(self):
        train = np.repeat([0.0, 1.0, 2.0], [70, 25, 5])[:, None]
        found = self.scores(train, train[[0, 70, 95]], np.ones(100))
        as_far = np.array([70, 30, 5])
        np.testing.assert_allclose(
            found[:, 1], -np.log((as_far + 0.5) / 101), rtol=1e-5
        )

    def test_a_gap_between_two_groups_is_rare_and_no_tail(self):
        rng = np.random.default_rng(0)
        train = np.concatenate([rng.normal(-5, 1, 500), rng.normal(5, 1, 500)])[:, None]
        found = self.scores(train, np.array([[0.0], [5.0]]))
        assert found[0, 0] > found[1, 0] + 2
        assert found[0, 1] < 1

    @pytest.mark.parametrize("sign", [-1.0, 1.0])
    def test_tails_grow_with_the_distance(self, sign):
        train = np.random.default_rng(0).normal(size=(1000, 1))
        found = self.scores(
            train, sign * np.array([[0.0], [2.0], [5.0], [50.0], [1e6]])
        )
        assert (np.diff(found[:, 1]) > 0.5).all()

    def test_tail_probabilities_of_a_normal_distribution(self):
        train = np.random.default_rng(0).normal(size=(5000, 1))
        found = self.scores(train, np.array([[1.0], [-2.0], [2.5]]))
        expected = -np.log([0.1587, 0.0228, 0.0062])
        np.testing.assert_allclose(found[:, 1], expected, atol=0.35)

    def test_means_of_the_most_unusual_features(self, X, new):
        component = fitted(Marginals(["frequency", "tail"]), fitting_rows(X))
        single = np.stack(
            [self.scores(X[:, [j]], new[:, [j]]) for j in range(3)], axis=1
        )
        ranked = np.sort(single, axis=1)
        expected = ranked[:, -1, 0], ranked[:, :, 1].mean(axis=1)
        found = component(tensor(new), None).numpy()
        np.testing.assert_allclose(found, np.transpose(expected), rtol=1e-4, atol=1e-4)

    def test_constant_features_are_usual(self):
        found = self.scores(np.zeros((50, 2)), np.zeros((1, 2)))
        np.testing.assert_allclose(found[0, 0], 0.0, atol=1e-6)


def test_smoothing_is_a_weighted_mean_of_the_scores_around():
    X = np.array([[0.0], [2.0], [6.0]])
    fitting = fitting_rows(X, weight=np.array([1.0, 2.0, 1.0]))
    scores = np.array([5.0, 1.0, 9.0])[fitting.rows.positions]
    smoothing = NeighborSmoothing()
    kernel = np.exp(-0.5)
    for n_nearby, beside in ((3, kernel), (2, 0.0)):
        smoothing.fit(fitting, scores, n_nearby)
        smoothing.bandwidth.fill_(2.0)
        weight, weighted = smoothing(tensor([[2.0]]))[0].tolist()
        # The row of weight 2 counts as two neighbours.
        assert weight == pytest.approx(2 + beside)
        assert weighted == pytest.approx(2 * 1.0 + beside * 5.0)


def test_empty_places_have_no_weight_in_the_smoothing():
    X = np.array([[0.0], [1.0], [2.0]])
    smoothing = NeighborSmoothing()
    smoothing.fit(fitting_rows(X), np.zeros(3), n_nearby=40)
    smoothing.bandwidth.fill_(1.0)
    weight, _ = smoothing(tensor([[1.0]]))[0].tolist()
    assert weight == pytest.approx(1 + 2 * np.exp(-0.5))
