"""Trees as tensors against scikit-learn's own."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import IsolationForest

from sklearn_deepod.detectors._random._isolation_trees import (
    IsolationTrees,
    average_path_length,
)


def grown(n_samples, n_columns=4, max_samples=64, n_members=3):
    rng = np.random.RandomState(0)
    Z = np.tanh(rng.randn(n_members, n_samples, n_columns)).astype(np.float32)
    size = min(max_samples, n_samples)
    forests = [
        IsolationForest(n_estimators=7, max_samples=size, random_state=i).fit(rows)
        for i, rows in enumerate(Z)
    ]
    trees = IsolationTrees(n_members, 7, max_samples)
    trees.load(forests)
    new = np.tanh(2 * rng.randn(n_members, 50, n_columns)).astype(np.float32)
    return trees, forests, np.concatenate([Z, new], axis=1)


def deviation(tree, row):
    """Mean distance from the thresholds on the way down."""
    node, distances = 0, []
    while tree.children_left[node] != -1:
        value, threshold = row[tree.feature[node]], tree.threshold[node]
        distances.append(abs(value - threshold))
        goes_left = value <= threshold
        node = (tree.children_left if goes_left else tree.children_right)[node]
    return np.mean(distances) if distances else 0.0


@pytest.mark.parametrize("n_samples", [1, 2, 3, 40, 300])
def test_path_lengths_give_the_scores_of_isolation_forests(n_samples):
    trees, forests, Z = grown(n_samples)
    length, _ = trees(torch.from_numpy(Z))
    if n_samples == 1:  # nothing to isolate: scikit-learn gives 0.5 to all
        np.testing.assert_array_equal(length, 0.0)
        return
    expected = [f.score_samples(rows) for f, rows in zip(forests, Z, strict=True)]
    np.testing.assert_allclose(-np.exp2(-length.numpy()), expected, rtol=1e-5)


@pytest.mark.parametrize("n_samples", [1, 2, 100])
def test_deviations_are_those_on_the_paths(n_samples):
    trees, forests, Z = grown(n_samples)
    _, deviations = trees(torch.from_numpy(Z))
    expected = [
        [np.mean([deviation(e.tree_, row) for e in f.estimators_]) for row in rows]
        for f, rows in zip(forests, Z, strict=True)
    ]
    np.testing.assert_allclose(deviations, expected, rtol=1e-5)


def test_values_at_thresholds_fall_on_scikit_learns_side():
    trees, forests, _ = grown(100, n_members=1)
    thresholds = np.concatenate([e.tree_.threshold for e in forests[0].estimators_])
    near = thresholds.astype(np.float32)
    steps = [np.nextafter(near, np.float32(s * np.inf)) for s in (-1, 1)]
    Z = np.concatenate([near, *steps])[:, None].repeat(4, axis=1)
    length, _ = trees(torch.from_numpy(Z[None]))
    expected = forests[0].score_samples(Z)
    np.testing.assert_allclose(-np.exp2(-length[0].numpy()), expected, rtol=1e-5)


def test_average_path_length():
    # Of a random tree of n rows: 2 H(n - 1) - 2 (n - 1) / n, with harmonic numbers.
    n = np.array([256, 4096])
    harmonic = [np.sum(1.0 / np.arange(1, m)) for m in n]
    exact = 2 * np.array(harmonic) - 2 * (n - 1) / n
    np.testing.assert_allclose(average_path_length(n), exact, rtol=1e-3)
    assert average_path_length([0, 1, 2]).tolist() == [0.0, 0.0, 1.0]
