"""ThresholdedDetector around detectors of scikit-learn and of this package."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import clone
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_deepod import AutoEncoder, DeepSAD, ZScore
from sklearn_deepod.threshold import (
    FBetaThreshold,
    IQRThreshold,
    MADThreshold,
    MixtureGapThreshold,
    OtsuThreshold,
    PeaksOverThreshold,
    QuantileThreshold,
    TailExcessThreshold,
    ThresholdedDetector,
)
from sklearn_deepod.utils import all_detectors
from tests.conftest import QUICK, make_detector

FOREST = IsolationForest(n_estimators=20, random_state=0)
DETECTORS = [
    FOREST,
    LocalOutlierFactor(n_neighbors=5, novelty=True),
    OneClassSVM(nu=0.1),
    EllipticEnvelope(random_state=0),
    make_pipeline(StandardScaler(), FOREST),
    *(make_detector(cls, **(QUICK | {"max_steps": 4})) for _, cls in all_detectors()),
]
every_detector = pytest.mark.parametrize(
    "detector", DETECTORS, ids=lambda d: type(d).__name__
)


class TestChecks:
    """scikit-learn's checks of estimators."""

    @parametrize_with_checks(
        [
            ThresholdedDetector(FOREST),
            ThresholdedDetector(FOREST, cv=2),
            ThresholdedDetector(OneClassSVM()),
            ThresholdedDetector(
                LocalOutlierFactor(novelty=True), threshold=MADThreshold()
            ),
            ThresholdedDetector(ZScore(), threshold=QuantileThreshold()),
            ThresholdedDetector(AutoEncoder(**(QUICK | {"max_steps": 4}))),
        ]
    )
    def test_all(self, estimator, check):
        check(estimator)

    @pytest.mark.parametrize(
        "check", [check_param_validation, check_dataframe_column_names_consistency]
    )
    def test_more(self, check):
        check("ThresholdedDetector", ThresholdedDetector(FOREST))


class TestCut:
    @every_detector
    def test_is_the_rules_on_the_detectors_scores(self, detector, table):
        X, _ = table
        scores = clone(detector).fit(X).score_samples(X)
        quantile = QuantileThreshold(contamination=0.15)
        for rule in (MADThreshold(), quantile, OtsuThreshold()):
            thresholded = ThresholdedDetector(detector, threshold=rule).fit(X)
            np.testing.assert_array_equal(thresholded.score_samples(X), scores)
            np.testing.assert_array_equal(thresholded.training_scores_, scores)
            cut = clone(rule).fit(-scores).threshold_
            assert thresholded.offset_ == -cut
            decision = thresholded.decision_function(X)
            np.testing.assert_array_equal(decision, scores + cut)
            np.testing.assert_array_equal(thresholded.predict(X) == -1, scores < -cut)

    @pytest.mark.parametrize(
        ("novelty", "rule"), [(False, TailExcessThreshold), (True, IQRThreshold)]
    )
    def test_default_is_the_rule_of_the_detectors(self, novelty, rule, table):
        X, _ = table
        inner = AutoEncoder(novelty=novelty, **QUICK)
        thresholded = ThresholdedDetector(inner, novelty=novelty).fit(X)
        assert isinstance(thresholded.rule_, rule)
        assert thresholded.offset_ == thresholded.detector_.offset_

    @pytest.mark.parametrize(
        "detector",
        [
            FOREST,
            LocalOutlierFactor(novelty=True),
            AutoEncoder(novelty=True, **QUICK),
            AutoEncoder(novelty=False, **QUICK),
        ],
    )
    def test_default_does_not_look_at_the_detector(self, detector, table):
        X, _ = table
        assert isinstance(
            ThresholdedDetector(detector).fit(X).rule_, TailExcessThreshold
        )
        assert isinstance(
            ThresholdedDetector(detector, novelty=True).fit(X).rule_, IQRThreshold
        )

    def test_labels_reach_rules_that_need_them(self, table):
        X, y = table
        thresholded = ThresholdedDetector(FOREST, threshold=FBetaThreshold()).fit(X, y)
        found = f1_score(y, thresholded.predict(X), pos_label=-1)
        by_share = f1_score(
            y,
            ThresholdedDetector(FOREST, threshold=QuantileThreshold()).fit_predict(X),
            pos_label=-1,
        )
        assert found >= by_share > 0.5
        assert thresholded.__sklearn_tags__().target_tags.required
        with pytest.raises(ValueError, match="needs labels"):
            ThresholdedDetector(FOREST, threshold=FBetaThreshold()).fit(X)

    def test_labels_reach_the_detector(self, table):
        X, y = table
        detector = DeepSAD(**QUICK)
        thresholded = ThresholdedDetector(detector, threshold=FBetaThreshold()).fit(
            X, y
        )
        alone = clone(detector).fit(X, y)
        np.testing.assert_array_equal(
            thresholded.score_samples(X), alone.score_samples(X)
        )

    def test_another_rule_without_another_fit(self, table):
        X, y = table
        thresholded = ThresholdedDetector(FOREST, threshold=MADThreshold()).fit(X, y)
        detector = thresholded.detector_
        assert thresholded.set_threshold(FBetaThreshold(beta=2.0)) is thresholded
        assert thresholded.detector_ is detector
        anew = ThresholdedDetector(FOREST, threshold=FBetaThreshold(beta=2.0)).fit(X, y)
        assert thresholded.offset_ == anew.offset_
        assert thresholded.threshold == anew.threshold or str(thresholded) == str(anew)

    def test_a_rule_that_fails_leaves_the_old_one(self, table):
        X, _ = table
        thresholded = ThresholdedDetector(FOREST, threshold=MADThreshold()).fit(X)
        before = thresholded.offset_
        with pytest.raises(ValueError, match="needs labels"):
            thresholded.set_threshold(FBetaThreshold())
        with pytest.raises(ValueError, match="'threshold'"):
            thresholded.set_threshold("high")
        assert isinstance(thresholded.threshold, MADThreshold)
        assert thresholded.offset_ == before
        with pytest.raises(NotFittedError):
            ThresholdedDetector(FOREST).set_threshold(MADThreshold())

    def test_frozen_detector_is_not_fitted_again(self, table):
        X, _ = table
        forest = clone(FOREST).fit(X)
        Z = X[:80] + 0.1
        thresholded = ThresholdedDetector(
            FrozenEstimator(forest), threshold=MADThreshold()
        )
        thresholded.fit(Z)
        np.testing.assert_array_equal(
            thresholded.score_samples(Z), forest.score_samples(Z)
        )
        assert (
            thresholded.offset_
            == -MADThreshold().fit(-forest.score_samples(Z)).threshold_
        )


class TestCrossValidation:
    def test_scores_come_from_fits_without_the_row(self, table):
        X, _ = table
        cv = KFold(4, shuffle=True, random_state=0)
        thresholded = ThresholdedDetector(FOREST, threshold=MADThreshold(), cv=cv).fit(
            X
        )
        expected = np.empty(len(X))
        for train, test in cv.split(X):
            expected[test] = clone(FOREST).fit(X[train]).score_samples(X[test])
        np.testing.assert_array_equal(thresholded.training_scores_, expected)
        assert thresholded.offset_ == -MADThreshold().fit(-expected).threshold_
        # new rows are scored by the fit on all rows
        np.testing.assert_array_equal(
            thresholded.score_samples(X), clone(FOREST).fit(X).score_samples(X)
        )

    def test_neighbours_rate_their_own_rows_too_well(self):
        rng = np.random.RandomState(0)
        X, new = rng.randn(400, 8), rng.randn(4000, 8)
        detector = AutoEncoder(novelty=True, max_steps=400, mask_rate=0, random_state=0)
        shares = {}
        for cv in (None, 5):
            rule = QuantileThreshold(contamination=0.1)
            thresholded = ThresholdedDetector(detector, threshold=rule, cv=cv).fit(X)
            shares[cv] = np.mean(thresholded.predict(new) == -1)
        assert abs(shares[5] - 0.1) < abs(shares[None] - 0.1)
        assert shares[None] > 0.12

    def test_folds_must_hold_each_row_once(self, table):
        with pytest.raises(ValueError, match="each row to exactly one test fold"):
            ThresholdedDetector(FOREST, cv=ShuffleSplit(3, random_state=0)).fit(
                table[0]
            )

    def test_weights_are_parted_with_the_rows(self, table):
        X, _ = table
        weight = np.arange(1.0, len(X) + 1)
        rule = QuantileThreshold()
        thresholded = ThresholdedDetector(ZScore(), threshold=rule, cv=2)
        thresholded.fit(X, sample_weight=weight)
        half = len(X) // 2
        first = ZScore().fit(X[half:], sample_weight=weight[half:])
        np.testing.assert_array_equal(
            thresholded.training_scores_[:half], first.score_samples(X[:half])
        )
        flagged = thresholded.training_scores_ < thresholded.offset_
        assert np.average(flagged, weights=weight) == pytest.approx(0.1, abs=0.01)


class TestWeights:
    def test_count_in_detector_and_rule(self, table):
        X, _ = table
        weight = np.random.RandomState(0).randint(1, 4, size=len(X))
        detector = ThresholdedDetector(ZScore(), threshold=QuantileThreshold())
        weighted = clone(detector).fit(X, sample_weight=weight)
        repeated = clone(detector).fit(np.repeat(X, weight, axis=0))
        assert weighted.offset_ == repeated.offset_
        assert weighted.offset_ != clone(detector).fit(X).offset_

    def test_routing(self, table):
        X, _ = table
        weight = np.random.RandomState(0).rand(len(X))
        with sklearn.config_context(enable_metadata_routing=True):
            inner = ZScore().set_fit_request(sample_weight=True)
            pipeline = make_pipeline(
                StandardScaler().set_fit_request(sample_weight=False),
                ThresholdedDetector(inner, threshold=QuantileThreshold()),
            ).fit(X, sample_weight=weight)
        Z = StandardScaler().fit_transform(X)
        alone = ZScore().fit(Z, sample_weight=weight)
        np.testing.assert_array_equal(
            pipeline[-1].score_samples(Z), alone.score_samples(Z)
        )


class TestStream:
    def test_update_learns(self):
        rng = np.random.RandomState(0)
        detector = ThresholdedDetector(ZScore(), threshold=PeaksOverThreshold())
        detector.fit(rng.randn(1000, 2))
        before = detector.offset_
        new = rng.randn(2000, 2)
        new[7] = 99.0
        labels = detector.update(new)
        assert labels[7] == -1
        assert np.mean(labels == -1) < 0.01
        assert detector.offset_ != before
        assert detector.offset_ == -detector.rule_.threshold_
        assert detector.rule_.n_samples_seen_ == 1000 + np.sum(labels == 1)

    def test_only_rules_that_learn(self, table):
        detector = ThresholdedDetector(FOREST, threshold=MADThreshold())
        assert not hasattr(detector, "update")
        assert not hasattr(detector.fit(table[0]), "update")


class TestSituations:
    def test_grid_search_reaches_detector_and_rule(self, table):
        X, y = table
        pipeline = make_pipeline(
            StandardScaler(), ThresholdedDetector(FOREST, threshold=MADThreshold())
        )
        grid = {
            "thresholdeddetector__threshold__factor": [0.01, 3.5],
            "thresholdeddetector__detector__n_estimators": [5, 20],
            "thresholdeddetector__threshold": [
                MADThreshold(),
                MADThreshold(factor=2.0),
            ],
        }
        found = GridSearchCV(pipeline, grid, scoring="balanced_accuracy", cv=3)
        found.fit(X, y)
        assert found.best_params_["thresholdeddetector__threshold__factor"] == 3.5
        assert found.best_score_ > 0.7

    def test_sparse_and_missing(self, table):
        X, _ = table
        X = np.round(X)
        dense = ThresholdedDetector(ZScore()).fit(X)
        sparse = ThresholdedDetector(ZScore()).fit(sp.csr_array(X))
        assert dense.offset_ == sparse.offset_
        X[::7, 1] = np.nan
        assert np.isfinite(
            ThresholdedDetector(ZScore()).fit(X).decision_function(X)
        ).all()

    def test_frames(self, table):
        frame = pd.DataFrame(table[0], columns=list("abcde"))
        detector = ThresholdedDetector(FOREST, cv=3).fit(frame)
        assert detector.feature_names_in_.tolist() == list("abcde")
        assert detector.n_features_in_ == 5
        with pytest.raises(ValueError, match="in the same order"):
            detector.predict(frame[list("edcba")])
        detector.fit(table[0])
        assert not hasattr(detector, "feature_names_in_")

    def test_sequences(self):
        X = np.random.RandomState(0).randn(60, 16, 2)
        inner = AutoEncoder(network="gru", **QUICK)
        detector = ThresholdedDetector(inner, threshold=QuantileThreshold()).fit(X)
        assert np.sum(detector.predict(X) == -1) == 6

    @pytest.mark.parametrize(
        "rule", [MixtureGapThreshold(random_state=0), PeaksOverThreshold()]
    )
    def test_pickle(self, table, rule):
        X, _ = table
        detector = ThresholdedDetector(FOREST, threshold=rule).fit(np.tile(X, (2, 1)))
        copied = pickle.loads(pickle.dumps(detector))
        np.testing.assert_array_equal(copied.predict(X), detector.predict(X))

    def test_detector_without_scores(self, table):
        with pytest.raises(TypeError, match="score_samples with novelty=True"):
            ThresholdedDetector(LocalOutlierFactor()).fit(table[0])
        with pytest.raises(TypeError, match="an outlier detector .* is needed"):
            ThresholdedDetector(StandardScaler()).fit(table[0])

    def test_failed_fit_keeps_the_old_one(self, table):
        X, _ = table
        detector = ThresholdedDetector(FOREST, threshold=PeaksOverThreshold(level=0.9))
        detector.fit(X)
        before = detector.decision_function(X)
        with pytest.raises(ValueError, match="at least 10 scores above"):
            detector.fit(X[:50])
        np.testing.assert_array_equal(detector.decision_function(X), before)
