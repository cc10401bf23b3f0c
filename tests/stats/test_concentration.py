"""Concentration steps on distances that are known."""

import numpy as np
import pytest

from sklearn_deepod._stats._concentration import closest_rows


def from_the_mean(values):
    """Distances of scalars from the mean of those kept, for each member."""
    return lambda kept: np.abs(values - values[:, kept].mean(axis=1, keepdims=True))


def test_all_rows_are_kept_without_a_step():
    def fail(kept):
        raise AssertionError("no distance is needed")

    assert closest_rows(fail, np.ones(5), 1.0).tolist() == [0, 1, 2, 3, 4]


def test_outliers_are_left_out():
    values = np.array([[0.0, 0.1, 50.0, 0.2, 60.0, 0.3, 0.4, 0.5]])
    kept = closest_rows(from_the_mean(values), np.ones(8), 0.75)
    assert kept.tolist() == [0, 1, 3, 5, 6, 7]


def test_three_steps():
    seen = []

    def distances(kept):
        seen.append(kept.tolist())
        return np.abs(np.arange(6.0) - kept.mean())[None]

    closest_rows(distances, np.array([1.0, 1.0, 1.0, 1.0, 1.0, 20.0]), 0.8)
    assert len(seen) == 3
    assert seen[0] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_members_count_the_same_whatever_their_scale(factor):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 40))
    scaled = values * [[1.0], [factor]]
    kept = closest_rows(from_the_mean(values), np.ones(40), 0.6)
    assert (
        kept.tolist() == closest_rows(from_the_mean(scaled), np.ones(40), 0.6).tolist()
    )


def test_a_member_whose_rows_are_equal_does_not_matter():
    values = np.array([[0.0, 0.1, 9.0, 0.2], [3.0, 3.0, 3.0, 3.0]])
    kept = closest_rows(from_the_mean(values), np.ones(4), 0.75)
    assert kept.tolist() == [0, 1, 3]


def test_weights_equal_repetition():
    rng = np.random.default_rng(1)
    values, weight = rng.normal(size=(2, 30)), rng.integers(1, 4, size=30)

    def weighted(kept):
        mean = np.average(values[:, kept], axis=1, weights=weight[kept])
        return np.abs(values - mean[:, None])

    kept = closest_rows(weighted, weight.astype(float), 0.6)
    repeated = np.repeat(values, weight, axis=1)
    again = closest_rows(from_the_mean(repeated), np.ones(weight.sum()), 0.6)
    origin = np.repeat(np.arange(30), weight)
    # The last row may be kept in part.
    assert set(origin[again]) <= set(kept)
    assert len(set(kept) - set(origin[again])) <= 1
