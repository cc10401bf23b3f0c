"""DeepOutlierDetector: how components become a score, and what is kept of a fit."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors

from sklearn_deepod import AutoEncoder, DeepOutlierDetector
from sklearn_deepod._determinism import PickedRows, TrainingRows
from sklearn_deepod._stats import (
    asinh_z_score,
    negative_log_tail_probability,
    robust_location_and_scale,
)
from sklearn_deepod.detectors._neighbors import _deep_outlier_detector as source
from sklearn_deepod.detectors._neighbors import _reference_index
from sklearn_deepod.detectors._neighbors._component_scorer import (
    N_NEARBY,
    ComponentScorer,
)
from tests.conftest import make_table

NETWORKS = AutoEncoder(max_steps=20, n_estimators=2)


def fitted(X, *, sample_weight=None, **params):
    params = {"autoencoder": NETWORKS, "random_state": 0} | params
    return DeepOutlierDetector(**params).fit(X, sample_weight=sample_weight)


def measured(detector, X):
    return detector._apply(np.asarray(X, dtype=float), ComponentScorer.scores)


def mean_of_three_largest(components):
    return np.sort(components, axis=1)[:, -3:].mean(axis=1)


def z(scores):
    center, spread = robust_location_and_scale(scores)
    return (scores - center) / spread


@pytest.fixture(scope="module")
def novelty():
    """Fitted on inliers, with the rows it was fitted on."""
    X, y = make_table()
    return fitted(X[y == 1], novelty=True), X[y == 1]


@pytest.fixture(scope="module")
def dirty():
    """Fitted on rows that hold outliers, with these rows."""
    X, _ = make_table()
    return fitted(X), X


class TestScores:
    def test_novelty_compares_log_tail_probabilities(self, novelty):
        detector, X = novelty
        new, _ = make_table(50, seed=4)
        pairs = zip(measured(detector, new).T, measured(detector, X).T, strict=True)
        expected = np.transpose(
            [negative_log_tail_probability(*pair) for pair in pairs]
        )
        np.testing.assert_allclose(detector.score_components(new), expected)
        np.testing.assert_allclose(
            -detector.score_samples(new), mean_of_three_largest(expected)
        )

    def test_else_robust_z_scores_are_smoothed(self, dirty):
        detector, X = dirty
        columns = measured(detector, X).T
        components = [asinh_z_score(m, m, linear_width=1.0) for m in columns]
        np.testing.assert_allclose(
            detector.score_components(X), np.transpose(components)
        )
        own = mean_of_three_largest(np.transpose(components))

        values = detector._apply(X, ComponentScorer.values)
        distances, _ = NearestNeighbors(n_neighbors=5).fit(values).kneighbors()
        bandwidth = np.sort(distances[:, -1])[(len(X) - 1) // 2]
        # The nearest are asked for by the rows themselves, which are among them.
        nearest = NearestNeighbors(n_neighbors=N_NEARBY).fit(values)
        distances, places = nearest.kneighbors(values)
        weight = np.exp(-((distances / bandwidth) ** 2) / 2)
        smoothed = (own + (weight * own[places]).sum(axis=1)) / (1 + weight.sum(axis=1))
        higher = np.maximum(z(own), (z(own) + z(smoothed)) / 2)
        center, spread = robust_location_and_scale(own)
        expected = np.sinh(center + spread * higher)
        found = -detector.score_samples(X)
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)

    def test_clustered_outliers_raise_each_others_scores(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(600, 4))
        X[:30] = 2.0 + 0.7 * rng.normal(size=(30, 4))
        together = np.arange(len(X)) < 30
        detector = fitted(X)
        own = mean_of_three_largest(detector.score_components(X))
        smoothed = roc_auc_score(together, -detector.score_samples(X))
        assert smoothed > roc_auc_score(together, own) + 0.005

    def test_an_isolated_outlier_keeps_its_own_score(self):
        X, _ = make_table(400)
        X[0] = 30.0
        assert fitted(X).score_samples(X).argmin() == 0

    @pytest.mark.parametrize("novelty", [False, True])
    def test_weights_are_repetitions(self, novelty):
        X, _ = make_table(60)
        weight = np.random.default_rng(0).integers(0, 4, size=len(X))
        weighted = fitted(X, novelty=novelty, sample_weight=weight)
        repeated = fitted(np.repeat(X, weight, axis=0), novelty=novelty)
        new, _ = make_table(20, seed=3)
        assert np.array_equal(weighted.score_samples(new), repeated.score_samples(new))
        assert weighted.offset_ == repeated.offset_

    def test_missing_values_lie_at_the_median(self, dirty):
        detector, X = dirty
        empty = np.full((1, 5), np.nan)
        center = detector.preprocessor_.center_[None]
        found, expected = (
            detector._apply(rows, ComponentScorer.values) for rows in (empty, center)
        )
        np.testing.assert_array_equal(found, expected)


class TestRareCategories:
    """Columns of categories without signal must not hide what others show."""

    @pytest.fixture
    def numbers(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(1000, 2)) @ rng.normal(size=(2, 5))
        X += 0.3 * rng.normal(size=X.shape)
        outlier = np.arange(len(X)) < 20
        X[outlier] = 3 * X.std(axis=0) * rng.normal(size=(20, 5))
        return X, outlier

    @pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.5])
    def test_a_binary_column(self, numbers, share):
        X, outlier = numbers
        alone = average_precision_score(outlier, -fitted(X).score_samples(X))
        ones = np.random.default_rng(1).random((len(X), 1)) < share
        both = np.hstack([X, ones])
        scores = -fitted(both).score_samples(both)
        assert average_precision_score(outlier, scores) > alone - 0.05

    def test_categories_only(self):
        rng = np.random.default_rng(0)
        hidden = rng.integers(5, size=1000)
        columns = np.stack([rng.permutation(5)[hidden] for _ in range(6)], axis=1)
        columns[:20] = rng.integers(5, size=(20, 6))
        X = np.eye(5)[columns].reshape(1000, -1)
        scores = -fitted(X, autoencoder=None).score_samples(X)
        assert average_precision_score(np.arange(1000) < 20, scores) > 0.85


class TestInliers:
    def test_most_outliers_are_no_references(self):
        X, y = make_table(400)
        detector = fitted(X, autoencoder=AutoEncoder(max_steps=100))
        assert detector.report_["left_out"] == pytest.approx(0.3, abs=0.01)
        values = detector._apply(X, ComponentScorer.values)
        neighbors = detector._scorer.components[0].references
        kept = neighbors.rows[0, : detector.report_["n_references"]].numpy()
        known = {row.tobytes() for row in kept}
        rows = values.astype(np.float32)
        dirty = np.mean([row.tobytes() in known for row in rows[y == -1]])
        clean = np.mean([row.tobytes() in known for row in rows[y == 1]])
        assert dirty < clean / 4

    def test_novelty_takes_all_rows(self, novelty):
        detector, X = novelty
        assert detector.report_["left_out"] == 0.0
        assert detector.report_["n_references"] == len(X)

    def test_report(self):
        X, _ = make_table()
        detector = fitted(X, contamination=0.1)
        report = detector.report_
        assert list(report["contributions"]) == detector.component_names_.tolist()
        assert sum(report["contributions"].values()) == pytest.approx(1.0)
        assert report["flagged"] == pytest.approx(0.1)
        assert report["flagged"] == (detector.predict(X) == -1).mean()

    def test_contributions_are_those_of_the_flagged_rows(self):
        X, _ = make_table(300, seed=2)
        detector = fitted(X, contamination=0.02)
        components = detector.score_components(X[detector.predict(X) == -1])
        largest = np.sort(components, axis=1)[:, [-3]]
        parts = np.where(components >= largest, components, 0.0).sum(axis=0)
        found = list(detector.report_["contributions"].values())
        np.testing.assert_allclose(found, parts / parts.sum(), rtol=1e-6)


class TestThreshold:
    def test_flags_as_many_rows_as_its_networks(self, dirty):
        detector, X = dirty
        flagged = detector.predict(X) == -1
        by_networks = detector.autoencoder_.predict(X) == -1
        assert 0 < flagged.sum() == by_networks.sum()
        assert detector.report_["flagged"] == flagged.mean()

    @pytest.mark.parametrize("law", ["lognormal", "exponential", "standard_normal"])
    def test_few_false_alarms_in_two_columns(self, law):
        for seed in range(3):
            X = getattr(np.random.default_rng(seed), law)(size=(1000, 2))
            detector = fitted(X, autoencoder=None)
            assert (detector.predict(X) == -1).mean() < 0.1


class TestLargeTables:
    def test_references_are_bounded(self, monkeypatch):
        X, _ = make_table(300)
        assert fitted(X, max_references=20).report_["n_references"] == 20
        monkeypatch.setattr(_reference_index, "MOST_PAIRS", 300 * 50)
        monkeypatch.setattr(_reference_index, "FEWEST_REFERENCES", 10)
        assert fitted(X).report_["n_references"] == 50
        monkeypatch.setattr(_reference_index, "FEWEST_REFERENCES", 80)
        assert fitted(X).report_["n_references"] == 80

    @pytest.mark.parametrize("novelty", [False, True])
    def test_the_threshold_marks_a_share_of_all_rows(self, monkeypatch, novelty):
        monkeypatch.setattr(source, "OFFSET_ROWS", 64)
        X, _ = make_table(300)
        detector = fitted(X, contamination=0.1, novelty=novelty)
        assert (detector.predict(X) == -1).sum() == 30

    @pytest.mark.parametrize("novelty", [False, True])
    def test_partial_fit_keeps_references_of_all_rows_seen(self, novelty):
        X, _ = make_table(200)
        detector = DeepOutlierDetector(
            autoencoder=NETWORKS, random_state=0, novelty=novelty
        )
        detector.partial_fit(X[:100]).partial_fit(X[100:])
        assert detector.report_["n_references"] == (200 if novelty else 140)
        again = pickle.loads(pickle.dumps(detector))
        assert np.array_equal(again.score_samples(X), detector.score_samples(X))
        again.partial_fit(X[:10])
        detector.partial_fit(X[:10])
        assert np.array_equal(again.score_samples(X), detector.score_samples(X))

    def test_failed_partial_fit_leaves_the_detector_as_it_was(self, monkeypatch):
        X, _ = make_table(100)
        detector = fitted(X)
        before = detector.score_samples(X)
        monkeypatch.setattr(source.FittingRows, "references", None)
        with pytest.raises(TypeError):
            detector.partial_fit(X[:50] + 1.0)
        monkeypatch.undo()
        assert np.array_equal(detector.score_samples(X), before)


class TestRealData:
    def test_ahead_of_isolation_forest_on_dirty_rows(self):
        X, y = load_breast_cancer(return_X_y=True)
        rows = np.r_[np.flatnonzero(y == 1), np.flatnonzero(y == 0)[:40]]
        X, y = X[rows], y[rows]
        detector = DeepOutlierDetector(random_state=0).fit(X)
        forest = IsolationForest(random_state=0).fit(X)
        ours, theirs = (
            roc_auc_score(y, m.score_samples(X)) for m in (detector, forest)
        )
        assert ours > theirs

    def test_ahead_of_isolation_forest_on_normal_rows(self):
        X, y = load_digits(return_X_y=True)
        aucs = {DeepOutlierDetector: [], IsolationForest: []}
        for digit in range(10):
            normal, others = X[y == digit], X[y != digit][::5]
            test = np.vstack([normal[100:], others])
            is_normal = np.arange(len(test)) < len(normal) - 100
            for cls, found in aucs.items():
                params = {"novelty": True} if cls is DeepOutlierDetector else {}
                model = cls(random_state=0, **params).fit(normal[:100])
                found.append(roc_auc_score(is_normal, model.score_samples(test)))
        assert np.mean(aucs[DeepOutlierDetector]) > np.mean(aucs[IsolationForest])

    def test_learned_features_of_images(self):
        X, y = load_digits(return_X_y=True)
        X = X.reshape(-1, 1, 8, 8)
        train, test = X[y == 0][:100], np.concatenate([X[y == 0][100:], X[y == 1]])
        networks = AutoEncoder(network="conv", n_estimators=2, max_steps=30)
        detector = fitted(train, autoencoder=networks, novelty=True)
        is_zero = np.r_[np.ones(78), np.zeros(len(test) - 78)]
        assert roc_auc_score(is_zero, detector.score_samples(test)) > 0.99


class TestNetworks:
    def test_are_those_of_autoencoder(self):
        X, _ = make_table()
        detector = fitted(X, novelty=True)
        alone = clone(NETWORKS).set_params(novelty=True, random_state=0).fit(X)
        assert np.array_equal(
            detector.autoencoder_.reconstruct(X), alone.reconstruct(X)
        )

    def test_take_shared_parameters_and_leave_the_given_ones_alone(self):
        X, _ = make_table(60)
        networks = AutoEncoder(max_steps=5, random_state=7, novelty=True)
        detector = fitted(X, autoencoder=networks, preprocessor=None)
        assert detector.autoencoder_.random_state == 0
        assert detector.autoencoder_.novelty is False
        assert detector.preprocessor_ is None
        assert networks.random_state == 7
        assert not hasattr(networks, "net_")

    def test_parameters_are_searched_by_name(self):
        detector = DeepOutlierDetector(autoencoder=AutoEncoder())
        detector.set_params(autoencoder__latent_size=3)
        X, _ = make_table(60)
        assert detector.fit(X).autoencoder_.transform(X).shape == (60, 4 * 3)

    def test_refuses_score_functions_without_whitening(self):
        X, _ = make_table()
        with pytest.raises(ValueError, match="score_function is 'squared_error'"):
            fitted(X, autoencoder=AutoEncoder(score_function="squared_error"))


@pytest.mark.parametrize("novelty", [False, True])
def test_parameters_set_later_do_not_change_what_was_fitted(novelty):
    X, _ = make_table()
    detector = fitted(X, novelty=novelty)
    before = detector.score_samples(X)
    detector.set_params(
        novelty=not novelty, n_neighbors=2, max_references=3, autoencoder=None
    )
    again = pickle.loads(pickle.dumps(detector))
    for found in (detector, again):
        assert np.array_equal(found.score_samples(X), before)


def test_scores_of_training_rows_are_those_of_new_rows(dirty):
    detector, X = dirty
    rows = TrainingRows(X)
    assert np.array_equal(
        detector._anomaly_scores(PickedRows(rows)),
        detector._anomaly_scores(X[rows.positions]),
    )
