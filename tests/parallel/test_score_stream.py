"""Scores of streams: what is written, and in how much memory."""

import decimal
import sys
import weakref
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import LocalOutlierFactor

from sklearn_deepod import AutoEncoder, WindowedDetector, ZScore
from sklearn_deepod.parallel import fit_stream, score_stream
from tests.conftest import QUICK, make_table
from tests.parallel.common import FEATURES, make_forest


@pytest.mark.parametrize("batch_size", [37, 500, 10_000])
def test_a_score_does_not_depend_on_the_batch(batch_size):
    X, _ = make_table(1000)
    detector = AutoEncoder(**QUICK).fit(X)
    scores = np.concatenate([*score_stream(detector, X, batch_size=batch_size)])
    np.testing.assert_array_equal(scores, detector.score_samples(X))


def test_what_is_written(frame, folder, forest, tmp_path):
    report = score_stream(forest, folder, tmp_path / "o", rows_per_file=400)
    assert [pq.read_metadata(path).num_rows for path in report.files] == [400, 400, 200]
    scored = pd.read_parquet(tmp_path / "o")
    assert [*scored] == ["file", "row", "score", "decision", "label"]
    assert [*scored["row"]] == [*range(200)] * 5
    files = [str(folder / f"{i}.parquet") for i in range(5)]
    assert [*scored["file"]] == [*np.repeat(files, 200)]
    X = frame[FEATURES]
    np.testing.assert_array_equal(scored["score"], forest.score_samples(X))
    np.testing.assert_array_equal(scored["decision"], forest.decision_function(X))
    np.testing.assert_array_equal(scored["label"], forest.predict(X))
    assert scored["label"].dtype == np.int8
    assert report.n_samples == 1000
    assert report.n_outliers == (scored["label"] == -1).sum()
    assert (report.n_skipped, report.n_skipped_files, report.errors) == (0, 0, [])


def test_keys_keep_their_types(frame, forest, tmp_path):
    n = len(frame)
    keys = pa.table(
        {
            "whole": pa.array([None if i == 3 else 2**60 + i for i in range(n)]),
            "text": pa.array([f"é{i}" for i in range(n)]).dictionary_encode(),
            "money": pa.array([decimal.Decimal(i).scaleb(-2) for i in range(n)]),
            "time": pa.array(
                [datetime(2026, 1, 1, second=i % 60, tzinfo=UTC) for i in range(n)],
                pa.timestamp("us", "Europe/Berlin"),
            ),
            "list": pa.array([[i, None] for i in range(n)]),
        }
    )
    table = pa.Table.from_pandas(frame[FEATURES])
    for name in keys.column_names:
        table = table.append_column(name, keys.column(name))
    pq.write_table(table, tmp_path / "rows.parquet")
    report = score_stream(
        forest, tmp_path / "rows.parquet", tmp_path / "o", key_columns=keys.column_names
    )
    written = pa.concat_tables(map(pq.read_table, report.files))
    assert written.select(keys.column_names).equals(keys.combine_chunks())


def test_keys_of_arrays(frame, forest, tmp_path):
    X = np.column_stack([np.arange(1000), frame[FEATURES]])
    forest = IsolationForest(n_estimators=5, random_state=0).fit(X[:, 1:])
    report = score_stream(forest, X, tmp_path / "o", key_columns=[0])
    scored = pd.read_parquet(report.files)
    assert [*scored] == ["0", "score", "decision", "label"]
    np.testing.assert_array_equal(scored["0"], np.arange(1000))
    np.testing.assert_array_equal(scored["score"], forest.score_samples(X[:, 1:]))


def test_keys_with_the_names_of_results(frame, forest, tmp_path):
    frame = frame.assign(score=0.0)
    with pytest.raises(ValueError, match="have the names of results"):
        score_stream(forest, frame, tmp_path / "o", key_columns=["score"])


@pytest.mark.parametrize("key_columns", ["id", ["nothing"]])
def test_keys_that_are_not_there(frame, forest, tmp_path, key_columns):
    with pytest.raises(ValueError, match="key_columns.*'id'|no column.*'nothing'"):
        score_stream(forest, frame, tmp_path / "o", key_columns=key_columns)


def test_few_batches_are_in_memory(frame, tmp_path):
    """Of arrays that nobody else holds, few are there at the same time."""
    forest = make_forest(frame[FEATURES].to_numpy())
    alive = most_alive = 0

    def gone():
        nonlocal alive
        alive -= 1

    def batches():
        nonlocal alive, most_alive
        for seed in range(60):
            X = np.random.default_rng(seed).normal(size=(100, 3))
            alive += 1
            most_alive = max(alive, most_alive)
            weakref.finalize(X, gone)
            yield X
            del X

    score_stream(forest, batches, tmp_path / "o", batch_size=100)
    assert most_alive <= 3
    most_alive = 0
    fit_stream(IsolationForest(n_estimators=2), batches, max_samples=50, batch_size=100)
    assert most_alive <= 3


def test_output_within_the_source(folder, forest):
    with pytest.raises(ValueError, match="lies in the source"):
        score_stream(forest, folder, folder / "scores")


def test_detector_is_checked(frame):
    with pytest.raises(NotFittedError):
        score_stream(IsolationForest(), frame)
    windows = WindowedDetector(ZScore(), window=10).fit(frame[FEATURES])
    with pytest.raises(
        ValueError,
        match="other scores in a second call.*beside a row",
    ):
        next(score_stream(windows, frame))
    with pytest.raises(TypeError, match="cannot score new rows"):
        score_stream(LocalOutlierFactor().fit(frame[FEATURES].fillna(0)), frame)


@pytest.mark.parametrize(
    "params", [{"method": "fit"}, {"batch_size": 0}, {"rows_per_file": 0}]
)
def test_parameters_are_checked(frame, forest, params):
    with pytest.raises(ValueError, match=next(iter(params))):
        score_stream(forest, frame, **params)


def test_progress(folder, forest, capsys):
    [*score_stream(forest, folder, verbose=1)]
    assert "1.00k rows" in capsys.readouterr().err
    [*score_stream(forest, folder)]
    assert capsys.readouterr().err == ""


def test_without_pyarrow(frame, monkeypatch):
    """Arrays need none."""

    class Blocked:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "pyarrow":
                raise ImportError(name)

    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Blocked(), *sys.meta_path])
    X = frame[FEATURES].to_numpy()
    forest = fit_stream(IsolationForest(n_estimators=2), X)
    assert len(next(score_stream(forest, X))) == 1000
    with pytest.raises(ImportError, match=r'pip install "sklearn-deepod\[parquet\]"'):
        score_stream(forest, X, "scores")
