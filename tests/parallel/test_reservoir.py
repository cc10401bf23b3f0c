"""Samples of rows that pass by once."""

import numpy as np
import pandas as pd
import pytest

from sklearn_deepod.parallel._reservoir import Reservoir


def sample_of(rows, size, seed, weight=None, batch_size=25):
    """The rows and weights that stay."""
    reservoir = Reservoir(size, np.random.RandomState(seed))
    for i in range(0, len(rows), batch_size):
        part = slice(i, i + batch_size)
        reservoir.add(rows[part], None if weight is None else weight[part])
    assert reservoir.n_samples == len(rows)
    rows, weight, y = reservoir.sample()
    assert y is None
    return rows, weight


def test_every_row_stays_as_often():
    n_rows, size, n_draws = 60, 12, 500
    counts = np.zeros(n_rows)
    for seed in range(n_draws):
        rows, _ = sample_of(np.arange(n_rows), size, seed)
        assert len(np.unique(rows)) == size
        counts[rows] += 1
    share = size / n_rows
    deviation = np.sqrt(n_draws * share * (1 - share))
    assert np.abs(counts - n_draws * share).max() < 4 * deviation


def test_sums_over_weighted_samples_are_unbiased():
    rng = np.random.default_rng(0)
    n_rows, size, n_draws = 60, 12, 500
    weight = rng.exponential(size=n_rows) ** 3
    weight[:20] = 0.0
    values = rng.normal(size=n_rows)
    estimates, shares = [], []
    for seed in range(n_draws):
        rows, found = sample_of(np.arange(n_rows), size, seed, weight)
        assert len(rows) == size
        assert weight[rows].all()
        assert found.min() >= 1.0
        # the unit is that of the lowest weight: recover it by a row above it
        sure = rows[found > 1.0]
        unit = np.nan if len(sure) == 0 else weight[sure[0]] / found[found > 1.0][0]
        estimates.append(unit * np.sum(found * values[rows]))
        shares.append(unit * np.sum(found))
    expected, total = np.sum(weight * values), weight.sum()
    error = 4 * np.nanstd(estimates) / np.sqrt(n_draws)
    assert np.nanmean(estimates) == pytest.approx(expected, abs=error)
    assert np.nanmean(shares) == pytest.approx(total, rel=0.02)


def test_equal_weights_are_none():
    rows, weight = sample_of(np.arange(100), 10, 0, np.full(100, 3.0))
    same, _ = sample_of(np.arange(100), 10, 0)
    np.testing.assert_array_equal(weight, np.ones(10))
    np.testing.assert_array_equal(np.sort(rows), np.sort(same))


@pytest.mark.parametrize("size", [100, 1000])
def test_few_rows_all_stay_with_their_weights(size):
    weight = np.arange(100.0)
    rows, found = sample_of(np.arange(100), size, 0, weight)
    np.testing.assert_array_equal(rows, np.arange(1, 100))
    np.testing.assert_array_equal(found, weight[1:])


@pytest.mark.parametrize("batch_size", [1, 33, 500])
def test_the_sample_does_not_depend_on_the_batches(batch_size):
    X = np.random.default_rng(0).normal(size=(500, 2))
    weight = np.random.default_rng(1).exponential(size=500)
    for given in (None, weight):
        rows, found = sample_of(X, 40, 3, given)
        same, again = sample_of(X, 40, 3, given, batch_size=batch_size)
        np.testing.assert_array_equal(rows, same)
        np.testing.assert_array_equal(found, again)


@pytest.mark.parametrize("n_parts", [1, 2, 5])
def test_merged_reservoirs_hold_the_lowest_ranks_of_all(n_parts):
    """As one reservoir that draws the same numbers."""
    rng = np.random.default_rng(0)
    weight = rng.exponential(size=300)
    draws = [np.random.RandomState(i) for i in range(n_parts)]
    ranks, merged = [], Reservoir(25, None)
    for i, part in enumerate(np.array_split(np.arange(300), n_parts)):
        ranks.append(draws[i].random_sample(len(part)) / weight[part])
        reservoir = Reservoir(25, np.random.RandomState(i))
        reservoir.add(part, weight[part])
        merged.merge(reservoir)
    rows, found, _ = merged.sample()
    order = np.argsort(np.concatenate(ranks))
    np.testing.assert_array_equal(np.sort(rows), np.sort(order[:25]))
    bound = np.concatenate(ranks)[order[25]]
    np.testing.assert_allclose(found, np.maximum(weight[rows] * bound, 1.0))
    assert merged.n_samples == 300


def test_frames_and_labels_stay_together():
    frame = pd.DataFrame({"a": np.arange(50), "b": list("xyzuv") * 10})
    reservoir = Reservoir(10, np.random.RandomState(0))
    for i in range(0, 50, 8):
        reservoir.add(frame[i : i + 8], y=np.arange(50)[i : i + 8])
    X, _, y = reservoir.sample()
    np.testing.assert_array_equal(X["a"], y)
    np.testing.assert_array_equal(X["b"], frame["b"].iloc[y])
    assert len(X) == 10


def test_no_weight_at_all():
    with pytest.raises(ValueError, match="No row has a positive weight"):
        sample_of(np.arange(5), 2, 0, np.zeros(5))
