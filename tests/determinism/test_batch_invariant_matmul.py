import numpy as np
import pytest
import torch
from torch import nn

from sklearn_deepod._determinism import BatchInvariantMatmul

PRODUCTS = {
    "mm": lambda X, W, b: X @ W,
    "addmm": lambda X, W, b: torch.addmm(b, X, W),
    "addmm_2d": lambda X, W, b: torch.addmm(b.expand(len(X), -1), X, W),
    "bmm": lambda X, W, b: torch.bmm(X[None], W[None])[0],
    "baddbmm": lambda X, W, b: torch.baddbmm(b[None, None], X[None], W[None])[0],
    "linear": lambda X, W, b: nn.functional.linear(X, W.T, b),
    "linear_without_bias": lambda X, W, b: nn.functional.linear(X, W.T),
    "linear_of_batches": lambda X, W, b: nn.functional.linear(X[None], W.T, b)[0],
}


@pytest.fixture
def operands():
    def draw(n_columns):
        generator = torch.Generator().manual_seed(n_columns)
        return (
            torch.randn(256, 30, generator=generator),
            torch.randn(30, n_columns, generator=generator),
            torch.randn(n_columns, generator=generator),
        )

    return draw


@pytest.mark.parametrize("n_columns", [1, 5, 11, 40])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_keep_their_values(name, n_columns, operands):
    X, W, b = operands(n_columns)
    expected = PRODUCTS[name](X.double(), W.double(), b.double())
    with torch.inference_mode(), BatchInvariantMatmul():
        found = PRODUCTS[name](X, W, b)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("n_columns", [5, 7, 11])
@pytest.mark.parametrize("name", ["mm", "addmm", "bmm", "baddbmm", "linear"])
def test_a_row_rounds_alike_in_every_place(name, n_columns, operands):
    X, W, b = operands(n_columns)
    with torch.inference_mode(), BatchInvariantMatmul():
        expected = PRODUCTS[name](X, W, b)
        for shift in (1, 3, 50):
            rolled = PRODUCTS[name](X.roll(shift, dims=0), W, b)
            assert torch.equal(rolled.roll(-shift, dims=0), expected)


@pytest.mark.parametrize("n_columns", [5, 17, 33, 100])
@pytest.mark.parametrize("name", ["mm", "addmm", "bmm", "baddbmm", "linear"])
def test_products_round_alike_with_any_number_of_threads(name, n_columns, operands):
    X, W, b = operands(n_columns)
    n_threads = torch.get_num_threads()
    found = []
    try:
        for n in (1, 2, 3, 4):
            torch.set_num_threads(n)
            with torch.inference_mode(), BatchInvariantMatmul():
                found.append(PRODUCTS[name](X, W, b))
    finally:
        torch.set_num_threads(n_threads)
    assert all(torch.equal(found[0], other) for other in found[1:])


@pytest.mark.parametrize("n_terms", [300, 784, 1500])
@pytest.mark.parametrize("name", ["mm", "addmm", "bmm", "baddbmm", "linear"])
def test_sums_of_many_terms_round_alike_in_any_number_of_rows_and_threads(
    name, n_terms
):
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(320, n_terms, generator=generator)
    W = torch.randn(n_terms, 40, generator=generator)
    b = torch.randn(40, generator=generator)
    n_threads = torch.get_num_threads()
    found = []
    try:
        for n in (1, 2, 3, 8):
            torch.set_num_threads(n)
            for n_rows in (64, 128, 320):
                with torch.inference_mode(), BatchInvariantMatmul(256):
                    found.append(PRODUCTS[name](X[:n_rows], W, b)[:64])
    finally:
        torch.set_num_threads(n_threads)
    assert all(torch.equal(found[0], other) for other in found[1:])
    expected = PRODUCTS[name](X.double(), W.double(), b.double())[:64]
    np.testing.assert_allclose(found[0], expected, atol=1e-3)
