"""The same rows come out of whatever they are read from."""

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from sklearn_deepod.parallel import score_stream
from tests.parallel.common import FEATURES, Sums, make_forest


def all_scores(detector, source, **params):
    params = {"batch_size": 128} | params
    return np.concatenate(list(score_stream(detector, source, **params)))


class Rows(IterableDataset):
    """Single rows, as torch's datasets give them."""

    def __init__(self, X):
        self.X = X

    def __iter__(self):
        return iter(self.X)


def reused_buffer(X):
    """Batches that are all written into one array."""
    buffer = np.empty((10, X.shape[1]))
    for start in range(0, len(X), 10):
        buffer[:] = X[start : start + 10]
        yield buffer


NAMED = {
    "folder": lambda frame, folder: str(folder),
    "pattern": lambda frame, folder: folder / "*.parquet",
    "pandas": lambda frame, folder: frame,
    "polars": lambda frame, folder: pl.from_pandas(frame),
    "table": lambda frame, folder: pa.Table.from_pandas(frame),
    "dataset": lambda frame, folder: ds.dataset(folder),
    "in memory": lambda frame, folder: ds.dataset(pa.Table.from_pandas(frame)),
    "frames": lambda frame, folder: [frame[:300], frame[300:310], frame[310:]],
    "batches": lambda frame, folder: lambda: ds.dataset(folder).to_batches(),
    "reader": lambda frame, folder: ds.dataset(folder).scanner().to_reader(),
    "other order": lambda frame, folder: frame[["c", "b", "id", "a"]],
    "pairs": lambda frame, folder: [(frame[:600], None), (frame[600:], None)],
}


@pytest.mark.parametrize("kind", NAMED)
def test_tables_with_names(frame, folder, forest, kind):
    scores = all_scores(forest, NAMED[kind](frame, folder))
    np.testing.assert_array_equal(scores, forest.score_samples(frame[FEATURES]))


ARRAYS = {
    "array": lambda X, path: X,
    "float32": lambda X, path: X.astype(np.float32).astype(np.float64),
    "npy": lambda X, path: str(path),
    "memory-mapped": lambda X, path: np.load(path, mmap_mode="r"),
    "tensor": lambda X, path: torch.from_numpy(X),
    "DataLoader": lambda X, path: DataLoader(
        TensorDataset(torch.from_numpy(X), torch.zeros(len(X))), batch_size=7
    ),
    "IterableDataset": lambda X, path: Rows(X),
    "rows of tensors": lambda X, path: Rows(torch.from_numpy(X)),
    "generator": lambda X, path: lambda: reused_buffer(X),
    "sizes": lambda X, path: [X[:1], X[1:900], X[900:900], X[900:]],
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays(frame, tmp_path, kind):
    X = frame[FEATURES].to_numpy()
    X = X.astype(np.float32).astype(np.float64)
    np.save(tmp_path / "X.npy", X)
    forest = make_forest(X)
    scores = all_scores(forest, ARRAYS[kind](X, tmp_path / "X.npy"))
    np.testing.assert_array_equal(scores, forest.score_samples(X))


def test_rows_of_any_shape():
    X = np.arange(60.0).reshape(10, 3, 2)
    np.testing.assert_array_equal(
        all_scores(Sums(), X, batch_size=4), X.sum(axis=(1, 2))
    )


def test_columns_are_chosen(frame, folder):
    forest = make_forest(frame[["c", "a"]])
    expected = forest.score_samples(frame[["c", "a"]])
    np.testing.assert_array_equal(all_scores(forest, folder), expected)
    unnamed = make_forest(frame[["c", "a"]].to_numpy())
    scores = all_scores(unnamed, folder, columns=["c", "a"])
    np.testing.assert_array_equal(scores, expected)
    X = frame[FEATURES].to_numpy()
    np.testing.assert_array_equal(all_scores(unnamed, X, columns=[2, 0]), expected)


def test_columns_of_the_folders_name(frame, tmp_path):
    """Hive's partitions: columns that are in no file."""
    frame = frame.assign(year=np.arange(len(frame)) % 2 + 2020)
    options = {"format": "parquet", "partitioning_flavor": "hive"}
    table = pa.Table.from_pandas(frame)
    ds.write_dataset(table, tmp_path, partitioning=["year"], **options)
    frame = frame.sort_values("year", kind="stable")
    named = make_forest(frame[[*FEATURES, "year"]])
    scores = all_scores(named, tmp_path)
    np.testing.assert_array_equal(
        scores, named.score_samples(frame[[*FEATURES, "year"]])
    )
    # they are no features unless asked for
    X = frame[FEATURES].to_numpy()
    unnamed = make_forest(X)
    scores = all_scores(unnamed, tmp_path, key_columns=["id"])
    np.testing.assert_array_equal(scores, unnamed.score_samples(X))


def test_filtered_dataset(frame, folder, forest):
    kept = frame[frame["a"] > 0]
    scores = all_scores(forest, ds.dataset(folder).filter(ds.field("a") > 0))
    np.testing.assert_array_equal(scores, forest.score_samples(kept[FEATURES]))


def test_types_of_columns(frame):
    """Whole numbers, decimals and truth values are features, with gaps or without."""
    frame = frame.assign(
        a=frame["a"].round().astype("Int64").where(frame["a"] > -1),
        c=(frame["c"] > 0).astype("boolean").where(frame["c"] > -1),
    )
    X = frame[FEATURES].astype(float)
    forest = make_forest(X)
    for source in (frame, pa.Table.from_pandas(frame)):
        np.testing.assert_array_equal(
            all_scores(forest, source), forest.score_samples(X)
        )


@pytest.mark.parametrize("method", ["score_samples", "decision_function", "predict"])
def test_methods(frame, folder, forest, method):
    found = all_scores(forest, folder, method=method)
    np.testing.assert_array_equal(found, getattr(forest, method)(frame[FEATURES]))


@pytest.mark.parametrize(
    ("source", "message"),
    [(3, "source must be"), ([3.0, 4.0], "Piece 0"), ([["a"]], "Piece 0")],
)
def test_no_source(forest, source, message):
    with pytest.raises(TypeError, match=message):
        all_scores(forest, source)


@pytest.mark.parametrize("source", [np.empty((0, 3)), [], lambda: iter(())])
def test_no_rows(forest, source):
    with pytest.raises(ValueError, match="no row"):
        all_scores(forest, source)


def test_no_file(forest, tmp_path):
    for path in (tmp_path, tmp_path / "none.parquet", tmp_path / "*.parquet"):
        with pytest.raises(FileNotFoundError, match="No Parquet or CSV file"):
            all_scores(forest, path)
