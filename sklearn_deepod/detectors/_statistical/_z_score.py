"""Z-scores: distances from the mean in standard deviations."""

import numpy as np

from sklearn_deepod._stats import weighted_mean_and_std
from sklearn_deepod.detectors._statistical._base import BaseZScore


class ZScore(BaseZScore):
    """Outlier detection by the distance from the mean in standard deviations.

    The z-score of a cell is the difference between its value and the mean of its
    feature over the training rows, divided by the standard deviation. Features are
    scored separately, so a row with common values in a rare combination is not
    detected.

    Read more in the :ref:`User Guide <statistical-detectors>`.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    ModifiedZScore : Uses median and median absolute deviation, which are robust.
    AutoEncoder : Also detects rare combinations of values.
    scipy.stats.zscore : The z-scores within one array.

    Notes
    -----
    The variance is that of the population: the sum of squares is divided by the number
    of rows (the sum of their weights), not by one less. No training row can therefore
    score more than ``sqrt(n_samples - 1)`` [1]_: among ten rows or fewer, none scores
    above 3.

    References
    ----------
    .. [1] R. E. Shiffler (1988). Maximum Z scores and outliers. The American
       Statistician 42(1), 79-80.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import ZScore
    >>> X = load_iris().data
    >>> detector = ZScore().fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    >>> detector.z_scores([[9.0, 1.0, 1.0, 3.0]]).round(1).tolist()
    [[3.8, -4.7, -1.6, 2.4]]
    """

    _textbook_threshold = 3.0

    def _center_and_scale(self, values, sample_weight):
        # A large common offset would cost digits, and leave a constant feature with a
        # standard deviation above 0.
        lowest = np.nanmin(values, axis=0)
        mean, std = weighted_mean_and_std(values - lowest, sample_weight)
        return lowest + mean, std
