"""What all scorers without labels have in common."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_deepod import ZScore
from sklearn_deepod.metrics import (
    ConsensusScorer,
    ExcessMassScorer,
    MassVolumeScorer,
    RankStabilityScorer,
)
from sklearn_deepod.metrics._label_free import refit, spearman
from sklearn_deepod.utils._sklearn_compat import InvalidParameterError
from tests.metrics.common import DETECTORS, FOREST, make_data, name_of

SCORERS = [
    ConsensusScorer(detectors=[FOREST, ZScore()]),
    ExcessMassScorer(n_uniform=500, n_draws=3),
    MassVolumeScorer(n_uniform=500, n_draws=3),
    RankStabilityScorer(n_resamples=3),
]
every_scorer = pytest.mark.parametrize("scorer", SCORERS, ids=name_of)
FRAMES = {
    "pandas": lambda X: pd.DataFrame(X, columns=[f"f{i}" for i in range(X.shape[1])]),
    "polars": lambda X: pl.DataFrame(X, schema=[f"f{i}" for i in range(X.shape[1])]),
}


@every_scorer
class TestEveryScorer:
    @pytest.mark.parametrize("detector", DETECTORS, ids=name_of)
    @pytest.mark.parametrize("n_features", [2, 7])
    def test_any_detector(self, scorer, detector, n_features):
        X, y = make_data(n_features)
        value = scorer(detector.fit(X), X)
        assert isinstance(value, float)
        assert np.isfinite(value)
        assert scorer(detector, X, y) == scorer(detector, X, None) == value

    @pytest.mark.parametrize("n_features", [2, 7])
    def test_deterministic_even_if_the_detector_is_not(self, scorer, n_features):
        X, _ = make_data(n_features)
        detector = clone(FOREST).fit(X).set_params(random_state=None)
        scorer = clone(scorer)
        value = scorer(detector, X)
        assert scorer(detector, X) == value
        assert pickle.loads(pickle.dumps(scorer))(detector, X) == value
        other = scorer.set_params(random_state=1)(detector, X)
        assert other != value

    @pytest.mark.parametrize("random_state", [0, None])
    def test_leaves_global_state_and_detector_alone(self, scorer, random_state):
        X, _ = make_data(7)
        detector = FOREST.fit(X)
        params, scores = detector.get_params(), detector.score_samples(X)
        np.random.seed(5)
        expected = np.random.RandomState(5).uniform()
        clone(scorer).set_params(random_state=random_state)(detector, X)
        assert np.random.uniform() == expected
        assert detector.get_params() == params
        assert np.array_equal(detector.score_samples(X), scores)

    @pytest.mark.parametrize("frame", FRAMES)
    @pytest.mark.parametrize("n_features", [2, 7])
    @pytest.mark.filterwarnings("error")
    def test_frames_stay_frames(self, scorer, frame, n_features):
        X, _ = make_data(n_features)
        frame = FRAMES[frame](X)
        assert scorer(clone(FOREST).fit(frame), frame) == scorer(FOREST.fit(X), X)

    def test_columns_by_name(self, scorer):
        frame = FRAMES["pandas"](make_data(3)[0])
        named = make_column_transformer((StandardScaler(), ["f0", "f2"]))
        assert np.isfinite(scorer(make_pipeline(named, FOREST).fit(frame), frame))

    def test_lists(self, scorer):
        X, _ = make_data(7)
        detector = FOREST.fit(X)
        assert scorer(detector, X.tolist()) == scorer(detector, X)

    def test_missing_values(self, scorer):
        X, _ = make_data(7)
        X[::7, 3] = np.nan
        assert np.isfinite(scorer(FOREST.fit(X), X))

    def test_detector_that_cannot_judge_new_rows(self, scorer):
        X, _ = make_data()
        with pytest.raises(AttributeError, match="novelty=True"):
            scorer(LocalOutlierFactor().fit(X), X)

    def test_parameters_are_validated(self, scorer):
        X, _ = make_data()
        name, *_ = scorer.get_params()
        with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter"):
            clone(scorer).set_params(**{name: "many"})(FOREST.fit(X), X)

    def test_too_few_rows(self, scorer):
        X, _ = make_data()
        with pytest.raises(ValueError, match="minimum of 4 is required"):
            scorer(FOREST.fit(X), X[:3])

    def test_takes_no_weights(self, scorer):
        assert not scorer._accept_sample_weight()


@every_scorer
def test_sparse_rows(scorer):
    X, _ = make_data(7)
    X[np.abs(X) < 0.5] = 0.0
    detector = FOREST.fit(X)
    expected = scorer(detector, X)
    for container in (sp.csr_array, sp.csc_matrix, sp.coo_array):
        assert scorer(detector, container(X)) == expected


def test_refit_gives_every_part_a_seed():
    X, _ = make_data()
    detector = make_pipeline(StandardScaler(), IsolationForest())
    rng = np.random.RandomState(0)
    one, other = (refit(detector, X, rng) for _ in range(2))
    seeds = [d.get_params()["isolationforest__random_state"] for d in (one, other)]
    assert None not in seeds
    assert seeds[0] != seeds[1]
    assert detector.get_params()["isolationforest__random_state"] is None


def test_spearman_of_constant_scores_is_zero():
    found = spearman([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0], [9.0, 8.0, 7.0]])
    assert found == pytest.approx(np.array([[1, 0, -1], [0, 0, 0], [-1, 0, 1]]))
