"""CSV files, and rows in them that are bad."""

import gzip

import numpy as np
import pandas as pd
import pytest

from sklearn_deepod.parallel import _csv, fit_stream, score_stream
from tests.parallel.common import FEATURES


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of some 30 rows, so that bad rows come late."""
    monkeypatch.setattr(_csv, "BLOCK_SIZE", 2**11)


@pytest.fixture
def path(frame, tmp_path):
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False)
    return path


def change(path, row, text):
    """Write another line for a row."""
    lines = path.read_text().splitlines()
    lines[row + 1] = text
    path.write_text("\n".join(lines) + "\n")


def test_scores(frame, path, forest):
    scores = np.concatenate([*score_stream(forest, path)])
    np.testing.assert_array_equal(scores, forest.score_samples(frame[FEATURES]))


def test_compressed(frame, path, forest):
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    scores = np.concatenate([*score_stream(forest, f"{path}.gz")])
    np.testing.assert_array_equal(scores, forest.score_samples(frame[FEATURES]))


def test_whole_numbers_that_get_fractions_late(tmp_path, forest):
    path = tmp_path / "rows.csv"
    frame = pd.DataFrame({"a": np.arange(500), "b": 1.5, "c": [""] * 499 + ["2.5"]})
    frame = frame.astype({"a": str})
    frame.loc[400, "a"] = "400.25"
    frame.to_csv(path, index=False)
    scores = np.concatenate([*score_stream(forest, path)])
    X = pd.read_csv(path)
    np.testing.assert_array_equal(scores, forest.score_samples(X))


def test_several_files_have_the_types_of_the_first(frame, tmp_path, forest):
    frame = frame.assign(id=np.arange(len(frame)) + 2**53)
    frame[:500].to_csv(tmp_path / "0.csv", index=False)
    frame[500:].astype({"a": int}).to_csv(tmp_path / "1.csv", index=False)
    frame.loc[500:, "a"] = frame.loc[500:, "a"].astype(int)
    report = score_stream(forest, tmp_path, tmp_path.parent / "o", key_columns=["id"])
    scored = pd.read_parquet(report.files)
    np.testing.assert_array_equal(scored["id"], frame["id"])
    expected = forest.score_samples(frame[FEATURES])
    np.testing.assert_array_equal(scored["score"], expected)


# Rows in the first block, from which types are guessed, and in a later one.
every_place = pytest.mark.parametrize("row", [3, 700])
BAD_LINES = {
    "key,1.0,many,2.0": "Row {} of .*rows.csv has 'many' in column 'b', no number",
    "key,1.0,2.0": r"Row {} of .*rows.csv has 3 cells, not 4: 'key,1.0,2.0'",
    "key,1.0,2.0,3.0,4.0": "Row {} of .*rows.csv has 5 cells, not 4",
    "key,1.0,inf,3.0": "Row {} of .*rows.csv is infinite in column 'b'",
}


@every_place
@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_row(frame, path, forest, tmp_path, line, row):
    change(path, row, line)
    with pytest.raises(ValueError, match=BAD_LINES[line].format(row)):
        [*score_stream(forest, path)]
    with pytest.warns(UserWarning, match=r"Left out 1 row\(s\) and 0"):
        report = score_stream(forest, path, tmp_path / "o", on_error="skip")
    scored = pd.read_parquet(report.files)
    good = frame.drop(index=row)
    np.testing.assert_array_equal(scored["row"], good.index)
    np.testing.assert_array_equal(scored["score"], forest.score_samples(good[FEATURES]))


def test_many_bad_rows(frame, path, forest, tmp_path):
    for row in (3, 40, 41, 500, 999):
        change(path, row, "key,1.0")
    for row in (2, 39, 998):
        change(path, row, "key,1.0,x,y")
    with pytest.warns(UserWarning, match=r"Left out 8 row\(s\) and 0"):
        report = score_stream(forest, path, tmp_path / "o", on_error="skip")
    assert len(report.errors) == report.n_skipped == 8
    good = frame.drop(index=[2, 3, 39, 40, 41, 500, 998, 999])
    scored = pd.read_parquet(report.files)
    np.testing.assert_array_equal(scored["row"], good.index)
    np.testing.assert_array_equal(scored["score"], forest.score_samples(good[FEATURES]))


def test_bad_files(frame, path, tmp_path, forest):
    (tmp_path / "s0.csv").write_text("")
    (tmp_path / "s1.csv").write_bytes(b"id,a,b,c\nkey,\xff\xfe,2,3\n")
    (tmp_path / "s2.csv").write_text("id,a\nkey,1\n")
    (tmp_path / "s3.csv.gz").write_bytes(gzip.compress(path.read_bytes())[:-3000])
    for name, message in [
        ("s0.csv", "s0.csv cannot be opened"),
        ("s1.csv", "s1.csv cannot be"),
        ("s2.csv", r"s2.csv has no column\(s\) \['b', 'c'\]"),
        ("s3.csv.gz", "s3.csv.gz cannot be"),
    ]:
        with pytest.raises(ValueError, match=message):
            [*score_stream(forest, tmp_path / name, key_columns=["id"])]
    with pytest.warns(UserWarning, match="4 whole file"):
        scores = [*score_stream(forest, tmp_path, key_columns=["id"], on_error="skip")]
    assert 1000 <= sum(map(len, scores)) < 2000


def test_keys_change_their_type(frame, path, forest, tmp_path):
    frame.assign(id=range(1000)).to_csv(path, index=False)
    change(path, 800, "x800,1.0,2.0,3.0")
    with pytest.raises(ValueError, match="cannot be read from row .*'x800'"):
        score_stream(forest, path, tmp_path / "o", key_columns=["id"])


def test_weights_and_labels(path, frame):
    frame.assign(w=1, y=0).to_csv(path, index=False)
    kwargs = {"columns": FEATURES, "weight_column": "w", "y_column": "y"}
    from sklearn_deepod import DeepSAD
    from tests.conftest import QUICK

    detector = fit_stream(DeepSAD(**QUICK), path, **kwargs)
    expected = DeepSAD(**QUICK).fit(frame[FEATURES], np.zeros(len(frame)))
    np.testing.assert_array_equal(
        detector.score_samples(frame[FEATURES]), expected.score_samples(frame[FEATURES])
    )
