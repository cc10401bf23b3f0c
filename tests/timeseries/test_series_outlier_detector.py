"""SeriesOutlierDetector: the scores, live scoring, contributions, bad input."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_estimator,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_deepod import SeriesOutlierDetector
from sklearn_deepod._stats import contamination_threshold, training_threshold
from sklearn_deepod.timeseries import _segments, _training_sample, find_events
from sklearn_deepod.timeseries._folds import halves
from sklearn_deepod.timeseries._shape import DILATIONS, TAPS

SMALL = {"windows": (16, 32), "level_windows": (4, 16), "n_kernels": 8, "n_centers": 8}


def make_detector(**params):
    return SeriesOutlierDetector(**(SMALL | {"random_state": 0} | params))


def make_series(n_timestamps=400, n_channels=2, seed=0):
    """Noisy waves, each channel with a period of its own."""
    rng = np.random.RandomState(seed)
    t = np.arange(n_timestamps)[:, None]
    return np.sin(t / (3.0 + np.arange(n_channels))) + 0.1 * rng.randn(
        n_timestamps, n_channels
    )


def waves_with_an_odd_shape(size=1.0):
    """One noisy wave of which 60 time stamps have another rhythm, and their labels."""
    X, t = make_series(1500, 1), np.arange(60) / 4
    noise = 0.1 * np.random.RandomState(1).randn(60)
    X[1000:1060, 0] = np.sin(4 / 3 * t + size * np.sin(t)) + noise
    y = np.ones(1500, dtype=int)
    y[1000:1060] = -1
    return X, y


def root_mean_square(values, axis=0):
    return np.sqrt(np.mean(np.square(values), axis=axis))


class Reference:
    """The scores of a fitted detector, window by window and stamp by stamp."""

    def __init__(self, detector, merge="mean"):
        self.scorer, self.merge = detector.scorer_, merge
        self.channels = detector._channels.arrays
        self.measured = detector._channels.measured

    def log_tail_probability(self, scores, calibration, i):
        slope, start = calibration.slope[i].numpy(), calibration.start[i].numpy()
        steps, rise = slope * scores + start, calibration.rise.numpy()
        found = rise[:-1] @ np.clip(steps[:-1], 0, 1) + np.maximum(steps[-1], 0)
        return np.where(
            found > 20, 20 * (1 + np.log(np.maximum(found, 20) / 20)), found
        )

    def shape_of(self, component, window, channel):
        """Distance of one window of one channel to the nearest centre."""
        features, first = [], 0
        for dilation, count in component._groups:
            for kernel in component.kernels[first : first + count].numpy():
                values = [
                    kernel @ window[i : i + TAPS * dilation : dilation]
                    for i in range(len(window) - dilation * (TAPS - 1))
                ]
                features.append((max(values), np.mean(np.maximum(values, 0))))
            first += count
        # The maxima of each dilation come before its means.
        maxima, means = np.transpose(features)
        ends = np.cumsum([count for _, count in component._groups])[:-1]
        parts = zip(np.split(maxima, ends), np.split(means, ends), strict=True)
        vector = np.concatenate([np.concatenate(pair) for pair in parts])
        vector = vector / max(window.std(), 0.3)
        vector = (vector - component.mean[channel, 0].numpy()) / component.scale[
            channel, 0
        ].numpy()
        squares = ((component.centers[channel].numpy() - vector) ** 2).sum(1)
        return np.sqrt(squares.min()) / component.unit[channel].item()

    def level_of(self, component, window, channel):
        """Root mean square of a whitened window."""
        whitening, shift = component.whitening[channel], component.shift[channel, 0]
        whitened = np.clip(window, -10, 10) @ whitening.numpy() + shift.numpy()
        return root_mean_square(whitened)

    def stamps(self, component, Z, channel):
        """Scores of the time stamps by one component."""
        of = self.shape_of if hasattr(component, "kernels") else self.level_of
        starts = range(0, len(Z) - component.window + 1, component.stride)
        scores = [of(component, Z[a : a + component.window], channel) for a in starts]
        merged = np.full(len(Z), np.nan)
        for t in range(len(Z)):
            block = t // component.stride * component.stride
            held = [
                s
                for s, a in zip(scores, starts, strict=True)
                if a <= block < a + component.window
            ]
            past = [
                s
                for s, a in zip(scores, starts, strict=True)
                if a + component.window <= t + 1
            ]
            if self.merge == "mean":
                merged[t] = np.mean(held) if held else scores[-1]
            elif past:
                merged[t] = past[-1]
        return merged

    def scores(self, X):
        Z = (X / self.channels["size"] - self.channels["mean"]) / self.channels["scale"]
        calibration = self.scorer.merges[self.merge]
        found = []
        shortest = min(
            c.window for c in self.scorer.windowed if not hasattr(c, "kernels")
        )
        for i, component in enumerate(self.scorer.windowed):
            channels = np.zeros(Z.T.shape)
            is_shape = hasattr(component, "kernels")
            partial = is_shape or component.window > shortest
            looked_at = self.measured if partial else range(len(channels))
            first = (i - len(self.scorer.shape_windows)) * len(channels)
            for place, c in enumerate(looked_at):
                values = self.stamps(component, Z[:, c], place)
                if not is_shape:
                    calibrated = calibration.channels
                    values = self.log_tail_probability(values, calibrated, first + c)
                channels[c] = values
            total = root_mean_square(channels)
            found.append(self.log_tail_probability(total, calibration.totals, i))
        centers = self.scorer.stamps.centers.numpy()
        nearest = [centers[((centers - z) ** 2).sum(1).argmin()] for z in Z]
        total = root_mean_square(Z - nearest, axis=1)
        found.append(self.log_tail_probability(total, calibration.totals, len(found)))
        return -np.sqrt(np.nanmean(np.square(found), axis=0))


class TestChecks:
    """scikit-learn's checks of estimators."""

    @parametrize_with_checks(
        [SeriesOutlierDetector(windows=(), level_windows=(), random_state=0)]
    )
    def test_rows_one_by_one_pass_all(self, estimator, check):
        check(estimator)

    @pytest.mark.parametrize(
        ("merge", "contamination"), [("mean", 0.1), ("last", "auto")]
    )
    def test_windows_fail_only_where_rows_must_be_independent(
        self, merge, contamination
    ):
        dependent = {
            "check_methods_sample_order_invariance": "the order is that of time",
            "check_methods_subset_invariance": "a score depends on the neighbours",
        }
        if contamination == "auto":
            # The threshold is that of windows which were not learned.
            name = "check_outliers_train", "check_outliers_fit_predict"
            dependent |= dict.fromkeys(name, "no training row has to be an outlier")
        detector = make_detector(merge=merge, contamination=contamination)
        results = check_estimator(
            detector, expected_failed_checks=dependent, on_skip=None
        )
        failed = {r["check_name"] for r in results if r["status"] == "xfail"}
        assert failed == set(dependent)

    @pytest.mark.parametrize(
        "check", [check_param_validation, check_dataframe_column_names_consistency]
    )
    def test_more_checks(self, check):
        check("SeriesOutlierDetector", make_detector())


class TestScores:
    """Values of the scores and the threshold."""

    @pytest.mark.parametrize("merge", ["mean", "last"])
    @pytest.mark.parametrize(("window", "length"), [(32, 173), (64, 200)])
    @pytest.mark.parametrize("with_switch", [False, True])
    def test_against_loops(self, merge, window, length, with_switch):
        X = make_series(600)
        if with_switch:
            X = np.insert(X, 1, np.arange(600) // 7 % 2, axis=1)
        detector = make_detector(windows=(16, window), merge=merge).fit(X[:400])
        new = X[-length:]
        expected = Reference(detector, merge).scores(new)
        np.testing.assert_allclose(detector.score_samples(new), expected, rtol=1e-8)

    def test_kernels(self):
        detector = make_detector(windows=(64, 128)).fit(make_series(400))
        assert detector.windows_ == (64, 128)
        for component in detector.scorer_.windowed[:2]:
            kernels = component.kernels.numpy()
            np.testing.assert_allclose(kernels.sum(axis=1), 0, atol=1e-6)
            np.testing.assert_allclose((kernels**2).sum(axis=1), 1, rtol=1e-6)
            used = [d for d, _ in component._groups]
            assert used == list(DILATIONS[: 3 if component.window == 64 else 4])

    def test_irregular_channels_do_not_hide_a_regular_one(self):
        waves, y = waves_with_an_odd_shape()
        X = np.column_stack([waves, np.random.RandomState(0).randn(1500, 40)])
        detector = make_detector(level_windows=()).fit(X[:800])
        assert roc_auc_score(y, detector.score_samples(X)) > 0.95
        blame = detector.contributions(X)[1010:1050].sum(axis=0)
        assert blame.argmax() == 0

    def test_threshold(self):
        X = make_series(500)
        for merge in ("mean", "last"):
            detector = make_detector(merge=merge, contamination=0.1).fit(X)
            anomaly = -detector.score_samples(X)
            assert np.mean(detector.predict(X) == -1) == 0.1
            expected = -contamination_threshold(anomaly, 0.1)
            np.testing.assert_allclose(detector.offset_, expected, rtol=1e-9)
        assert detector.offset_ == detector.live_offset_

    def test_novelty_selects_the_rule(self):
        X = make_series(1700)
        for novelty in (True, False):
            detector = make_detector(novelty=novelty, windows=(), level_windows=())
            anomaly = -detector.fit(X).score_samples(X)
            expected = -training_threshold(anomaly, novelty=novelty)
            np.testing.assert_allclose(detector.offset_, expected, rtol=1e-9)

    @pytest.mark.parametrize("n_timestamps", [1000, 4000])
    @pytest.mark.parametrize("n_channels", [1, 6])
    def test_new_time_stamps_are_seldom_flagged(self, n_timestamps, n_channels):
        X = make_series(n_timestamps + 4000, n_channels)
        detector = SeriesOutlierDetector(random_state=0).fit(X[:n_timestamps])
        assert np.mean(detector.predict(X[n_timestamps:]) == -1) < 0.1
        new = detector.score_next(X[n_timestamps:]) < detector.live_offset_
        assert np.mean(new) < 0.1

    def test_a_seed_decides_all(self):
        X = make_series()
        state = np.random.get_state()[1].copy()
        a = make_detector().fit(X).score_samples(X)
        np.testing.assert_array_equal(make_detector().fit(X).score_samples(X), a)
        other = make_detector(random_state=1).fit(X).score_samples(X)
        assert not np.array_equal(other, a)
        np.testing.assert_array_equal(np.random.get_state()[1], state)

    @pytest.mark.parametrize("merge", ["mean", "last"])
    def test_tiles_change_nothing(self, merge, monkeypatch):
        X = make_series(1500)
        detector = make_detector(merge=merge).fit(X[:500])
        expected = detector.score_samples(X)
        for length in (8, 64, 1016):
            monkeypatch.setattr(_segments, "LONGEST_TILE", length)
            found = detector.score_samples(X)
            np.testing.assert_allclose(found, expected, rtol=1e-9)

    def test_finds_what_points_do_not_show(self):
        X = make_series(1200, 1)
        y = np.ones(1200, dtype=int)
        X[900:930] = 0.4 + 0.1 * np.random.RandomState(1).randn(30, 1)
        y[900:930] = -1
        for merge, least in [("mean", 0.98), ("last", 0.85)]:
            detector = make_detector(merge=merge).fit(X[:600])
            assert roc_auc_score(y, detector.score_samples(X)) > least

    def test_only_neighbours_matter(self):
        X = make_series(400)
        detector = make_detector().fit(X)
        before = detector.score_samples(X)
        X[200] = 5.0
        changed = np.flatnonzero(detector.score_samples(X) != before)
        assert changed.min() >= 200 - 34
        assert changed.max() <= 200 + 34

    @pytest.mark.parametrize("size", [3.0, 30.0, 1e6, 1e30, 1e300])
    def test_extreme_values_are_outliers(self, size):
        X = make_series(500)
        detector = make_detector().fit(X)
        X[250, 1] = size
        assert detector.predict(X)[250] == -1
        assert np.isfinite(detector.score_samples(X)).all()

    @pytest.mark.parametrize("n_timestamps", [3, 7, 20, 60, 400])
    @pytest.mark.parametrize("merge", ["mean", "last"])
    def test_nothing_is_too_extreme_to_be_an_outlier(self, n_timestamps, merge):
        # The halves of the series have nothing in common, so the threshold is high.
        X = make_series(n_timestamps, 2)
        X[: n_timestamps // 2] = 0.0
        detector = SeriesOutlierDetector(merge=merge, random_state=0).fit(X)
        for value in (-1e5, 1e9, 1e300):
            Y = X.copy()
            Y[n_timestamps // 2, 1] = value
            assert detector.predict(Y)[n_timestamps // 2] == -1
            assert detector.contributions(Y)[n_timestamps // 2].argmax() == 1

    @pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e9, 1e300])
    def test_units_do_not_matter(self, scale):
        X = make_series(300)
        expected = make_detector().fit(X).score_samples(X)
        found = make_detector().fit(X * scale).score_samples(X * scale)
        np.testing.assert_allclose(found, expected, rtol=1e-6)

    def test_a_long_series_is_sampled(self, monkeypatch):
        monkeypatch.setattr(_training_sample, "FEWEST_FITTED", 600)
        monkeypatch.setattr(_training_sample, "MOST_FITTED", 600)
        monkeypatch.setattr(_training_sample, "PIECE", 100)
        X = make_series(3000, 1)
        detector = make_detector().fit(X)
        assert detector.scorer_.settings["n_stamps"] == 600
        X[1000:1030] = 0.5
        assert 950 <= detector.score_samples(X).argmin() <= 1060

    def test_so_many_of_a_long_series_are_flagged(self):
        X = make_series(100_000, 1)
        detector = make_detector(contamination=0.1).fit(X)
        assert not detector._sample.is_all
        assert np.mean(detector.predict(X) == -1) == pytest.approx(0.1, abs=0.015)
        flagged = detector.reset().score_next(X) < detector.live_offset_
        assert np.mean(flagged) == pytest.approx(0.1, abs=0.015)

    def test_many_short_series_are_sampled(self):
        X = make_series(90_000, 1).reshape(3000, 30, 1)
        detector = make_detector().fit(X)
        assert sum(map(len, detector._sample.pieces)) <= _training_sample.MOST_FITTED
        assert np.mean(detector.predict(X) == -1) < 0.03


class TestHalves:
    """Blocks of windows that are scored by what the other half has shown."""

    @pytest.mark.parametrize("n_windows", [2, 3, 31, 400, 5000])
    def test_each_window_is_in_one_half(self, n_windows):
        places = np.arange(n_windows)
        both = halves(n_windows, n_steps=16)
        found = [np.concatenate([places[b] for b in blocks]) for blocks in both]
        assert min(map(len, found)) >= n_windows // 2 - 5
        np.testing.assert_array_equal(np.sort(np.concatenate(found)), places)
        if n_windows >= 2 * 4 * 16:
            lengths = [b.stop - b.start for blocks in both for b in blocks]
            assert min(lengths) >= 4 * 16

    def test_one_window_is_in_both(self):
        assert halves(1, n_steps=16) == [[slice(0, 1)], [slice(0, 1)]]


class TestConstantChannels:
    """A channel that was constant in training and changes."""

    def test_a_change_is_the_plainest_outlier(self):
        X = np.column_stack([make_series(400), np.full(400, 0.1)])
        detector = make_detector().fit(X)
        usual = detector.score_samples(X)
        scores = []
        for value in (0.1000001, 0.2, -3.0, 1e6):
            X[200, 2] = value
            scores.append(detector.score_samples(X)[200])
            assert detector.predict(X)[200] == -1
            assert detector.contributions(X)[200].argmax() == 2
            assert detector.score_samples(X).argmin() == 200
        assert max(scores) < usual.min()
        assert scores == sorted(scores, reverse=True)

    def test_all_constant(self):
        X = np.full((60, 2), 0.1)
        detector = make_detector().fit(X)
        assert (detector.predict(X) == 1).all()
        X[30, 1] = 0.3
        np.testing.assert_array_equal(np.flatnonzero(detector.predict(X) == -1), [30])

    def test_live(self):
        X = np.column_stack([make_series(400), np.full(400, 0.1)])
        detector = make_detector().fit(X)
        X[7, 2] = 0.3
        assert (detector.score_next(X[:10]) < detector.live_offset_)[7]


def make_switches(n_timestamps, n_channels, seed=0):
    """Channels that are mostly off, and on for a random time."""
    rng = np.random.RandomState(seed)
    toggles = rng.rand(n_timestamps, n_channels) < 0.02
    return 1.0 * (np.cumsum(toggles, axis=0) % 2)


class TestSwitches:
    """Channels that had two values in training."""

    def test_do_not_hide_the_shape_of_a_measurement(self):
        waves, y = waves_with_an_odd_shape(size=0.5)
        X = np.column_stack([make_switches(1500, 40), waves])
        detector = make_detector().fit(X[:800])
        assert roc_auc_score(y, detector.score_samples(X)) > 0.97

    def test_a_third_value_is_an_outlier(self):
        X = np.column_stack([make_series(600), make_switches(600, 2)])
        detector = make_detector().fit(X[:400])
        for value in (3.0, -40.0, 1e300):
            X[500, 2] = value
            assert detector.score_samples(X[400:]).argmin() == 100
            assert detector.predict(X[400:])[100] == -1
            assert detector.contributions(X[400:])[100].argmax() == 2

    def test_flicker_and_odd_combinations_are_outliers(self):
        on = make_switches(1000, 1)
        X = np.column_stack([make_series(1000, 1), on, 1 - on])
        detector = make_detector().fit(X[:700])
        usual = np.quantile(detector.score_samples(X[700:]), 0.02)
        X[800:810, 1:] = np.arange(10)[:, None] % 2
        assert detector.score_samples(X[700:])[100:110].max() < usual

    def test_nothing_but_switches(self):
        X = np.arange(900)[:, None] // np.array([20, 30]) % 2.0
        X[600:640] = 0.0
        y = np.ones(900, dtype=int)
        y[600:640] = -1
        detector = make_detector().fit(X[:500])
        assert roc_auc_score(y, detector.score_samples(X)) > 0.9

    def test_stay_switches_while_they_keep_to_two_values(self):
        first, second = make_series(200, 4, seed=1), make_series(200, 4, seed=2)
        first[:, :3], second[:, 0] = (
            make_switches(200, 3),
            make_switches(200, 1, 1)[:, 0],
        )
        first[:, 2], second[:, 1] = 0.0, 0.5  # one that never varied, and a third value
        second[:, 2] = second[:, 0]
        detector = make_detector().fit(first)
        assert detector._channels.measured == (3,)
        detector.partial_fit(second)
        assert detector._channels.measured == (1, 3)


class TestMissingValues:
    """Runs of NaN."""

    def test_filled_by_the_value_before(self):
        X = make_series(400)
        X[50:80, 0] = np.nan
        filled = pd.DataFrame(X).ffill().to_numpy()
        for gaps, whole in [(X, filled), (filled, X)]:
            detector = make_detector().fit(gaps)
            np.testing.assert_array_equal(
                detector.score_samples(gaps), detector.score_samples(whole)
            )

    def test_at_the_start(self):
        X = make_series(400)
        detector = make_detector().fit(X)
        X[:30, 1] = np.nan
        assert np.isfinite(detector.score_samples(X)).all()
        assert np.isfinite(make_detector().fit(X).score_samples(X)).all()

    def test_a_channel_without_values(self):
        X = make_series(400)
        detector = make_detector().fit(X)
        X[:, 1] = np.nan
        assert np.isfinite(detector.score_samples(X)).all()
        with pytest.raises(ValueError, match="no value|missing|empty"):
            make_detector().fit(X)


class TestContributions:
    """How much each channel contributes."""

    @pytest.mark.parametrize("merge", ["mean", "last"])
    def test_add_up(self, merge):
        X = np.column_stack([make_series(300, 3), np.ones(300)])
        detector = make_detector(merge=merge).fit(X)
        X[100, 3] = 2.0
        X[200, 0] = 4.0
        contributions = detector.contributions(X)
        assert contributions.shape == X.shape
        assert (contributions >= 0).all()
        np.testing.assert_allclose(
            contributions.sum(axis=1), -detector.score_samples(X), rtol=1e-10
        )
        assert contributions[200].argmax() == 0
        assert contributions[100].argmax() == 3


class TestLive:
    """Scores of time stamps as they arrive."""

    X = make_series(700)
    detector = make_detector(merge="last").fit(X[:300])
    whole = detector.score_samples(X)

    @settings(max_examples=15, deadline=None, derandomize=True)
    @given(st.lists(st.sampled_from([1, 2, 3, 7, 8, 31, 64, 200]), min_size=1))
    def test_equal_to_causal_scores(self, sizes):
        detector = copy.deepcopy(self.detector)
        at = 300
        for size in [*sizes, 500]:
            chunk = self.X[at : at + size]
            if not len(chunk):
                break
            found = detector.score_next(chunk)
            expected = self.whole[at : at + size]
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
            at += size

    def test_with_gaps_and_jumps(self):
        X = self.X.copy()
        X[350:380, 0] = np.nan
        X[400, 1] = 1e30
        whole = self.detector.score_samples(X)
        detector = copy.deepcopy(self.detector)
        found = [detector.score_next(X[i : i + 1])[0] for i in range(300, 450)]
        np.testing.assert_allclose(found, whole[300:450], rtol=1e-6)

    def test_after_reset_a_new_series_begins(self):
        detector = copy.deepcopy(self.detector).reset()
        found = np.concatenate([detector.score_next(x) for x in np.split(self.X, 7)])
        np.testing.assert_allclose(found, self.whole, rtol=1e-6)

    def test_merge_does_not_matter(self):
        detector = make_detector(merge="mean").fit(self.X[:300])
        before = detector.score_samples(self.X)
        found = detector.score_next(self.X[300:])
        np.testing.assert_allclose(found, self.whole[300:], rtol=1e-6)
        assert detector.live_offset_ == self.detector.offset_
        np.testing.assert_array_equal(detector.score_samples(self.X), before)

    def test_state_goes_with_the_detector(self):
        detector = copy.deepcopy(self.detector)
        detector.score_next(self.X[300:413])
        copied = pickle.loads(pickle.dumps(detector))
        expected = self.whole[413:500]
        for each in (detector, copied):
            found = each.score_next(self.X[413:500])
            np.testing.assert_allclose(found, expected, rtol=1e-6)

    def test_last_knows_nothing_of_the_future(self):
        found = self.detector.score_samples(self.X[:90])
        np.testing.assert_allclose(found, self.whole[:90], rtol=1e-9)

    def test_bad_time_stamps_change_nothing(self):
        detector = copy.deepcopy(self.detector)
        for bad in ([[1.0]], [[np.inf, 1.0]], np.empty((0, 2))):
            with pytest.raises(ValueError, match="X|array|sample"):
                detector.score_next(bad)
        found = detector.score_next(self.X[300:310])
        np.testing.assert_allclose(found, self.whole[300:310], rtol=1e-6)


class TestLengths:
    """Short series."""

    def test_windows_shrink(self):
        assert make_detector(windows=(64, 128)).fit(make_series(150)).windows_ == (50,)
        assert make_detector(windows=(64, 128)).fit(make_series(40)).windows_ == ()

    @pytest.mark.parametrize("n_timestamps", [3, 4, 10, 50, 100])
    def test_any_length(self, n_timestamps):
        X = make_series(n_timestamps)
        detector = make_detector().fit(X)
        assert detector.score_samples(X).shape == (n_timestamps,)
        assert np.isfinite(detector.score_samples(X)).all()

    @pytest.mark.parametrize("merge", ["mean", "last"])
    @pytest.mark.parametrize("n_timestamps", [1, 3, 5, 20, 33])
    def test_shorter_than_a_window(self, merge, n_timestamps):
        detector = make_detector(merge=merge).fit(make_series(400))
        X = make_series(n_timestamps)
        X[-1, 0] = 10.0
        scores = detector.score_samples(X)
        assert np.isfinite(scores).all()
        assert detector.predict(X)[-1] == -1

    def test_too_short(self):
        with pytest.raises(ValueError, match="n_samples=2.*longer series"):
            make_detector().fit(make_series(2))


class TestWindowsOfThePeriod:
    """windows="auto"."""

    @pytest.mark.parametrize(
        ("period", "window"), [(10, 20), (25, 25), (100, 100), (None, 64)]
    )
    def test_are_one_and_two_periods(self, period, window):
        X = np.random.RandomState(0).randn(3000, 2)
        if period:
            X = 0.3 * X + np.sin(np.arange(3000) * 2 * np.pi / period)[:, None]
        detector = make_detector(windows="auto", n_centers=2).fit(X)
        np.testing.assert_allclose(detector.windows_, [window, 2 * window], rtol=0.05)

    @pytest.mark.parametrize("n_timestamps", [3, 4, 40])
    def test_short_and_constant_series(self, n_timestamps):
        X = make_series(n_timestamps)
        for series in (X, np.zeros_like(X), [X, X[:3]]):
            detector = make_detector(windows="auto").fit(series)
            assert np.isfinite(detector.score_samples(series)).all()


class TestErrors:
    """Messages say what to do."""

    def test_number_of_channels(self):
        detector = make_detector().fit(make_series(100))
        with pytest.raises(ValueError, match="expecting 2 features"):
            detector.predict(make_series(100, 3))

    def test_not_fitted(self):
        for method in ("score_samples", "contributions", "score_next"):
            with pytest.raises(NotFittedError):
                getattr(make_detector(), method)(make_series(40))
        with pytest.raises(NotFittedError):
            make_detector().reset()

    @pytest.mark.parametrize(
        "params",
        [{"windows": (0,)}, {"windows": (8.5,)}, {"level_windows": ("a",)}],
    )
    def test_windows(self, params):
        with pytest.raises(ValueError, match=f"{next(iter(params))}=.*at least 1"):
            make_detector(**params).fit(make_series(40))

    def test_a_failed_fit_changes_nothing(self):
        X = make_series(100)
        detector = make_detector().fit(X)
        expected = detector.score_samples(X)
        with pytest.raises(ValueError, match="n_samples=2"):
            detector.fit(X[:2, :1])
        np.testing.assert_array_equal(detector.score_samples(X), expected)
        np.testing.assert_array_equal(
            detector.score_next(X[:5]), make_detector().fit(X).score_next(X[:5])
        )


class TestSeveralSeries:
    """Lists, groups, three axes, gaps; what reads them is tested by itself."""

    LENGTHS = (300, 20, 250)

    @pytest.fixture
    def several(self):
        return [make_series(n, seed=i) for i, n in enumerate(self.LENGTHS)]

    @pytest.mark.parametrize("merge", ["mean", "last"])
    def test_each_gets_the_scores_that_it_gets_alone(self, merge, several):
        detector = make_detector(merge=merge).fit(several)
        alone = np.concatenate([detector.score_samples(X) for X in several])
        np.testing.assert_array_equal(detector.score_samples(several), alone)
        np.testing.assert_allclose(
            -detector.contributions(several).sum(axis=1), alone, rtol=1e-9
        )

    def test_forms(self, several):
        expected = make_detector().fit(several)
        scores = expected.score_samples(several)
        labels = np.repeat(["a", "b", "c"], self.LENGTHS)
        # The series alternate, each in its order.
        positions = np.concatenate([np.arange(n) for n in self.LENGTHS])
        mixed = np.argsort(positions, kind="stable")
        X = np.concatenate(several)
        grouped = make_detector().fit(X[mixed], groups=labels[mixed])
        found = grouped.score_samples(X[mixed], groups=labels[mixed])
        np.testing.assert_array_equal(found, scores[mixed])
        equal = np.stack([X[:100] for X in (several[0], several[2])])
        found = expected.score_samples(equal)
        assert found.shape == (2, 100)
        np.testing.assert_array_equal(found[1], expected.score_samples(equal[1]))

    def test_of_which_live_scores_start_anew(self, several):
        detector = make_detector(merge="last").fit(several)
        expected = detector.score_samples(several[2])
        np.testing.assert_allclose(detector.score_next(several[2]), expected, rtol=1e-6)
        with pytest.raises(ValueError, match="several series"):
            detector.score_next(several)

    @pytest.mark.parametrize("on_gap", ["split", "interpolate"])
    def test_gaps(self, on_gap):
        X = make_series(300)
        index = pd.date_range("2026-01-01", periods=300, freq="min")
        frame = pd.DataFrame(X, index=index, columns=["a", "b"])
        with pytest.raises(ValueError, match="gap"):
            make_detector().fit(frame).score_samples(frame.drop(index[100:150]))
        detector = make_detector(on_gap=on_gap, merge="last").fit(frame)
        scores = detector.set_output(transform="pandas").score_samples(
            frame.drop(index[100:150])
        )
        assert scores.index.equals(index.delete(slice(100, 150)))
        # Beyond a quarter of the longest window, a gap is not filled.
        parts = [detector.score_samples(part) for part in (frame[:100], frame[150:])]
        np.testing.assert_array_equal(scores, np.concatenate(parts))
        detector.reset()
        live = detector.score_next(frame.drop(index[100:150]))
        np.testing.assert_allclose(live, scores, rtol=1e-6)

    def test_events(self):
        train, new = make_series(600), make_series(400, seed=1)
        new[200:230, 1] += 3.0
        names = ["calm", "faulty"]
        index = pd.date_range("2026-01-01", periods=400, freq="min")
        detector = make_detector(contamination=0.001)
        detector.fit(pd.DataFrame(train, columns=names))
        events = find_events(
            detector, pd.DataFrame(new, columns=names, index=index), min_gap=20
        )
        worst = events.sort_values("severity").iloc[-1]
        assert worst["channel"] == "faulty"
        # Windows of up to 32 time stamps contain it.
        assert index[168] <= worst["start"] <= index[200]
        assert index[229] <= worst["end"] <= index[262]


class TestPartialFit:
    """More series, one after the other."""

    def test_the_first_call_is_a_fit(self):
        X = make_series()
        expected = make_detector().fit(X)
        found = make_detector().partial_fit(X)
        np.testing.assert_array_equal(found.score_samples(X), expected.score_samples(X))
        assert found.offset_ == expected.offset_

    def test_few_time_stamps_are_all_kept(self):
        first, second = make_series(seed=1), 3 + 2 * make_series(seed=2)
        detector = make_detector().fit(first).partial_fit(second)
        both = make_detector().fit([first, second])
        for name, expected in both._channels.arrays.items():
            np.testing.assert_allclose(
                detector._channels.arrays[name], expected, rtol=1e-9, err_msg=name
            )
        alone = make_detector().fit(first)
        gain = detector.score_samples(second) - alone.score_samples(second)
        assert np.mean(gain > 0) > 0.9

    def test_many_are_a_uniform_sample(self, monkeypatch):
        monkeypatch.setattr(_training_sample, "FEWEST_FITTED", 600)
        monkeypatch.setattr(_training_sample, "MOST_FITTED", 600)
        monkeypatch.setattr(_training_sample, "PIECE", 100)
        detector = make_detector()
        for i in range(4):
            detector.partial_fit(i + 0.1 * make_series(1000, seed=i))
        sample = detector._sample
        assert sample.n_seen == 4000
        assert 400 <= sum(map(len, sample.pieces)) <= 600
        found = [round(piece.mean()) for piece in sample.pieces]
        assert set(found) == {0, 1, 2, 3}
        assert max(found.count(i) for i in range(4)) <= 3

    def test_live_scores_go_on_from_the_last_series(self):
        first, second = make_series(seed=1), make_series(seed=2)
        detector = make_detector(merge="last").fit(first).partial_fit(second[:300])
        expected = detector.score_samples(second)[300:]
        np.testing.assert_allclose(
            detector.score_next(second[300:]), expected, rtol=1e-6
        )

    def test_series_are_copied(self):
        X = make_series()
        detector = make_detector().fit(X)
        expected = copy.deepcopy(detector).partial_fit(make_series(seed=1))
        X[:] = 0.0
        detector.partial_fit(make_series(seed=1))
        assert detector.offset_ == expected.offset_

    def test_a_failed_call_changes_nothing(self):
        X = make_series()
        detector = make_detector().fit(X)
        expected = copy.deepcopy(detector).partial_fit(X)
        with pytest.raises(ValueError, match="features"):
            detector.partial_fit(X[:, :1])
        detector.set_params(contamination=0.1, windows=("long",))
        with pytest.raises(ValueError, match="lengths"):
            detector.partial_fit(X)
        detector.set_params(contamination="auto", windows=SMALL["windows"])
        found = detector.partial_fit(X)
        assert found.offset_ == expected.offset_
        np.testing.assert_array_equal(found.score_samples(X), expected.score_samples(X))


class TestTogether:
    """With the rest of scikit-learn."""

    def test_pickle(self):
        X = make_series(200)
        detector = make_detector().fit(X)
        for copied in (pickle.loads(pickle.dumps(detector)), copy.deepcopy(detector)):
            # Of few time stamps, products round by the layout of the memory.
            for rows in (X, X[:20], X[3:24]):
                np.testing.assert_array_equal(
                    copied.decision_function(rows), detector.decision_function(rows)
                )

    def test_agrees_with_itself(self):
        X = make_series(200)
        detector = make_detector()
        assert detector.fit(X) is detector
        labels = detector.predict(X)
        np.testing.assert_array_equal(labels == -1, detector.decision_function(X) < 0)
        np.testing.assert_array_equal(clone(detector).fit_predict(X), labels)

    def test_search(self):
        X = make_series(600, 1)
        y = np.ones(600, dtype=int)
        for start in (180, 330, 480):
            X[start : start + 15] = 0.4
            y[start : start + 15] = -1
        search = GridSearchCV(
            make_pipeline(StandardScaler(), make_detector()),
            {
                "seriesoutlierdetector__windows": [(), (16,)],
                "seriesoutlierdetector__level_windows": [(), (16,)],
            },
            scoring="roc_auc",
            cv=TimeSeriesSplit(3, test_size=150),
        ).fit(X, y)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert search.best_score_ > 0.9

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_containers(self, library):
        frames = pytest.importorskip(library)
        X, names = make_series(120), ["a", "b"]
        index = pd.date_range("2026-01-01", periods=120, freq="min")
        detector = make_detector(contamination=0.05)
        detector.fit(pd.DataFrame(X, index=index, columns=names))
        table = pd.DataFrame(X, index=index, columns=names)
        expected = detector.contributions(table)
        live = detector.reset().score_next(table)
        events = find_events(detector, table)
        detector.set_output(transform=library).reset()
        found = detector.contributions(table)
        assert isinstance(found, frames.DataFrame)
        assert [*found.columns] == names
        np.testing.assert_array_equal(found, expected)
        scores = detector.score_next(table)
        assert isinstance(scores, frames.Series)
        np.testing.assert_array_equal(scores, live)
        if library == "pandas":
            assert found.index.equals(index)
            assert scores.index.equals(index)
        pd.testing.assert_frame_equal(find_events(detector, table), events)
        unnamed = make_detector().fit(X).set_output(transform=library)
        assert [*map(str, unnamed.contributions(X).columns)] == ["0", "1"]
        assert isinstance(unnamed.score_next(X), frames.Series)
        three_axes = X.reshape(2, 60, 2)
        assert unnamed.contributions(three_axes).shape == (2, 60, 2)

    def test_frame(self):
        X = make_series(100)
        frame = pd.DataFrame(X, columns=["a", "b"])
        detector = make_detector().fit(frame)
        expected = make_detector().fit(X).score_samples(X)
        np.testing.assert_array_equal(detector.score_samples(frame), expected)
        with pytest.raises(ValueError, match="in the same order"):
            detector.predict(frame[["b", "a"]])
