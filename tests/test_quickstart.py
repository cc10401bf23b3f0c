"""The quickstart on its own table and on files of many kinds."""

import gzip
import importlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import trapezoid
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_deepod import ZScore

matplotlib = pytest.importorskip("matplotlib")
FOLDER = Path(__file__).parents[1] / "examples"


@pytest.fixture
def quickstart(monkeypatch):
    """The script as a module; its comparison is of fast detectors only."""
    monkeypatch.syspath_prepend(FOLDER)
    matplotlib.use("Agg")
    module = importlib.import_module("quickstart")
    make_model = module.make_model

    def fast_model(name, *args):
        return make_model("ZScore" if name == "DeepOutlierDetector" else name, *args)

    monkeypatch.setattr(module, "make_model", fast_model)
    yield module
    module.plt.close("all")


@pytest.fixture
def own_file(quickstart):
    return importlib.import_module("_own_file")


@pytest.fixture
def numbers():
    """A table of numbers with decimals, of five columns."""
    rng = np.random.RandomState(0)
    return pd.DataFrame(rng.randn(60, 5).round(3), columns=list("abcde"))


def fails(quickstart, capsys, *argv):
    """The message with which the script ends."""
    with pytest.raises(SystemExit, match="2"):
        quickstart.main([str(argument) for argument in argv])
    return capsys.readouterr().err.splitlines()[-1]


def test_the_default_leads_on_its_table(monkeypatch):
    """What the page says of the table, on the rows that were trained on."""
    monkeypatch.syspath_prepend(FOLDER)
    quickstart = importlib.import_module("quickstart")
    table, fault = quickstart.make_readings(1000, 0)
    y = np.where(fault == "none", 1, -1)
    auc, precision = {}, {}
    for name in [*quickstart.SCIKIT_LEARN, "DeepOutlierDetector"]:
        model = quickstart.make_model(name, 0).fit(table)
        decision = model.decision_function(table)
        auc[name] = roc_auc_score(y, decision)
        precision[name] = average_precision_score(y == -1, -decision)
    assert max(auc, key=auc.get) == "DeepOutlierDetector"
    assert max(precision, key=precision.get) == "DeepOutlierDetector"
    flagged = decision < 0
    assert np.mean(y[flagged] == -1) >= 0.6
    assert np.mean(flagged[y == -1]) >= 0.6


@pytest.mark.parametrize("n_rows", [400, 8000])
def test_curves_agree_with_the_table(quickstart, capsys, monkeypatch, n_rows):
    """The area under a drawn curve is the ROC AUC that is printed for it."""
    monkeypatch.setattr(quickstart, "SCIKIT_LEARN", ("IsolationForest",))
    monkeypatch.setattr(quickstart, "MAX_COMPARED_ROWS", 1000)
    drawn = []
    monkeypatch.setattr(
        quickstart.plt.Figure, "savefig", lambda figure, *_, **__: drawn.append(figure)
    )
    quickstart.main(["--rows", str(n_rows), "--detector", "ZScore"])
    printed = capsys.readouterr().out
    lines = drawn[0].axes[1].get_lines()
    assert [line.get_label() for line in lines] == [
        "IsolationForest",
        "DeepOutlierDetector",
        "ZScore",
    ]
    for line in lines:
        auc = re.search(rf"^{line.get_label()} +([\d.]+) ±", printed, re.MULTILINE)[1]
        area = trapezoid(*line.get_data()[::-1])
        assert area == pytest.approx(float(auc), abs=6e-4)


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("comma.csv", {}, "separator comma; decimal point"),
        ("semicolon.csv", {"sep": ";"}, "separator semicolon; decimal point"),
        ("german.csv", {"sep": ";", "decimal": ","}, "semicolon; decimal comma"),
        ("tab.tsv", {"sep": "\t"}, "separator tab"),
        ("packed.csv.gz", {"sep": ";"}, "separator semicolon"),
        ("packed.csv.xz", {}, "separator comma"),
        ("bare.csv", {"header": False, "sep": ";", "decimal": ","}, "no header"),
        ("marked.csv", {"encoding": "utf-8-sig"}, "header in the first line"),
        ("table.parquet", None, ""),
    ],
)
def test_files_give_the_scores_of_their_table(
    quickstart, numbers, capsys, tmp_path, name, options, told
):
    path, output = tmp_path / name, tmp_path / "scores.csv"
    if options is None:
        numbers.to_parquet(path)
    else:
        numbers.to_csv(path, index=False, **options)
    quickstart.main(
        ["--data", str(path), "--detector", "ZScore", "--output", str(output)]
        + ["--figure", str(tmp_path / "figure.png")]
    )
    assert told in capsys.readouterr().out
    scores = pd.read_csv(output, index_col="row")
    detector = ZScore().fit(numbers.to_numpy())
    np.testing.assert_allclose(
        scores["decision_function"], detector.decision_function(numbers.to_numpy())
    )
    np.testing.assert_array_equal(
        scores["predict"], detector.predict(numbers.to_numpy())
    )
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_label_index_and_contamination(quickstart, numbers, capsys, tmp_path):
    numbers["broken"] = np.arange(60) % 6 == 0
    numbers["site"] = np.where(np.arange(60) % 2, "north", "south")
    numbers.index = pd.Index([f"row {i}" for i in range(60)], name="key")
    path, output = tmp_path / "table.parquet", tmp_path / "new" / "scores.parquet"
    numbers.to_parquet(path)
    quickstart.main(
        ["--data", str(path), "--label", "broken", "--output", str(output)]
        + ["--contamination", "0.1", "--detector", "LocalOutlierFactor"]
        + ["--figure", str(tmp_path / "figure.png")]
    )
    printed = capsys.readouterr().out
    assert "'True', the rarer value, is taken for the outlier (10 of 60" in printed
    assert "np." not in printed
    assert re.search(r"^DeepOutlierDetector +0\.", printed, re.MULTILINE)
    scores = pd.read_parquet(output)
    pd.testing.assert_index_equal(scores.index, numbers.index)
    assert (scores["predict"] == -1).sum() == 6
    assert ((scores["decision_function"] < 0) == (scores["predict"] == -1)).all()


def test_the_cell_that_stands_out(quickstart):
    """One broken cell, numeric or text, is named, with a value near the true one."""
    rng = np.random.RandomState(0)
    kind = np.where(rng.rand(300) < 0.5, "a", "b")
    first = rng.randn(300)
    table = pd.DataFrame(
        {"first": first, "second": first + 5 * (kind == "a"), "kind": kind}
    )
    table["third"] = table["second"] + 0.01 * rng.randn(300)
    table.loc[7, "third"] += 3
    table.loc[8, "kind"] = "a" if kind[8] == "b" else "b"
    model = quickstart.make_model("AutoEncoder", 0).fit(table)
    cells = quickstart.cells_that_stand_out(model, table, np.array([7, 8]))
    assert cells["column"].tolist() == ["third", "kind"]
    assert cells.loc[7, "fits"] == pytest.approx(table.loc[7, "second"], abs=0.6)
    assert cells.loc[8, "fits"] == kind[8]


def test_a_missing_file_is_told_before_torch_is_loaded(tmp_path):
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['quickstart.py', '--data', {str(tmp_path / 'no.csv')!r}]\n"
        "try:\n"
        f"    runpy.run_path({str(FOLDER / 'quickstart.py')!r}, run_name='__main__')\n"
        "finally:\n"
        "    print('torch' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 2
    assert "there is no file" in run.stderr
    assert run.stdout.strip() == "False"


def test_bad_files(quickstart, capsys, tmp_path):
    path = tmp_path / "table.csv"
    for content, message in [
        ("", "it is empty"),
        ("a,b\n", "has 0 row"),
        ("a\n" + "".join(f"word {i}\n" for i in range(80)), "no usable column"),
        ("a,b\n1,2\n3,4\n1,2,3\n", "cannot read table.csv"),
        ("id,one\n" + "".join(f"{i * i},1\n" for i in range(9)), "no usable column"),
    ]:
        path.write_text(content)
        assert message in fails(quickstart, capsys, "--data", path)
    path.write_text("a,b,c,d\n" + "".join(f"{i},1,{i % 3},\n" for i in range(9)))
    for column, message in [
        ("z", "there is no column 'z'; the columns are 'a', 'b', 'c', 'd'"),
        ("b", "has 1 different value"),
        ("c", "has 3 different value"),
        ("d", "9 rows have no value in the label column"),
    ]:
        error = fails(quickstart, capsys, "--data", path, "--label", column)
        assert message in error
    assert "there is no detector 'Forest'; known are ALAD" in fails(
        quickstart, capsys, "--data", path, "--detector", "Forest"
    )
    (tmp_path / "table.xls").write_text("a")
    assert "by its suffix" in fails(
        quickstart, capsys, "--data", tmp_path / "table.xls"
    )
    packed = tmp_path / "table.csv.gz"
    packed.write_bytes(gzip.compress(b"a,b\n1,2\n" * 99)[:-9])
    assert "cannot read table.csv.gz" in fails(quickstart, capsys, "--data", packed)


def test_bad_arguments(quickstart, capsys, tmp_path):
    for argv, message in [
        (["--label", "a"], "give it with --data"),
        (["--contamination", "0.7"], 'must be "auto" or a number in (0, 0.5]'),
        (["--contamination", "few"], 'must be "auto" or a number in (0, 0.5]'),
        (["--output", "scores.xls"], "--output must end with"),
    ]:
        assert message in fails(quickstart, capsys, *argv)


def test_parquet_without_pyarrow(quickstart, own_file, capsys, tmp_path, monkeypatch):
    def read_parquet(path):
        raise ImportError("Unable to find a usable engine")

    monkeypatch.setattr(own_file.pd, "read_parquet", read_parquet)
    path = tmp_path / "table.parquet"
    path.write_bytes(b"PAR1")
    assert "needs pyarrow" in fails(quickstart, capsys, "--data", path)


def test_columns_that_tell_nothing_are_left_out(own_file, capsys):
    index = np.arange(80)
    table = pd.DataFrame(
        {
            "size": index**2 / 7,
            "flag": pd.array([True, False, None, None] * 20, dtype="boolean"),
            "whole": pd.array([*range(79), None], dtype="Int64"),
            "kind": ["x", "y", None, "z"] * 20,
            "n": index + 5,
            "userId": index**2,
            "note": [f"note {i}" for i in index],
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(index, "D"),
            "same": 1.0,
            "empty": np.nan,
            "list": [[1], [2]] * 40,
        }
    )
    table.loc[3, "size"] = np.inf
    cleaned = own_file.clean_columns(table)
    assert cleaned.columns.tolist() == ["size", "flag", "whole", "kind"]
    assert np.isnan(cleaned.loc[[3], "size"]).all()
    assert cleaned["flag"].isna().sum() == 40
    assert cleaned["kind"].unique().tolist() == ["x", "y", "missing", "z"]
    printed = capsys.readouterr().out
    for message in [
        "'n' is left out: it counts the rows",
        "'userId' is left out: an identifier",
        "'day' is left out: dates",
        "'same' is left out: one value only",
        "'empty' is left out: no values",
        "'list' is left out: neither numbers nor text",
    ]:
        assert message in printed
