"""DeepOutlierDetector against the same views computed step by step with numpy."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from sklearn_deepod import AutoEncoder, DeepOutlierDetector
from sklearn_deepod.detectors import _deep_outlier_detector as source
from sklearn_deepod.scoring import robust_evidence, robust_unit, tail_evidence
from tests.conftest import make_table

QUICK = {"max_steps": 20, "n_estimators": 2, "random_state": 0}


def fitted(X, **params):
    return DeepOutlierDetector(**(QUICK | params)).fit(X)


def views_of(detector, X):
    """Squashed inputs, and each member's learned features, of some rows."""
    module = detector.net_.module_
    X = detector._validate(X, reset=False)
    inputs = detector._apply(X, lambda m, Z: source.standard_inputs(m, Z)[0])
    learned = detector._apply(X, lambda m, Z: m.whitened_features(Z).transpose(0, 1))
    return inputs, learned.transpose(1, 0, 2), module.views


def z(scores):
    center, spread = robust_unit(scores)
    return (scores - center) / spread


def kept(references, n_references):
    return references.rows[:, :n_references].double().numpy()


@pytest.fixture(scope="module")
def novelty():
    """Fitted on inliers, with the rows it was fitted on."""
    X, y = make_table()
    return fitted(X[y == 1], novelty=True), X[y == 1]


class TestViews:
    def test_measures_are_those_of_brute_force(self, novelty):
        detector, X = novelty
        new, _ = make_table(60, seed=1)
        measures = detector._apply(new, detector._measures)
        inputs, learned, views = views_of(detector, new)
        k = detector.n_neighbors

        nearest = NearestNeighbors().fit(kept(views.inputs, len(X))[0])
        distances, _ = nearest.kneighbors(inputs, n_neighbors=k)
        np.testing.assert_allclose(measures[:, 0], distances[:, -1], rtol=1e-3)

        far, thin = np.zeros(len(new)), np.zeros(len(new))
        for features, rows in zip(learned, kept(views.learned, len(X)), strict=True):
            nearest = NearestNeighbors().fit(rows)
            own, _ = nearest.kneighbors(n_neighbors=k)
            distances, places = nearest.kneighbors(features, n_neighbors=k)
            far += distances[:, 0] / np.sort(own[:, 0])[(len(own) - 1) // 2]
            thin += distances[:, -1] / own.mean(axis=1)[places].mean(axis=1)
        np.testing.assert_allclose(measures[:, 1], far / len(learned), rtol=1e-3)
        np.testing.assert_allclose(measures[:, 2], thin / len(learned), rtol=1e-3)

    def test_training_rows_are_not_their_own_neighbours(self, novelty):
        detector, X = novelty
        measures = detector._apply(X, detector._measures)
        inputs, _, _ = views_of(detector, X)
        distances, _ = NearestNeighbors().fit(inputs).kneighbors(n_neighbors=5)
        np.testing.assert_allclose(measures[:, 0], distances[:, -1], rtol=1e-3)
        assert (measures[:, 1] > 0.1).all()

    def test_bent_inputs_are_standardised_and_bounded(self, novelty):
        detector, X = novelty
        inputs, _, _ = views_of(detector, X)
        np.testing.assert_allclose(inputs.mean(axis=0), 0.0, atol=1e-5)
        np.testing.assert_allclose(inputs.std(axis=0), 1.0, rtol=1e-4)

    def test_a_rare_value_does_not_drown_the_others(self):
        X, _ = make_table(300)
        X[:, 0] = 0.0
        X[0, 0] = 1.0
        inputs, _, _ = views_of(fitted(X), X)
        assert inputs[0, 0] == 10.0
        assert np.abs(inputs).max() == 10.0

    def test_rows_of_weight_two_are_two_references(self):
        X, _ = make_table(40)
        weight = np.random.default_rng(0).integers(1, 4, size=len(X))
        weighted = DeepOutlierDetector(**QUICK, novelty=True)
        weighted.fit(X, sample_weight=weight)
        repeated = fitted(np.repeat(X, weight, axis=0), novelty=True)
        new, _ = make_table(20, seed=3)
        assert np.array_equal(weighted.score_samples(new), repeated.score_samples(new))


class TestEvidence:
    def test_novelty_scores_by_the_mean_tail_evidence(self, novelty):
        detector, X = novelty
        new, _ = make_table(50, seed=4)
        known = detector._apply(X, detector._measures)
        measures = detector._apply(new, detector._measures)
        expected = [
            tail_evidence(a, b) for a, b in zip(measures.T, known.T, strict=True)
        ]
        np.testing.assert_allclose(detector.evidence(new), np.transpose(expected))
        np.testing.assert_allclose(
            -detector.score_samples(new), np.mean(expected, axis=0)
        )

    def test_else_by_the_higher_of_own_and_shared_evidence(self):
        X, _ = make_table()
        detector = fitted(X)
        measures = detector._apply(X, detector._measures)
        own = np.mean([robust_evidence(m, m, knee=1.0) for m in measures.T], axis=0)
        np.testing.assert_allclose(detector.evidence(X).mean(axis=1), own)

        inputs, _, views = views_of(detector, X)
        distances, places = NearestNeighbors().fit(inputs).kneighbors(n_neighbors=5)
        bandwidth = np.sort(distances[:, -1])[(len(X) - 1) // 2]
        # The nearest are asked for by the rows themselves, which are among them.
        nearest = NearestNeighbors(n_neighbors=source._N_NEARBY).fit(inputs)
        distances, places = nearest.kneighbors(inputs)
        weight = np.exp(-((distances / bandwidth) ** 2) / 2)
        shared = (own + (weight * own[places]).sum(axis=1)) / (1 + weight.sum(axis=1))
        expected = np.maximum(z(own), z(shared))
        np.testing.assert_allclose(-detector.score_samples(X), expected, rtol=1e-3)

    def test_outliers_that_are_alike_vouch_for_one_another(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(600, 4))
        X[:30] = 2.0 + 0.7 * rng.normal(size=(30, 4))
        together = np.arange(len(X)) < 30
        detector = fitted(X)
        own = roc_auc_score(together, detector.evidence(X).mean(axis=1))
        assert roc_auc_score(together, -detector.score_samples(X)) > own + 0.005

    def test_a_lonely_outlier_keeps_its_own_score(self):
        X, _ = make_table(400)
        X[0] = 30.0
        scores = fitted(X).score_samples(X)
        assert scores.argmin() == 0


class TestTrust:
    def test_most_outliers_are_left_out(self):
        X, y = make_table(400)
        detector = fitted(X, n_estimators=4, max_steps=100)
        assert detector.report_["left_out"] == pytest.approx(0.3, abs=0.01)
        inputs, _, views = views_of(detector, X)
        trusted = kept(views.inputs, detector.report_["n_references"])[0]
        known = {row.tobytes() for row in trusted.astype(np.float32)}
        rows = inputs.astype(np.float32)
        dirty = np.mean([row.tobytes() in known for row in rows[y == -1]])
        clean = np.mean([row.tobytes() in known for row in rows[y == 1]])
        assert dirty < clean / 4

    def test_what_varies_among_outliers_only_is_seen(self):
        X, _ = make_table(300)
        flag = np.zeros((300, 1))
        flag[:6] = 1.0
        detector = fitted(np.hstack([X, flag]))
        clean = np.hstack([X[100:101], [[0.0]]])
        assert detector.score_samples(clean + [[0, 0, 0, 0, 0, 1]]) < (
            detector.score_samples(clean)
        )

    def test_novelty_trusts_all_rows(self, novelty):
        detector, X = novelty
        assert detector.report_["left_out"] == 0.0
        assert detector.report_["n_references"] == len(X)

    def test_report(self):
        X, _ = make_table()
        detector = fitted(X, contamination=0.1)
        report = detector.report_
        assert list(report["views"]) == list(source.VIEWS)
        assert sum(report["views"].values()) == pytest.approx(1.0)
        assert report["flagged"] == pytest.approx(0.1)
        assert report["flagged"] == (detector.predict(X) == -1).mean()


class TestLargeTables:
    def test_references_are_bounded(self, monkeypatch):
        X, _ = make_table(300)
        assert fitted(X, max_references=20).report_["n_references"] == 20
        monkeypatch.setattr(source, "_MOST_PAIRS", 300 * 50)
        monkeypatch.setattr(source, "_FEWEST_REFERENCES", 10)
        assert fitted(X).report_["n_references"] == 50
        monkeypatch.setattr(source, "_FEWEST_REFERENCES", 80)
        assert fitted(X).report_["n_references"] == 80

    @pytest.mark.parametrize("novelty", [False, True])
    def test_the_cut_marks_a_share_of_all_rows(self, monkeypatch, novelty):
        monkeypatch.setattr(source, "OFFSET_ROWS", 64)
        X, _ = make_table(300)
        detector = fitted(X, contamination=0.1, novelty=novelty)
        assert (detector.predict(X) == -1).sum() == 30

    def test_partial_fit_keeps_references_of_all_rows_seen(self):
        X, _ = make_table(200)
        detector = DeepOutlierDetector(**QUICK, novelty=True)
        detector.partial_fit(X[:100]).partial_fit(X[100:])
        assert detector.report_["n_references"] == 200
        again = pickle.loads(pickle.dumps(detector))
        assert np.array_equal(again.score_samples(X), detector.score_samples(X))
        detector.partial_fit(X[:10])
        assert np.isfinite(detector.score_samples(X)).all()


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
        detector = DeepOutlierDetector(
            network="conv", novelty=True, random_state=0, n_estimators=2, max_steps=30
        ).fit(train)
        is_zero = np.r_[np.ones(78), np.zeros(len(test) - 78)]
        assert roc_auc_score(is_zero, detector.score_samples(test)) > 0.99

    def test_missing_values_lie_at_the_centre_of_the_inputs(self):
        X, _ = make_table()
        detector = fitted(X)
        inputs, _, _ = views_of(detector, np.full((1, 5), np.nan))
        center = detector.net_.module_.views.center.numpy()
        scale = detector.net_.module_.views.scale.numpy()
        np.testing.assert_allclose(inputs[0], -center / scale, rtol=1e-5)


def test_the_networks_are_those_of_autoencoder():
    X, _ = make_table()
    detector = fitted(X, novelty=True)
    network = AutoEncoder(**QUICK, novelty=True).fit(X)
    np.testing.assert_array_equal(detector.transform(X), network.transform(X))
    np.testing.assert_array_equal(detector.reconstruct(X), network.reconstruct(X))


@pytest.mark.parametrize("novelty", [False, True])
def test_parameters_set_later_do_not_change_what_was_fitted(novelty):
    X, _ = make_table()
    detector = fitted(X, novelty=novelty)
    before = detector.score_samples(X)
    detector.set_params(novelty=not novelty, n_neighbors=2, max_references=3)
    assert np.array_equal(detector.score_samples(X), before)


def test_refuses_score_functions_without_whitening():
    X, _ = make_table()
    with pytest.raises(ValueError, match="score_function"):
        fitted(X, score_function="squared_error")
