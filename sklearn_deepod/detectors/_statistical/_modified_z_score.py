"""Modified z-scores: distances from the median in median absolute deviations."""

from sklearn_deepod._stats import median_and_scale
from sklearn_deepod.detectors._statistical._base import BaseZScore


class ModifiedZScore(BaseZScore):
    """Outlier detection by the distance from the median in median absolute deviations.

    The modified z-score [1]_ of a cell is ``0.6745 * (x - median) / MAD``, with the
    median and the median absolute deviation (MAD) of its feature over the training
    rows. For a normal distribution it equals the z-score; unlike the z-score, it hardly
    changes if the training rows hold outliers, as long as they are less than half of
    the rows. Features are scored separately, as in `ZScore`.

    Read more in the :ref:`User Guide <statistical-detectors>`.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    scale_ : ndarray of shape (n_features,)
        ``MAD / 0.6745`` of each feature, or a substitute (see Notes), with the same
        lower bound as in `ZScore`.
    {attributes}

    See Also
    --------
    ZScore : Uses mean and standard deviation.
    AutoEncoder : Also detects rare combinations of values.

    Notes
    -----
    The MAD is 0 where more than half of a feature's values are equal. The scale is then
    1.253314 times the mean absolute deviation from the median, which is not robust.

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
