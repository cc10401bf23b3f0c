"""Decisions and labels are those of the detector, for one scoring."""

import numpy as np
import pytest
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.frozen import FrozenEstimator
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDOneClassSVM
from sklearn.neighbors import KernelDensity, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from sklearn_deepod import (
    AutoEncoder,
    ConformalDetector,
    DetectorEnsemble,
    ThresholdedDetector,
    WindowedDetector,
    ZScore,
)
from sklearn_deepod.parallel._results import RESULTS, results
from tests.conftest import QUICK, make_table

DETECTORS = [
    IsolationForest(random_state=0, n_estimators=10),
    IsolationForest(random_state=0, n_estimators=10, contamination=0.2),
    LocalOutlierFactor(novelty=True),
    OneClassSVM(nu=0.2),
    EllipticEnvelope(random_state=0),
    make_pipeline(StandardScaler(), OneClassSVM(nu=0.2)),
    make_pipeline(Nystroem(random_state=0), SGDOneClassSVM(random_state=0)),
    ZScore(),
    AutoEncoder(**QUICK),
    ThresholdedDetector(IsolationForest(random_state=0, n_estimators=10)),
    ConformalDetector(IsolationForest(random_state=0, n_estimators=10)),
    DetectorEnsemble([("z", ZScore())]),
    WindowedDetector(ZScore(), window=4),
]


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: type(d).__name__)
def test_results_are_those_of_the_methods(detector):
    X, _ = make_table()
    detector.fit(X)
    for fitted in (detector, FrozenEstimator(detector)):
        found = results(fitted, X)
        np.testing.assert_array_equal(found["score"], detector.score_samples(X))
        np.testing.assert_allclose(
            found["decision"], detector.decision_function(X), atol=1e-12
        )
        np.testing.assert_array_equal(found["label"], detector.predict(X))
        assert {name: v.dtype for name, v in found.items()} == RESULTS


def test_rows_are_scored_once(monkeypatch):
    X, _ = make_table()
    model = make_pipeline(StandardScaler(), ZScore()).fit(X)
    calls = []
    score_samples = ZScore.score_samples
    monkeypatch.setattr(
        ZScore, "score_samples", lambda d, X: calls.append(1) or score_samples(d, X)
    )
    results(model, X)
    assert calls == [1]


def test_a_row_without_a_score_is_an_outlier():
    X, _ = make_table()
    density = KernelDensity(kernel="tophat", bandwidth=3.0).fit(X)
    density.offset_ = -20.0
    found = results(density, np.vstack([X, np.full((1, 5), 1e6)]))
    assert np.isfinite(found["score"]).all()
    assert found["label"][-1] == -1
    assert (found["label"][:-1] == 1).all()
