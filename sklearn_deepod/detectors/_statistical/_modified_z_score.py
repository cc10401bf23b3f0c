"""Modified z-scores: distances from the median in median absolute deviations."""

from sklearn_deepod._stats import median_and_scale
from sklearn_deepod.detectors._statistical._base import BaseZScore


class ModifiedZScore(BaseZScore):
    """Outlier detection by the distance from the median in median absolute deviations.

    The modified z-score [1]_ of a cell is ``0.6745 * (x - median) / MAD``, with the
    median of its feature in the training rows and the median absolute deviation (MAD)
    from it. For a normal distribution it equals the z-score. Outliers in the training
    rows hardly move it, as long as they are less than half of the rows. Each feature is
    measured on its own, so a row with common values in an uncommon combination is not
    found.

    In images and sequences each cell is a feature.

    Read more in the :ref:`User Guide <statistical-detectors>`.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    center_ : ndarray of shape (n_features,)
        Median of each feature.
    scale_ : ndarray of shape (n_features,)
        ``MAD / 0.6745`` of each feature, or what takes its place (see Notes).
    {attributes}

    See Also
    --------
    ZScore : Mean and standard deviation.
    AutoEncoder : Finds uncommon combinations as well.

    Notes
    -----
    Where more than half of a feature's values are equal, the MAD is 0. The scale then
    is 1.253314 times the mean absolute deviation from the median, which outliers do
    move.

    A scale is at least four times the distance between neighbouring floats at the
    center. So the value of a constant feature scores 0, the same value with rounding
    errors close to it, and any other value far more than any threshold. (Where a
    feature is always 0, the scale is 1e-26.) Beyond 1e15, z-scores grow as the
    logarithm does.

    References
    ----------
    .. [1] B. Iglewicz, D. C. Hoaglin (1993). How to Detect and Handle Outliers. ASQC
       Quality Press.

    Examples
    --------
    >>> from sklearn_deepod import ModifiedZScore
    >>> X = [[2.1], [2.6], [2.4], [2.5], [2.3], [2.1], [2.3], [2.6], [8.2], [8.3]]
    >>> detector = ModifiedZScore(contamination="auto")
    >>> detector.fit_predict(X).tolist()
    [1, 1, 1, 1, 1, 1, 1, 1, -1, -1]
    >>> detector.z_scores([[8.3]]).round(2).tolist()
    [[26.31]]
    """

    _textbook_threshold = 3.5

    def _center_and_scale(self, values, sample_weight):
        return median_and_scale(values, sample_weight)
