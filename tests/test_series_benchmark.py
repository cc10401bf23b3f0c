"""The benchmark of series: its data, its lines, its tables, the published figures."""

import csv
import importlib
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from sklearn_deepod.metrics import vus_pr_score

FOLDER = Path(__file__).parents[1] / "examples" / "benchmarks"
DATA = os.environ.get("SKLEARN_DEEPOD_DATA", "")

# VUS-PR in the published results of TSB-AD.
PUBLISHED = {
    ("artificialWithAnomaly/art_load_balancer_spikes", "IForest"): 0.2401,
    ("artificialWithAnomaly/art_load_balancer_spikes", "Sub-PCA"): 0.8033,
    ("artificialWithAnomaly/art_increase_spike_density", "IForest"): 0.1116,
    ("artificialWithAnomaly/art_increase_spike_density", "Sub-PCA"): 0.4076,
    ("realKnownCause/ambient_temperature_system_failure", "IForest"): 0.3590,
    ("realKnownCause/ambient_temperature_system_failure", "Sub-PCA"): 0.3748,
}


@pytest.fixture
def module(monkeypatch):
    """Import a module of the benchmarks."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


def make_series(rng, n_train=300, n_test=400, n_channels=2):
    """A noisy rhythm that stops for 20 time stamps of the test part."""
    X = np.sin(np.arange(n_train + n_test)[:, None] * np.arange(1, n_channels + 1) / 4)
    X += 0.1 * rng.randn(*X.shape)
    y = np.zeros(n_test, dtype=np.uint8)
    y[200:220] = 1
    X[n_train + 200 : n_train + 220] *= 0.1
    return {"X_train": X[:n_train], "X_test": X[n_train:], "y_test": y}


@pytest.fixture
def data(tmp_path):
    """Two collections, copies of a series, and one series of NAB."""
    rng = np.random.RandomState(0)
    folder = tmp_path / "data"
    (folder / "series").mkdir(parents=True)
    rows = [("file", "key", "variant")]
    for name, variant in (("1_NOISEa", "NOISE"), ("2_a", "plain"), ("3_b", "")):
        np.savez(folder / "series" / f"ucr__{name}.npz", **make_series(rng, 90, 400, 1))
        rows.append((f"ucr__{name}.npz", name[-1], variant))
    for name in "cd":
        np.savez(folder / "series" / f"plant__{name}.npz", **make_series(rng))
    with (folder / "series" / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)

    path = folder / "nab" / "realKnownCause" / "rogue_agent_key_hold.csv"
    path.parent.mkdir(parents=True)
    stamps = pd.date_range("2026-01-01", periods=900, freq="5min")
    values = make_series(rng, 500, 400, 1)
    values = np.concatenate([values["X_train"], values["X_test"]])[:, 0]
    pd.DataFrame({"timestamp": stamps, "value": values}).to_csv(path, index=False)
    spans = {
        "realKnownCause/rogue_agent_key_hold.csv": [
            [str(stamps[700]), str(stamps[719])]
        ],
        "realKnownCause/without.csv": [],
    }
    (folder / "nab" / "windows.json").write_text(json.dumps(spans))
    return folder


def test_one_of_the_copies_of_a_series(module, data):
    found = module("_series_data").find_collections(data)
    assert {name: [*series] for name, series in found.items()} == {
        "nab": ["realKnownCause/rogue_agent_key_hold"],
        "plant": ["c", "d"],
        "ucr": ["2_a", "3_b"],
    }


def test_parts_of_a_series(module, data, monkeypatch):
    series_data = module("_series_data")
    monkeypatch.setattr(series_data, "MAX_ROWS", 100)
    series = series_data.find_collections(data)["plant"]["c"]()
    arrays = np.load(data / "series" / "plant__c.npz")
    X_train = arrays["X_train"][-100:]
    centre, scale = X_train.mean(axis=0), X_train.std(axis=0)
    np.testing.assert_allclose(series.X_train, (X_train - centre) / scale)
    middle = slice(209 - 50, 209 + 50)
    np.testing.assert_array_equal(series.outliers, arrays["y_test"][middle] == 1)
    np.testing.assert_allclose(
        series.X_test, (arrays["X_test"][middle] - centre) / scale
    )


def test_parts_of_nab(module, data):
    series_data = module("_series_data")
    divided = series_data.find_collections(data, ["nab"])["nab"]
    (divided,) = (load() for load in divided.values())
    (whole,) = (load() for load in series_data.find_nab12(data).values())
    assert (len(divided.X_train), len(divided.X_test)) == (135, 765)
    assert (len(whole.X_train), len(whole.X_test)) == (500, 899)
    assert [*np.flatnonzero(divided.outliers)] == [*range(565, 585)]
    assert [*np.flatnonzero(whole.outliers)] == [*range(699, 719)]


def test_period(module):
    period = module("_series_data").period
    t = np.arange(2000)
    assert period(np.sin(2 * np.pi * t / 50)) == 50
    assert period(t) == 125  # no local maximum
    assert period(np.sin(2 * np.pi * t / 4)) == 125  # too short


def test_messages_without_data(module, tmp_path, monkeypatch):
    series_data = module("_series_data")
    monkeypatch.delenv("SKLEARN_DEEPOD_DATA", raising=False)
    with pytest.raises(SystemExit, match="--data"):
        series_data.find_collections()
    with pytest.raises(SystemExit, match=r"neither series/\*\.npz nor"):
        series_data.find_collections(tmp_path)
    with pytest.raises(SystemExit, match=r"windows\.json"):
        series_data.find_nab12(tmp_path)


def test_unknown_collection(module, data):
    with pytest.raises(SystemExit, match="No collection smd: .*plant"):
        module("_series_data").find_collections(data, ["smd"])


@pytest.mark.parametrize(
    "name", ["Sub-PCA", "Sub-PCA/tail", "Sub-KNN", "Sub-KNN/tail", "POLY", "z-score"]
)
def test_lines(module, name):
    """A score for each time stamp, a function of the seed, low where it stops."""
    arrays = make_series(np.random.RandomState(0))
    X_train, X_test = arrays["X_train"], arrays["X_test"]
    line = module("_series_lines").LINES[name]
    scores = line.make(0).fit(X_train).score_samples(X_test)
    assert scores.shape == (len(X_test),)
    assert np.isfinite(scores).all()
    again = line.make(0).fit(X_train).score_samples(X_test)
    np.testing.assert_array_equal(scores, again)
    if name.startswith("Sub"):
        assert roc_auc_score(arrays["y_test"], -scores) > 0.9


@pytest.mark.parametrize("window", [10, 64])
def test_windows_are_merged_by_their_mean(module, window):
    subsequences = module("_series_methods").Subsequences()
    subsequences.window, subsequences.stride = window, 3
    n_rows = 100
    n_windows = n_rows - window + 1
    scores = np.random.RandomState(0).rand(-(-n_windows // 3))
    of_windows = np.repeat(scores, 3)[:n_windows]
    expected = [
        of_windows[max(t - window + 1, 0) : t + 1].mean()
        if t < n_windows
        else of_windows[max(t - window + 1, 0) :].mean()
        for t in range(n_rows)
    ]
    np.testing.assert_allclose(subsequences.merged(scores, n_rows), expected)


def test_log_tail_probability_is_monotonic(module):
    rng = np.random.RandomState(0)
    reference = np.sort(rng.exponential(size=500))
    scores = np.linspace(0, 20, 999)
    log_tail = module("_series_methods")._log_tail(reference, scores)
    assert (np.diff(log_tail) >= -1e-12).all()
    # of an exponential distribution, it is the score
    assert log_tail[-1] == pytest.approx(20, rel=0.3)


def run_script(module, monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["series", *map(str, arguments)])
    module("series").main()


def test_from_files_to_tables(module, data, tmp_path, monkeypatch, capsys):
    published = tmp_path / "published.csv"
    published.write_text(
        "tsb_ad_file,nab_file,train_rows,CNN\n"
        "1,realKnownCause/rogue_agent_key_hold.csv,500,0.125\n"
        "2,realKnownCause/other.csv,500,0.5\n"
    )
    output = tmp_path / "results.jsonl"
    arguments = ["--data", data, "--published", published, "--output", output]
    arguments += ["--lines", "z-score", "Sub-PCA", "--each", "--leave-out"]
    run_script(module, monkeypatch, *arguments)
    rows = [*map(json.loads, output.read_text().splitlines())]
    assert len(rows) == 5 * 2 + 4
    assert not any(row["error"] for row in rows)
    printed = capsys.readouterr().out
    assert "5 series" in printed
    assert "published: CNN" in printed
    assert "12.5" in printed
    assert "left out" in printed

    (found,) = [r for r in rows if r["series"] == "c" and r["line"] == "z-score"]
    arrays = np.load(data / "series" / "plant__c.npz")
    X_train, X_test, y = (arrays[key] for key in ("X_train", "X_test", "y_test"))
    scores = np.abs((X_test - X_train.mean(axis=0)) / X_train.std(axis=0)).mean(axis=1)
    assert found["roc_auc"] == pytest.approx(roc_auc_score(y, scores))
    series = module("_series_data").find_collections(data)["plant"]["c"]()
    volume = {"max_buffer": series.period, "existence_reward": True, "pos_label": 1}
    # rounding may order scores that are equal up to the last digits
    scores = -rankdata(np.round(scores, 9))
    assert found["vus_pr"] == pytest.approx(vus_pr_score(y, scores, **volume))


def test_a_line_that_fails_finds_nothing(module, data, monkeypatch, capsys):
    lines = module("_series_lines")

    def make(seed):
        raise RuntimeError("too short")

    monkeypatch.setitem(lines.LINES, "z-score", lines.Line(make))
    series = module("series")
    monkeypatch.setattr(series, "available", list)
    load = module("_series_data").find_collections(data)["plant"]["c"]
    row = series.run(load, "collections", "plant", "c", "z-score", 0)
    assert row["roc_auc"] == 0.5
    assert row["error"] == "RuntimeError: too short"


def test_a_detector_that_is_not_installed_is_left_out(module, monkeypatch, capsys):
    lines = module("_series_lines")

    def make(seed):
        raise ImportError("No module named 'stumpy'")

    monkeypatch.setitem(lines.LINES, "MatrixProfile", lines.Line(make))
    assert module("series").available(["MatrixProfile", "z-score"]) == ["z-score"]
    assert "left out: MatrixProfile" in capsys.readouterr().out


def test_collections_count_the_same(module):
    rows = [
        {"line": "a", "collection": c, "series": s, "seed": seed, "vus_pr": value}
        for c, s, seed, value in [
            ("one", "1", 0, 0.2),
            ("one", "1", 1, 0.4),
            ("one", "2", 0, 0.5),
            ("two", "3", 0, 1.0),
        ]
    ]
    means = module("series").by_collection(rows, "vus_pr")["a"]
    assert means == {"one": pytest.approx(0.4), "two": 1.0}


@pytest.mark.skipif(
    not (Path(DATA) / "nab" / "windows.json").is_file() or not DATA,
    reason="needs the series of NAB in the folder of SKLEARN_DEEPOD_DATA",
)
@pytest.mark.parametrize(("name", "method"), PUBLISHED)
def test_published_figures(module, name, method):
    """Two methods of TSB-AD, as it runs them, have the VUS-PR that it published.

    Its forest had the same seed, but another version of scikit-learn.
    """
    load = module("_series_data").find_nab12(DATA)[name]
    line = f"TSB-AD's {method}, recomputed"
    found = module("series").run(load, "nab12", "nab12", name, line, 0)
    assert found["error"] == ""
    assert found["vus_pr"] == pytest.approx(PUBLISHED[name, method], abs=0.003)
