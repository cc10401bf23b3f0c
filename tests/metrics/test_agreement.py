"""RankStabilityScorer and ConsensusScorer."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, spearmanr
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import OneClassSVM

from sklearn_deepod import ZScore
from sklearn_deepod.metrics import ConsensusScorer, RankStabilityScorer
from tests.metrics.common import FOREST, GivenScores, make_data


class Noise(GivenScores):
    """Ranks by chance, anew at each fit."""

    def __init__(self, *, random_state=None):
        self.random_state = random_state

    def score_samples(self, X):
        return np.random.RandomState(self.random_state).uniform(size=len(X))


def test_categories_are_left_to_the_detectors():
    frame = pd.DataFrame(make_data()[0], columns=["a", "b"])
    frame["kind"] = np.where(frame["a"] > 0, "high", "low")
    encoded = make_column_transformer(
        (OneHotEncoder(), ["kind"]), remainder="passthrough"
    )
    detector = make_pipeline(encoded, FOREST).fit(frame)
    assert RankStabilityScorer()(detector, frame) > 0
    assert ConsensusScorer(detectors=[detector])(detector, frame) > 0


class TestRankStability:
    def test_a_fixed_ranking_is_stable(self):
        X, _ = make_data()
        assert RankStabilityScorer()(GivenScores().fit(X), X) == pytest.approx(1)

    def test_noise_is_not(self):
        X, _ = make_data(n_samples=2000)
        value = RankStabilityScorer(n_resamples=10)(Noise().fit(X), X)
        assert abs(value) < 0.02

    def test_a_seed_given_to_the_detector_is_not_taken_for_stability(self):
        X, _ = make_data(n_samples=2000)
        assert abs(RankStabilityScorer()(Noise(random_state=0).fit(X), X)) < 0.05

    def test_more_trees_are_more_stable(self):
        X, _ = make_data(n_features=5)
        values = [
            RankStabilityScorer()(clone(FOREST).set_params(n_estimators=n).fit(X), X)
            for n in (1, 10, 50)
        ]
        assert values == sorted(values)

    def test_mean_of_all_pairs(self):
        X, _ = make_data()
        seen = []

        class Recording(OneClassSVM):
            def fit(self, X, y=None):
                seen.append(X)
                return super().fit(X)

        scorer = RankStabilityScorer(n_resamples=4, subsample=0.3)
        value = scorer(Recording().fit(X), X)
        samples = seen[1:]
        assert [len(sample) for sample in samples] == [60] * 4
        assert all(len(np.unique(sample, axis=0)) == 60 for sample in samples)
        scores = [OneClassSVM().fit(sample).score_samples(X) for sample in samples]
        expected = spearmanr(np.transpose(scores)).statistic[np.triu_indices(4, k=1)]
        assert value == pytest.approx(expected.mean())


class TestConsensus:
    DETECTORS = (OneClassSVM(), ZScore(), LocalOutlierFactor(novelty=True))

    def test_mean_of_ranks(self):
        X, _ = make_data()
        scores = [clone(d).fit(X).score_samples(X) for d in self.DETECTORS]
        consensus = rankdata(scores, axis=1).mean(axis=0)
        detector = FOREST.fit(X)
        expected = spearmanr(consensus, detector.score_samples(X)).statistic
        scorer = ConsensusScorer(detectors=self.DETECTORS)
        assert scorer(detector, X) == pytest.approx(expected)

    def test_the_detectors_given_stay_unfitted(self):
        X, _ = make_data()
        detectors = [OneClassSVM()]
        scorer = ConsensusScorer(detectors=detectors)
        assert scorer(OneClassSVM().fit(X), X) == pytest.approx(1)
        assert not hasattr(detectors[0], "offset_")

    def test_bounds(self):
        X, _ = make_data()

        class Opposite(OneClassSVM):
            def score_samples(self, X):
                return -super().score_samples(X)

        scorer = ConsensusScorer(detectors=[OneClassSVM()])
        assert scorer(Opposite().fit(X), X) == pytest.approx(-1)
        assert scorer(Opposite().fit(X), X) >= -1

    def test_default_tells_a_detector_from_noise(self):
        X, _ = make_data(n_features=4, n_samples=400)
        scorer = ConsensusScorer()
        assert scorer(ZScore().fit(X), X) > 0.7
        assert abs(scorer(Noise(random_state=0).fit(X), X)) < 0.15

    def test_default_takes_missing_values(self):
        X, _ = make_data()
        X[::7, 1] = np.nan
        assert ConsensusScorer()(FOREST.fit(X), X) > 0.5

    def test_no_detectors(self):
        X, _ = make_data()
        with pytest.raises(ValueError, match="at least one detector, or None"):
            ConsensusScorer(detectors=[])(FOREST.fit(X), X)

    def test_detector_that_cannot_score(self):
        X, _ = make_data()
        with pytest.raises(AttributeError, match="novelty=True"):
            ConsensusScorer(detectors=[LocalOutlierFactor()])(FOREST.fit(X), X)
