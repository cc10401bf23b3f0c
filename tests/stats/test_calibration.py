"""Calibrated scores: closed forms and invariances."""

import numpy as np
import pytest
from scipy import stats

from sklearn_deepod._stats import (
    asinh_z_score,
    negative_log_tail_probability,
    robust_location_and_scale,
)

every_calibration = pytest.mark.parametrize(
    "calibrate", [negative_log_tail_probability, asinh_z_score]
)


@every_calibration
@pytest.mark.parametrize(("scale", "shift"), [(1e-6, 3.0), (1e6, -5.0)])
def test_shift_and_scale_do_not_matter(calibrate, scale, shift):
    rng = np.random.RandomState(0)
    new, known = rng.randn(200) * 2, rng.randn(500)
    np.testing.assert_allclose(
        calibrate(shift + scale * new, shift + scale * known),
        calibrate(new, known),
        rtol=1e-6,
        atol=1e-6,
    )


@every_calibration
def test_keeps_the_order(calibrate):
    rng = np.random.RandomState(0)
    new, known = np.sort(rng.standard_t(2, size=300) * 3), rng.randn(400)
    assert np.all(np.diff(calibrate(new, known)) >= 0)


@every_calibration
def test_weights_equal_repetition(calibrate):
    rng = np.random.RandomState(0)
    new, known, weight = rng.randn(50), rng.randn(80), rng.randint(1, 4, size=80)
    np.testing.assert_allclose(
        calibrate(new, known, weight.astype(float)),
        calibrate(new, np.repeat(known, weight)),
    )


@every_calibration
def test_equal_training_scores(calibrate):
    found = calibrate(np.array([0.5, 1.0, 2.0]), np.ones(20))
    assert np.isfinite(found).all()
    assert found[0] <= found[1] < found[2]


def test_tail_of_a_known_distribution():
    known = stats.expon.rvs(size=200_000, random_state=0)
    new = np.array([0.5, 1.0, 3.0, 6.0])
    # of an exponential, minus the logarithm of the tail is the score itself
    np.testing.assert_allclose(
        negative_log_tail_probability(new, known), new, rtol=0.05
    )


def test_tail_by_definition():
    known = np.array([1.0, 2.0, 3.0, 4.0])
    expected = -np.log((np.array([4, 3, 3, 1, 0]) + 0.5) / 5)
    expected[-1] += np.log1p(6.0 / (1.0 / 0.6745))
    new = np.array([0.0, 1.5, 2.0, 4.0, 10.0])
    np.testing.assert_allclose(negative_log_tail_probability(new, known), expected)


def test_robust_by_definition():
    known = np.array([1.0, 2.0, 3.0, 3.2, 100.0])
    z = (np.array([3.0, 10.0]) - 3.0) / (1.0 / 0.6745)
    np.testing.assert_allclose(
        asinh_z_score(np.array([3.0, 10.0]), known, linear_width=2.0),
        np.arcsinh(z / 2.0),
    )


def test_an_upper_quantile_is_the_unit_where_most_scores_are_equal():
    known = np.r_[np.zeros(62), np.full(38, 5.0)]
    center, scale = robust_location_and_scale(known)
    assert center == 0.0
    assert scale == pytest.approx(5.0 / stats.norm.ppf(0.65))


def test_robust_unit_is_that_of_a_normal_distribution():
    known = stats.norm(3.0, 2.0).ppf((np.arange(10_001) + 0.5) / 10_001)
    center, scale = robust_location_and_scale(known)
    assert center == pytest.approx(3.0)
    assert scale == pytest.approx(2.0, rel=1e-3)
    np.testing.assert_allclose(
        asinh_z_score(known, known, linear_width=1.0),
        np.arcsinh((known - center) / scale),
    )


def test_robust_unit_is_never_zero():
    center, scale = robust_location_and_scale(np.full(9, 7.0))
    assert center == 7.0
    assert scale > 0
