"""find_events from scores and from detectors."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_deepod import WindowedDetector
from sklearn_deepod.timeseries import find_events
from tests.timeseries.test_series_input import Rolling, frame, hours

COLUMNS = ["start", "end", "length", "peak", "peak_score", "severity", "channel"]
SCORES = [0.5, 0.6, -0.2, -0.5, 0.5, -0.1, 0.7, 0.6, -0.3]


class Distance(OutlierMixin, BaseEstimator):
    """Distance from the origin; each channel contributes its square."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def contributions(self, X):
        return np.asarray(X) ** 2

    def score_samples(self, X):
        return -self.contributions(X).sum(axis=1)

    def decision_function(self, X):
        return self.score_samples(X) + 1.0


def by_loops(scores, threshold, min_length, min_gap):
    """Start, end, peak and severity of the events, one time stamp after another."""
    events = []
    for i, score in enumerate(scores):
        if score < threshold:
            if events and i - events[-1][-1] - 1 < min_gap:
                events[-1].append(i)
            else:
                events.append([i])
    found = []
    for flagged in events:
        if flagged[-1] - flagged[0] + 1 >= min_length:
            peak = min(flagged, key=lambda i: (scores[i], i))
            severity = sum(threshold - scores[i] for i in flagged)
            found.append((flagged[0], flagged[-1], peak, severity))
    return found


class TestScores:
    @hypothesis.given(
        st.lists(st.integers(-3, 3), max_size=40),
        st.integers(-2, 2),
        st.integers(1, 4),
        st.integers(1, 4),
    )
    @hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
    def test_against_a_loop(self, scores, threshold, min_length, min_gap):
        scores = [float(score) for score in scores]
        events = find_events(
            scores, threshold=threshold, min_length=min_length, min_gap=min_gap
        )
        found = events[["start", "end", "peak", "severity"]].to_numpy().tolist()
        assert found == [
            list(e) for e in by_loops(scores, threshold, min_length, min_gap)
        ]

    def test_by_hand(self):
        events = find_events(SCORES, threshold=0.0)
        assert events.columns.tolist() == COLUMNS
        assert events["start"].tolist() == [2, 5, 8]
        assert events["end"].tolist() == [3, 5, 8]
        assert events["length"].tolist() == [2, 1, 1]
        assert events["peak"].tolist() == [3, 5, 8]
        assert events["peak_score"].tolist() == [0.5, 0.1, 0.3]
        np.testing.assert_allclose(events["severity"], [0.7, 0.1, 0.3])
        assert events["channel"].isna().all()

    def test_none(self):
        events = find_events([1.0, 2.0], threshold=0.0)
        assert events.columns.tolist() == COLUMNS
        assert len(events) == 0
        assert events["severity"].dtype == events["peak_score"].dtype == float
        assert len(find_events([], threshold=0.0)) == 0

    def test_missing_scores_are_not_flagged(self):
        events = find_events([np.nan, -1.0, np.nan], threshold=0.0)
        assert events[["start", "end"]].to_numpy().tolist() == [[1, 1]]

    def test_index(self):
        index = hours(9, tz="UTC")
        scores = pd.Series(SCORES, index=index)
        of_series = find_events(scores, threshold=0.0, min_gap=2)
        assert of_series["start"].tolist() == [index[2], index[8]]
        assert of_series["end"].dtype == index.dtype
        of_frame = find_events(SCORES, frame(index), threshold=0.0, min_gap=2)
        pd.testing.assert_frame_equal(of_frame, of_series)
        naive = index.tz_localize(None)  # polars 1.0 loses the zone of a list
        table = pl.DataFrame({"t": naive.to_list(), "a": 0.0})
        in_polars = find_events(SCORES, table, threshold=0.0, time_column="t")
        assert in_polars["start"][0] == naive[2]

    def test_several(self):
        joined = find_events(SCORES, groups=list("xyxyxyxyx"), threshold=0.0)
        assert joined[["series", "start", "end"]].to_numpy().tolist() == [
            ["x", 2, 2],
            ["x", 8, 8],
            ["y", 3, 5],
        ]
        table = frame(hours(9)).assign(machine=list("xyxyxyxyx"))
        named = find_events(SCORES, table, groups="machine", threshold=0.0)
        assert named["start"].tolist() == [table.index[i] for i in (2, 8, 3)]
        two = [SCORES[:4], SCORES[4:]]
        for scores in (two, [np.array(part) for part in two]):
            events = find_events(scores, threshold=0.0)
            assert events["series"].tolist() == [0, 1, 1]
            assert events["start"].tolist() == [2, 1, 4]
        square = find_events(np.array([SCORES, SCORES]), threshold=0.0)
        assert square["series"].tolist() == [0, 0, 0, 1, 1, 1]


class TestDetectors:
    def test_any_detector(self):
        X = np.zeros((8, 2))
        X[2:4] = [[0.5, 2.0], [1.5, 0.5]]
        X[6] = [3.0, 0.0]
        detector = Distance().fit(X)
        events = find_events(detector, X)
        assert events[["start", "end", "peak"]].to_numpy().tolist() == [
            [2, 3, 2],
            [6, 6, 6],
        ]
        assert events["channel"].tolist() == [1, 0]
        assert events["peak_score"].tolist() == [3.25, 8.0]
        lower = find_events(detector, X, threshold=-4.0)
        assert lower["peak_score"].tolist() == [4.25, 9.0]
        assert lower["severity"].tolist() == [0.25, 5.0]
        table = pd.DataFrame(X, index=hours(8), columns=["a", "b"])
        labels = list("xxxyyyyy")
        grouped = find_events(detector, table, groups=labels)
        assert grouped["series"].tolist() == ["x", "y", "y"]
        assert grouped["start"].tolist() == list(table.index[[2, 3, 6]])

    def test_forest_in_a_pipeline(self):
        table = frame(hours(60))
        table.iloc[40:42] = 20.0
        pipeline = make_pipeline(
            StandardScaler(), IsolationForest(n_estimators=10, random_state=0)
        ).fit(table)
        events = find_events(pipeline, table, min_gap=3)
        worst = events.loc[events["severity"].idxmax()]
        assert worst["start"] == table.index[40]
        assert worst["channel"] is None
        with pytest.raises(ValueError, match="instead of the pipeline"):
            find_events(pipeline, table, groups=[0] * 60)

    def test_windows(self):
        table = frame(hours(120)) * 0.01
        forest = IsolationForest(n_estimators=10, random_state=0)
        detector = WindowedDetector(forest, window=4, novelty=True)
        detector.set_output(transform="pandas").fit(table)
        table.iloc[60:65] += 5
        events = find_events(detector, table, min_length=4)
        worst = events.loc[events["severity"].idxmax()]
        assert table.index[57] <= worst["start"] <= table.index[60]
        assert table.index[64] <= worst["end"] <= table.index[67]
        assert worst["peak_score"] == -detector.decision_function(table).min()

    def test_series_gaps_and_channels(self):
        index = hours(20).delete([9, 10])
        table = pd.DataFrame({"a": 0.0, "b": 0.0}, index=index)
        detector = Rolling(on_gap="split").fit(table)
        table.iloc[7:12, 0] = 1.0
        events = find_events(detector, table)
        assert events["start"].tolist() == [index[7], index[9]]
        assert events["end"].tolist() == [index[8], index[13]]
        assert events["channel"].tolist() == ["a", "a"]
        several = find_events(detector, [table, table])
        assert several["series"].tolist() == [0, 0, 1, 1]
        assert several["start"].tolist() == 2 * [index[7], index[9]]
        cube = find_events(detector, np.stack([table.to_numpy()[:9]] * 2))
        assert cube[["series", "start"]].to_numpy().tolist() == [[0, 7], [1, 7]]
        labels = np.array(["x"] * 9 + ["y"] * 9)
        grouped = find_events(detector, table, groups=labels)
        assert grouped["series"].tolist() == ["x", "y"]


class TestErrors:
    @pytest.mark.parametrize(
        ("given", "params", "match"),
        [
            (SCORES, {}, "need a threshold"),
            (SCORES, {"threshold": 0.0, "X": np.zeros((3, 1))}, "3 rows.* 9 scores"),
            (SCORES, {"threshold": 0.0, "groups": [1]}, "groups has the shape"),
            (SCORES, {"threshold": 0.0, "groups": "machine"}, "needs a frame"),
            ([SCORES], {"threshold": 0.0, "groups": [1]}, "scores of one axis"),
            (np.zeros((2, 2, 2)), {"threshold": 0.0}, "3 axes"),
            (SCORES, {"threshold": 0.0, "min_gap": 0}, "'min_gap' parameter"),
            (SCORES, {"threshold": 0.0, "min_length": 0}, "'min_length' parameter"),
            (Distance().fit(np.zeros((2, 1))), {}, "needs X"),
        ],
    )
    def test_message(self, given, params, match):
        with pytest.raises(ValueError, match=match):
            find_events(given, **params)

    def test_not_fitted(self):
        with pytest.raises(NotFittedError):
            find_events(IsolationForest(), np.zeros((4, 1)))

    def test_without_pandas(self, monkeypatch):
        def importing(name, *args, **kwargs):
            raise ImportError(name)

        monkeypatch.setattr(
            "sklearn_deepod.utils._optional_imports.import_module", importing
        )
        with pytest.raises(ImportError, match=r"sklearn-deepod\[timeseries\]"):
            find_events(SCORES, threshold=0.0)
