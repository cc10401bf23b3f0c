"""Z-scores: distances from the mean in standard deviations."""

import numpy as np

from sklearn_deepod._stats import weighted_mean_and_std
from sklearn_deepod.detectors._statistical._base import BaseZScore


class ZScore(BaseZScore):
    """Outlier detection by the distance from the mean in standard deviations.

    The z-score of a cell is its value, less the mean of its feature in the training
    rows, over the standard deviation. Each feature is measured on its own, so a row
    with common values in an uncommon combination is not found.

    In images and sequences each cell is a feature.

    Read more in the :ref:`User Guide <statistical-detectors>`.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    center_ : ndarray of shape (n_features,)
        Mean of each feature.
    scale_ : ndarray of shape (n_features,)
        Standard deviation of each feature.
    {attributes}

    See Also
    --------
    ModifiedZScore : Median and median absolute deviation, which outliers cannot move.
    AutoEncoder : Finds uncommon combinations as well.
    scipy.stats.zscore : The same of one array.

    Notes
    -----
    Moments are those of the population: the sum of squares is divided by the number of
    rows (by the sum of their weights), not by one less. So no training row can score
    more than ``sqrt(n_samples - 1)`` [1]_: of ten rows or fewer, none is above 3.

    A scale is at least four times the distance between neighbouring floats at the
    center. So the value of a constant feature scores 0, the same value with rounding
    errors close to it, and any other value far more than any threshold. (Where a
    feature is always 0, the scale is 1e-26.) Beyond 1e15, z-scores grow as the
    logarithm does.

    References
    ----------
    .. [1] R. E. Shiffler (1988). Maximum Z scores and outliers. The American
       Statistician 42(1), 79-80.
    .. [2] B. Iglewicz, D. C. Hoaglin (1993). How to Detect and Handle Outliers. ASQC
       Quality Press.

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
        # What all values have in common would cost digits, and give a constant feature
        # a spread.
        lowest = np.nanmin(values, axis=0)
        mean, std = weighted_mean_and_std(values - lowest, sample_weight)
        return lowest + mean, std
