"""Nearest references against distances computed one by one."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from sklearn_deepod._determinism import BatchInvariantMatmul
from sklearn_deepod.detectors._neighbors._reference_index import (
    ReferenceIndex,
    _smallest,
)


def references(rows, count=None, n_places=None):
    """Filled references of one member."""
    rows = torch.as_tensor(np.asarray(rows), dtype=torch.float32)
    rows = rows.unsqueeze(0) if rows.ndim == 2 else rows
    found = ReferenceIndex(len(rows), n_places or rows.shape[1], rows.shape[2])
    found.fill(rows, torch.as_tensor([1.0] * rows.shape[1] if count is None else count))
    return found


@pytest.mark.parametrize("n_rows", [7, 100, 900, 5000])
def test_neighbours_are_those_of_scikit_learn(n_rows):
    rng = np.random.default_rng(n_rows)
    rows, X = rng.normal(size=(n_rows, 6)), rng.normal(size=(50, 6))
    distances, places = references(rows)(torch.tensor(X[None]).float(), 5)
    expected, index = NearestNeighbors(n_neighbors=5).fit(rows).kneighbors(X)
    np.testing.assert_allclose(distances[0], expected, rtol=1e-4, atol=1e-5)
    assert (places[0].numpy() == index).mean() > 0.99


def test_each_member_has_its_own_features():
    rng = np.random.default_rng(0)
    rows, X = rng.normal(size=(3, 80, 4)), rng.normal(size=(3, 20, 4))
    distances, _ = references(rows)(torch.tensor(X).float(), 2)
    for member in range(3):
        nearest = NearestNeighbors(n_neighbors=2).fit(rows[member])
        expected, _ = nearest.kneighbors(X[member])
        np.testing.assert_allclose(distances[member], expected, rtol=1e-4)


def test_a_row_is_not_its_own_neighbour_but_its_copy_is():
    rows = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    X = torch.tensor(rows[None, :1]).float()
    alone, _ = references(rows)(X, 2)
    assert alone[0, 0].tolist() == [5.0, 10.0]
    twice, places = references(rows, count=[2.0, 1.0, 1.0])(X, 2)
    assert twice[0, 0].tolist() == [0.0, 5.0]
    assert places[0, 0].tolist() == [0, 1]


def test_a_count_of_two_is_two_references():
    rng = np.random.default_rng(1)
    rows, X = rng.normal(size=(40, 3)), torch.randn(1, 30, 3)
    count = rng.integers(1, 4, size=40).astype(np.float32)
    counted, _ = references(rows, count)(X, 6)
    repeated, _ = references(np.repeat(rows, count.astype(int), axis=0))(X, 6)
    np.testing.assert_allclose(counted, repeated, rtol=1e-4)


def test_empty_places_are_never_neighbours():
    rng = np.random.default_rng(2)
    rows, X = rng.normal(size=(10, 3)) + 50, torch.zeros(1, 4, 3)
    full, _ = references(rows)(X, 4)
    half_empty, places = references(rows, n_places=700)(X, 4)
    np.testing.assert_allclose(half_empty, full, rtol=1e-5)
    assert places.max() < 10


def test_the_last_one_is_repeated_where_there_are_too_few():
    rows = [[0.0], [2.0]]
    distances, _ = references(rows)(torch.tensor([[[5.0], [2.0]]]), 4)
    assert distances[0].tolist() == [[3.0, 5.0, 5.0, 5.0], [2.0, 2.0, 2.0, 2.0]]


def test_refilling_forgets_the_rows_before():
    found = references(np.zeros((8, 2)), n_places=8)
    found.fill(torch.full((1, 3, 2), 3.0), torch.ones(3))
    distances, _ = found(torch.zeros(1, 1, 2), 3)
    np.testing.assert_allclose(distances[0, 0], [18**0.5] * 3, rtol=1e-6)


def test_a_row_gets_the_same_answer_wherever_it_stands():
    rng = np.random.default_rng(3)
    found = references(rng.normal(size=(300, 7)))
    X = torch.tensor(rng.normal(size=(1, 64, 7))).float()
    with BatchInvariantMatmul():
        first, _ = found(X, 3)
        turned, _ = found(X.flip(1), 3)
    assert torch.equal(first, turned.flip(1))


@pytest.mark.parametrize("n_values", [64, 256, 320, 1024, 2560, 5056])
@pytest.mark.parametrize("n_smallest", [1, 6, 17])
def test_smallest_values_are_those_of_topk(n_values, n_smallest):
    generator = torch.Generator().manual_seed(n_values)
    values = torch.rand(2, 30, n_values, generator=generator)
    found, places = _smallest(values, n_smallest)
    expected = values.topk(n_smallest, dim=2, largest=False)
    assert torch.equal(found, expected.values)
    assert torch.equal(places, expected.indices)
