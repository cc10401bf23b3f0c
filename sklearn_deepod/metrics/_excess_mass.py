"""Areas under the excess-mass curve and the mass-volume curve."""

from numbers import Real

import numpy as np

from sklearn_deepod.metrics._validation import finite_scores
from sklearn_deepod.utils._shared_docs import documented_like
from sklearn_deepod.utils._sklearn_compat import Interval, validate_params

_SHARE = [Interval(Real, 0, 1, closed="neither")]
_CURVE_CONSTRAINTS = {
    "score_samples": ["array-like"],
    "score_uniform": ["array-like"],
    "volume": [Interval(Real, 0, None, closed="neither")],
}


@validate_params(
    {**_CURVE_CONSTRAINTS, "min_excess": _SHARE}, prefer_skip_nested_validation=True
)
def excess_mass_score(score_samples, score_uniform, *, volume=1.0, min_excess=0.9):
    """Area under the excess-mass curve of a scoring function; higher is better.

    Read more in the :ref:`User Guide <measures-without-labels>`.

    Parameters
    ----------
    score_samples : array-like of shape (n_samples,)
        Scores of rows of the data: **higher is more normal**.
    score_uniform : array-like of shape (n_uniform,)
        Scores, by the same detector, of points drawn uniformly from a box around the
        data.
    volume : float, default=1.0
        Volume of that box. 1 measures volumes as shares of the box.
    min_excess : float, default=0.9
        The curve is integrated from 0 to the level at which it falls to this excess
        mass.

    Returns
    -------
    float
        In units of one over the volume; at most
        ``(1 - min_excess) * (n_uniform + 1) / volume``.

    See Also
    --------
    ExcessMassScorer : The same as a scorer of detectors.
    mass_volume_score : The area under the mass-volume curve.

    Notes
    -----
    The excess mass at level t is the largest difference, over all thresholds u, between
    the share of the data that scores at least u and t times the volume of the region
    that scores at least u. It is greatest for all t at once if the score ranks points
    as the density of the data does. Volumes are counted with one point more than drawn,
    so none is zero; the integral over the piecewise linear curve is exact.

    References
    ----------
    N. Goix (2016). How to Evaluate the Quality of Unsupervised Anomaly Detection
    Algorithms? ICML Anomaly Detection Workshop. arXiv:1607.01152, equations (1), (2).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_deepod.metrics import excess_mass_score
    >>> rng = np.random.RandomState(0)
    >>> rows, points = rng.randn(5000), rng.uniform(-5, 5, size=5000)
    >>> round(excess_mass_score(-abs(rows), -abs(points), volume=10), 3)
    0.017
    >>> round(excess_mass_score(rows, points, volume=10), 3)  # one tail only
    0.012
    """
    mass, region = _masses_and_volumes(score_samples, score_uniform, volume)
    # A region lifts the curve above min_excess only if it holds more than that.
    region, mass = region[mass > min_excess], mass[mass > min_excess]
    end = np.max((mass - min_excess) / region)
    area, start, best = 0.0, 0.0, len(mass) - 1
    while start < end:
        stop = end
        smaller = np.searchsorted(region, region[best])
        if smaller:
            crossings = (mass[best] - mass[:smaller]) / (
                region[best] - region[:smaller]
            )
            following = int(np.argmin(crossings))
            stop = min(end, crossings[following])
        middle = (start + stop) / 2
        area += (stop - start) * (mass[best] - region[best] * middle)
        if stop < end:
            best = following
        start = stop
    return float(area)


@documented_like(excess_mass_score)
@validate_params(
    {**_CURVE_CONSTRAINTS, "min_mass": _SHARE, "max_mass": _SHARE},
    prefer_skip_nested_validation=True,
)
def mass_volume_score(
    score_samples, score_uniform, *, volume=1.0, min_mass=0.9, max_mass=0.999
):
    """Area under the mass-volume curve of a scoring function; lower is better.

    Read more in the :ref:`User Guide <measures-without-labels>`.

    Parameters
    ----------
    min_mass, max_mass : float, default=0.9 and 0.999
        The curve is integrated between these shares of the data.

    Returns
    -------
    float
        In units of the volume; between 0 and ``(max_mass - min_mass) * volume``.

    Raises
    ------
    ValueError
        If `min_mass` is not below `max_mass`.

    See Also
    --------
    MassVolumeScorer : The same, negated, as a scorer of detectors.
    excess_mass_score : The area under the excess-mass curve.

    Notes
    -----
    The curve maps each share of the data to the volume of the smallest region of
    highest scores that holds it. It is lowest everywhere at once if the score ranks
    points as the density of the data does.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_deepod.metrics import mass_volume_score
    >>> box, dense = np.linspace(0, 1, 1000), np.linspace(0.8, 1, 1000)
    >>> mass_volume_score(dense, box) < mass_volume_score(box, box)
    True
    """
    if min_mass >= max_mass:
        raise ValueError(f"min_mass={min_mass} must be below max_mass={max_mass}.")
    mass, region = _masses_and_volumes(score_samples, score_uniform, volume)
    widths = np.diff(np.clip(mass, min_mass, max_mass), prepend=min_mass)
    return float(widths @ region)


def _masses_and_volumes(score_samples, score_uniform, volume):
    """Share of the data and volume of the region above each score, both ascending."""
    scores = np.sort(finite_scores(score_samples))[::-1]
    uniform = np.sort(finite_scores(score_uniform, "score_uniform"))
    hits = len(uniform) - np.searchsorted(uniform, scores)
    region = volume * (hits + 1.0) / (len(uniform) + 1.0)
    return np.arange(1.0, len(scores) + 1) / len(scores), region
