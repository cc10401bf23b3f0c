"""Tables of how unusual each value of a feature is."""

import numpy as np

from sklearn_deepod._stats import weighted_mean_and_std

# A feature is discrete if it has at most so many values, or, if more, this share of
# the rows; at most as many as there are bins of a continuous one.
_FEW_VALUES, _FEW_SHARE = 10, 0.02
_FEWEST_BINS, _MOST_BINS = 8, 64
# Cells of a table, between those below and above the range. Values of a discrete
# feature that share a cell are one value.
_N_CELLS = 256
# How far the range reaches beyond the values, and, in cells, how near to its edge a
# value may lie: more than rounding errors in float32.
_TOLERANCE, _TO_EDGE = 1e-5, 1e-2
# Rows that a probability is estimated from, at most: a large table is a sample.
_MOST_ROWS = 2**13


def feature_tables(values, weight):
    """Make tables that give each value of each feature two anomaly scores.

    A continuous feature is parted into bins of equal width, a discrete one into its
    values and the gaps between them. "frequency" is minus the logarithm of a bin's
    probability, smoothed over the bins beside it if the feature is continuous, less the
    mean of it over the training rows (HBOS, [1]_). "tail" is minus the logarithm of the
    probability of a value as high or as low, whichever is smaller (ECOD, [2]_).

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
        Training rows.
    weight : ndarray of shape (n_rows,)
        Their weights.

    Returns
    -------
    dict of str to ndarray of shape (n_features, n)
        The scores "frequency" and "tail" below the range of a feature, in cells of
        equal width within it, and above it; "low" and "high", the ends of the range,
        "cells_per_unit", and the feature's "spread".

    References
    ----------
    .. [1] M. Goldstein, A. Dengel (2012). Histogram-based outlier score (HBOS): a fast
       unsupervised anomaly detection algorithm. KI.
    .. [2] Z. Li, Y. Zhao, X. Hu, N. Botta, C. Ionescu, G. Chen (2022). ECOD:
       unsupervised outlier detection using empirical cumulative distribution functions.
       IEEE Transactions on Knowledge and Data Engineering.
    """
    n_rows = min(weight.sum(), _MOST_ROWS)
    share = weight / weight.sum()
    values = values.astype(np.float64)
    low, high = values.min(axis=0), values.max(axis=0)
    # Wide enough for rounding errors, and for features without a range.
    low -= _TOLERANCE * (1.0 + np.abs(low))
    high += _TOLERANCE * (1.0 + np.abs(high))
    cells_per_unit = _N_CELLS / (high - low)
    places = (values - low) * cells_per_unit
    tables = [_tables_of_one(column, share, n_rows) for column in places.T]
    _, spread = weighted_mean_and_std(values, weight)
    return {
        "frequency": np.array([frequency for frequency, _ in tables]),
        "tail": np.array([tail for _, tail in tables]),
        "low": low[:, None],
        "high": high[:, None],
        "cells_per_unit": cells_per_unit[:, None],
        "spread": np.where(spread > 0, spread, 1.0)[:, None],
    }


def _tables_of_one(places, share, n_rows):
    """Both scores below, in and above the cells, from the rows' places among them."""
    cells = places.astype(np.intp)
    probability = np.bincount(cells, weights=share, minlength=_N_CELLS)
    tail = np.minimum(np.cumsum(probability), np.cumsum(probability[::-1])[::-1])
    known = np.unique(places)
    few = max(_FEW_VALUES, min(_MOST_BINS, _FEW_SHARE * len(places)))
    if len(known) <= few:
        likely = probability.copy()
        # A value at the edge of a cell may be rounded into the one beside it.
        for nearby in (known - _TO_EDGE, known + _TO_EDGE):
            beside = np.clip(nearby.astype(np.intp), 0, _N_CELLS - 1)
            own = probability[known.astype(np.intp)]
            likely[beside] = np.maximum(likely[beside], own)
    else:
        n_bins = _MOST_BINS
        while n_bins > max(_FEWEST_BINS, np.sqrt(len(places))):
            n_bins //= 2
        likely = probability.reshape(n_bins, -1).sum(axis=1)
        likely = np.convolve(likely, [0.25, 0.5, 0.25], mode="same")
        likely = likely.repeat(_N_CELLS // n_bins)
    frequency = _surprise(likely, n_rows)
    tables = frequency - share @ frequency[cells], _surprise(tail, n_rows)
    unseen = _surprise(0.0, n_rows)
    return [np.concatenate([[unseen], table, [unseen]]) for table in tables]


def _surprise(probability, n_rows):
    """Minus the logarithm of a probability, finite where it is 0."""
    return -np.log((probability * n_rows + 0.5) / (n_rows + 1.0))
