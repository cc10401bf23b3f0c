"""Files of scores are complete or not there, whenever the process dies."""

import os
import signal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from sklearn_deepod.parallel import score_stream
from tests.parallel.common import FEATURES, make_forest, run_until

SETTINGS = {"rows_per_file": 130, "batch_size": 70, "key_columns": ["id"]}


def score(forest, folder, output):
    score_stream(forest, folder, output, **SETTINGS)


def check_complete(frame, forest, output):
    scored = pd.read_parquet(output)
    assert [*scored["id"]] == [*frame["id"]]
    np.testing.assert_array_equal(
        scored["score"], forest.score_samples(frame[FEATURES])
    )
    names = sorted(os.listdir(output))
    assert names == [f"part-{i:05}.parquet" for i in range(8)]


@pytest.mark.parametrize("seed", range(3))
def test_killed_and_called_again(frame, folder, forest, tmp_path, processes, seed):
    n_calls = run_until(10**9, score, forest, folder, tmp_path / "counted")
    rng = np.random.default_rng(seed)
    output = tmp_path / "killed"
    for moment in rng.integers(n_calls // 10, n_calls, size=4):
        process = processes.Process(
            target=run_until, args=(int(moment), score, forest, folder, output)
        )
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)  # what is left may be short
        for path in output.glob("part-*.parquet"):
            assert pq.read_table(path).num_rows in (130, 90)
    report = score_stream(forest, folder, output, **SETTINGS)
    assert report.n_samples == 1000
    assert report.n_outliers == np.sum(forest.predict(frame[FEATURES]) == -1)
    check_complete(frame, forest, output)


def test_complete_parts_are_not_scored_again(frame, folder, forest, tmp_path):
    score_stream(forest, folder, tmp_path / "o", **SETTINGS)
    paths = sorted((tmp_path / "o").iterdir())
    paths[3].unlink()
    times = [path.stat().st_mtime_ns for path in paths if path.exists()]
    score_stream(forest, folder, tmp_path / "o", **SETTINGS | {"batch_size": 300})
    del paths[3]
    assert times == [path.stat().st_mtime_ns for path in paths]
    check_complete(frame, forest, tmp_path / "o")


def test_an_error_leaves_no_half_file(frame, folder, forest, tmp_path):
    frame[600:800].assign(b=np.inf).to_parquet(folder / "3.parquet")
    with pytest.raises(ValueError, match="infinite"):
        score_stream(forest, folder, tmp_path / "o", **SETTINGS)
    names = sorted(os.listdir(tmp_path / "o"))
    assert names == [f"part-{i:05}.parquet" for i in range(4)]  # of 520 rows
    frame[600:800].to_parquet(folder / "3.parquet")
    score_stream(forest, folder, tmp_path / "o", **SETTINGS)
    check_complete(frame, forest, tmp_path / "o")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk(frame, folder, forest, tmp_path):
    output = tmp_path / "o"
    output.mkdir()
    (output / ".part-00002.parquet").symlink_to("/dev/full")
    with pytest.raises(OSError, match="disk is full.*part-00002.parquet"):
        score_stream(forest, folder, output, **SETTINGS)
    assert sorted(os.listdir(output)) == ["part-00000.parquet", "part-00001.parquet"]
    score_stream(forest, folder, output, **SETTINGS)
    check_complete(frame, forest, output)


def other_detector(forest, folder, output):
    X = pd.read_parquet(folder)[FEATURES]
    score_stream(make_forest(X[:500]), folder, output, **SETTINGS)


def other_rows(forest, folder, output):
    (folder / "0.parquet").unlink()
    score_stream(forest, folder, output, **SETTINGS)


def more_rows_before(forest, folder, output):
    score_stream(forest, folder / "0.parquet", output, **SETTINGS)


def other_size(forest, folder, output):
    score_stream(forest, folder, output, **SETTINGS | {"rows_per_file": 100})


def other_keys(forest, folder, output):
    score_stream(forest, folder, output, **SETTINGS | {"key_columns": ["id", "a"]})


def other_files(forest, folder, output):
    (output / "readme.txt").touch()
    score_stream(forest, folder, output, **SETTINGS)


@pytest.mark.parametrize(
    "call",
    [
        other_detector,
        other_rows,
        more_rows_before,
        other_size,
        other_keys,
        other_files,
    ],
    ids=lambda call: call.__name__,
)
def test_what_another_call_wrote_is_refused(folder, forest, tmp_path, call):
    score_stream(forest, folder, tmp_path / "o", **SETTINGS)
    with pytest.raises(ValueError, match="which this run would not have written"):
        call(forest, folder, tmp_path / "o")
