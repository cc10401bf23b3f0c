"""The arithmetic behind the tables and figures of the accuracy benchmark."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FOLDER = Path(__file__).parents[1] / "examples" / "benchmarks"


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("_report")


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


def test_only_shared_runs_are_averaged(report, capsys):
    def row(dataset, seed, detector, auc):
        shared = dict.fromkeys(report.FIELDS, 1.0)
        run = {"dataset": dataset, "seed": seed, "detector": detector}
        return {**shared, **run, "protocol": "p", "max_rows": 9, "roc_auc": auc}

    rows = [
        *(row("one", seed, "kNN", auc) for seed, auc in enumerate([0.5, 0.7])),
        *(row("one", seed, "LOF", auc) for seed, auc in enumerate([0.6, 0.6])),
        *(row("two", seed, "kNN", 0.9) for seed in (0, 1)),
        row("two", 1, "LOF", 0.8),
        *(row("one", seed, "kNN[k=1]", 0.1) for seed in (0, 1)),
        row("two", 1, "kNN[k=1]", 0.3),
        row("two", 0, "ZScore", 0.4),
    ]
    lines = ["kNN", "LOF", "HBOS"]
    means = report.mean_results(rows, "p", ["one", "two"], [0, 1], 9, lines)
    expected = {"kNN": [0.6, 0.9], "LOF": [0.6, 0.8], "kNN[k=1]": [0.1, 0.3]}
    auc = means["roc_auc"]
    assert set(auc) == set(expected)
    for line, values in expected.items():
        np.testing.assert_allclose(auc[line], values)
    assert report.mean_rank(auc, "LOF") == 1.75
    assert report.mean_rank(auc, "kNN[k=1]") == 2
    printed = capsys.readouterr().out
    assert "3 of 4 runs" in printed
    assert "LOF lacks 1" in printed
    assert "without results: HBOS" in printed


def test_designs_combine_views(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    designs = importlib.import_module("choice").designs
    found = dict(designs(np.array([[1.0, 6.0, 2.0], [9.0, 0.0, 3.0]])))
    assert len(found) == 3 + 3 * 2 + 3
    assert found["mean of density"].tolist() == [2, 3]
    assert found["highest of inputs + density"].tolist() == [2, 9]
    assert found["mean of inputs + distance + density"].tolist() == [3, 4]
    assert found["two highest of inputs + distance + density"].tolist() == [4, 6]
