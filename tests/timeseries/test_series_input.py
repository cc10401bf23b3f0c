"""Series in all forms that users have, with time stamps, gaps and groups."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, clone

from sklearn_deepod.timeseries._series_input import SeriesInputMixin


class Rolling(SeriesInputMixin, BaseEstimator):
    """Scores by the mean of the first channel over the last three time stamps."""

    def __init__(self, *, window=3, time_column=None, on_gap="raise", max_fill=None):
        self.window = window
        self.time_column = time_column
        self.on_gap = on_gap
        self.max_fill = max_fill

    def fit(self, X, y=None, *, groups=None):
        series = self._read_training_series(
            X, groups, min_length=self.window, max_fill=self.max_fill
        )
        scores = series.to_rows(self._score_segments(series.segments))
        self.segments_ = series.segments
        self.offset_ = float(np.nanmin(scores))
        return self

    def _score_segments(self, segments):
        return [
            -np.array([s[max(0, i - 2) : i + 1, 0].mean() for i in range(len(s))])
            for s in segments
        ]

    def contributions(self, X, *, groups=None):
        series = self._read_series(X, groups)
        return series.to_rows(series.segments)


def values(n, n_channels=2, seed=0):
    return np.random.RandomState(seed).normal(size=(n, n_channels))


def frame(index, seed=0):
    return pd.DataFrame(values(len(index), seed=seed), index=index, columns=["a", "b"])


def hours(n, start="2024-01-01", **more):
    return pd.date_range(start, periods=n, freq="h", **more)


def same(found, expected):
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


def test_dates_beside_numbers_say_what_to_do():
    table = frame(hours(20)).reset_index(names="when")
    with pytest.raises(TypeError, match=r"(?s)Make numbers.*by time_column"):
        Rolling().fit(table)


class TestForms:
    """Rows in, rows out."""

    def test_list(self):
        parts = [values(9, seed=0), values(5, seed=1), values(7, seed=2)]
        rolling = Rolling().fit(parts)
        scores = rolling.score_samples(parts)
        same(scores, np.concatenate([rolling.score_samples(p) for p in parts]))
        same(rolling.fit_predict(parts), rolling.predict(parts))
        same(rolling.contributions(parts), np.concatenate(parts))
        assert [len(s) for s in rolling.segments_] == [9, 5, 7]

    def test_ragged_array_of_arrays(self):
        parts = np.empty(2, dtype=object)
        parts[:] = [values(6), values(5)]
        assert Rolling().fit(parts).score_samples(parts).shape == (11,)

    def test_three_axes(self):
        X = values(24).reshape(4, 6, 2)
        rolling = Rolling().fit(X)
        scores = rolling.score_samples(X)
        assert scores.shape == rolling.predict(X).shape == (4, 6)
        same(scores, [rolling.score_samples(x) for x in X])
        same(rolling.contributions(X), X)
        assert rolling.n_features_in_ == 2
        listed = rolling.score_samples(X.tolist())
        same(listed, scores.ravel())

    @pytest.mark.parametrize("labels", [list("abcab" * 4), [2, 0, 1, 0, 2] * 4])
    def test_interleaved_groups(self, labels):
        X, labels = values(20), np.array(labels)
        rolling = Rolling().fit(X, groups=labels)
        scores = rolling.score_samples(X, groups=labels)
        for label in set(labels.tolist()):
            rows = labels == label
            same(scores[rows], rolling.score_samples(X[rows]))
        same(rolling.decision_function(X, groups=labels), scores - rolling.offset_)
        same(rolling.fit_predict(X, groups=labels), rolling.predict(X, groups=labels))

    @pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
    def test_column_of_groups(self, library):
        X = values(12)
        table = library.DataFrame(
            {"a": X[:, 0], "machine": ["x", "y", "y"] * 4, "b": X[:, 1]}
        )
        rolling = Rolling().fit(table, groups="machine")
        assert rolling.feature_names_in_.tolist() == ["a", "b"]
        scores = rolling.score_samples(table)  # the column is known
        same(scores, rolling.score_samples(table, groups="machine"))
        plain = Rolling().fit(X)
        same(scores, plain.score_samples(X, groups=["x", "y", "y"] * 4))
        # A series of its own needs no such column.
        alone = table[["a", "b"]]
        same(rolling.score_samples(alone), plain.score_samples(X))

    def test_missing_values_go_through(self):
        X = values(10)
        X[4] = np.nan
        assert np.isnan(Rolling().fit(X).score_samples(X)).sum() == 3

    def test_copies(self):
        index = hours(30)
        rolling = Rolling(on_gap="split").set_output(transform="pandas")
        rolling.fit(frame(index))
        copied = pickle.loads(pickle.dumps(rolling))
        part = frame(index[:20].delete(9))
        pd.testing.assert_series_equal(
            copied.score_samples(part), rolling.score_samples(part)
        )
        assert isinstance(clone(rolling).fit(frame(index)).predict(part), pd.Series)


class TestFormsThatAreRefused:
    @pytest.mark.parametrize(
        ("X", "match"),
        [
            (np.arange(5.0), r"reshape\(-1, 1\)"),
            ([np.arange(5.0), np.arange(4.0)], r"reshape\(-1, 1\)"),
            ([values(5), np.arange(5.0)], r"X\[1\] has 1 axes"),
            ([values(5), values(5, 3)], r"X\[1\]: X has 3 features"),
            ([values(5), values(0)], r"X\[1\]: Found array with 0 sample"),
            ([pd.Series([1.0, 2.0])], "to_frame"),
            ([values(5), values(2)], r"X\[1\] has n_samples=2 .* window=3"),
            (np.empty((0, 4, 2)), "no series"),
            ([frame(hours(5)), frame(hours(5))[["b", "a"]]], r"X\[1\]: .*same order"),
        ],
    )
    def test_lists(self, X, match):
        with pytest.raises(ValueError, match=f"(?s){match}"):
            Rolling().fit(X)

    @pytest.mark.parametrize(
        ("groups", "match"),
        [
            ([1, 2], r"shape \(2,\), but X has 6 rows"),
            ([1, 1, 1, None, 2, 2], "no label for row 3"),
            ([1, 1, 1, np.nan, 2, 2], "no label for row 3"),
            ("machine", "not a frame of pandas or polars"),
            ([1, 1, 1, 1, 2, 2], "group 2 of X has n_samples=2"),
        ],
    )
    def test_groups(self, groups, match):
        with pytest.raises(ValueError, match=match):
            Rolling().fit(values(6), groups=groups)

    def test_groups_of_several_series(self):
        with pytest.raises(ValueError, match="Leave groups out"):
            Rolling().fit([values(5), values(5)], groups=[0, 1])

    def test_columns(self):
        table = frame(hours(6))
        with pytest.raises(ValueError, match="not a column of X. Its columns .* a, b"):
            Rolling().fit(table, groups="machine")
        with pytest.raises(ValueError, match="not a column"):
            Rolling(time_column="time").fit(table)
        with pytest.raises(ValueError, match="time_column='a' names a column, but X"):
            Rolling(time_column="a").fit(values(6))
        with pytest.raises(ValueError, match="no channels beside"):
            Rolling(time_column="a").fit(table[["a"]])

    def test_output(self):
        with pytest.raises(ValueError, match="'default', 'pandas' or 'polars'"):
            Rolling().set_output(transform="numpy")


class TestOrder:
    """Time stamps must increase within each series."""

    def test_backwards(self):
        table = frame(hours(6)[[0, 1, 3, 2, 4, 5]])
        with pytest.raises(
            ValueError, match=r"02:00:00 follows 2024-01-01 03:00:00.*sort_index"
        ):
            Rolling().fit(table)

    def test_repeated(self):
        table = frame(hours(6)[[0, 1, 2, 2, 3, 4]])
        with pytest.raises(ValueError, match=r"02:00:00\. Drop .*duplicated"):
            Rolling().fit(table)

    @pytest.mark.parametrize(
        ("library", "remedy"), [(pd, r"sort_values\('t'\)"), (pl, r"X.sort\('t'\)")]
    )
    def test_column(self, library, remedy):
        table = library.DataFrame({"t": [1, 2, 4, 3], "a": [0.0, 1, 2, 3]})
        with pytest.raises(ValueError, match=f"3 follows 4.*{remedy}"):
            Rolling(time_column="t").fit(table)

    def test_within_each_group_only(self):
        labels = np.repeat(["x", "y"], 5)
        table = frame(hours(5).append(hours(5)))
        rolling = Rolling().fit(table, groups=labels)
        table = table.iloc[[0, 1, 2, 3, 4, 5, 6, 8, 7, 9]]
        with pytest.raises(ValueError, match="group 'y' of X are not in order"):
            rolling.score_samples(table, groups=labels)
        with pytest.raises(ValueError, match="give groups"):
            rolling.score_samples(table)

    def test_unknown_stamp(self):
        index = hours(6).to_series().where(np.arange(6) != 4)
        with pytest.raises(ValueError, match="no time stamp in row 4"):
            Rolling().fit(frame(pd.DatetimeIndex(index)))
        table = pl.DataFrame({"t": [1, None, 3], "a": [0.0, 1.0, 2.0]})
        with pytest.raises(ValueError, match="no time stamp in row 1"):
            Rolling(time_column="t").fit(table)

    def test_text_is_no_time(self):
        table = pl.DataFrame({"t": ["1", "2", "3"], "a": [0.0, 1.0, 2.0]})
        for same_table in (table, pd.DataFrame(table.to_dict(as_series=False))):
            with pytest.raises(ValueError, match="to_datetime"):
                Rolling(time_column="t").fit(same_table)

    def test_other_indexes_are_ignored(self):
        X = values(6)
        same(
            Rolling().fit(pd.DataFrame(X, index=[3, 1, 1, 0, 9, 2])).offset_,
            Rolling().fit(X).offset_,
        )


REGULAR = ["h", "15min", "D", "W-WED", "2D", "MS", "ME", "2MS", "QE", "YS", "B"]
REGULAR += ["BMS", "BME", "WOM-3FRI", "bh", "12h"]


class TestSampling:
    @pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
    @pytest.mark.parametrize("freq", REGULAR)
    def test_calendars(self, freq, zone):
        index = pd.date_range("2000-01-01", periods=70, freq=freq, tz=zone)
        table = frame(pd.DatetimeIndex(index.to_list()))  # without its frequency
        rolling = Rolling().fit(table)
        assert len(rolling.segments_) == 1
        assert rolling.score_samples(table.iloc[20:50]).shape == (30,)

    def test_frequencies_that_only_an_index_has(self):
        index = pd.date_range("2024-01-01", periods=30, freq="SMS")
        assert len(Rolling().fit(frame(index)).segments_) == 1
        holidays = pd.offsets.CustomBusinessDay(holidays=["2024-01-10"])
        index = pd.date_range("2024-01-01", periods=30, freq=holidays)
        rolling = Rolling().fit(frame(index))
        assert len(pickle.loads(pickle.dumps(rolling)).predict(frame(index))) == 30
        with pytest.raises(ValueError, match="1 gap"):
            Rolling().fit(frame(pd.DatetimeIndex(index.to_list())))

    @pytest.mark.parametrize("start", ["2024-03-30", "2024-10-26"])
    def test_daylight_saving(self, start):
        index = hours(72, start, tz="Europe/Berlin")
        rolling = Rolling().fit(frame(index))
        assert len(rolling.segments_) == 1
        in_polars = pl.DataFrame({"t": index.to_list(), "a": 0.0, "b": 1.0})
        assert len(Rolling(time_column="t").fit(in_polars).segments_) == 1
        with pytest.raises(ValueError, match="gap|time zone"):
            rolling.predict(frame(index.tz_localize(None)))

    @pytest.mark.parametrize("kind", ["timedelta", "period", "integer", "float"])
    def test_other_stamps(self, kind):
        stamps = {
            "timedelta": pd.timedelta_range(0, periods=20, freq="5min"),
            "period": pd.period_range("2024-01", periods=20, freq="M"),
            "integer": np.arange(20, dtype=np.uint8) * 5,
            "float": np.arange(20) * 0.1,
        }[kind]
        table = pd.DataFrame({"t": stamps, "a": 0.5})
        rolling = Rolling(time_column="t").fit(table)
        assert len(rolling.segments_) == 1
        with pytest.raises(ValueError, match="1 gap.*2 time stamp"):
            rolling.predict(table.drop(index=[7, 8]))

    def test_jitter(self):
        index = hours(50) + pd.to_timedelta(
            np.random.RandomState(0).uniform(-60, 60, 50), unit="s"
        )
        assert len(Rolling().fit(frame(index)).segments_) == 1

    def test_irregular(self):
        index = hours(20).append(hours(20, "2024-01-01 20:25"))
        with pytest.raises(
            ValueError, match=r"19:00:00 to 2024-01-01 20:25:00 .*3600 s.*resample"
        ):
            Rolling().fit(frame(index))

    def test_another_interval(self):
        rolling = Rolling().fit(frame(hours(40)))
        for other in (hours(40)[::2], hours(40) - pd.Timestamp("2024-01-01")):
            with pytest.raises(ValueError, match=r"interval of 7200 s|of one kind"):
                rolling.predict(frame(other))
        faster = pd.date_range("2024-01-01", periods=30, freq="min")
        with pytest.raises(ValueError, match=r"interval of 60 s.*is\s+3600 s"):
            rolling.predict(frame(faster))
        with pytest.raises(ValueError, match=r"X\[1\] has a sampling interval of 60 s"):
            Rolling().fit([frame(hours(40)), frame(faster)])

    def test_arrays_have_no_stamps(self):
        table = frame(hours(20))
        rolling = Rolling().fit(table)
        same(rolling.score_samples(table.to_numpy()), rolling.score_samples(table))
        without = Rolling().fit(pd.DataFrame(table.to_numpy(), columns=["a", "b"]))
        with pytest.raises(ValueError, match="1 gap"):
            without.predict(table.drop(index=table.index[5]))


class TestGaps:
    def test_raise(self):
        table = frame(hours(20).delete([6, 7, 15]))
        with pytest.raises(
            ValueError,
            match=r"2 gap\(s\).* 05:00:00 to 2024-01-01 08:00:00, where 2 .*split",
        ):
            Rolling().fit(table)

    def test_split(self):
        table = frame(hours(20).delete([6, 7, 15]))
        rolling = Rolling(on_gap="split").fit(table)
        assert [len(s) for s in rolling.segments_] == [6, 7, 4]
        parts = np.split(table.to_numpy(), [6, 13])
        same(rolling.score_samples(table), rolling.score_samples(parts))

    def test_split_leaves_a_part_too_short(self):
        table = frame(hours(20).delete([6, 9]))
        with pytest.raises(
            ValueError,
            match="from 2024-01-01 07:00:00 to 2024-01-01 08:00:00, .*2 time",
        ):
            Rolling(on_gap="split").fit(table)

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_interpolate(self, library):
        full = pd.DataFrame({"t": hours(30), "a": np.arange(30.0), "b": 1.0})
        table = full.drop(index=[6, 7, 15])
        if library == "polars":
            full, table = (
                pl.DataFrame(f.to_dict(orient="list")) for f in (full, table)
            )
        rolling = Rolling(on_gap="interpolate", time_column="t", max_fill=2).fit(table)
        expected = rolling.score_samples(full)
        np.testing.assert_allclose(
            rolling.score_samples(table), np.delete(expected, [6, 7, 15])
        )
        assert [len(s) for s in rolling.segments_] == [30]

    def test_long_gaps_are_split(self):
        table = frame(hours(30).delete([4, 10, 11, 20]))
        rolling = Rolling(on_gap="interpolate").fit(table)
        assert [len(s) for s in rolling.segments_] == [10, 18]
        assert rolling.score_samples(table).shape == (26,)

    def test_in_groups(self):
        labels = np.array(["x"] * 10 + ["y"] * 9)
        table = frame(hours(10).append(hours(10).delete(5)))
        order = np.argsort(np.r_[np.arange(10), np.arange(9)], kind="stable")
        table, labels = table.iloc[order], labels[order]
        with pytest.raises(ValueError, match="group 'y' of X has 1 gap"):
            Rolling().fit(table, groups=labels)
        rolling = Rolling(on_gap="split").fit(table, groups=labels)
        assert [len(s) for s in rolling.segments_] == [10, 5, 4]
        scores = rolling.score_samples(table, groups=labels)
        y = table[labels == "y"]
        same(scores[labels == "y"], rolling.score_samples(y))

    def test_what_was_set_later_is_not_read(self):
        table = frame(hours(20).delete(8))
        rolling = Rolling(on_gap="split").fit(table)
        scores = rolling.score_samples(table)
        rolling.set_params(on_gap="raise", time_column="t")
        same(rolling.score_samples(table), scores)


class TestOutput:
    def test_pandas(self):
        table = frame(hours(9, tz="UTC"))
        rolling = Rolling().fit(table)
        assert isinstance(rolling.score_samples(table), np.ndarray)
        rolling.set_output(transform="pandas").set_output()
        scores = rolling.score_samples(table)
        assert scores.index.equals(table.index)
        assert scores.name == "score_samples"
        assert rolling.predict(table).name == "predict"
        assert rolling.score_samples(table.to_numpy()).index.equals(pd.RangeIndex(9))

    def test_pandas_of_several(self):
        tables = [frame(hours(5)), frame(hours(4), seed=1)]
        rolling = Rolling().set_output(transform="pandas").fit(tables)
        scores = rolling.score_samples(tables)
        assert scores.index.names == ["series", None]
        same(scores[1], rolling.score_samples(tables[1]))
        cube = rolling.score_samples(values(12).reshape(2, 6, 2))
        assert isinstance(cube, pd.DataFrame)
        assert cube.shape == (2, 6)

    def test_polars(self):
        table = pl.DataFrame({"t": hours(6).to_list(), "a": np.arange(6.0)})
        rolling = Rolling(time_column="t").set_output(transform="polars").fit(table)
        added = table.with_columns(rolling.decision_function(table))
        assert added.columns == ["t", "a", "decision_function"]
        assert rolling.set_output(transform="default").predict(table).shape == (6,)
