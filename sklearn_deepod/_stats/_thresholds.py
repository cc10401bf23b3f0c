"""Rules that turn training scores into a threshold."""

import numpy as np

from sklearn_deepod._stats._weighted import (
    median_and_scale,
    rounding,
    weighted_quantile,
)

# Robust deviations from the median beyond which a score lies no further off.
_FARTHEST = 100.0
# Of training rows that are all normal, every row flagged is a false alarm.
MOST_OF_NORMAL = 0.015
# A tail this heavy is not that of one group: at even odds of a false alarm, this share
# of the rows would be flagged. These constants and those of `_has_second_group` were
# measured in examples/benchmarks/thresholds.py.
_HEAVY_LEVEL = 0.5
_HEAVY_SHARE = 0.15
# scikit-learn's checks want an outlier in every table: the highest score, if it has no
# more of the weight than this.
_SINGLE_SHARE = 0.02


def training_threshold(
    anomaly_scores, contamination="auto", sample_weight=None, *, novelty=False
):
    """Threshold by a detector's ``contamination``.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous.
    contamination : "auto" or float, default="auto"
        A float in (0, 0.5] is the share to flag (`contamination_threshold`). "auto"
        flags what exceeds the tail of the bulk of the scores (`tail_excess_threshold`).
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights.
    novelty : bool, default=False
        Whether all training rows are known to be normal. "auto" then is the fence of
        `kimber_threshold`, beyond which at most 1.5 % of them lie.

    Returns
    -------
    float
        The threshold: rows above it are outliers.
    """
    if contamination != "auto":
        return contamination_threshold(anomaly_scores, contamination, sample_weight)
    if novelty:
        return kimber_threshold(anomaly_scores, sample_weight, most=MOST_OF_NORMAL)
    return tail_excess_threshold(anomaly_scores, sample_weight)


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
    anomaly_scores : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights.
    level : float, default=0.2
        Expected share of false alarms among the rows flagged.
    groups : bool, default=True
        Whether to look for a second group.

    Returns
    -------
    float
        The threshold: rows above it are outliers.

    References
    ----------
    Y. Benjamini, Y. Hochberg (1995). Controlling the false discovery rate. Journal of
    the Royal Statistical Society B 57(1), 289-300.

    B. Efron (2004). Large-scale simultaneous hypothesis testing: the choice of a null
    hypothesis. Journal of the American Statistical Association 99(465), 96-104.
    """
    scores, weight = _distinct(anomaly_scores, sample_weight)
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
            return _after(2 * self.scores, last - single)
        steps = np.log(0.5 * self.total / (level * self.found[first]))
        value = 2 * (self.median + max(steps, 0.0) * self.scale)
        midway = _after(2 * self.scores, first - 1)
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


def otsu_threshold(anomaly_scores, sample_weight=None, *, lower=2.0, knee=16.0):
    """Cut that parts the scores in two groups (Otsu, 1979), squashed and bounded.

    Of all thresholds Otsu's is the one with the largest variance between the means of
    the two groups. One enormous score would hide all other outliers, so that the scores
    are squashed first, ``arcsinh(z / knee)``, where z counts robust deviations,
    ``MAD / 0.6745``, from the median, at most 100. And a single group would be split as
    well, through the middle if it is symmetric; so the threshold is not below
    ``z = lower``.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights.
    lower : float or None, default=2.0
        Lowest threshold, in robust deviations above the median; None sets no bound.
    knee : float or None, default=16.0
        Where the squashing turns from linear to logarithmic, in robust deviations; None
        does not squash.

    Returns
    -------
    float
        The threshold: rows above it are outliers.

    References
    ----------
    N. Otsu (1979). A threshold selection method from gray-level histograms. IEEE
    Transactions on Systems, Man, and Cybernetics 9(1), 62-66.
    """
    scores, weight = _distinct(anomaly_scores, sample_weight)
    # In halves, and clipped, so that nothing leaves float64's range.
    halves = scores / 2
    center, scale = median_and_scale(halves, weight)
    with np.errstate(over="ignore"):
        z = (halves - center) / (scale or 1.0)
        bound = -np.inf if lower is None else 2 * (center + lower * scale)
    if knee is None:
        z = np.clip(z, -1e100, 1e100)
    else:
        z = np.arcsinh(np.clip(z, -_FARTHEST, _FARTHEST) / knee)
    best = _best_split(z, weight)
    if scores[best] >= bound:
        return _after(scores, best)
    return _midway(scores, min(bound, np.finfo(np.float64).max))


def _best_split(scores, weight):
    """Index of the last score of the lower group; the last of all if there is one."""
    below = np.cumsum(weight)
    above = below[-1] - below
    sums = np.cumsum(weight * scores)
    with np.errstate(invalid="ignore"):
        between = (sums[-1] - sums) / above - sums / below
    # Nothing is above the last score, and no split is better than that of one group.
    between[-1] = 0.0
    return len(scores) - 1 - int(np.argmax((below * above * between**2)[::-1]))


def kimber_threshold(anomaly_scores, sample_weight=None, *, factor=3.0, most=None):
    """Upper boxplot fence for skewed data, Q3 + 3 (Q3 - Q2) (Kimber, 1990).

    Tukey's fence Q3 + 1.5 (Q3 - Q1) assumes symmetry and flags too much of a
    right-skewed distribution, which anomaly scores have. Kimber replaces the
    interquartile range by twice the upper half of it. The fence needs no guess of the
    share of outliers and stays where it is as long as they are less than a quarter.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights.
    factor : float, default=3.0
        Distance of the fence from Q3 in units of Q3 - Q2.
    most : float or None, default=None
        Share of the scores that lies beyond at most; a fence below that quantile is
        moved there. None sets no bound.

    Returns
    -------
    float
        The threshold: rows above it are outliers. It is the fence, moved midway between
        the scores beside it.

    References
    ----------
    A. C. Kimber (1990). Exploratory data analysis for possibly censored data from
    skewed distributions. Applied Statistics 39(1), 21-30.
    """
    median, upper = weighted_quantile(anomaly_scores, [0.5, 0.75], sample_weight)
    fence = _midway(anomaly_scores, upper + factor * (upper - median))
    if most is None:
        return fence
    return max(fence, contamination_threshold(anomaly_scores, most, sample_weight))


def contamination_threshold(anomaly_scores, contamination, sample_weight=None):
    """Cut that leaves the given share of the training weight above it.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous.
    contamination : float
        Share of outliers in (0, 0.5].
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights.

    Returns
    -------
    float
        A threshold midway between two scores, so that rounding moves no row across it.
        Tied scores cannot be split: the threshold nearest to the share is taken.
    """
    scores, weight = _distinct(anomaly_scores, sample_weight)
    above = weight.sum() - np.cumsum(weight)
    wanted = contamination * weight.sum()
    if sample_weight is None or np.all(sample_weight == np.round(sample_weight)):
        wanted = np.round(wanted)
    return _after(scores, int(np.argmin(np.abs(above - wanted))))


def _distinct(anomaly_scores, sample_weight):
    """Increasing distinct scores and the weight of each."""
    scores, inverse = np.unique(anomaly_scores, return_inverse=True)
    return scores, np.bincount(inverse, weights=sample_weight).astype(np.float64)


def _midway(anomaly_scores, threshold):
    scores = np.unique(anomaly_scores)
    below = int(np.searchsorted(scores, threshold, side="right")) - 1
    return float(threshold) if below == len(scores) - 1 else _after(scores, below)


def _after(scores, i):
    if i == len(scores) - 1:
        return float(np.nextafter(scores[i], np.inf))
    # The mean of two neighbouring floats may round up to the higher one.
    below_next = np.nextafter(scores[i + 1], -np.inf)
    return float(min(scores[i] / 2 + scores[i + 1] / 2, below_next))
