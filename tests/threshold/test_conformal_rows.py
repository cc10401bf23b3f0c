"""Rows of any kind, merged and split."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.model_selection import LeaveOneGroupOut

from sklearn_deepod.threshold import _conformal_rows
from sklearn_deepod.threshold._conformal_rows import WeightedRows, conformal_splits

NUMBERS = np.array([[1.0, 2.0], [0.0, 1.0], [1.0, 2.0], [3.0, np.nan], [3.0, np.nan]])
DATES = pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-01", None, None])
KINDS = {
    "array": NUMBERS,
    "list": NUMBERS.tolist(),
    "csr": sp.csr_array(NUMBERS),
    "objects": NUMBERS.astype(object),
    "pandas": pd.DataFrame({"a": NUMBERS[:, 0], "b": list("xyxzz"), "c": DATES}),
    "categories": pd.DataFrame({"a": pd.Categorical(list("xyxzz"))}),
    "polars": pl.DataFrame({"a": NUMBERS[:, 0], "b": list("xyxzz")}),
    "texts": ["one", "two", "one", "three", "three"],
    "ragged": [[1], [1, 2], [1], [2], [2]],
    "dictionaries": [{"a": 1}, {"b": 1}, {"a": 1}, {}, {}],
    "sequences": np.repeat(NUMBERS[:, None], 3, axis=1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_equal_rows_are_merged(kind):
    X = KINDS[kind]
    weight = np.array([1.0, 0.5, 2.0, 0.0, 4.0])
    rows = WeightedRows(X, None, None)
    first = {0: 0, 1: 1, 2: 0, 3: 3, 4: 3}
    assert sorted(first[i] for i in rows.positions) == [0, 1, 3]
    assert sorted(rows.weight) == [1.0, 2.0, 2.0]
    weighted = WeightedRows(X, None, weight)
    pairs = zip(weighted.positions, weighted.weight, strict=True)
    found = {first[i]: w for i, w in pairs}
    assert found == {0: 3.0, 1: 0.5, 3: 4.0}
    chosen, _ = weighted.rows()
    assert type(chosen) is type(X)


def test_texts_are_no_numbers():
    X = np.array([["1", 1.0], ["1.0", 1.0], [1, 1.0]], dtype=object)
    assert len(WeightedRows(X, None, None)) == 3


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([1, 1, 1, 1, 1], [1, 2, 2]),
        ([1, 1, -1, 0, 0], [1, 1, 1, 2]),
        (["a", "a", "b", "a", "b"], [1, 1, 1, 1, 1]),
        ([[0.0, 1.0]] * 4 + [[0.0, 2.0]], [1, 1, 1, 2]),
    ],
)
def test_rows_of_other_labels_are_other_rows(y, expected):
    rows = WeightedRows(NUMBERS, y, None)
    assert sorted(rows.weight) == expected
    _, labels = rows.rows()
    for i, label in zip(rows.positions, labels, strict=True):
        assert np.array_equal(label, y[i])


def test_order_has_no_effect():
    rng = np.random.RandomState(0)
    X = pd.DataFrame({"a": rng.randint(3, size=50), "b": rng.choice([*"xyz"], size=50)})
    y = rng.choice([*"pq"], size=50)
    rows = WeightedRows(X, y, None)
    order = rng.permutation(50)
    others = WeightedRows(X.iloc[order], y[order], None)
    np.testing.assert_array_equal(rows.weight, others.weight)
    assert (rows.rows()[0].to_numpy() == others.rows()[0].to_numpy()).all()
    assert (rows.rows()[1] == others.rows()[1]).all()
    # A value that only rows of weight 0 have must not move the others.
    absent = pd.concat([pd.DataFrame({"a": [1], "b": ["a"]}), X])
    weighted = WeightedRows(absent, np.r_[["a"], y], np.r_[0.0, np.ones(50)])
    assert (rows.rows()[0].to_numpy() == weighted.rows()[0].to_numpy()).all()


class TestForFit:
    def test_whole_weights_become_repeated_rows(self):
        rows = WeightedRows(NUMBERS, np.arange(5), np.array([2.0, 1, 0, 3, 0]))
        for takes_weights in (True, False):
            X, y, weight = rows.for_fit(takes_weights=takes_weights)
            assert weight is None
            assert sorted(y) == [0, 0, 1, 3, 3, 3]
            np.testing.assert_array_equal(X, NUMBERS[y])

    def test_others_are_passed_on(self):
        rows = WeightedRows(NUMBERS, np.arange(5), np.array([0.5, 1, 0, 3, 0]))
        X, y, weight = rows.for_fit(takes_weights=True)
        assert dict(zip(y, weight, strict=True)) == {0: 0.5, 1: 1.0, 3: 3.0}
        np.testing.assert_array_equal(X, NUMBERS[y])

    def test_or_met_in_proportion(self):
        weight = np.array([0.5, 1.0, 0.0, 6.5, 0.0])
        rows = WeightedRows(NUMBERS, np.arange(5), weight)
        _, y, passed = rows.for_fit(takes_weights=False)
        assert passed is None
        counts = np.bincount(y, minlength=5)
        assert counts.sum() == 8
        np.testing.assert_allclose(counts, weight, atol=0.5)

    def test_large_weights_cost_no_memory(self, monkeypatch):
        weight = np.array([1e12, 2e12, 0.0, 1e12, 0.0])
        rows = WeightedRows(NUMBERS, np.arange(5), weight)
        X, y, passed = rows.for_fit(takes_weights=True)
        assert len(X) == 3
        assert passed.sum() == weight.sum()
        monkeypatch.setattr(_conformal_rows, "REPEATED_CELLS", 80)
        _, y, _ = rows.for_fit(takes_weights=False)
        np.testing.assert_array_equal(np.bincount(y), [10, 20, 0, 10])


def test_given_folds_are_those_of_the_rows_given():
    rng = np.random.RandomState(0)
    X, groups = rng.randn(12, 2), np.repeat([0, 1, 2, 3], 3)
    weight = np.where(groups == 3, 0.0, 1.0)
    cv = list(LeaveOneGroupOut().split(X, groups=groups))
    found = list(
        conformal_splits(
            X,
            None,
            weight,
            method="cross",
            calibration_size=0.5,
            cv=cv,
            random_state=0,
        )
    )
    assert len(found) == 3  # the last fold has no weight
    for k, (train, calibration) in enumerate(found):
        assert set(groups[calibration.positions]) == {k}
        assert set(groups[train.positions]) == {0, 1, 2} - {k}
