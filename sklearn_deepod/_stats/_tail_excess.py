"""Threshold beyond which there are more scores than the bulk predicts."""

import numpy as np

from sklearn_deepod._stats._distinct_scores import distinct_scores, threshold_above
from sklearn_deepod._stats._otsu import otsu_threshold
from sklearn_deepod._stats._weighted import (
    median_and_scale,
    rounding,
    weighted_quantile,
)

# A tail is too heavy for a single group if so large a proportion of the rows would be
# flagged at this level. These constants and those of `_has_second_group` were chosen by
# examples/benchmarks/thresholds.py.
_HEAVY_LEVEL = 0.5
_HEAVY_SHARE = 0.15
# scikit-learn's checks expect an outlier in every table. It is the highest score, if it
# has at most this proportion of the weight.
_SINGLE_SHARE = 0.02


def tail_excess_threshold(
    anomaly_scores, sample_weight=None, *, level=0.2, groups=True
):
    """Find the threshold beyond which there are more scores than the bulk predicts.

    The bulk is the lower 70 % of the scores. Above the median, an exponential tail
    through the 50 % and 70 % quantiles predicts how many scores exceed any value. It is
    lengthened if the scores are dense below the median, and shortened if they are not.
    The threshold is the lowest one at which the predicted number of scores is at most
    the proportion `level` of the observed number: control of the false discovery rate
    (Benjamini and Hochberg, 1995) with an empirical null distribution (Efron, 2004). If
    there is none, only the highest score is flagged, and not even that if more than 2 %
    of the rows share it.

    With `groups`, `otsu_threshold` sets the threshold if there is a second group, that
    is, if the density of the scores rises again above the median, or if 15 % of the
    scores exceed the tail at a level of 0.5.

    Parameters
    ----------
    anomaly_scores, sample_weight : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous, and optional positive weights.
    level : float, default=0.2
        Expected proportion of false alarms among the flagged rows.
    groups : bool, default=True
        Whether to look for a second group.

    Returns
    -------
    float
        The threshold. Rows above it are outliers.
    """
    scores, weight = distinct_scores(anomaly_scores, sample_weight)
    tail = _ExponentialTail(scores, weight)
    if groups:
        heavy = weight[tail.first_excess(_HEAVY_LEVEL) :].sum()
        share = heavy / weight.sum()
        if share >= _HEAVY_SHARE or _has_second_group(scores, weight):
            return otsu_threshold(anomaly_scores, sample_weight)
    return tail.threshold(level)


class _ExponentialTail:
    """Numbers of scores beyond each score: observed, and predicted by a tail."""

    def __init__(self, scores, weight):
        # Halved, so that no difference overflows.
        self.scores, self.total = scores / 2, weight.sum()
        low, self.median, high = weighted_quantile(self.scores, [0.1, 0.5, 0.7], weight)
        upper = high - self.median
        limits = np.finfo(np.float64)
        with np.errstate(over="ignore"):
            if upper > rounding(self.median):
                lengthening = _lengthening((self.median - low) / upper)
                scale = upper / np.log(0.5 / 0.3) * lengthening
            else:
                scale = median_and_scale(self.scores, weight)[1]
            self.scale = np.clip(scale, limits.tiny, limits.max)
            steps = np.maximum(self.scores - self.median, 0.0) / self.scale
        self.found = np.cumsum(weight[::-1])[::-1]
        odds = 0.5 * self.total * np.exp(-steps) / self.found
        self.odds = np.where(self.scores > high, odds, np.inf)

    def first_excess(self, level):
        """Find the lowest score that exceeds the tail; the number of scores if none."""
        exceeds = self.odds <= level
        return int(np.argmax(exceeds)) if exceeds.any() else len(exceeds)

    def threshold(self, level):
        """Set the threshold where scores exceed the tail, or else below the highest."""
        first = self.first_excess(level)
        last = len(self.found) - 1
        if first > last:
            single = last > 0 and self.found[-1] <= _SINGLE_SHARE * self.total
            return threshold_above(2 * self.scores, last - single)
        steps = np.log(0.5 * self.total / (level * self.found[first]))
        value = 2 * (self.median + max(steps, 0.0) * self.scale)
        midway = threshold_above(2 * self.scores, first - 1)
        return float(np.clip(value, 2 * self.scores[first - 1], midway))


def _lengthening(lower):
    """Compute the factor on the length of the exponential tail.

    `lower` is the distance from the 10 % quantile to the median, divided by that from
    the median to the 70 % quantile. It is 1.15 for an exponential distribution, and 2.4
    for a normal one. The exponents were fitted to scores of tables without outliers
    (examples/benchmarks/thresholds.py): scores that are dense below the median have
    long tails, and bounded scores have short ones.
    """
    lower = max(lower, 1e-6)
    return max(1.0, 0.5 / lower) ** 1.5 * min(1.0, 1.0 / lower) ** 0.5


def _has_second_group(scores, weight, *, linear_range=2.0, factor=1.0, least=0.15):
    """Whether the density of the scores rises again above the median.

    A decreasing density has a concave distribution function. The largest distance to
    its least concave majorant, as in the dip test (Hartigan and Hartigan, 1985), is
    thus a proportion of scores that a single group does not explain. It is computed on
    the scale ``arcsinh(z / linear_range)``, where z is the distance from the median in
    robust standard deviations, on which a wide group remains a group. A distance up to
    `factor` divided by the root of the number of distinct scores is due to chance.
    """
    center, scale = median_and_scale(scores / 2, weight)
    # Includes the highest score, even if the median of tiny scores is rounded up.
    upper = scores / 2 >= min(center, scores[-1] / 2)
    with np.errstate(over="ignore"):
        z = np.clip((scores[upper] / 2 - center) / (scale or 1.0), 0.0, 1e100)
    z = np.arcsinh(z / linear_range)
    total = weight.sum()
    below = (np.cumsum(weight[upper]) - weight[upper]) / total
    hull = [0]
    for k in range(1, len(z)):
        while len(hull) > 1:
            i, j = hull[-2:]
            rise = (below[j] - below[i]) * (z[k] - z[i])
            if rise > (below[k] - below[i]) * (z[j] - z[i]):
                break
            hull.pop()
        hull.append(k)
    distance = np.max(np.interp(z, z[hull], below[hull]) - below)
    return distance > max(factor / np.sqrt(len(scores)), least)
