"""Areas under both curves, against closed forms and against a grid of cuts.

Scored by the distance from the centre, all regions of high scores are balls, so that
mass and volume are known functions of the radius.
"""

import numpy as np
import pytest
from scipy.stats import norm

from sklearn_deepod.metrics import excess_mass_score, mass_volume_score
from sklearn_deepod.utils._sklearn_compat import InvalidParameterError
from tests.metrics.common import excess_mass_of_gaussian, mass_volume_of_gaussian

N = 100_000


def scored(rows, rng, score):
    """Scores of rows and of points from their bounding box, and the box's volume."""
    low, high = rows.min(axis=0), rows.max(axis=0)
    points = rng.uniform(low, high, size=(2 * N, rows.shape[1]))
    return score(rows), score(points), np.prod(high - low)


def by_distance(rows):
    return -np.linalg.norm(rows, axis=1)


@pytest.fixture(scope="module")
def gaussian():
    """Standard normal in two dimensions."""
    rng = np.random.RandomState(0)
    return scored(rng.randn(N, 2), rng, by_distance)


@pytest.fixture(scope="module")
def disc():
    """Evenly spread over a disc of radius 3."""
    rng = np.random.RandomState(0)
    radius, angle = 3 * np.sqrt(rng.uniform(size=N)), rng.uniform(0, 2 * np.pi, size=N)
    rows = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return scored(rows, rng, by_distance)


class TestClosedForms:
    def test_gaussian_mass_volume(self, gaussian):
        scores, uniform, volume = gaussian
        found = mass_volume_score(scores, uniform, volume=volume)
        assert found == pytest.approx(mass_volume_of_gaussian(), rel=0.02)

    def test_gaussian_excess_mass(self, gaussian):
        scores, uniform, volume = gaussian
        found = excess_mass_score(scores, uniform, volume=volume)
        assert found == pytest.approx(excess_mass_of_gaussian(), rel=0.02)

    def test_gaussian_in_one_dimension(self):
        # MV(a) = 2 z((1 + a) / 2), and the integral of z is minus the density at z.
        rng = np.random.RandomState(0)
        scores, uniform, volume = scored(rng.randn(N, 1), rng, by_distance)
        expected = 4 * (norm.pdf(norm.ppf(0.95)) - norm.pdf(norm.ppf(0.9995)))
        found = mass_volume_score(scores, uniform, volume=volume)
        assert found == pytest.approx(expected, rel=0.02)

    def test_uniform_mass_volume(self, disc):
        # MV(a) = 9 pi a.
        scores, uniform, volume = disc
        found = mass_volume_score(scores, uniform, volume=volume)
        expected = 9 * np.pi * (0.999**2 - 0.9**2) / 2
        assert found == pytest.approx(expected, rel=0.02)

    def test_uniform_excess_mass(self, disc):
        # EM(t) = 1 - 9 pi t, which falls to 0.9 at 0.1 / (9 pi).
        scores, uniform, volume = disc
        found = excess_mass_score(scores, uniform, volume=volume)
        assert found == pytest.approx((0.1 - 0.1**2 / 2) / (9 * np.pi), rel=0.02)

    def test_uniform_density_as_its_own_score(self):
        # The density of the unit cube knows one region only, all of it.
        rng = np.random.RandomState(0)
        scores, uniform, volume = scored(
            rng.uniform(size=(N, 3)), rng, lambda rows: np.ones(len(rows))
        )
        found = excess_mass_score(scores, uniform, volume=volume)
        assert found == pytest.approx(0.1 - 0.1**2 / 2, rel=0.02)
        found = mass_volume_score(scores, uniform, volume=volume)
        assert found == pytest.approx(0.099, rel=0.02)

    def test_units_of_volume(self, disc):
        scores, uniform, volume = disc
        assert excess_mass_score(scores, uniform) == pytest.approx(
            volume * excess_mass_score(scores, uniform, volume=volume)
        )
        assert mass_volume_score(scores, uniform) == pytest.approx(
            mass_volume_score(scores, uniform, volume=volume) / volume
        )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ties", [False, True])
def test_against_grids(seed, ties):
    """The curves by their definition, all cuts at each of many levels."""
    rng = np.random.RandomState(seed)
    scores, uniform = rng.randn(60), rng.randn(400) - 1
    if ties:
        scores, uniform = np.round(scores, 1), np.round(uniform, 1)
    cuts = np.unique(scores)[:, None]
    mass = (scores >= cuts).mean(axis=1)
    region = ((uniform >= cuts).sum(axis=1) + 1) / 401

    levels = np.linspace(0, 1, 100_001)
    curve = np.full(len(levels), -np.inf)
    for m, r in zip(mass, region, strict=True):
        curve = np.maximum(curve, m - levels * r)
    inside = curve >= 0.9
    # Trapezoids, between the ends 1 and 0.9.
    expected = (curve[inside].sum() - (1 + 0.9) / 2) * (levels[1] - levels[0])
    assert excess_mass_score(scores, uniform) == pytest.approx(expected, rel=1e-3)

    shares = np.linspace(0.9, 0.999, 20_001)
    # Rounding must not part a share that is reached exactly.
    volumes = [region[mass >= share - 1e-12].min() for share in shares]
    expected = np.mean(volumes) * 0.099
    assert mass_volume_score(scores, uniform) == pytest.approx(expected, rel=1e-3)


class TestMeaning:
    def test_the_density_is_the_best_score(self, gaussian):
        scores, uniform, _ = gaussian
        rng = np.random.RandomState(1)
        worse = [s + 0.5 * rng.randn(len(s)) for s in (scores, uniform)]
        assert excess_mass_score(*worse) < excess_mass_score(scores, uniform)
        assert mass_volume_score(*worse) > mass_volume_score(scores, uniform)

    def test_higher_score_is_more_normal(self, gaussian):
        scores, uniform, _ = gaussian
        turned = (-scores, -uniform)
        assert excess_mass_score(*turned) < excess_mass_score(scores, uniform)
        assert mass_volume_score(*turned) > mass_volume_score(scores, uniform)

    def test_only_the_order_counts(self, gaussian):
        scores, uniform, _ = gaussian
        assert excess_mass_score(np.exp(scores), np.exp(uniform)) == excess_mass_score(
            scores, uniform
        )

    def test_bounds_where_no_point_is_hit(self):
        scores, uniform = np.ones(50), np.zeros(99)
        assert excess_mass_score(scores, uniform) == pytest.approx(9.5)
        assert excess_mass_score(scores, uniform) <= 0.1 * 100
        assert mass_volume_score(scores, uniform) == pytest.approx(0.099 / 100)

    def test_limits_of_the_integrals(self, disc):
        scores, uniform, volume = disc
        found = excess_mass_score(scores, uniform, volume=volume, min_excess=0.5)
        assert found == pytest.approx((0.5 - 0.5**2 / 2) / (9 * np.pi), rel=0.02)
        found = mass_volume_score(
            scores, uniform, volume=volume, min_mass=0.2, max_mass=0.4
        )
        assert found == pytest.approx(9 * np.pi * (0.4**2 - 0.2**2) / 2, rel=0.02)


class TestErrors:
    def test_order_of_limits(self):
        with pytest.raises(ValueError, match="min_mass=0.9 must be below max_mass=0.5"):
            mass_volume_score([1.0], [1.0], max_mass=0.5)

    @pytest.mark.parametrize("measure", [excess_mass_score, mass_volume_score])
    def test_parameters(self, measure):
        with pytest.raises(InvalidParameterError, match="volume"):
            measure([1.0], [1.0], volume=0)
        with pytest.raises(ValueError, match="score_uniform contains NaN"):
            measure([1.0], [np.nan])
