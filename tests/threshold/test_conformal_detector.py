"""ConformalDetector: its guarantees, by simulation, and what it refuses."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from scipy import stats
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import IsolationForest
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    LeaveOneOut,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_deepod import AutoEncoder, ModifiedZScore, WindowedDetector, ZScore
from sklearn_deepod._determinism import TrainingRows
from sklearn_deepod.threshold import ConformalDetector
from sklearn_deepod.utils import all_detectors
from tests.conftest import QUICK, make_detector

FOREST = IsolationForest(n_estimators=20, random_state=0)
METHODS = ["split", "cross", "jackknife+"]
every_method = pytest.mark.parametrize("method", METHODS)


def splits(method, X, n_folds):
    """The rows that a detector of random_state=0 trains and calibrates on."""
    splitter = {
        "split": ShuffleSplit(1, test_size=0.5, random_state=0),
        "cross": KFold(n_folds, shuffle=True, random_state=0),
        "jackknife+": LeaveOneOut(),
    }[method]
    order = TrainingRows(X).positions
    return [(order[a], order[b]) for a, b in splitter.split(np.zeros(len(X)))]


class Noisy(OutlierMixin, BaseEstimator):
    """A detector that scores at random, and says so or not."""

    def __init__(self, *, honest=False):
        self.honest = honest

    def fit(self, X, y=None):
        self.rng_ = np.random.RandomState(0)
        return self

    def score_samples(self, X):
        return self.rng_.rand(len(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.honest
        return tags


class TestChecks:
    """scikit-learn's checks of estimators."""

    @parametrize_with_checks(
        [
            ConformalDetector(FOREST, alpha=0.2, random_state=0),
            ConformalDetector(OneClassSVM(), alpha=0.2, random_state=0),
            ConformalDetector(
                LocalOutlierFactor(novelty=True), method="cross", cv=2, random_state=0
            ),
            ConformalDetector(ZScore(), method="jackknife+"),
            ConformalDetector(AutoEncoder(**QUICK | {"max_steps": 4}), random_state=0),
        ]
    )
    def test_all(self, estimator, check):
        check(estimator)

    @pytest.mark.parametrize(
        "check", [check_param_validation, check_dataframe_column_names_consistency]
    )
    def test_more(self, check):
        check("ConformalDetector", ConformalDetector(FOREST, random_state=0))


class TestPValues:
    @every_method
    def test_by_definition(self, method, table):
        X, _ = table
        detector = ConformalDetector(FOREST, method=method, cv=5, random_state=0)
        detector.fit(X[:60])
        new = X[60:]
        reached, n = np.ones(len(new)), 1
        for fitted, calibration in zip(
            detector.detectors_, detector.calibration_scores_, strict=True
        ):
            scores = fitted.score_samples(new)
            reached += (calibration[None] <= scores[:, None]).sum(axis=1)
            n += len(calibration)
        np.testing.assert_allclose(detector.p_values(new), reached / n)
        assert detector.n_calibration_ == n - 1 == (30 if method == "split" else 60)

    def test_calibration_rows_are_not_trained_on(self):
        X = np.arange(40.0)[:, None]
        for method in METHODS:
            detector = ConformalDetector(
                ModifiedZScore(), method=method, cv=4, random_state=0
            ).fit(X)
            for fitted, calibration in zip(
                detector.detectors_, detector.calibration_scores_, strict=True
            ):
                # the center tells which rows it was fitted on
                held_out = np.flatnonzero(np.isin(fitted.score_samples(X), calibration))
                others = np.setdiff1d(np.arange(40), held_out)
                if method == "jackknife+":
                    assert len(calibration) == 1
                    assert fitted.center_[0] in {
                        np.median(np.delete(X[:, 0], i)) for i in held_out
                    }
                else:
                    assert len(others) >= 40 - 2 * len(calibration)

    @every_method
    def test_rate_of_false_alarms(self, method):
        rng = np.random.RandomState(0)
        n_repeats, n_train, n_new = 50, 40, 100
        p = np.empty((n_repeats, n_new))
        for seed in range(n_repeats):
            X = rng.standard_t(4, size=(n_train + n_new, 3))
            detector = ConformalDetector(
                ModifiedZScore(), method=method, cv=5, random_state=seed
            ).fit(X[:n_train])
            p[seed] = detector.p_values(X[n_train:])
        for alpha in (0.05, 0.1):
            rates = np.mean(p <= alpha, axis=1)
            error = np.std(rates) / np.sqrt(n_repeats)
            # Twice alpha is what is proven for the methods that fit several times.
            bound = alpha if method == "split" else 2 * alpha
            assert alpha / 2 - 3 * error <= np.mean(rates) <= bound + 3 * error

    @pytest.mark.parametrize("inner", [LocalOutlierFactor(novelty=True), FOREST])
    def test_equal_rows_make_no_more_false_alarms(self, inner):
        """A fifth of the new rows have a combination that no training row has."""
        rng = np.random.RandomState(0)
        odds = rng.dirichlet(np.full(8, 0.5), size=3)
        rates = []
        for seed in range(40):
            X = np.column_stack([rng.choice(8, p=p, size=600) for p in odds])
            detector = ConformalDetector(inner, alpha=0.1, random_state=seed)
            rates.append(np.mean(detector.fit(X[:200]).predict(X[200:]) == -1))
        error = np.std(rates) / np.sqrt(len(rates))
        assert np.mean(rates) <= 0.1 + 3 * error

    def test_split_is_uniform(self):
        rng = np.random.RandomState(0)
        p = []
        for seed in range(300):
            X = rng.randn(81, 2)
            detector = ConformalDetector(ZScore(), random_state=seed).fit(X[:80])
            p.extend(detector.p_values(X[80:]))
        # steps of 1 / 41
        assert stats.kstest(np.array(p) - 1 / 82, "uniform").pvalue > 0.01

    def test_real_rows(self):
        X, y = load_breast_cancer(return_X_y=True)
        benign, malign = X[y == 1], X[y == 0]
        rates = []
        for seed in range(10):
            rows = np.random.RandomState(seed).permutation(len(benign))
            detector = ConformalDetector(FOREST, alpha=0.1, random_state=seed)
            detector.fit(benign[rows[:250]])
            rates.append(np.mean(detector.predict(benign[rows[250:]]) == -1))
            assert np.mean(detector.predict(malign) == -1) > 0.6
        assert np.mean(rates) == pytest.approx(0.1, abs=0.03)


class TestFalseDiscoveries:
    def test_rate_stays_below_the_level(self):
        rng = np.random.RandomState(0)
        proportions, found = [], []
        for seed in range(60):
            detector = ConformalDetector(ZScore(), random_state=seed)
            detector.fit(rng.randn(400, 2))
            outlier = np.arange(100) < 20
            new = np.where(outlier[:, None], 6.0, 0.0) + rng.randn(100, 2)
            flagged = detector.predict_fdr(new, level=0.2) == -1
            proportions.append(np.sum(flagged & ~outlier) / max(1, flagged.sum()))
            found.append(np.mean(flagged[outlier]))
        error = np.std(proportions) / np.sqrt(len(proportions))
        assert np.mean(proportions) <= 0.2 + 3 * error
        assert np.mean(found) > 0.9

    def test_by_definition(self, table):
        X, y = table
        detector = ConformalDetector(FOREST, random_state=0).fit(X[y == 1])
        p = np.sort(detector.p_values(X))
        passed = np.flatnonzero(p <= 0.3 * np.arange(1, len(p) + 1) / len(p))
        n_flagged = 1 + passed[-1]
        assert np.sum(detector.predict_fdr(X, level=0.3) == -1) == n_flagged

    @pytest.mark.parametrize("level", [0, 1, -0.1])
    def test_impossible_level(self, level, table):
        detector = ConformalDetector(FOREST, random_state=0).fit(table[0])
        with pytest.raises(ValueError, match="level must be between 0 and 1"):
            detector.predict_fdr(table[0], level=level)


class TestShift:
    """New rows from N(1, 1), training rows from N(0, 1)."""

    @staticmethod
    def ratio(X):
        return np.exp(X[:, 0] - 0.5)

    @pytest.mark.parametrize("method", ["split", "cross"])
    def test_weights_keep_the_rate(self, method):
        rates = {None: [], self.ratio: []}
        rng = np.random.RandomState(0)
        for seed in range(40):
            X, new = rng.randn(120, 1), 1 + rng.randn(200, 1)
            for ratio, found in rates.items():
                detector = ConformalDetector(
                    ZScore(),
                    method=method,
                    alpha=0.1,
                    likelihood_ratio=ratio,
                    random_state=seed,
                ).fit(X)
                found.append(np.mean(detector.predict(new) == -1))
        assert np.mean(rates[None]) > 0.2
        assert np.mean(rates[self.ratio]) < 0.13

    def test_is_that_of_the_fit(self, table):
        X, _ = table
        detector = ConformalDetector(FOREST, random_state=0).fit(X)
        p = detector.p_values(X)
        detector.set_params(likelihood_ratio=self.ratio)
        np.testing.assert_array_equal(detector.p_values(X), p)

    def test_equal_weights_change_nothing(self, table):
        X, _ = table
        detector = ConformalDetector(FOREST, random_state=0)
        plain = clone(detector).fit(X).p_values(X)
        detector.set_params(likelihood_ratio=lambda X: np.full(len(X), 0.3))
        np.testing.assert_allclose(detector.fit(X).p_values(X), plain)

    @pytest.mark.parametrize(
        "ratio",
        [
            lambda X: np.ones(3),
            lambda X: -np.ones(len(X)),
            lambda X: np.full(len(X), np.nan),
        ],
    )
    def test_bad_ratios(self, ratio, table):
        detector = ConformalDetector(FOREST, likelihood_ratio=ratio, random_state=0)
        with pytest.raises(ValueError, match="one finite number of at least 0"):
            detector.fit(table[0])


class TestSampleWeights:
    @pytest.mark.parametrize(
        ("method", "inner"),
        [
            *((method, ZScore()) for method in METHODS),
            ("cross", LocalOutlierFactor(n_neighbors=5, novelty=True)),
            ("jackknife+", make_pipeline(StandardScaler(), OneClassSVM())),
            ("split", AutoEncoder(**QUICK)),
            ("split", FOREST),
            ("split", FrozenEstimator(clone(FOREST).fit(np.eye(2)))),
        ],
        ids=lambda value: value if isinstance(value, str) else type(value).__name__,
    )
    def test_a_fit_is_a_function_of_the_weighted_set_of_rows(self, method, inner):
        rng = np.random.RandomState(0)
        X, new = np.round(rng.randn(24, 2), 1), rng.randn(50, 2)
        weight = rng.randint(0, 4, size=len(X))
        detector = ConformalDetector(
            inner, method=method, cv=3, alpha=0.3, random_state=0
        )
        rows = np.repeat(X, weight, axis=0)
        expected = clone(detector).fit(rng.permutation(rows))
        for found in (
            clone(detector).fit(X, sample_weight=weight),
            clone(detector).fit(rows),
            clone(detector).fit(rows, sample_weight=np.full(len(rows), 1.0)),
        ):
            for name in ("p_values", "score_samples", "predict"):
                np.testing.assert_array_equal(
                    getattr(found, name)(new), getattr(expected, name)(new)
                )
            assert found.n_calibration_ == expected.n_calibration_

    @every_method
    def test_by_definition(self, method, table):
        X, _ = table
        weight = 0.5 + np.random.RandomState(0).rand(60)
        detector = ConformalDetector(FOREST, method=method, cv=5, random_state=0)
        detector.fit(X[:60], sample_weight=weight)
        reached, total = np.ones(len(X)), 1.0
        parts = zip(detector.detectors_, splits(method, X[:60], 5), strict=True)
        for fitted, (_, held_out) in parts:
            known, new = fitted.score_samples(X[held_out]), fitted.score_samples(X)
            reached += weight[held_out] @ (known[:, None] <= new)
            total += weight[held_out].sum()
        np.testing.assert_allclose(detector.p_values(X), reached / total)

    @every_method
    @pytest.mark.parametrize("kind", [np.asarray, sp.coo_matrix, np.ndarray.tolist])
    def test_rows_of_no_weight_change_nothing(self, method, kind, table):
        X, y = table[0][:80], table[1][:80]
        weight = (y == 1).astype(int)
        detector = ConformalDetector(ZScore(), method=method, alpha=0.2, random_state=0)
        found = clone(detector).fit(kind(X), y, sample_weight=weight.tolist())
        expected = clone(detector).fit(X[y == 1])
        np.testing.assert_array_equal(found.score_samples(X), expected.score_samples(X))
        assert found.n_calibration_ == expected.n_calibration_

    @every_method
    def test_reach_the_detector_that_takes_them(self, method, table):
        X, _ = table
        weight = np.arange(1.0, len(X) + 1)
        detector = ConformalDetector(ZScore(), method=method, random_state=0)
        detector.fit(X, sample_weight=weight)
        parts = zip(detector.detectors_, splits(method, X, 10), strict=True)
        for fitted, (train, _) in parts:
            expected = ZScore().fit(X[train], sample_weight=weight[train])
            np.testing.assert_array_equal(fitted.center_, expected.center_)

    @pytest.mark.parametrize(
        "inner",
        [LocalOutlierFactor(novelty=True), make_pipeline(StandardScaler(), ZScore())],
    )
    def test_repeat_the_rows_of_a_detector_that_takes_none(self, inner, table):
        X, _ = table
        weight = np.arange(1.0, len(X) + 1)
        detector = ConformalDetector(inner, random_state=0).fit(X, sample_weight=weight)
        ((train, calibration),) = splits("split", X, 2)
        rows = np.repeat(X[train], weight[train].astype(int), axis=0)
        known = clone(inner).fit(rows).score_samples(X[calibration])
        order = np.argsort(known)
        np.testing.assert_array_equal(detector.calibration_scores_[0], known[order])
        np.testing.assert_array_equal(
            detector.calibration_weights_[0], weight[calibration][order]
        )
        assert detector.n_calibration_ == weight[calibration].sum()

    @every_method
    def test_keep_the_rate_where_rows_were_drawn_unevenly(self, method):
        rng = np.random.RandomState(0)
        rates = {False: [], True: []}
        for seed in range(10 if method == "jackknife+" else 30):
            X = rng.randn(400, 1)
            # Of the rows far from 0 every fourth is kept, and stands for four.
            far = np.abs(X[:, 0]) > 1
            kept = ~far | (rng.rand(400) < 0.25)
            X, weight = X[kept][:150], np.where(far, 4.0, 1.0)[kept][:150]
            for weighted, found in rates.items():
                detector = ConformalDetector(
                    ZScore(), method=method, alpha=0.1, cv=5, random_state=seed
                ).fit(X, sample_weight=weight if weighted else None)
                found.append(np.mean(detector.predict(rng.randn(500, 1)) == -1))
        assert np.mean(rates[False]) > 0.2
        assert np.mean(rates[True]) == pytest.approx(0.1, abs=0.03)

    def test_routing(self, table):
        X, _ = table
        weight = np.arange(1.0, len(X) + 1)
        plain = ConformalDetector(ZScore(), random_state=0)
        with sklearn.config_context(enable_metadata_routing=True):
            both = ConformalDetector(
                ZScore().set_fit_request(sample_weight=True), random_state=0
            ).set_fit_request(sample_weight=True)
            calibration_only = ConformalDetector(
                ZScore().set_fit_request(sample_weight=False), random_state=0
            ).set_fit_request(sample_weight=True)
            for detector, reaches_fit in [(both, True), (calibration_only, False)]:
                scaler = StandardScaler().set_fit_request(sample_weight=False)
                pipeline = make_pipeline(scaler, detector)
                found = clone(pipeline).fit_predict(X, sample_weight=weight)
                pipeline.fit(X, sample_weight=weight)
                np.testing.assert_array_equal(pipeline.predict(X), found)
                center = pipeline[-1].detectors_[0].center_
                Z = scaler.fit_transform(X)
                given = weight if reaches_fit else None
                with sklearn.config_context(enable_metadata_routing=False):
                    expected = clone(plain).fit(Z, sample_weight=given)
                    unweighted = clone(plain).fit(Z)
                np.testing.assert_array_equal(center, expected.detectors_[0].center_)
                assert not np.allclose(pipeline[-1].p_values(Z), unweighted.p_values(Z))

    def test_impossible(self, table):
        X, _ = table
        with pytest.raises(ValueError, match="zero"):
            ConformalDetector(ZScore()).fit(X, sample_weight=np.zeros(len(X)))
        with pytest.raises(ValueError, match="[Nn]egative"):
            ConformalDetector(ZScore()).fit(X, sample_weight=-np.ones(len(X)))

    def test_too_little_weight_warns(self, table):
        X, _ = table
        weight = np.full(len(X), 1 / len(X))
        detector = ConformalDetector(ZScore(), random_state=0)
        with pytest.warns(UserWarning, match=r"a total weight of 0.5 .*1 / 1.5"):
            detector.fit(X, sample_weight=weight)


class TestScores:
    @every_method
    def test_order_within_equal_p_values_is_the_detectors(self, method, table):
        X, y = table
        detector = ConformalDetector(FOREST, method=method, random_state=0)
        detector.fit(X[y == 1][:60])
        p, scores = detector.p_values(X), detector.score_samples(X)
        assert len(np.unique(scores)) > len(np.unique(p))
        np.testing.assert_allclose(scores, p, rtol=2e-6)
        assert np.all((scores[:, None] < scores) | (p[:, None] >= p))
        assert min(roc_auc_score(y, scores), roc_auc_score(y, p)) > 0.8

    @every_method
    @pytest.mark.parametrize("alpha", [0.05, 0.1, 0.25])
    def test_labels_are_those_of_the_p_values(self, method, alpha, table):
        X, _ = table
        # 39 calibration rows: alpha is met exactly by some p-values
        detector = ConformalDetector(
            FOREST, method=method, alpha=alpha, calibration_size=39, random_state=0
        ).fit(X[: 78 if method == "split" else 39])
        assert detector.n_calibration_ == 39
        assert np.any(np.isclose(detector.p_values(X), alpha, rtol=1e-12))
        np.testing.assert_array_equal(
            detector.predict(X) == -1, detector.p_values(X) <= alpha * (1 + 1e-12)
        )
        assert detector.offset_ == alpha

    @pytest.mark.parametrize("name", [name for name, _ in all_detectors()])
    def test_every_detector(self, name, table):
        X, y = table
        inner = make_detector(dict(all_detectors())[name], **QUICK)
        detector = ConformalDetector(inner, alpha=0.1, random_state=0)
        detector.fit(X[y == 1])
        assert np.mean(detector.predict(X[y == 1]) == -1) < 0.2
        assert np.mean(detector.predict(X[y == -1]) == -1) > 0.3

    def test_jobs_and_seeds(self, table):
        X, _ = table
        detector = ConformalDetector(FOREST, method="cross", cv=4, random_state=0)
        first = clone(detector).fit(X)
        second = clone(detector).set_params(n_jobs=2).fit(X)
        np.testing.assert_array_equal(first.score_samples(X), second.score_samples(X))
        third = clone(detector).set_params(random_state=1).fit(X)
        assert not np.array_equal(first.score_samples(X), third.score_samples(X))


class TestSituations:
    def test_frozen_detector_calibrates_on_all_rows(self, table):
        X, _ = table
        forest = clone(FOREST).fit(X[:100])
        detector = ConformalDetector(FrozenEstimator(forest)).fit(X[100:])
        assert detector.n_calibration_ == 100
        np.testing.assert_array_equal(
            detector.calibration_scores_[0], np.sort(forest.score_samples(X[100:]))
        )
        for method in ("cross", "jackknife+"):
            with pytest.raises(ValueError, match='Use method="split"'):
                detector.set_params(method=method).fit(X)

    def test_grid_search_reaches_the_detector(self, table):
        X, y = table
        pipeline = make_pipeline(
            StandardScaler(), ConformalDetector(FOREST, random_state=0)
        )
        grid = {
            "conformaldetector__alpha": [0.1, 0.5],
            "conformaldetector__detector__n_estimators": [2, 20],
        }
        folds = StratifiedKFold(3, shuffle=True, random_state=0)
        found = GridSearchCV(pipeline, grid, scoring="balanced_accuracy", cv=folds)
        assert found.fit(X, y).best_score_ > 0.7
        assert set(found.best_params_) == set(grid)

    def test_frames(self, table):
        frame = pd.DataFrame(table[0], columns=list("abcde"))
        detector = ConformalDetector(FOREST, random_state=0).fit(frame)
        assert detector.feature_names_in_.tolist() == list("abcde")
        with pytest.raises(ValueError, match="in the same order"):
            detector.predict(frame[list("edcba")])


class TestRefusals:
    @pytest.mark.parametrize("alpha", [0, 1, 0.0, 1.0, -0.1])
    def test_impossible_alpha(self, alpha, table):
        with pytest.raises(ValueError, match=r"'alpha' .* in the range \(0.0, 1.0\)"):
            ConformalDetector(FOREST, alpha=alpha).fit(table[0])

    def test_too_few_calibration_rows_warn(self, table):
        X, _ = table
        detector = ConformalDetector(FOREST, alpha=0.02, random_state=0)
        with pytest.warns(UserWarning, match=r"20 calibration rows .* 1 / 21, so noth"):
            detector.fit(X[:40])
        assert (detector.predict(X) == 1).all()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            detector.fit(X[:98])

    def test_warning_points_at_the_caller(self, table):
        X, _ = table
        detector = ConformalDetector(FOREST, alpha=0.02, random_state=0)
        pipeline = make_pipeline(StandardScaler(), detector)
        for call in (detector.fit, detector.fit_predict, pipeline.fit):
            with pytest.warns(UserWarning, match="so nothing will be") as caught:
                call(X[:40])
            assert [w.filename for w in caught] == [__file__]

    def test_no_calibration_rows(self, table):
        X, _ = table
        with pytest.raises(ValueError, match="1 rows were given, of which n_samples=1"):
            ConformalDetector(FOREST).fit(X[:1])
        with pytest.raises(ValueError, match="8 rows .* n_samples=1 .* two different"):
            ConformalDetector(FOREST).fit(np.ones((8, 2)))
        with pytest.raises(ValueError, match="should be either positive"):
            ConformalDetector(FOREST, calibration_size=200).fit(X)
        with pytest.raises(ValueError, match="'calibration_size'"):
            ConformalDetector(FOREST, calibration_size=0).fit(X)
        with pytest.raises(ValueError, match="minimum of 1 is required"):
            ConformalDetector(FrozenEstimator(clone(FOREST).fit(X))).fit(X[:0])

    def test_scores_must_be_a_function_of_the_row(self, table):
        X, _ = table
        with pytest.raises(ValueError, match="change from call to call"):
            ConformalDetector(Noisy(honest=True)).fit(X)
        with pytest.raises(ValueError, match="fixed function of the row"):
            ConformalDetector(Noisy()).fit(X)
        with pytest.raises(ValueError, match="fixed function of the row"):
            ConformalDetector(WindowedDetector(FOREST, window=5)).fit(X)

    def test_detector_without_scores(self, table):
        with pytest.raises(TypeError, match="score_samples with novelty=True"):
            ConformalDetector(LocalOutlierFactor()).fit(table[0])
