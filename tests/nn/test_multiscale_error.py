"""Errors of images at two scales, beside scipy's Gaussian filter."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from sklearn_deepod._nn._multiscale_error import MultiscaleError

SHAPE = (3, 50, 75)  # bandwidth of 2 pixels


def random_residual(shape=SHAPE, n_rows=5, seed=0):
    rng = np.random.RandomState(seed)
    return torch.from_numpy(rng.randn(2, n_rows, int(np.prod(shape)))).float()


def by_scipy(images, bandwidth):
    """Weighted means of the pixels within the image, along height and width."""
    sigma = (0,) * (images.ndim - 2) + (bandwidth, bandwidth)
    settings = {"sigma": sigma, "mode": "constant", "truncate": 40}
    whole = gaussian_filter(np.ones_like(images), **settings)
    return gaussian_filter(images, **settings) / whole


def reference(residual, shape=SHAPE):
    images = residual.numpy().astype(np.float64).reshape(*residual.shape[:2], *shape)
    smoothed = by_scipy(images, 0.04 * min(shape[1:]))
    return np.stack([np.square(i).mean(axis=(2, 3, 4)) for i in (images, smoothed)])


@pytest.mark.parametrize("shape", [SHAPE, (1, 28, 28), (2, 75, 50)])
def test_errors_are_those_of_a_gaussian_filter(shape):
    residual = random_residual(shape)
    found = MultiscaleError(2, shape).errors(residual)
    np.testing.assert_allclose(found, reference(residual, shape), rtol=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_larger_error_in_units_of_training_medians(weighted):
    residual = random_residual(n_rows=7)
    count = np.array([1, 3, 1, 2, 4, 1, 1]) if weighted else np.ones(7, int)
    error = MultiscaleError(2, SHAPE)
    error.fit(residual, count.astype(float))
    median = np.median(np.repeat(reference(residual), count, axis=2), axis=2)
    new = random_residual(seed=1)
    expected = (reference(new) / median[..., None]).max(axis=0)
    np.testing.assert_allclose(error(new), expected, rtol=1e-4)


def test_noise_of_pixels_and_a_region_both_count():
    error = MultiscaleError(2, SHAPE)
    error.fit(random_residual(n_rows=50), np.ones(50))
    usual = error(random_residual(seed=1)).max()
    noise = 1.5 * random_residual(seed=2)
    region = random_residual(seed=2).unflatten(2, SHAPE).clone()
    region[..., 10:30, 10:30] += 0.5
    _, smoothed = error.errors(region.flatten(2)) / error.unit
    pixels, _ = error.errors(noise) / error.unit
    assert (error(noise) == pixels).any()
    assert error(noise).min() > 1.5 * usual
    assert torch.equal(error(region.flatten(2)), smoothed)
    assert smoothed.min() > 1.5 * usual


def test_constant_images_keep_their_error():
    # Averages near the border are over the pixels that are there.
    constant = torch.full((2, 1, int(np.prod(SHAPE))), 3.0)
    found = MultiscaleError(2, SHAPE).errors(constant)
    np.testing.assert_allclose(found, 9.0, rtol=1e-5)


def test_perfect_training_rows_leave_the_error_finite():
    error = MultiscaleError(2, SHAPE)
    error.fit(torch.zeros(2, 4, int(np.prod(SHAPE))), np.ones(4))
    assert (error(torch.zeros(2, 4, int(np.prod(SHAPE)))) == 0).all()
    assert torch.isfinite(error(random_residual())).all()
