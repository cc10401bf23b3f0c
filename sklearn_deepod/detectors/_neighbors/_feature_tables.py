"""Tables of how rare and how extreme each value of a feature is."""

import numpy as np

from sklearn_deepod._stats import weighted_mean_and_std

# A feature is discrete if the number of its values is at most the larger of 10 and 2 %
# of the rows, but never more than the bins of a continuous feature.
_FEW_VALUES, _FEW_SHARE = 10, 0.02
_FEWEST_BINS, _MOST_BINS = 8, 64
# Cells of a table within the range of a feature. Values of a discrete feature that fall
# into the same cell count as one value.
_N_CELLS = 256
# How far the range extends beyond the values, and the distance from the edge of a cell,
# in cells, at which a value counts for both: larger than rounding errors of float32.
_TOLERANCE, _TO_EDGE = 1e-5, 1e-2
# Maximum of the effective number of rows, as a large table is represented by a sample.
_MOST_ROWS = 2**13


def feature_tables(values, weight):
    """Tabulate two anomaly scores of each value of each feature.

    A continuous feature is divided into bins of equal width, a discrete one into its
    values and the gaps between them. "frequency" is the negative logarithm of the
    probability of a bin, smoothed over adjacent bins if the feature is continuous,
    minus its mean over the training rows (HBOS, [1]_). "tail" is the negative logarithm
    of the smaller of the probabilities of a value at least as high and at least as low
    (ECOD, [2]_).

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
        Training rows.
    weight : ndarray of shape (n_rows,)
        Weights of the rows.

    Returns
    -------
    dict of str to ndarray of shape (n_features, n)
        The scores "frequency" and "tail" below the range of a feature, in cells of
        equal width within it, and above it; "low" and "high", the ends of the range,
        "cells_per_unit", and "scale", the standard deviation of the feature.

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
    # Wide enough for rounding errors, and for constant features.
    low -= _TOLERANCE * (1.0 + np.abs(low))
    high += _TOLERANCE * (1.0 + np.abs(high))
    cells_per_unit = _N_CELLS / (high - low)
    positions = (values - low) * cells_per_unit
    tables = [_tables_of_one(column, share, n_rows) for column in positions.T]
    _, scale = weighted_mean_and_std(values, weight)
    return {
        "frequency": np.array([frequency for frequency, _ in tables]),
        "tail": np.array([tail for _, tail in tables]),
        "low": low[:, None],
        "high": high[:, None],
        "cells_per_unit": cells_per_unit[:, None],
        "scale": np.where(scale > 0, scale, 1.0)[:, None],
    }


def _tables_of_one(positions, share, n_rows):
    """Both scores of one feature, from the values in units of the cells' width."""
    cells = positions.astype(np.intp)
    probability = np.bincount(cells, weights=share, minlength=_N_CELLS)
    tail = np.minimum(np.cumsum(probability), np.cumsum(probability[::-1])[::-1])
    known = np.unique(positions)
    few = max(_FEW_VALUES, min(_MOST_BINS, _FEW_SHARE * len(positions)))
    if len(known) <= few:
        likely = probability.copy()
        # A value near the edge of a cell may be rounded into the adjacent one.
        for nearby in (known - _TO_EDGE, known + _TO_EDGE):
            beside = np.clip(nearby.astype(np.intp), 0, _N_CELLS - 1)
            own = probability[known.astype(np.intp)]
            likely[beside] = np.maximum(likely[beside], own)
    else:
        n_bins = _MOST_BINS
        while n_bins > max(_FEWEST_BINS, np.sqrt(len(positions))):
            n_bins //= 2
        likely = probability.reshape(n_bins, -1).sum(axis=1)
        likely = np.convolve(likely, [0.25, 0.5, 0.25], mode="same")
        likely = likely.repeat(_N_CELLS // n_bins)
    frequency = _negative_log(likely, n_rows)
    tables = frequency - share @ frequency[cells], _negative_log(tail, n_rows)
    unseen = _negative_log(0.0, n_rows)
    return [np.concatenate([[unseen], table, [unseen]]) for table in tables]


def _negative_log(probability, n_rows):
    """Negative logarithm of a probability, finite where it is 0."""
    return -np.log((probability * n_rows + 0.5) / (n_rows + 1.0))
