"""WindowedDetector around detectors of scikit-learn and of this package."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.ensemble import HistGradientBoostingRegressor, IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_estimator,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_deepod import AutoEncoder, WindowedDetector
from sklearn_deepod._stats import contamination_threshold, training_threshold
from sklearn_deepod.timeseries import _windowed_detector
from tests.conftest import QUICK

FOREST = IsolationForest(n_estimators=20, random_state=0)
DETECTORS = [
    FOREST,
    LocalOutlierFactor(n_neighbors=5, novelty=True),
    OneClassSVM(),
    AutoEncoder(**QUICK),
    make_pipeline(StandardScaler(), FOREST),
]
MERGES = ["max", "mean", "last"]


class Largest(OutlierMixin, BaseEstimator):
    """The largest value of a row is its anomaly score; keeps what it was given."""

    def __init__(self, *, three_d=False):
        self.three_d = three_d

    def fit(self, X, y=None):
        self.fitted_on_ = X
        return self

    def score_samples(self, X):
        self.scored_ = X
        return -X.reshape(len(X), -1).max(axis=1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = self.three_d
        return tags


def make_series(n_timestamps=400, n_channels=1, seed=0):
    """Noisy waves, each channel with a period of its own."""
    rng = np.random.RandomState(seed)
    t = np.arange(n_timestamps)[:, None]
    return np.sin(t / (3.0 + np.arange(n_channels))) + 0.1 * rng.randn(
        n_timestamps, n_channels
    )


def scores_by_loops(windowed, X):
    """What `score_samples` should give, window by window, stamp by stamp."""
    window, n = windowed.window, len(X)
    starts = list(range(0, n - window + 1, windowed.stride))
    if n - window not in starts:
        starts.append(n - window)
    rows = np.array([X[a : a + window].ravel() for a in starts])
    of_window = windowed.detector_.score_samples(rows)
    merged = []
    for t in range(n):
        held = [
            s for s, a in zip(of_window, starts, strict=True) if a <= t < a + window
        ]
        past = [
            s for s, a in zip(of_window, starts, strict=True) if a + window <= t + 1
        ]
        merged.append(
            {
                "max": min(held),
                "mean": sum(held) / len(held),
                "last": past[-1] if past else of_window[0],
            }[windowed.merge]
        )
    return np.array(merged)


class TestChecks:
    """scikit-learn's checks of estimators."""

    @parametrize_with_checks(
        [
            WindowedDetector(
                IsolationForest(n_estimators=10, random_state=0), window=1
            ),
            WindowedDetector(OneClassSVM(), window=1, merge="mean"),
            WindowedDetector(LocalOutlierFactor(novelty=True), window=1, merge="last"),
            WindowedDetector(AutoEncoder(**QUICK), window=1),
        ]
    )
    def test_rows_one_by_one_pass_all(self, estimator, check):
        check(estimator)

    @pytest.mark.parametrize("merge", MERGES)
    def test_windows_fail_only_where_rows_must_be_independent(self, merge):
        dependent = {
            "check_methods_sample_order_invariance": "the order is that of time",
            "check_methods_subset_invariance": "a score depends on the neighbours",
        }
        results = check_estimator(
            WindowedDetector(FOREST, window=3, merge=merge),
            expected_failed_checks=dependent,
            on_skip=None,
        )
        failed = {r["check_name"] for r in results if r["status"] == "xfail"}
        assert failed == set(dependent)

    @pytest.mark.parametrize(
        "check", [check_param_validation, check_dataframe_column_names_consistency]
    )
    def test_more_checks(self, check):
        check("WindowedDetector", WindowedDetector(FOREST, window=2))


class TestScores:
    """Values of the scores and the threshold."""

    @pytest.mark.parametrize("merge", MERGES)
    @pytest.mark.parametrize("n_channels", [1, 3])
    @pytest.mark.parametrize(("window", "stride"), [(1, 1), (8, 1), (8, 3), (8, 8)])
    @pytest.mark.parametrize("length", [90, 91])
    def test_against_loops(self, merge, n_channels, window, stride, length):
        X = make_series(length, n_channels)
        windowed = WindowedDetector(FOREST, window=window, stride=stride, merge=merge)
        scores = windowed.fit(X[:70]).score_samples(X)
        assert scores.shape == (length,)
        np.testing.assert_allclose(scores, scores_by_loops(windowed, X), rtol=1e-12)

    @pytest.mark.parametrize(
        ("merge", "expected"),
        [
            ("max", [1, 1, 9, 9, 9, 3]),
            ("mean", [1, 1, 5, 9, 6, 3]),
            ("last", [1, 1, 1, 9, 9, 3]),
        ],
    )
    def test_by_hand(self, merge, expected):
        X = np.array([[0.0], [1], [1], [9], [3], [2]])
        windowed = WindowedDetector(Largest(), window=2, merge=merge).fit(X)
        assert (-windowed.score_samples(X)).tolist() == expected

    def test_parameters_count_at_the_fit_only(self):
        X = make_series(120, 2)
        windowed = WindowedDetector(FOREST, window=6, stride=2).fit(X)
        scores = windowed.score_samples(X)
        windowed.set_params(window=9, stride=3, merge="mean", flatten=False)
        np.testing.assert_array_equal(windowed.score_samples(X), scores)

    @pytest.mark.parametrize("detector", DETECTORS)
    def test_agrees_with_itself(self, detector):
        X = make_series(120, 2)
        windowed = WindowedDetector(detector, window=6)
        assert windowed.fit(X) is windowed
        decision = windowed.decision_function(X)
        np.testing.assert_array_equal(
            decision, windowed.score_samples(X) - windowed.offset_
        )
        labels = windowed.predict(X)
        np.testing.assert_array_equal(labels == -1, decision < 0)
        assert set(labels) <= {-1, 1}
        np.testing.assert_array_equal(clone(windowed).fit_predict(X), labels)

    def test_threshold(self):
        X = make_series(200)
        windowed = WindowedDetector(FOREST, window=8).fit(X)
        anomaly = -windowed.score_samples(X)
        assert windowed.offset_ == -training_threshold(anomaly)
        windowed.set_params(contamination=0.1).fit(X)
        assert windowed.offset_ == -contamination_threshold(anomaly, 0.1)
        assert 0.05 < np.mean(windowed.predict(X) == -1) < 0.15

    @pytest.mark.parametrize("novelty", [False, True])
    @pytest.mark.parametrize(
        "detector",
        [
            FOREST,
            LocalOutlierFactor(novelty=True),
            AutoEncoder(novelty=True, **QUICK),
            AutoEncoder(novelty=False, **QUICK),
        ],
    )
    def test_novelty_is_its_own(self, detector, novelty):
        X = make_series(200)
        windowed = WindowedDetector(detector, window=8, novelty=novelty).fit(X)
        expected, other = (
            -training_threshold(-windowed.score_samples(X), novelty=known)
            for known in (novelty, not novelty)
        )
        assert windowed.offset_ == expected != other

    def test_threshold_of_the_inner_detector_is_not_used(self):
        X = make_series(200)
        plain = WindowedDetector(FOREST, window=8).fit(X)
        other = WindowedDetector(
            clone(FOREST).set_params(contamination=0.4), window=8
        ).fit(X)
        assert other.offset_ == plain.offset_

    @pytest.mark.parametrize("merge", MERGES)
    def test_constant_series_has_no_outlier(self, merge):
        X = np.full((60, 2), 0.1)
        windowed = WindowedDetector(FOREST, window=7, merge=merge).fit(X)
        assert (windowed.predict(X) == 1).all()

    def test_last_knows_nothing_of_the_future(self):
        X = make_series(200)
        windowed = WindowedDetector(FOREST, window=8, merge="last").fit(X)
        whole = windowed.score_samples(X)
        np.testing.assert_array_equal(windowed.score_samples(X[:90]), whole[:90])

    @pytest.mark.parametrize("merge", ["max", "mean"])
    def test_only_neighbours_matter(self, merge):
        X = make_series(200)
        windowed = WindowedDetector(FOREST, window=8, merge=merge).fit(X)
        before = windowed.score_samples(X)
        X[100] = 50.0
        changed = np.flatnonzero(windowed.score_samples(X) != before)
        assert 100 in changed
        assert changed.min() >= 100 - 7
        assert changed.max() <= 100 + 7

    def test_in_parts_or_at_once(self, monkeypatch):
        X = make_series(150, 2)
        windowed = WindowedDetector(Largest(), window=6).fit(X)
        whole = windowed.score_samples(X)
        assert len(windowed.detector_.scored_) == 145
        monkeypatch.setattr(_windowed_detector, "SCORE_CELLS", 100)
        np.testing.assert_array_equal(windowed.score_samples(X), whole)
        assert len(windowed.detector_.scored_) <= 100 // 12

    def test_finds_what_points_do_not_show(self):
        # A wave that stands still for a while never leaves its usual values.
        X = make_series(1200)
        y = np.ones(1200, dtype=int)
        X[900:930] = 0.4 + 0.1 * np.random.RandomState(1).randn(30, 1)
        y[900:930] = -1
        forest = IsolationForest(random_state=0)
        points = clone(forest).fit(X[:600]).score_samples(X)
        assert roc_auc_score(y, points) < 0.7
        windowed = WindowedDetector(forest, window=24).fit(X[:600])
        assert roc_auc_score(y, windowed.score_samples(X)) > 0.95
        assert 885 <= windowed.score_samples(X).argmin() < 945


class TestShapes:
    """What the inner detector is given."""

    @pytest.mark.parametrize(
        ("flatten", "three_d", "shape"),
        [
            ("auto", False, (17, 8)),
            ("auto", True, (17, 4, 2)),
            (True, True, (17, 8)),
            (False, False, (17, 4, 2)),
        ],
    )
    def test_flatten(self, flatten, three_d, shape):
        X = make_series(20, 2)
        windowed = WindowedDetector(
            Largest(three_d=three_d), window=4, flatten=flatten
        ).fit(X)
        inner = windowed.detector_
        assert inner.fitted_on_.shape == inner.scored_.shape == shape
        np.testing.assert_array_equal(inner.fitted_on_[3].ravel(), X[3:7].ravel())

    def test_sequences_for_a_network(self):
        X = make_series(60, 2)
        windowed = WindowedDetector(AutoEncoder(**QUICK), window=8, flatten=False)
        scores = windowed.fit(X).score_samples(X)
        assert scores.shape == (60,)
        assert np.isfinite(scores).all()

    def test_stride_makes_fewer_rows(self):
        X = make_series(21)
        inner = WindowedDetector(Largest(), window=4, stride=3).fit(X).detector_
        assert len(inner.fitted_on_) == 7  # 0, 3, ..., 15 and the last, 17

    def test_whole_numbers_and_single_precision(self):
        X = np.round(10 * make_series(60))
        plain = WindowedDetector(FOREST, window=5).fit(X).score_samples(X)
        for kind in (int, np.float32):
            windowed = WindowedDetector(FOREST, window=5).fit(X.astype(kind))
            np.testing.assert_array_equal(windowed.score_samples(X.astype(kind)), plain)
        listed = WindowedDetector(FOREST, window=5).fit(X.tolist())
        np.testing.assert_array_equal(listed.score_samples(X.tolist()), plain)

    @pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
    def test_frames(self, library):
        X = make_series(60, 3)
        frame = library.DataFrame({f"c{i}": column for i, column in enumerate(X.T)})
        windowed = WindowedDetector(FOREST, window=5).fit(frame)
        assert windowed.n_features_in_ == 3
        assert windowed.feature_names_in_.tolist() == ["c0", "c1", "c2"]
        np.testing.assert_array_equal(
            windowed.score_samples(frame),
            WindowedDetector(FOREST, window=5).fit(X).score_samples(X),
        )
        with pytest.raises(ValueError, match="in the same order"):
            windowed.predict(frame[["c2", "c1", "c0"]])

    def test_missing_values(self):
        X = make_series(100)
        X[::9] = np.nan
        windowed = WindowedDetector(FOREST, window=5).fit(X)
        assert np.isfinite(windowed.score_samples(X)).all()
        assert get_tags(windowed).input_tags.allow_nan
        filled = WindowedDetector(make_pipeline(SimpleImputer(), FOREST), window=5)
        assert np.isfinite(filled.fit(X).score_samples(X)).all()
        strict = WindowedDetector(OneClassSVM(), window=5)
        assert not get_tags(strict).input_tags.allow_nan
        with pytest.raises(ValueError, match="OneClassSVM does not accept missing"):
            strict.fit(X)


class TestSeveralSeries:
    """No window contains time stamps of two series."""

    @pytest.mark.parametrize("merge", MERGES)
    @pytest.mark.parametrize("cells", [40, 2**22])
    def test_scores_are_those_of_each_alone(self, merge, cells, monkeypatch):
        monkeypatch.setattr(_windowed_detector, "SCORE_CELLS", cells)
        parts = [make_series(n, 2, seed=n) for n in (30, 8, 41)]
        windowed = WindowedDetector(FOREST, window=8, stride=3, merge=merge).fit(parts)
        alone = [windowed.score_samples(part) for part in parts]
        np.testing.assert_array_equal(
            windowed.score_samples(parts), np.concatenate(alone)
        )
        labels = np.repeat([2, 0, 1], [30, 8, 41])
        in_turn = np.argsort(np.r_[np.arange(30), np.arange(8), np.arange(41)])
        X, labels = np.concatenate(parts)[in_turn], labels[in_turn]
        scores = windowed.score_samples(X, groups=labels)
        for label, expected in zip([2, 0, 1], alone, strict=True):
            np.testing.assert_array_equal(scores[labels == label], expected)

    def test_windows_of_all_are_learned(self):
        parts = [make_series(10, 2), make_series(7, 2, seed=1)]
        windowed = WindowedDetector(Largest(), window=4).fit(parts)
        seen = windowed.detector_.fitted_on_
        assert seen.shape == (7 + 4, 8)
        np.testing.assert_array_equal(seen[7], parts[1][:4].ravel())
        same = WindowedDetector(Largest(), window=4)
        same.fit(np.concatenate(parts), groups=[0] * 10 + [1] * 7)
        np.testing.assert_array_equal(same.detector_.fitted_on_, seen)
        assert same.offset_ == windowed.offset_

    def test_three_axes(self):
        X = make_series(60, 2).reshape(3, 20, 2)
        windowed = WindowedDetector(FOREST, window=4)
        labels = windowed.fit_predict(X)
        assert labels.shape == (3, 20)
        np.testing.assert_array_equal(labels[1], windowed.predict(X[1]))

    def test_single_precision_stays(self):
        X = make_series(30).astype(np.float32)
        windowed = WindowedDetector(Largest(), window=4).fit([X, X])
        assert windowed.detector_.fitted_on_.dtype == np.float32

    def test_one_is_too_short(self):
        parts = [make_series(30), make_series(5)]
        with pytest.raises(ValueError, match=r"X\[1\] has n_samples=5 .*window=8"):
            WindowedDetector(FOREST, window=8).fit(parts)

    def test_gaps(self):
        index = pd.date_range("2024-01-01", periods=40, freq="h").delete([20, 30, 31])
        frame = pd.DataFrame(make_series(37, 2), index=index, columns=["a", "b"])
        windowed = WindowedDetector(FOREST, window=4)
        with pytest.raises(ValueError, match="on_gap='split'"):
            windowed.fit(frame)
        split = clone(windowed).set_params(on_gap="split").fit(frame)
        parts = [frame.iloc[:20], frame.iloc[20:29], frame.iloc[29:]]
        np.testing.assert_array_equal(
            split.score_samples(frame), split.score_samples(parts)
        )
        filled = clone(windowed).set_params(on_gap="interpolate").fit(frame)
        filled.set_output(transform="pandas")
        scores = filled.score_samples(frame)
        assert scores.index.equals(index)
        # One missing time stamp is filled, two in a row (of a window of 4) are not.
        assert [len(s) for s in filled._read_series(frame).segments] == [30, 8]

    def test_time_column(self):
        frame = pl.DataFrame({"t": np.arange(30) * 5, "a": make_series(30)[:, 0]})
        windowed = WindowedDetector(FOREST, window=4, time_column="t").fit(frame)
        assert windowed.feature_names_in_.tolist() == ["a"]
        plain = WindowedDetector(FOREST, window=4).fit(frame[["a"]])
        np.testing.assert_array_equal(
            windowed.score_samples(frame), plain.score_samples(frame[["a"]])
        )

    def test_routing(self):
        X, labels = make_series(40), np.repeat([0, 1], 20)
        windowed = WindowedDetector(FOREST, window=4)
        expected = clone(windowed).fit(X, groups=labels).offset_
        plain = make_pipeline(StandardScaler(with_mean=False, with_std=False), windowed)
        plain.fit(X, windoweddetector__groups=labels)
        assert plain[-1].offset_ == expected
        with config_context(enable_metadata_routing=True):
            requested = clone(windowed).set_fit_request(groups=True)
            requested.set_predict_request(groups=True)
            routed = make_pipeline(clone(plain[0]), requested)
            routed.fit(X, groups=labels)
            assert routed[-1].offset_ == expected
            np.testing.assert_array_equal(
                routed.predict(X, groups=labels),
                requested.fit(X, groups=labels).predict(X, groups=labels),
            )


class TestErrors:
    """Messages say what to do."""

    def test_series_shorter_than_a_window(self):
        X = make_series(40)
        windowed = WindowedDetector(FOREST, window=16)
        with pytest.raises(ValueError, match="longer series or a smaller window"):
            windowed.fit(X[:15])
        windowed.fit(X[:16])
        assert windowed.score_samples(X[:16]).shape == (16,)
        with pytest.raises(ValueError, match="time stamps before them"):
            windowed.predict(X[:15])

    def test_stride_that_leaves_time_stamps_out(self):
        with pytest.raises(ValueError, match="stride=5 is greater than window=4"):
            WindowedDetector(FOREST, window=4, stride=5).fit(make_series(40))

    def test_one_axis(self):
        with pytest.raises(ValueError, match=r"reshape\(-1, 1\)"):
            WindowedDetector(FOREST).fit(make_series(40).ravel())

    def test_number_of_channels(self):
        windowed = WindowedDetector(FOREST, window=4).fit(make_series(40, 2))
        with pytest.raises(ValueError, match="expecting 2 features"):
            windowed.predict(make_series(40, 3))

    def test_not_fitted(self):
        with pytest.raises(NotFittedError):
            WindowedDetector(FOREST).score_samples(make_series(40))

    @pytest.mark.parametrize(
        "detector",
        [None, "forest", LocalOutlierFactor(), HistGradientBoostingRegressor()],
    )
    def test_no_detector(self, detector):
        with pytest.raises(TypeError, match="cannot score new rows"):
            WindowedDetector(detector).fit(make_series(40))

    @pytest.mark.parametrize(
        "params",
        [
            {"window": 0},
            {"window": 2.5},
            {"stride": 0},
            {"merge": "sum"},
            {"flatten": "no"},
            {"time_column": 3},
            {"on_gap": "fill"},
            {"contamination": 0.6},
            {"novelty": "yes"},
        ],
    )
    def test_parameters(self, params):
        with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter"):
            WindowedDetector(FOREST, **params).fit(make_series(40))

    def test_parameters_of_the_inner_detector(self):
        windowed = WindowedDetector(IsolationForest(n_estimators=0), window=4)
        with pytest.raises(ValueError, match="'n_estimators' parameter of Isolation"):
            windowed.fit(make_series(40))


class TestTogether:
    """With the rest of scikit-learn."""

    def test_parameters(self):
        windowed = WindowedDetector(IsolationForest())
        windowed.set_params(detector__n_estimators=7, window=4)
        assert windowed.detector.n_estimators == 7
        assert windowed.get_params()["detector__n_estimators"] == 7
        copied = clone(windowed)
        assert copied.detector is not windowed.detector
        assert copied.window == 4
        windowed.fit(make_series(40))
        assert windowed.detector_ is not windowed.detector
        assert len(windowed.detector_.estimators_) == 7

    @pytest.mark.parametrize("detector", DETECTORS)
    def test_pickle(self, detector):
        X = make_series(60)
        windowed = WindowedDetector(detector, window=5).fit(X)
        copied = pickle.loads(pickle.dumps(windowed))
        np.testing.assert_array_equal(
            copied.decision_function(X), windowed.decision_function(X)
        )

    def test_pipeline(self):
        X = make_series(80, 2)
        pipeline = make_pipeline(StandardScaler(), WindowedDetector(FOREST, window=5))
        scaled = StandardScaler().fit_transform(X)
        alone = WindowedDetector(FOREST, window=5).fit(scaled)
        np.testing.assert_array_equal(
            pipeline.fit(X).decision_function(X), alone.decision_function(scaled)
        )

    def test_search(self):
        X = make_series(600)
        y = np.ones(600, dtype=int)
        for start in (180, 330, 480):
            X[start : start + 15] = 0.4
            y[start : start + 15] = -1
        search = GridSearchCV(
            make_pipeline(StandardScaler(), WindowedDetector(FOREST)),
            {
                "windoweddetector__window": [1, 20],
                "windoweddetector__detector__n_estimators": [5, 20],
            },
            scoring="roc_auc",
            cv=TimeSeriesSplit(3, test_size=150),
        ).fit(X, y)
        assert search.best_params_["windoweddetector__window"] == 20
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert search.best_score_ > 0.9

    def test_pipeline_inside(self):
        inner = make_pipeline(StandardScaler(), OneClassSVM())
        windowed = WindowedDetector(inner, window=4)
        windowed.set_params(detector__oneclasssvm__nu=0.2).fit(make_series(80))
        assert windowed.detector_[-1].nu == 0.2
