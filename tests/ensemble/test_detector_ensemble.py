"""DetectorEnsemble of detectors of scikit-learn and of this package."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_deepod import AutoEncoder, DeepSAD, ModifiedZScore, ZScore
from sklearn_deepod._stats import (
    asinh_z_score,
    contamination_threshold,
    negative_log_tail_probability,
    training_threshold,
)
from sklearn_deepod.ensemble import DetectorEnsemble
from tests.conftest import QUICK

FOREST = IsolationForest(n_estimators=20, random_state=0)
SVM = OneClassSVM(nu=0.1)
PAIR = [("forest", FOREST), ("svm", SVM)]
TRIO = [*PAIR, ("z", ZScore())]


class Constant(ZScore):
    """Scores all rows alike."""

    def score_samples(self, X):
        return np.zeros(len(X))


class TestChecks:
    """scikit-learn's checks of estimators."""

    @parametrize_with_checks(
        [
            DetectorEnsemble(PAIR),
            DetectorEnsemble(PAIR, combine="max", calibration="robust", cv=3),
            DetectorEnsemble(
                [("lof", LocalOutlierFactor(novelty=True)), ("z", ZScore())],
                weights="agreement",
                combine="largest",
            ),
            DetectorEnsemble(
                [("net", AutoEncoder(**(QUICK | {"max_steps": 4}))), ("z", ZScore())]
            ),
        ]
    )
    def test_all(self, estimator, check):
        check(estimator)

    @pytest.mark.parametrize(
        "check", [check_param_validation, check_dataframe_column_names_consistency]
    )
    def test_more(self, check):
        check("DetectorEnsemble", DetectorEnsemble(PAIR))


class TestScores:
    @pytest.mark.parametrize("calibration", ["tail", "robust"])
    @pytest.mark.parametrize("combine", ["mean", "max", "largest"])
    def test_by_definition(self, calibration, combine, table):
        X, _ = table
        new = np.random.RandomState(1).randn(40, 5) * 3
        weights = [1.0, 2.0, 3.0]
        ensemble = DetectorEnsemble(
            TRIO, calibration=calibration, combine=combine, n_largest=2, weights=weights
        ).fit(X)
        unit = {"tail": negative_log_tail_probability, "robust": asinh_z_score}[
            calibration
        ]
        evidence = []
        for (_, detector), weight in zip(TRIO, weights, strict=True):
            alone = clone(detector).fit(X)
            scores = unit(-alone.score_samples(new), -alone.score_samples(X))
            evidence.append(weight / 2 * scores)
        ranked = np.sort(evidence, axis=0)
        expected = {"mean": ranked, "max": ranked[2:], "largest": ranked[1:]}[combine]
        np.testing.assert_allclose(
            ensemble.score_samples(new), -expected.mean(axis=0), rtol=1e-12
        )
        np.testing.assert_allclose(ensemble.weights_, [0.5, 1.0, 1.5])

    def test_parameters_count_at_the_fit_only(self, table):
        X, _ = table
        ensemble = DetectorEnsemble(TRIO, combine="largest", n_largest=2).fit(X)
        scores = ensemble.score_samples(X)
        ensemble.set_params(combine="max", calibration="robust", n_largest=1)
        np.testing.assert_array_equal(ensemble.score_samples(X), scores)

    def test_no_detector_drowns_the_others(self, table):
        X, y = table

        class Loud(ZScore):
            def score_samples(self, X):
                return 1e9 * np.sin(1e3 * X[:, 0])

        alone = DetectorEnsemble([("z", ZScore())]).fit(X).score_samples(X)
        both = DetectorEnsemble([("z", ZScore()), ("loud", Loud())]).fit(X)
        assert spearmanr(alone, both.score_samples(X)).statistic > 0.4
        assert roc_auc_score(y, both.score_samples(X)) > 0.7

    def test_better_than_its_members_where_each_sees_a_part(self):
        rng = np.random.RandomState(0)
        X = rng.randn(400, 2) @ [[1.0, 0.98], [0.0, 0.2]]
        broken = np.c_[rng.uniform(1, 2, 20), -rng.uniform(1, 2, 20)]  # correlation
        extreme = np.c_[rng.uniform(5, 6, 20), rng.uniform(5, 6, 20)]
        new = np.vstack([X, broken, extreme])
        y = np.r_[np.ones(400), -np.ones(40)]
        members = [
            ("z", ModifiedZScore()),
            ("lof", LocalOutlierFactor(novelty=True, n_neighbors=30)),
        ]
        auc = {
            name: roc_auc_score(y, clone(d).fit(X).score_samples(new))
            for name, d in members
        }
        ensemble = DetectorEnsemble(members, combine="max").fit(X)
        assert roc_auc_score(y, ensemble.score_samples(new)) > max(auc.values()) - 0.01
        assert roc_auc_score(y, ensemble.score_samples(new)) > auc["z"] + 0.01

    def test_folds_calibrate_what_overfits(self):
        rng = np.random.RandomState(0)
        X, new = rng.randn(200, 6), rng.randn(2000, 6)
        lof = LocalOutlierFactor(n_neighbors=3, novelty=True)
        median = {}
        for cv in (None, 5):
            ensemble = DetectorEnsemble([("lof", lof)], cv=cv).fit(X)
            median[cv] = np.median(-ensemble.score_samples(new))
        # evenly distributed tail probabilities have the median log 2
        assert abs(median[5] - np.log(2)) < abs(median[None] - np.log(2))
        assert median[5] == pytest.approx(np.log(2), abs=0.1)


class TestWeights:
    def test_agreement_marks_down_the_odd_one(self, table):
        X, _ = table
        members = [
            ("forest", FOREST),
            ("z", ZScore()),
            ("mad", ModifiedZScore()),
            ("constant", Constant()),
        ]
        ensemble = DetectorEnsemble(members, weights="agreement").fit(X)
        assert ensemble.weights_[-1] == 0
        assert np.mean(ensemble.weights_) == pytest.approx(1.0)
        assert (ensemble.weights_[:-1] > 1.0).all()

    def test_agreement_by_definition(self, table):
        X, _ = table
        ensemble = DetectorEnsemble(PAIR, weights="agreement").fit(X)
        # of two detectors, both agree alike with the other
        np.testing.assert_allclose(ensemble.weights_, [1.0, 1.0])

    @pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [0.0, 0.0], [np.nan, 1]])
    def test_bad_weights(self, weights, table):
        with pytest.raises(ValueError, match="weights must be 2 numbers"):
            DetectorEnsemble(PAIR, weights=weights).fit(table[0])

    def test_sample_weights_equal_repetition(self, table):
        X, _ = table
        weight = np.random.RandomState(0).randint(1, 4, size=len(X))
        ensemble = DetectorEnsemble([("z", ZScore()), ("mad", ModifiedZScore())])
        weighted = clone(ensemble).fit(X, sample_weight=weight)
        repeated = clone(ensemble).fit(np.repeat(X, weight, axis=0))
        np.testing.assert_allclose(weighted.score_samples(X), repeated.score_samples(X))
        assert weighted.offset_ == pytest.approx(repeated.offset_)

    @pytest.mark.parametrize("cv", [None, 3])
    @pytest.mark.parametrize("kind", [np.asarray, sp.coo_matrix, pd.DataFrame])
    def test_rows_of_no_weight_change_nothing(self, kind, cv, table):
        X, y = table
        weight = np.random.RandomState(0).randint(0, 3, size=len(X))
        weight[y == -1] = 0
        kept = weight > 0
        members = [("z", ZScore()), ("forest", FOREST)]
        ensemble = DetectorEnsemble(members, weights="agreement", cv=cv)
        all_rows = clone(ensemble).fit(kind(X), sample_weight=weight)
        others = clone(ensemble).fit(X[kept], sample_weight=weight[kept])
        assert all_rows.offset_ == others.offset_
        assert all_rows.training_scores_.shape == (2, kept.sum())
        np.testing.assert_array_equal(
            all_rows.score_samples(kind(X)), others.score_samples(X)
        )

    def test_rows_of_no_weight_take_their_labels_with_them(self, table):
        X, y = table
        kept = np.arange(len(X)) % 3 > 0
        ensemble = DetectorEnsemble([("sad", DeepSAD(**QUICK))])
        found = clone(ensemble).fit(X, y.tolist(), sample_weight=kept)
        expected = clone(ensemble).fit(
            X[kept], y[kept], sample_weight=np.ones(sum(kept))
        )
        np.testing.assert_array_equal(
            found.decision_function(X), expected.decision_function(X)
        )

    def test_listed_sample_weights(self, table):
        X, _ = table
        weight = np.random.RandomState(0).randint(1, 4, size=len(X))
        ensemble = DetectorEnsemble([("z", ZScore())])
        listed = clone(ensemble).fit(X.tolist(), sample_weight=weight.tolist())
        array = clone(ensemble).fit(X, sample_weight=weight)
        np.testing.assert_array_equal(
            listed.decision_function(X), array.decision_function(X)
        )

    def test_impossible_sample_weights(self, table):
        X, _ = table
        ensemble = DetectorEnsemble([("z", ZScore())])
        with pytest.raises(ValueError, match="zero"):
            ensemble.fit(X, sample_weight=[0.0] * len(X))
        with pytest.raises(ValueError, match="[Nn]egative"):
            ensemble.fit(X, sample_weight=np.arange(len(X)) - 1.0)
        with pytest.raises(ValueError, match=r"sample_weight.shape == \(3,\)"):
            ensemble.fit(X, sample_weight=[1.0, 2.0, 3.0])

    def test_routing(self, table):
        X, _ = table
        weight = np.random.RandomState(0).rand(len(X))
        with sklearn.config_context(enable_metadata_routing=True):
            members = [
                ("z", ZScore().set_fit_request(sample_weight=True)),
                ("mad", ModifiedZScore().set_fit_request(sample_weight=False)),
            ]
            ensemble = DetectorEnsemble(members).fit(X, sample_weight=weight)
        z, mad = ensemble.detectors_
        assert z.center_[0] == ZScore().fit(X, sample_weight=weight).center_[0]
        assert mad.center_[0] == ModifiedZScore().fit(X).center_[0]


class TestThreshold:
    @pytest.mark.parametrize("novelty", [False, True])
    @pytest.mark.parametrize(
        "member",
        [
            FOREST,
            LocalOutlierFactor(novelty=True),
            AutoEncoder(novelty=True, **QUICK),
            AutoEncoder(novelty=False, **QUICK),
        ],
    )
    def test_novelty_is_its_own(self, member, novelty, table):
        X, _ = table
        ensemble = DetectorEnsemble([("member", member)], novelty=novelty).fit(X)
        anomaly = -ensemble.score_samples(X)
        offset = {
            known: -training_threshold(anomaly, novelty=known) for known in (0, 1)
        }
        assert ensemble.offset_ == offset[novelty]
        assert offset[0] != offset[1]

    def test_among_the_scores_of_the_training_rows(self, table):
        X, _ = table
        # calibrated on other fits, but the threshold is one of these scores
        members = [("z", ZScore()), ("forest", FOREST)]
        ensemble = DetectorEnsemble(members, contamination=0.1, cv=4).fit(X)
        assert ensemble.offset_ == -contamination_threshold(
            -ensemble.score_samples(X), 0.1
        )
        assert np.sum(ensemble.predict(X) == -1) == 20


class TestMembers:
    def test_names(self, table):
        X, _ = table
        ensemble = DetectorEnsemble(TRIO).fit(X)
        assert list(ensemble.named_detectors_) == ["forest", "svm", "z"]
        assert ensemble.named_detectors_.svm is ensemble.detectors_[1]
        assert not hasattr(FOREST, "estimators_")

    def test_drop_and_replace(self, table):
        X, _ = table
        ensemble = DetectorEnsemble(TRIO, weights=[1, 2, 3]).set_params(svm="drop")
        ensemble.fit(X)
        assert list(ensemble.named_detectors_) == ["forest", "z"]
        np.testing.assert_allclose(ensemble.weights_, [0.5, 1.5])
        ensemble.set_params(svm=SVM, forest__n_estimators=3, z=ModifiedZScore()).fit(X)
        assert len(ensemble.named_detectors_.forest.estimators_) == 3
        assert isinstance(ensemble.detectors_[2], ModifiedZScore)

    def test_frozen_member(self, table):
        X, _ = table
        forest = clone(FOREST).fit(X[:50])
        ensemble = DetectorEnsemble([("f", FrozenEstimator(forest))]).fit(X)
        np.testing.assert_array_equal(
            ensemble.training_scores_[0], forest.score_samples(X)
        )

    def test_bad_members(self, table):
        X, _ = table
        with pytest.raises(TypeError, match="score_samples with novelty=True"):
            DetectorEnsemble([("lof", LocalOutlierFactor())]).fit(X)
        with pytest.raises(
            TypeError, match=r"pairs \(name, detector\), but holds Isol"
        ):
            DetectorEnsemble([FOREST]).fit(X)
        with pytest.raises(ValueError, match="detectors is empty"):
            DetectorEnsemble([]).fit(X)
        with pytest.raises(ValueError, match="Keep at least one"):
            DetectorEnsemble([("a", "drop")]).fit(X)
        with pytest.raises(ValueError, match="not unique"):
            DetectorEnsemble([("a", FOREST), ("a", SVM)]).fit(X)
        with pytest.raises(ValueError, match="must not contain __"):
            DetectorEnsemble([("a__b", FOREST)]).fit(X)


class TestSituations:
    def test_search_and_cross_validation(self, table):
        X, y = table
        folds = StratifiedKFold(3, shuffle=True, random_state=0)
        pipeline = make_pipeline(StandardScaler(), DetectorEnsemble(PAIR))
        grid = {
            "detectorensemble__forest__n_estimators": [5, 20],
            "detectorensemble__combine": ["mean", "max"],
            "detectorensemble__svm": [SVM, "drop"],
        }
        found = GridSearchCV(pipeline, grid, scoring="roc_auc", cv=folds).fit(X, y)
        assert found.best_score_ > 0.8
        assert min(cross_val_score(pipeline, X, y, scoring="roc_auc", cv=folds)) > 0.7

    def test_jobs(self, table):
        X, _ = table
        one = DetectorEnsemble(TRIO).fit(X)
        two = DetectorEnsemble(TRIO, n_jobs=2, cv=2).fit(X)
        assert two.score_samples(X).shape == one.score_samples(X).shape
        again = DetectorEnsemble(TRIO, cv=2).fit(X)
        np.testing.assert_array_equal(two.score_samples(X), again.score_samples(X))

    def test_sparse_missing_frames(self, table):
        X, _ = table
        members = [("z", ZScore()), ("net", AutoEncoder(**QUICK))]
        rounded = np.round(X)
        np.testing.assert_array_equal(
            DetectorEnsemble(members).fit(sp.csr_array(rounded)).score_samples(rounded),
            DetectorEnsemble(members).fit(rounded).score_samples(rounded),
        )
        rounded[::5, 1] = np.nan
        scores = DetectorEnsemble(members).fit(rounded).score_samples(rounded)
        assert np.isfinite(scores).all()
        frame = pd.DataFrame(X, columns=list("abcde"))
        ensemble = DetectorEnsemble(TRIO).fit(frame)
        assert ensemble.feature_names_in_.tolist() == list("abcde")
        with pytest.raises(ValueError, match="in the same order"):
            ensemble.predict(frame[list("edcba")])

    def test_tags_are_those_of_all(self):
        tags = DetectorEnsemble(TRIO).__sklearn_tags__().input_tags
        assert tags.sparse
        assert not tags.allow_nan  # the support vector machine's
        assert (
            DetectorEnsemble([("z", ZScore())]).__sklearn_tags__().input_tags.allow_nan
        )

    def test_pickle(self, table):
        X, _ = table
        ensemble = DetectorEnsemble(TRIO, weights="agreement").fit(X)
        copied = pickle.loads(pickle.dumps(ensemble))
        np.testing.assert_array_equal(copied.predict(X), ensemble.predict(X))

    def test_not_fitted(self, table):
        with pytest.raises(NotFittedError):
            DetectorEnsemble(PAIR).predict(table[0])
