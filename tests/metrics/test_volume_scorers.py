"""ExcessMassScorer and MassVolumeScorer."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import LocalOutlierFactor

from sklearn_deepod.metrics import ExcessMassScorer, MassVolumeScorer
from tests.metrics.common import (
    FOREST,
    GivenScores,
    excess_mass_of_gaussian,
    make_data,
    mass_volume_of_gaussian,
)

BOTH = [ExcessMassScorer(), MassVolumeScorer()]
both = pytest.mark.parametrize("scorer", BOTH, ids=["excess mass", "mass volume"])


class TrueDensity(GivenScores):
    """Scores by the density that the rows are drawn from."""

    def score_samples(self, X):
        return multivariate_normal(np.zeros(X.shape[1])).logpdf(X)


class TurnedOver(GivenScores):
    """The farther out, the more normal."""

    def score_samples(self, X):
        return np.linalg.norm(X, axis=1)


class TestClosedForm:
    """A standard normal in two dimensions."""

    X = np.random.RandomState(0).randn(100_000, 2)
    box = np.prod(np.ptp(X, axis=0))

    def test_excess_mass(self):
        scorer = ExcessMassScorer(n_uniform=100_000)
        found = scorer(TrueDensity(), self.X) / self.box
        assert found == pytest.approx(excess_mass_of_gaussian(), rel=0.02)

    def test_mass_volume(self):
        scorer = MassVolumeScorer(n_uniform=100_000)
        found = scorer(TrueDensity(), self.X) * self.box
        assert found == pytest.approx(-mass_volume_of_gaussian(), rel=0.02)


@both
class TestChoice:
    def test_prefers_the_density_in_low_dimension(self, scorer):
        X, _ = make_data(n_samples=1000)
        detectors = [
            EllipticEnvelope(random_state=0).fit(X),
            GivenScores().fit(X),  # rises with one feature
            TurnedOver().fit(X),
        ]
        values = [scorer(detector, X) for detector in detectors]
        assert values == sorted(values, reverse=True)

    def test_prefers_the_density_in_high_dimension(self, scorer):
        X, _ = make_data(n_features=20, n_samples=400)
        good, poor = EllipticEnvelope(random_state=0), GivenScores()
        assert scorer(good.fit(X), X) > scorer(poor.fit(X), X)

    def test_units_make_no_difference(self, scorer):
        X, _ = make_data()
        stretched = X * [1e3, 1e-3] + [5.0, -5.0]
        found = scorer(IsolationForest(random_state=0).fit(stretched), stretched)
        assert found == pytest.approx(
            scorer(IsolationForest(random_state=0).fit(X), X), rel=0.1
        )


@both
class TestSubsampling:
    def test_up_to_max_features_the_fitted_detector_is_judged(self, scorer):
        X, _ = make_data(n_features=5)
        detector = clone(FOREST).fit(X)
        value = scorer(detector, X)
        detector.n_estimators = 1  # would show in a clone
        assert scorer(detector, X) == value

    def test_beyond_clones_with_some_features_are(self, scorer):
        X, _ = make_data(n_features=7)
        seen = []

        class Recording(GivenScores):
            def fit(self, X, y=None):
                seen.append(X)
                return super().fit(X)

        scorer = type(scorer)(max_features=3, n_draws=4)
        scorer(Recording().fit(X), X)
        draws = seen[1:]
        assert [part.shape for part in draws] == [(100, 3)] * 4
        for part in draws:
            rows, columns = np.nonzero((X[:, :, None] == part[0]).any(axis=2))
            assert len({*rows}) == 1  # one row's values, the columns in their order
            assert np.array_equal(X[rows, columns], part[0])
        assert len({part.tobytes() for part in draws}) == 4

    def test_none_judges_the_fitted_detector(self, scorer):
        X, _ = make_data(n_features=7)
        detector = GivenScores().fit(X)
        params = {"max_features": None, "n_uniform": 500}
        wide = type(scorer)(**params)(detector, X)
        enough = type(scorer)(**params | {"max_features": 7})(detector, X)
        assert wide == enough

    def test_features_with_noise_only_are_not_the_end(self, scorer):
        """All draws are averaged: more of them, less chance."""
        X, _ = make_data(n_features=12)
        values = [
            [
                type(scorer)(n_draws=n, n_uniform=300, random_state=seed)(
                    FOREST.fit(X), X
                )
                for seed in range(6)
            ]
            for n in (1, 8)
        ]
        assert np.std(values[1]) < np.std(values[0])


@both
class TestEdges:
    def test_constant_and_empty_features(self, scorer):
        X, _ = make_data(n_features=3)
        X[:, 1] = 4.0
        X[:, 2] = np.nan
        assert np.isfinite(scorer(FOREST.fit(X), X))

    def test_words_are_refused(self, scorer):
        X = np.array([["a", 1.0]] * 8, dtype=object)
        with pytest.raises(ValueError, match="Scorer draws points .* must be numbers"):
            scorer(GivenScores(), X)

    def test_sequences_are_refused(self, scorer):
        with pytest.raises(ValueError, match=r"takes rows of features; .*\(8, 3, 2\)"):
            scorer(GivenScores(), np.zeros((8, 3, 2)))

    def test_search_without_labels(self, scorer):
        X, _ = make_data(n_samples=400)
        search = GridSearchCV(
            LocalOutlierFactor(novelty=True),
            {"n_neighbors": [1, 40]},
            scoring=scorer,
            error_score="raise",
        ).fit(X)
        assert search.best_params_ == {"n_neighbors": 40}


def test_bounds():
    X, _ = make_data()
    detector = FOREST.fit(X)
    assert 0 < ExcessMassScorer(n_uniform=100)(detector, X) <= 0.1 * 101
    assert -0.099 <= MassVolumeScorer(n_uniform=100)(detector, X) < 0
