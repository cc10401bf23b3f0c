"""Threshold beyond which there are more scores than the bulk lets expect."""

import numpy as np

from sklearn_deepod._stats._distinct_scores import distinct_scores, threshold_above
from sklearn_deepod._stats._otsu import otsu_threshold
from sklearn_deepod._stats._weighted import (
    median_and_scale,
    rounding,
    weighted_quantile,
)

# A tail this heavy is not that of one group: at even odds of a false alarm, this share
# of the rows would be flagged. These constants and those of `_has_second_group` were
# measured in examples/benchmarks/thresholds.py.
_HEAVY_LEVEL = 0.5
_HEAVY_SHARE = 0.15
# scikit-learn's checks want an outlier in every table: the highest score, if it has no
# more of the weight than this.
_SINGLE_SHARE = 0.02


def tail_excess_threshold(
    anomaly_scores, sample_weight=None, *, level=0.2, groups=True
):
    """Threshold beyond which there are more scores than the bulk lets expect.

    The bulk is the lower 70 % of the scores. Above the median, an exponential tail
    through the 50 % and 70 % quantiles says how many scores to expect beyond any value.
    It is longer where the bulk is squeezed together below its median, and shorter where
    it is not. The threshold is the lowest one at which the scores expected beyond are
    at most the share `level` of those found: a false discovery rate (Benjamini and
    Hochberg, 1995) with an empirical null distribution (Efron, 2004). If no score
    exceeds the tail so clearly, the highest one alone is flagged, and not even that if
    it is that of more than 2 % of the rows.

    With `groups`, either of two findings lets Otsu's rule set the threshold instead
    (`otsu_threshold`): a second group, seen as a density that rises again above the
    median; or a tail so heavy that 15 % of the scores exceed it at a level of 0.5.

    Parameters
    ----------
    anomaly_scores, sample_weight : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous, and their positive weights, if any.
    level : float, default=0.2
        Expected share of false alarms among the rows flagged.
    groups : bool, default=True
        Whether to look for a second group.

    Returns
    -------
    float
        The threshold: rows above it are outliers.
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
    """Scores expected beyond each score, by an exponential upper half, and found."""

    def __init__(self, scores, weight):
        # Halved, so that no difference leaves float64's range.
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
        """Index of the lowest score that exceeds the tail; their number if none."""
        exceeds = self.odds <= level
        return int(np.argmax(exceeds)) if exceeds.any() else len(exceeds)

    def threshold(self, level):
        """Where the scores beyond begin to exceed the tail, or below the highest."""
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
    """Factor on an exponential tail, by the lower spread in units of the upper one.

    The spreads are those between the median and the 10 % and 70 % quantiles. Of an
    exponential distribution their ratio is 1.15, of a normal one 2.4. The powers were
    measured on scores of clean tables (examples/benchmarks/thresholds.py): detectors
    that squeeze the bulk have long tails, bounded scores short ones.
    """
    lower = max(lower, 1e-6)
    return max(1.0, 0.5 / lower) ** 1.5 * min(1.0, 1.0 / lower) ** 0.5


def _has_second_group(scores, weight, *, knee=2.0, factor=1.0, least=0.15):
    """Whether the density of the scores rises again above the median.

    A density that only falls has a concave distribution function. So the largest
    distance below the least concave majorant, the idea of the dip test (Hartigan and
    Hartigan, 1985), is a share of the scores that a single group does not explain. It
    is looked for on the scale ``arcsinh(z / knee)``, z in robust deviations from the
    median, on which a wide group stays a group. Chance explains `factor` divided by the
    root of the number of distinct scores.
    """
    center, scale = median_and_scale(scores / 2, weight)
    # The highest is among them, to whatever the median of tiny scores is rounded.
    upper = scores / 2 >= min(center, scores[-1] / 2)
    with np.errstate(over="ignore"):
        z = np.clip((scores[upper] / 2 - center) / (scale or 1.0), 0.0, 1e100)
    z = np.arcsinh(z / knee)
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
