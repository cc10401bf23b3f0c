"""Weighted statistics, equal to those of the repeated rows."""

import numpy as np

from sklearn_deepod._determinism import one_blas_thread

# Of a normal distribution: median absolute deviation over standard deviation, and
# standard deviation over mean absolute deviation, to the digits in Iglewicz and Hoaglin
# (1993).
_MEDIAN_DEVIATION = 0.6745
_MEAN_DEVIATION = 1.253314
# Share of the weight, and multiple of the median weight, from which a row always counts
# as an inlier. On generated tables of categories, shares of 0.005 to 0.02 raise the
# mean average precision of AutoEncoder from 0.86 to 0.99; on some tables of macrOData
# copies that hold a share between 0.01 and 0.02 are outliers.
_FREQUENT, _MANY_TIMES = 0.02, 5.0


def weighted_quantile(values, q, sample_weight=None):
    """Quantiles of weighted values, for each column; NaN cells are ignored.

    The quantile at `q` is the smallest value whose cumulative weight reaches the share
    `q`, averaged with the next value if it equals `q` (definition 2 of Hyndman and Fan,
    1996), so a weight of 2 is equivalent to a repeated row.

    Parameters
    ----------
    values : ndarray of shape (n_samples,) or (n_samples, n_features)
        The values.
    q : float or sequence of float
        Shares in [0, 1].
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights; None gives every row the weight 1.

    Returns
    -------
    ndarray of shape (len(q),), (n_features,) or (len(q), n_features)
        The quantiles; NaN for a column without values.
    """
    values = np.asarray(values, dtype=np.float64)
    shares = np.atleast_1d(np.asarray(q, dtype=np.float64))
    columns = values[:, None] if values.ndim == 1 else values
    if sample_weight is not None and np.ptp(sample_weight) == 0:
        sample_weight = None
    result = np.full((len(shares), columns.shape[1]), np.nan)
    for j in range(columns.shape[1]):
        column = columns[:, j]
        present = ~np.isnan(column)
        weight = None
        if not present.all():
            column = column[present]
        if sample_weight is not None:
            weight = sample_weight[present]
        if len(column):
            result[:, j] = _quantile_of_column(column, shares, weight)
    if values.ndim == 1:
        result = result[:, 0]
    return result[0] if np.ndim(q) == 0 else result


def _quantile_of_column(column, shares, weight):
    """Quantiles of one column without NaN."""
    if weight is None:
        ranked = np.sort(column)
        cumulated = np.arange(1.0, len(ranked) + 1)
    else:
        # The order of ties does not matter: only their total weight counts.
        order = np.argsort(column)
        ranked, cumulated = column[order], np.cumsum(weight[order])
        last = np.r_[ranked[1:] != ranked[:-1], True]
        ranked, cumulated = ranked[last], cumulated[last]
    target = shares * cumulated[-1]
    tolerance = 1e-12 * cumulated[-1]
    low = np.searchsorted(cumulated, target - tolerance)
    high = np.searchsorted(cumulated, target + tolerance, side="right")
    top = len(ranked) - 1
    # Halved before they are added: a sum near the largest float would overflow.
    return ranked[np.minimum(low, top)] / 2 + ranked[np.minimum(high, top)] / 2


@one_blas_thread()
def weighted_mean_and_std(values, sample_weight=None):
    """Mean and standard deviation of each column; NaN cells are ignored.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features)
        The values.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights.

    Returns
    -------
    mean, std : ndarray of shape (n_features,)
        Population moments; NaN for a column without values.
    """
    weight = np.ones(len(values)) if sample_weight is None else sample_weight
    present = ~np.isnan(values)
    total = weight @ present
    with np.errstate(invalid="ignore", divide="ignore"):
        # Divided by the largest magnitude, so that no square overflows.
        size = np.max(np.abs(values), axis=0, where=present, initial=0.0)
        size[size == 0] = 1.0
        scaled = np.where(present, values / size, 0.0)
        mean = weight @ scaled / total
        deviation = np.where(present, scaled - mean, 0.0)
        variance = weight @ deviation**2 / total
    return mean * size, np.sqrt(variance) * size


def median_and_scale(values, sample_weight=None):
    """Median and robust scale ``MAD / 0.6745``; NaN cells are ignored.

    Where more than half of the values are equal, the median absolute deviation (MAD) is
    0 and is replaced by 1.253314 times the mean absolute deviation (Iglewicz and
    Hoaglin, 1993). Both estimate the standard deviation of a normal distribution.

    Parameters
    ----------
    values : ndarray of shape (n_samples,) or (n_samples, n_features)
        The values.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights.

    Returns
    -------
    center, scale : float or ndarray of shape (n_features,)
        NaN for a column without values.

    References
    ----------
    B. Iglewicz, D. C. Hoaglin (1993). How to Detect and Handle Outliers. ASQC Quality
    Press.
    """
    center = weighted_quantile(values, 0.5, sample_weight)
    deviation = np.abs(values - center)
    mad = np.atleast_1d(weighted_quantile(deviation, 0.5, sample_weight))
    scale = mad / _MEDIAN_DEVIATION
    no_mad = mad <= rounding(center)
    if no_mad.any():
        columns = deviation.reshape(len(deviation), -1)[:, no_mad]
        mean, _ = weighted_mean_and_std(columns, sample_weight)
        scale[no_mad] = _MEAN_DEVIATION * mean
    return center, scale if values.ndim > 1 else scale[0]


def lowest_share(scores, sample_weight, share):
    """Increasing indices of the lowest scores that hold `share` of the weight."""
    order = np.argsort(scores, kind="stable")
    cumulated = np.cumsum(sample_weight[order])
    last = np.searchsorted(cumulated, share * cumulated[-1] * (1 - 1e-12))
    return np.sort(order[: last + 1])


def likely_inliers(scores, sample_weight, share):
    """Increasing indices of the lowest scores that hold `share` of the weight, or more.

    Distinct rows that each hold a fiftieth of the weight, and several times the median
    weight, are inliers whatever their score: they are common combinations of
    categories.
    """
    total, usual = sample_weight.sum(), np.median(sample_weight)
    frequent = sample_weight >= max(_FREQUENT * total, _MANY_TIMES * usual)
    lowest = lowest_share(scores, sample_weight, share)
    return np.union1d(lowest, np.flatnonzero(frequent))


def repeated_rows(sample_weight, most=None):
    """Repeat rows in proportion to their weights, for methods that take no weights.

    Integer weights are reproduced exactly if their sum is at most `most`.

    Parameters
    ----------
    sample_weight : ndarray of shape (n_samples,)
        Positive weights.
    most : int, default=None
        Largest number of repeated rows, at least `n_samples`; None takes
        ``4 * n_samples``.

    Returns
    -------
    ndarray of int of shape (n_repeated,)
        Increasing indices, `n_samples` to `most` of them.
    """
    n_samples, total = len(sample_weight), sample_weight.sum()
    most = 4 * n_samples if most is None else most
    size = max(n_samples, min(round(total), most))
    steps = (np.arange(size) + 0.5) * (total / size)
    index = np.searchsorted(np.cumsum(sample_weight), steps, side="right")
    return np.minimum(index, n_samples - 1)


def rounding(center):
    """Largest deviation from the center that may be a rounding error."""
    with np.errstate(over="ignore"):  # at the end of float64's range
        return 4.0 * np.spacing(np.abs(center))


def without_spread(low, high):
    """Whether values from `low` to `high` differ by rounding errors at most."""
    size = np.maximum(np.abs(low), np.abs(high))
    return high / 2 - low / 2 <= rounding(size) / 2
