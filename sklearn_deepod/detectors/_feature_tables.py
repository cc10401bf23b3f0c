"""Tables of how unusual each value of a feature is."""

import numpy as np

from sklearn_deepod.scoring import weighted_mean_and_std

# A feature is discrete if it has at most so many values, or, if more, this share of
# the rows; at most as many as there are bins of a continuous one.
_FEW_VALUES, _FEW_SHARE = 10, 0.02
_FEWEST_BINS, _MOST_BINS = 8, 64
# Values that differ by no more are one value: rounding errors in float32.
_TOLERANCE = 1e-5
# Rows that a probability is estimated from, at most: a large table is a sample.
_MOST_ROWS = 2**13


def feature_tables(values, weight):
    """Make tables that give each value of each feature two anomaly scores.

    A discrete feature has a cell for each of its values and for each gap between two
    values, a continuous one has bins of equal width. "frequency" is minus the logarithm
    of a cell's probability, smoothed over the bins beside it if the feature is
    continuous, less the mean of it over the training rows (HBOS, [1]_). "tail" is minus
    the logarithm of the probability of a value as high or as low, whichever is smaller
    (ECOD, [2]_).

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
        Training rows.
    weight : ndarray of shape (n_rows,)
        Their weights.

    Returns
    -------
    dict of str to ndarray of shape (n_features, n)
        The cells' "edges", in increasing order, and the scores "frequency" and "tail"
        below, between and above them; "low" and "high", the range of the feature, and
        its "spread", of width 1.

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
    found = [_table(column, share, n_rows) for column in values.T.astype(np.float64)]
    _, spread = weighted_mean_and_std(values, weight)
    n_edges = max(len(edges) for edges, _, _ in found)
    tables = {
        "edges": np.full((len(found), n_edges), np.inf),
        "frequency": np.zeros((len(found), n_edges + 1)),
        "tail": np.zeros((len(found), n_edges + 1)),
        "low": values.min(axis=0)[:, None],
        "high": values.max(axis=0)[:, None],
        "spread": np.where(spread > 0, spread, 1.0)[:, None],
    }
    for j, (edges, frequency, tail) in enumerate(found):
        tables["edges"][j, : len(edges)] = edges
        tables["frequency"][j, : len(frequency)] = frequency
        tables["tail"][j, : len(tail)] = tail
    return tables


def _table(column, share, n_rows):
    """Edges of a feature's cells, and both scores in them."""
    known, inverse = np.unique(column, return_inverse=True)
    few = max(_FEW_VALUES, min(_MOST_BINS, _FEW_SHARE * len(column)))
    if len(known) <= few:
        edges = _edges_of_values(known)
        probability = np.zeros(len(edges) + 1)
        probability[1::2] = np.bincount(inverse, weights=share)
        likely = probability
    else:
        edges = _edges_of_bins(known, len(column))
        cell = np.searchsorted(edges, column, side="right")
        probability = np.bincount(cell, weights=share, minlength=len(edges) + 1)
        likely = np.convolve(probability, [0.25, 0.5, 0.25], mode="same")
        likely[[0, -1]] = 0.0
    frequency = _surprise(likely, n_rows)
    frequency -= probability @ frequency
    below = np.cumsum(probability)
    above = np.cumsum(probability[::-1])[::-1]
    return edges, frequency, _surprise(np.minimum(below, above), n_rows)


def _edges_of_values(known):
    """Edges close around each value."""
    gaps = np.diff(known, prepend=-np.inf, append=np.inf)
    room = np.minimum(gaps[:-1], gaps[1:]) / 4
    width = np.minimum(room, _TOLERANCE * (1.0 + np.abs(known)))
    return np.stack([known - width, known + width], axis=1).ravel()


def _edges_of_bins(known, n_rows):
    """Edges of equal bins that hold all values."""
    n_bins = int(np.clip(np.sqrt(n_rows), _FEWEST_BINS, _MOST_BINS))
    edges = np.linspace(known[0], known[-1], n_bins + 1)
    width = _TOLERANCE * (1.0 + np.abs(edges[[0, -1]]))
    edges[[0, -1]] += [-width[0], width[1]]
    return edges


def _surprise(probability, n_rows):
    """Minus the logarithm of a probability, finite where it is 0."""
    return -np.log((probability * n_rows + 0.5) / (n_rows + 1.0))
