"""ContractionMatching: what a linear network can and cannot know."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from sklearn_deepod import ContractionMatching
from tests.conftest import make_table


class TestLinearNetwork:
    """Rows of a plane in five dimensions; nothing is learned of other directions."""

    @pytest.fixture(scope="class")
    def basis(self):
        return np.linalg.qr(np.random.RandomState(0).randn(5, 5))[0]

    @pytest.fixture(scope="class")
    def detector(self, basis):
        X = np.random.RandomState(1).randn(500, 2) @ basis[:2]
        return ContractionMatching(
            hidden_layer_sizes=(),
            activation="identity",
            novelty=True,
            preprocessor=None,
            weight_decay=0.0,
            max_steps=1500,
            random_state=0,
        ).fit(X)

    def test_the_plane_scores_zero(self, detector, basis):
        new = np.random.RandomState(2).randn(100, 2) @ basis[:2]
        far = new + 3.0 * basis[4]
        assert -detector.score_samples(new).min() < 0.02
        assert -detector.score_samples(far).max() > 1.0

    def test_grows_in_proportion_off_the_plane(self, detector, basis):
        scores = -detector.score_samples(np.arange(1.0, 6.0)[:, None] * basis[3])
        np.testing.assert_allclose(scores / scores[0], np.arange(1.0, 6.0), rtol=0.02)


def test_finds_broken_correlations():
    X, y = make_table(seed=3)
    detector = ContractionMatching(novelty=True, random_state=0).fit(X[y == 1])
    assert roc_auc_score(y, detector.score_samples(X)) > 0.95


def test_time_is_read():
    X, _ = make_table()
    some, more = (
        ContractionMatching(n_frequencies=n, max_steps=5, random_state=0).fit(X)
        for n in (1, 8)
    )
    assert not np.array_equal(some.score_samples(X), more.score_samples(X))
    with pytest.raises(ValueError, match="'n_frequencies'"):
        ContractionMatching(n_frequencies=0).fit(X)
