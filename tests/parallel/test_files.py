"""Bad Parquet files are named, or left out and counted."""

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pytest
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from sklearn_deepod.parallel import fit_stream, score_stream
from tests.parallel.common import FEATURES, break_page, make_forest


def truncate(path, frame):
    path.write_bytes(path.read_bytes()[:-100])


def cut_to_nothing(path, frame):
    path.write_bytes(b"")


def lack_a_column(path, frame):
    frame.drop(columns="b").to_parquet(path)


def hold_text(path, frame):
    frame.assign(b=frame["b"].astype(str)).to_parquet(path)


BROKEN = {
    truncate: "3.parquet cannot be opened",
    cut_to_nothing: "3.parquet cannot be opened",
    lack_a_column: r"3.parquet has no column\(s\) \['b'\]",
    hold_text: "3.parquet has .*string in column 'b', which holds numbers before",
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_bad_files(frame, folder, forest, tmp_path, broken):
    broken(folder / "3.parquet", frame[600:800])
    output = tmp_path / "scores"
    with pytest.raises(ValueError, match=BROKEN[broken]):
        score_stream(forest, folder, output, key_columns=["id"])
    with pytest.warns(UserWarning, match="1 whole file") as caught:
        report = score_stream(
            forest, folder, output, key_columns=["id"], on_error="skip"
        )
    assert caught[0].filename == __file__
    assert report.n_skipped_files == 1
    assert report.n_samples == 800
    assert "3.parquet" in report.errors[0]
    good = frame.drop(index=range(600, 800))
    scored = pd.read_parquet(output)
    assert [*scored["id"]] == [*good["id"]]
    np.testing.assert_array_equal(scored["score"], forest.score_samples(good[FEATURES]))


@pytest.mark.parametrize("broken", [truncate, cut_to_nothing])
def test_the_first_file_is_bad(frame, folder, forest, broken):
    broken(folder / "0.parquet", frame[:200])
    with pytest.raises(ValueError, match="0.parquet"):
        next(score_stream(forest, folder))
    with pytest.warns(UserWarning, match="1 whole file"):
        scores = [*score_stream(forest, folder, on_error="skip")]
    np.testing.assert_array_equal(
        np.concatenate(scores), forest.score_samples(frame[FEATURES][200:])
    )


def test_a_file_with_more_columns(frame, folder):
    """A column that the first file lacks is left out only by one who says so."""
    unnamed = make_forest(frame[FEATURES].to_numpy())
    frame[600:800].assign(d=0.0).to_parquet(folder / "3.parquet")
    given = {"key_columns": ["id"]}
    with pytest.raises(ValueError, match=r"3.parquet has more columns, \['d'\]"):
        [*score_stream(unnamed, folder, **given)]
    scores = [*score_stream(unnamed, folder, columns=FEATURES, **given)]
    assert sum(map(len, scores)) == 1000


def test_a_page_is_damaged(frame, folder, forest, tmp_path):
    """The other row groups of the file are used, whatever is read ahead."""
    break_page(folder / "3.parquet", 0.5)
    with pytest.raises(ValueError, match="Rows .* of .*3.parquet cannot be read"):
        score_stream(forest, folder, tmp_path / "raises")
    for batch_size in (29, 150, 1000):
        output = tmp_path / str(batch_size)
        with pytest.warns(UserWarning, match=r"Left out 30 row\(s\) and 0 whole"):
            report = score_stream(
                forest, folder, output, on_error="skip", batch_size=batch_size
            )
        assert (report.n_samples, report.n_skipped) == (970, 30)
        scored = pd.read_parquet(output)
        kept = scored["file"].str.extract(r"(\d).parquet")[0].astype(int) * 200
        kept += scored["row"]
        expected = forest.score_samples(frame[FEATURES].iloc[kept])
        np.testing.assert_array_equal(scored["score"], expected)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity(frame, folder, forest, tmp_path, value):
    frame.loc[[777, 779], "c"] = value
    frame[600:800].to_parquet(folder / "3.parquet")
    with pytest.raises(
        ValueError, match="Row 177 of .*3.parquet is infinite in column 'c'"
    ):
        [*score_stream(forest, folder)]
    with pytest.raises(ValueError, match="Row 777 is infinite in column 'c'"):
        [*score_stream(forest, frame)]
    with pytest.raises(ValueError, match="Row 777 is infinite in column 2"):
        [*score_stream(forest, frame[FEATURES].to_numpy())]
    with pytest.warns(UserWarning, match=r"Left out 2 row\(s\).*Row 177"):
        report = score_stream(forest, folder, tmp_path / "scores", on_error="skip")
    assert report.n_skipped == 2
    good = frame.drop(index=[777, 779])[FEATURES]
    scored = pd.read_parquet(report.files)
    np.testing.assert_array_equal(scored["score"], forest.score_samples(good))
    assert 177 not in scored.loc[scored["file"].str.endswith("3.parquet"), "row"].values


def test_large_numbers_are_not_infinite(forest):
    """Their sum is."""
    X = np.full((10, 3), 3e38, dtype=np.float32)
    assert len(next(score_stream(forest, X))) == 10


def test_text_that_the_detector_takes(frame, folder):
    """Columns of text reach a pipeline as they are."""
    model = make_pipeline(
        make_column_transformer((OrdinalEncoder(), ["id"]), remainder="passthrough"),
        make_forest(frame[FEATURES]),
    )
    model = fit_stream(model, folder)
    scores = np.concatenate([*score_stream(model, folder, batch_size=150)])
    np.testing.assert_array_equal(scores, model.score_samples(frame))


def test_errors_of_a_detector_say_which_rows(frame, folder):
    from sklearn.svm import OneClassSVM

    svm = OneClassSVM().fit(frame[FEATURES].dropna())
    with pytest.raises(ValueError, match="NaN") as caught:
        [*score_stream(svm, folder, batch_size=10)]
    assert "Row 0 of" in caught.value.__notes__[0]
    assert "0.parquet, or one of the 9 after it" in caught.value.__notes__[0]


def test_all_is_bad(frame, folder, forest):
    for path in folder.iterdir():
        truncate(path, frame)
    with pytest.raises(ValueError, match="no row that can be used.*0.parquet"):
        [*score_stream(forest, folder, on_error="skip")]


def test_on_error_is_checked(forest, folder):
    with pytest.raises(ValueError, match="on_error"):
        score_stream(forest, folder, on_error="ignore")


def test_files_beside_the_data_are_no_data(frame, folder, forest):
    (folder / "_SUCCESS").touch()
    (folder / "_temporary").mkdir()
    (folder / "_temporary" / "5.parquet").write_bytes(b"half")
    (folder / ".6.parquet").write_bytes(b"half")
    (folder / "read me.txt").write_text("...")
    assert sum(map(len, score_stream(forest, folder))) == len(frame)


def test_a_uri(frame, folder, forest):
    scores = np.concatenate([*score_stream(forest, folder.as_uri())])
    np.testing.assert_array_equal(scores, forest.score_samples(frame[FEATURES]))


def test_other_formats_as_datasets(frame, tmp_path, forest):
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False, sep=";")
    import pyarrow.csv as csv

    options = csv.ParseOptions(delimiter=";")
    dataset = ds.dataset(path, format=ds.CsvFileFormat(options))
    scores = np.concatenate([*score_stream(forest, dataset)])
    np.testing.assert_allclose(scores, forest.score_samples(frame[FEATURES]))
    path.write_text(path.read_text() + "key;x;y;z\n")
    with pytest.raises(ValueError, match="rows.csv cannot be read from row .* on"):
        [*score_stream(forest, dataset)]
