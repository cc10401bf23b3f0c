"""The accuracy benchmark: its collections, the arithmetic of its tables, the choice."""

import csv
import importlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score

FOLDER = Path(__file__).parents[1] / "examples" / "benchmarks"


@pytest.fixture
def module(monkeypatch):
    """Import a module of the benchmarks."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


@pytest.fixture
def report(module):
    return module("_report")


@pytest.fixture
def data(tmp_path):
    """Two collections: undivided tables, and tables that come divided."""
    rng = np.random.RandomState(0)
    folder = tmp_path / "data"
    for collection in ("adbench", "macro"):
        (folder / collection).mkdir(parents=True)
    for i in range(3):
        X, y = rng.randn(120, 3), np.arange(120) < 10
        X[y] += 2
        np.savez(folder / "adbench" / f"{i}_table.npz", X=X, y=y)
        parts = {"X_train": X[60:], "X_test": X[:60], "y_test": y[:60]}
        parts = {name: part.astype(np.float32) for name, part in parts.items()}
        np.savez(folder / "macro" / f"odd_{i}.npz", **parts)
    return folder


def test_holm(report):
    """By hand: 4, 3, 2 and 1 times the sorted p-values, and never one below another."""
    adjusted = report.holm([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(adjusted, [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_array_equal(report.holm([0.6, 0.7]), [1, 1])


def test_stretches_that_do_not_differ(report):
    rng = np.random.RandomState(0)
    for _ in range(50):
        upper = np.triu(rng.uniform(size=(8, 8)) < 0.3, 1)
        differ = upper | upper.T
        without = [
            (first, last)
            for first in range(8)
            for last in range(first + 1, 8)
            if not differ[first : last + 1, first : last + 1].any()
        ]
        longest = [
            (a, b)
            for a, b in without
            if not any(c <= a and b <= d and (a, b) != (c, d) for c, d in without)
        ]
        assert report.alike(differ) == longest


def test_differences_of_columns(report):
    rng = np.random.RandomState(0)
    base = rng.uniform(size=30)
    auc = pd.DataFrame(
        {"a": base, "b": base + 0.01 * rng.randn(30), "worse": base - 0.1, "as a": base}
    )
    expected = np.zeros((4, 4), dtype=bool)
    expected[2] = expected[:, 2] = [True, True, False, True]
    np.testing.assert_array_equal(report.differing(auc), expected)


def row(collection, dataset, seed, detector, auc, precision=1.0):
    return {
        "collection": collection,
        "dataset": dataset,
        "protocol": "p",
        "seed": seed,
        "max_rows": 9,
        "detector": detector,
        "roc_auc": auc,
        "average_precision": precision,
        "fit_cpu_seconds": 1.0,
        "score_cpu_seconds": 1.0,
    }


def test_only_shared_runs_are_averaged(report, capsys):
    rows = [
        *(row("a", "one", seed, "kNN", auc) for seed, auc in enumerate([0.5, 0.7])),
        *(row("a", "one", seed, "LOF", auc) for seed, auc in enumerate([0.6, 0.6])),
        *(row("a", "two", seed, "kNN", 0.9) for seed in (0, 1)),
        row("a", "two", 1, "LOF", 0.8),
        *(row("a", "one", seed, "kNN[k=1]", 0.1) for seed in (0, 1)),
        row("a", "two", 1, "kNN[k=1]", 0.3),
        row("a", "two", 0, "ZScore", 0.4),
        row("b", "one", 0, "kNN", 0.2),
        row("not asked for", "one", 0, "kNN", 0.2),
    ]
    lines = ["kNN", "LOF", "HBOS"]
    tables = {"a": ["one", "two"], "b": ["one"]}
    means = report.mean_results(rows, "p", tables, [0, 1], 9, lines)
    assert set(means) == {"a", "b"}
    expected = {"kNN": [0.6, 0.9], "LOF": [0.6, 0.8], "kNN[k=1]": [0.1, 0.3]}
    auc = means["a"]["roc_auc"]
    assert set(auc) == set(expected)
    for line, values in expected.items():
        np.testing.assert_allclose(auc[line], values)
    assert report.mean_rank(auc, "LOF") == 1.75
    assert report.mean_rank(auc, "kNN[k=1]") == 2
    printed = capsys.readouterr().out
    assert "p, a: 3 of 4 runs" in printed
    assert "LOF lacks 1" in printed
    assert "without results: HBOS" in printed


def test_collections_count_the_same(report):
    """Three tables of one collection weigh as much as one of the other."""
    rows = [
        row(collection, dataset, 0, line, auc, auc / 2)
        for collection, dataset, of_lines in [
            ("a", "1", [0.9, 0.8, 0.1]),
            ("a", "2", [0.8, 0.5, 0.4]),
            ("a", "3", [0.7, 0.8, 0.2]),
            ("b", "1", [0.2, 0.6, 0.4]),
        ]
        for line, auc in zip(("IsolationForest", "kNN", "kNN-1"), of_lines, strict=True)
    ]
    tables = {"a": ["1", "2", "3"], "b": ["1"]}
    means = report.mean_results(rows, "p", tables, [0], 9, ["kNN"])
    frame = report.together([*means.values()])
    header, found = report.main_table(frame)
    cells = {line: dict(zip(header[1:], of, strict=True)) for line, *of in found}
    assert [*cells] == ["kNN", "IsolationForest", "kNN-1"]
    assert cells["kNN"]["ROC AUC"] == "65.0"  # (70 + 60) / 2
    assert cells["kNN"]["AP"] == "32.5"
    assert cells["kNN"]["b"] == "60.0 / 30.0"
    assert cells["IsolationForest"]["ROC AUC"] == "50.0"
    assert cells["IsolationForest"]["rank"] == "2.17"  # ((1 + 1 + 2) / 3 + 3) / 2
    assert cells["IsolationForest"]["kNN +/-"] == "2/2"  # kNN is the better neighbour
    assert cells["kNN-1"]["fit CPU s"] == "4.0"


def test_collections_of_a_folder(module, data, capsys, monkeypatch):
    tables = module("_tables")
    found = tables.find_collections(data)
    assert [*found] == ["adbench", "macro", "mixed"]
    assert [*found["macro"]] == ["odd_0", "odd_1", "odd_2"]
    assert "keel" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="keel"):
        tables.find_collections(data, ["keel"])
    monkeypatch.delenv("SKLEARN_DEEPOD_DATA", raising=False)
    assert [*tables.find_collections()] == ["mixed"]
    with pytest.raises(SystemExit, match="--data"):
        tables.find_collections(None, ["adbench"])


def test_subset_is_spread_over_the_names(module):
    tables = module("_tables")
    names = [f"{i:03}" for i in range(100, 23, -1)]
    chosen = [*map(int, tables.subset("macro", dict.fromkeys(names)))]
    assert len(chosen) == 12
    assert chosen[0] == 24
    assert chosen[-1] == 100
    assert set(np.diff(chosen)) <= {6, 7, 8}
    assert [*tables.subset("macro", {"b-0": 1, "a-1": 2})] == ["a-1", "b-0"]


def test_subset_has_each_family_of_the_generated_tables(module, mixed):
    assert [*module("_tables").subset("mixed", mixed(0))] == [
        *("binary-00", "binary-10", "binary-50"),
        *("onehot-0", "onehot-2", "onehot-4"),
        *("random-00", "random-24", "random-49"),
        *("signal-00", "signal-10", "signal-19"),
    ]


@pytest.mark.parametrize("max_rows", [1000, 40])
def test_protocols_of_divided_tables(module, data, max_rows):
    tables = module("_tables")
    source = tables.find_collections(data, ["macro"])["macro"]["odd_1"]
    arrays = np.load(source)
    X_train, X_test, y = tables.split_source(source, "one-class", 0, max_rows)
    X_all, X_same, y_all = tables.split_source(source, "contaminated", 0, max_rows)
    if max_rows == 1000:
        np.testing.assert_array_equal(X_train, arrays["X_train"])
        np.testing.assert_array_equal(X_test, arrays["X_test"])
        np.testing.assert_array_equal(y, arrays["y_test"])
    assert len(X_train) == len(X_test) == len(y) == min(60, max_rows)
    assert len(X_all) == len(y_all) == min(120, max_rows)
    assert y_all.sum() == round(10 / 120 * len(y_all))
    assert X_all is X_same
    assert X_train.dtype == float
    # each row still has its label
    outliers = {*map(tuple, arrays["X_test"][arrays["y_test"] == 1])}
    for X, labels in ((X_test, y), (X_all, y_all)):
        assert [tuple(x) in outliers for x in X] == [*(labels == 1)]


@pytest.fixture(scope="module")
def mixed():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        return importlib.import_module("_mixed").mixed_tables


def test_mixed_tables_are_determined_by_the_seed(mixed):
    first, second, other = mixed(0), mixed(0), mixed(1)
    assert len(first) == 8 + 5 + 50 + 20
    for name in ("binary-05", "onehot-1", "random-07", "signal-00", "signal-01"):
        X, y = first[name]()
        for part, again in zip((X, y), second[name](), strict=True):
            np.testing.assert_array_equal(part, again)
        assert not np.array_equal(X, other[name]()[0])


def test_mixed_tables_are_as_described(mixed):
    tables = {name: make() for name, make in mixed(0).items()}
    for name, (X, y) in tables.items():
        assert np.isfinite(X).all(), name
        assert (X.std(axis=0) > 0).all(), name
        assert 0 < y.mean() <= 0.1, name
        assert 0 < y[: len(y) // 2].mean() < 0.2, name  # in no particular order
    numbers, labels = tables["binary-00"]
    for share in (1, 2, 5, 10, 20, 30, 50):
        X, y = tables[f"binary-{share:02}"]
        np.testing.assert_array_equal(X[:, :-1], numbers)
        np.testing.assert_array_equal(y, labels)
        assert X[:, -1].sum() == 20 * share
    for name, (X, _) in tables.items():
        binary = ((X == 0) | (X == 1)).all(axis=0)
        if name.startswith("onehot"):
            assert binary.all()
        elif name != "binary-00":
            assert binary.any()
            assert not binary.all()


def test_collapse(module, report):
    values = {  # IsolationForest, AutoEncoder, kNN
        "binary-00": [0.7, 0.9, 0.8],
        "binary-02": [0.6, 0.9, 0.5],
        "binary-10": [0.5, 0.91, 0.1],
        "onehot-0": [0.3, 0.8, 0.2],
        "onehot-1": [0.1, 0.9, 0.4],
        "random-00": [0.5, 0.6, 0.56],
        "random-01": [0.6, 0.5, 0.4],
        "random-02": [0.2, 0.3, 0.1],
        "signal-00": [0.1, 0.1, 0.1],
    }
    lines = ("IsolationForest", "AutoEncoder", "kNN")
    rows = [
        row("mixed", dataset, 0, line, 1.0, precision)
        for dataset, of_lines in values.items()
        for line, precision in zip(lines, of_lines, strict=True)
    ]
    means = report.mean_results(rows, "p", {"mixed": values}, [0], 9, lines)
    _, found = module("_collapse").collapse_table(means["mixed"])
    assert found == [
        ["AutoEncoder", "0.900", "0.900", "2 %", "0.850", "0.800", "1 of 3", "-0.10"],
        ["IsolationForest", "0.700", "0.500", "10 %", "0.200", "0.100"]
        + ["2 of 3", "-0.10"],
        ["kNN", "0.800", "0.100", "10 %", "0.300", "0.200", "2 of 3", "-0.20"],
    ]


def run_script(module, monkeypatch, name, *arguments):
    monkeypatch.setattr("sys.argv", [name, *map(str, arguments)])
    module(name).main()


def test_accuracy_from_files_to_tables(module, data, tmp_path, monkeypatch, capsys):
    output = tmp_path / "accuracy.jsonl"
    arguments = ["--data", data, "--output", output, "--seeds", 0]
    arguments += ["--detectors", "IsolationForest", "kNN", "--tables", tmp_path]
    arguments += ["--figures", tmp_path]
    arguments += ["--collections", "adbench", "macro"]
    run_script(module, monkeypatch, "accuracy", *arguments)
    rows = [*map(json.loads, output.read_text().splitlines())]
    assert len(rows) == 2 * 2 * 3 * 2  # collections, protocols, tables, detectors
    assert "24 runs to do" in capsys.readouterr().out

    (found,) = [
        row
        for row in rows
        if (row["collection"], row["dataset"]) == ("macro", "odd_2")
        and (row["protocol"], row["detector"]) == ("one-class", "IsolationForest")
    ]
    arrays = np.load(data / "macro" / "odd_2.npz")
    X_train, X_test = (arrays[name].astype(float) for name in ("X_train", "X_test"))
    forest = IsolationForest(random_state=0).fit(X_train)
    scores = -forest.score_samples(X_test)
    assert found["roc_auc"] == roc_auc_score(arrays["y_test"], scores)
    assert found["average_precision"] == average_precision_score(
        arrays["y_test"], scores
    )

    run_script(module, monkeypatch, "accuracy", *arguments)
    assert "0 runs to do, 24 in" in capsys.readouterr().out
    for protocol in ("one-class", "contaminated"):
        for group in ("adbench", "macro", "all"):
            with (tmp_path / f"{protocol}-{group}.csv").open() as file:
                lines = [line[0] for line in csv.reader(file)]
            assert sorted(lines) == ["", "IsolationForest", "kNN"]
        for figure in ("ranks", "time"):
            assert (tmp_path / f"{protocol}-{figure}.svg").exists()


class Failing:
    def fit(self, X):
        raise RuntimeError("singular")


def test_a_detector_that_fails_counts_as_chance(
    module, data, tmp_path, monkeypatch, capsys
):
    def make(novelty, seed, params):
        return IsolationForest() if novelty else Failing()

    monkeypatch.setitem(module("_detectors").DETECTORS, "LOF", make)
    output = tmp_path / "accuracy.jsonl"
    arguments = ["--data", data, "--output", output, "--seeds", 0]
    arguments += ["--detectors", "LOF", "--collections", "adbench"]
    run_script(module, monkeypatch, "accuracy", *arguments)
    rows = [*map(json.loads, output.read_text().splitlines())]
    failed = [row for row in rows if row["protocol"] == "contaminated"]
    assert len(failed) == 3
    for row in failed:
        assert row["roc_auc"] == 0.5
        assert row["average_precision"] == pytest.approx(10 / 120)
        assert row["error"] == "RuntimeError: singular"
    assert "LOF failed in 3" in capsys.readouterr().out


def test_a_table_without_outliers_is_no_result(
    module, data, tmp_path, monkeypatch, capsys
):
    X = np.random.RandomState(0).randn(50, 2)
    np.savez(data / "adbench" / "without.npz", X=X, y=np.zeros(50, dtype=int))
    output = tmp_path / "accuracy.jsonl"
    arguments = ["--data", data, "--output", output, "--seeds", 0]
    arguments += ["--detectors", "kNN", "--collections", "adbench"]
    run_script(module, monkeypatch, "accuracy", *arguments)
    assert "without" not in output.read_text()
    assert "no outlier" in capsys.readouterr().out


def test_choice_without_the_collection_it_is_judged_on(
    module, tmp_path, monkeypatch, capsys
):
    """The best on the whole, D[a=2], owes it to what it has on "c" alone."""
    auc = {
        "D": {"a": 0.6, "b": 0.6, "c": 0.6},
        "D[a=1]": {"a": 0.7, "b": 0.7, "c": 0.5},
        "D[a=2]": {"a": 0.6, "b": 0.5, "c": 0.9},
        "other": {"a": 1.0, "b": 1.0, "c": 1.0},
    }
    path = tmp_path / "results.jsonl"
    lines = [
        json.dumps(row(c, "t", 0, line, value) | {"protocol": "one-class"})
        for line, of_line in auc.items()
        for c, value in of_line.items()
    ]
    path.write_text("\n".join(lines))
    arguments = ["--results", path, "--max-rows", 9, "--candidates", "D", "--by", "auc"]
    arguments += ["--protocols", "one-class"]
    run_script(module, monkeypatch, "choice", *arguments)
    printed = capsys.readouterr().out.splitlines()[-4:]
    assert [line.split() for line in printed] == [
        *[
            [left_out, chosen, there, "/", "100.0", judged, "/", "100.0"]
            + ["60.0", "/", "100.0", f"{best}", "/", "100.0", best_line]
            for left_out, chosen, there, judged, best, best_line in [
                ("a", "D[a=2]", "70.0", "60.0", "70.0", "D[a=1]"),
                ("b", "D[a=2]", "75.0", "50.0", "70.0", "D[a=1]"),
                ("c", "D[a=1]", "70.0", "50.0", "90.0", "D[a=2]"),
            ]
        ],
        ["none", "D[a=2]", "66.7", "/", "100.0", "53.3", "/", "100.0"]
        + ["60.0", "/", "100.0", "76.7", "/", "100.0"],
    ]
