"""From scores and a threshold to labels."""

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_deepod import DeepSAD, ZScore
from sklearn_deepod.ensemble import DetectorEnsemble
from sklearn_deepod.threshold import (
    ConformalDetector,
    FBetaThreshold,
    ThresholdedDetector,
)
from sklearn_deepod.timeseries import WindowedDetector
from sklearn_deepod.utils._decision import DecisionMixin
from tests.conftest import QUICK

FOREST = IsolationForest(n_estimators=10, random_state=0)
SAD = DeepSAD(eta=5.0, **QUICK)
LEARN_FROM_LABELS = [
    SAD,
    ConformalDetector(SAD, alpha=0.3, random_state=0),
    ThresholdedDetector(FOREST, threshold=FBetaThreshold()),
    ThresholdedDetector(SAD),
    DetectorEnsemble([("sad", SAD)]),
]


class First(DecisionMixin, BaseEstimator):
    """Scores by the first column."""

    def fit(self, X, y=None):
        self.offset_ = 2.0
        return self

    def score_samples(self, X):
        return X[:, 0]


def test_labels_follow_the_threshold():
    X = np.array([[1.0], [np.nextafter(2.0, 0)], [2.0], [3.0]])
    detector = First().fit(X)
    np.testing.assert_array_equal(detector.decision_function(X), X[:, 0] - 2.0)
    assert detector.predict(X).tolist() == [-1, -1, 1, 1]
    assert detector.fit_predict(X).tolist() == [-1, -1, 1, 1]
    assert detector.predict(X).dtype.kind == "i"


class TestFitPredict:
    @pytest.mark.parametrize(
        "detector",
        [*LEARN_FROM_LABELS, WindowedDetector(FOREST, window=3)],
        ids=lambda d: type(d).__name__,
    )
    def test_hands_labels_on(self, detector, table):
        X, y = table
        expected = clone(detector).fit(X, y).predict(X)
        np.testing.assert_array_equal(clone(detector).fit_predict(X, y), expected)
        pipeline = make_pipeline(StandardScaler(), clone(detector))
        np.testing.assert_array_equal(
            clone(pipeline).fit_predict(X, y), pipeline.fit(X, y).predict(X)
        )

    @pytest.mark.parametrize("detector", LEARN_FROM_LABELS)
    def test_labels_change_what_is_learned(self, detector, table):
        X, y = table
        with_labels = clone(detector)
        with_labels.fit_predict(X, y)
        others = clone(detector)
        others.fit_predict(X, np.roll(y, 1))
        assert not np.array_equal(
            with_labels.decision_function(X), others.decision_function(X)
        )

    @pytest.mark.parametrize(
        "detector",
        [
            ZScore(),
            ThresholdedDetector(ZScore(), threshold=FBetaThreshold()),
            DetectorEnsemble([("z", ZScore())]),
        ],
    )
    def test_hands_weights_on(self, detector, table):
        X, y = table
        weight = np.where(y == 1, 1.0, 9.0)
        expected = clone(detector).fit(X, y, sample_weight=weight).predict(X)
        found = clone(detector).fit_predict(X, y, sample_weight=weight)
        np.testing.assert_array_equal(found, expected)
        assert not np.array_equal(found, clone(detector).fit_predict(X, y))

    def test_routing_in_a_pipeline(self, table):
        X, y = table
        weight = np.where(y == 1, 1.0, 9.0)
        with sklearn.config_context(enable_metadata_routing=True):
            inner = ZScore().set_fit_request(sample_weight=True)
            for detector in (
                inner,
                ThresholdedDetector(inner, threshold=FBetaThreshold()),
                DetectorEnsemble([("z", inner)]),
            ):
                scaler = StandardScaler().set_fit_request(sample_weight=False)
                pipeline = make_pipeline(scaler, detector)
                found = clone(pipeline).fit_predict(X, y, sample_weight=weight)
                pipeline.fit(X, y, sample_weight=weight)
                np.testing.assert_array_equal(found, pipeline.predict(X))
