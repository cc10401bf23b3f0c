"""Windows from the period of the series."""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

# Lags between which a period is sought, and the windows of a series that has none.
SHORTEST_PERIOD, LONGEST_PERIOD = 8, 300
WITHOUT_PERIOD = (64, 128)
# Autocorrelation below which a maximum is noise, and the share of the highest maximum
# that the first one has to reach: multiples of a period correlate about as well.
_LOWEST, _NEARLY = 0.1, 0.9
# Shortest window, for short periods: then it spans several.
_SHORTEST_WINDOW = 16


def windows_of_period(pieces):
    """Windows of one and of two periods of standardised series.

    Parameters
    ----------
    pieces : list of ndarray of shape (n_channels, n_timestamps)
        The series.

    Returns
    -------
    tuple of int
        The period is the first lag at which the autocorrelation, in the mean over
        channels and pieces, has a local maximum nearly as high as the highest. Short
        ones are multiplied.
    """
    longest = max(Z.shape[1] for Z in pieces)
    # Of short series those lags that the longest has.
    long = [Z for Z in pieces if Z.shape[1] >= min(longest, 2 * LONGEST_PERIOD + 4)]
    found = [_autocorrelation(Z) for Z in long]
    weights = [Z.shape[1] for Z in long]
    mean = np.average(found, axis=0, weights=weights)
    inner = mean[1:-1]
    peaks = np.flatnonzero((inner > mean[:-2]) & (inner >= mean[2:])) + 1
    peaks = peaks[(peaks >= SHORTEST_PERIOD) & (mean[peaks] > _LOWEST)]
    if not len(peaks):
        return WITHOUT_PERIOD
    period = int(peaks[mean[peaks] >= _NEARLY * mean[peaks].max()][0])
    window = period * -(-_SHORTEST_WINDOW // period)
    return window, 2 * window


def _autocorrelation(Z):
    """Autocorrelation at lags up to the longest period, in the mean over channels."""
    n = Z.shape[1]
    Z = Z - Z.mean(axis=1, keepdims=True)
    size = next_fast_len(n + LONGEST_PERIOD)
    power = np.abs(rfft(Z, size, axis=1)) ** 2
    products = irfft(power, size, axis=1)[:, : min(LONGEST_PERIOD + 2, n // 2)]
    # Unbiased: fewer products are summed at longer lags.
    products *= n / (n - np.arange(products.shape[1]))
    variance = products[:, :1]
    varies = variance[:, 0] > 0
    if not varies.any():
        return np.zeros(products.shape[1])
    return (products[varies] / variance[varies]).mean(axis=0)
