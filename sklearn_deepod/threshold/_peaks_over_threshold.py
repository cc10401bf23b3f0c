"""Threshold by extreme value theory, for fixed data and streams."""

from numbers import Integral, Real

import numpy as np
from scipy.optimize import minimize
from scipy.stats import genpareto
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, column_or_1d

from sklearn_deepod.threshold._base import BaseThreshold
from sklearn_deepod.utils._rollback import all_or_nothing
from sklearn_deepod.utils._scores import HIGHEST
from sklearn_deepod.utils._sklearn_compat import Interval

# With fewer peaks, the estimates of the tail are mostly noise.
MIN_PEAKS = 10
# The tail is fitted again when the number of peaks has grown by this proportion.
REFIT_GROWTH = 0.01


class PeaksOverThreshold(BaseThreshold):
    """Threshold for a target false alarm rate, by the tail of the training scores.

    A generalised Pareto distribution is fitted by maximum likelihood to the peaks, the
    scores above a high quantile. It is extrapolated to the threshold that inliers
    exceed at the given rate, which may lie beyond the highest training score, where an
    empirical quantile cannot lie. The training rows should be normal, since even a few
    outliers make the tail longer and the threshold higher.

    `update` continues with a stream (SPOT [1]_): it labels new scores one after the
    other, and learns from those that raise no alarm.

    Read more in the :ref:`User Guide <rare-events>`.

    Parameters
    ----------
    rate : float, default=1e-3
        Target proportion of inliers that are flagged, below ``1 - level``.
    level : float, default=0.95
        Proportion of the training scores below the peaks. A higher level agrees better
        with the theory; a lower one leaves more peaks to fit.
    max_peaks : int or None, default=2000
        Number of peaks that are kept for the fit, the latest ones, so that memory does
        not grow with the stream. None keeps all.

    Attributes
    ----------
    {attributes}
    initial_threshold_ : float
        Scores above it are peaks.
    peaks_ : ndarray of shape (n_kept,)
        Excesses of the peaks over `initial_threshold_`, in order of arrival.
    shape_ : float
        Shape parameter of the tail: negative for a tail with an end, 0 for an
        exponential one, positive for a heavy one.
    scale_ : float
        Scale parameter of the tail.
    n_peaks_ : int
        Number of peaks so far.
    n_samples_seen_ : int
        Number of scores so far, without alarms.

    Notes
    -----
    With n scores and m peaks above the initial threshold t, the final threshold is
    ``t + scale / shape * ((rate * n / m) ** -shape - 1)`` (equation 1 of [1]_).

    Alarms do not update the tail, so the peaks of a stream are truncated at the
    threshold of their time. The likelihood accounts for this truncation. SPOT as
    published does not: its tail becomes shorter with time, and the threshold decreases.
    The rule follows a drifting stream only slowly, since scores that grow fast are
    alarms. Fit it again in that case.

    References
    ----------
    .. [1] A. Siffer, P.-A. Fouque, A. Termier, C. Largouet (2017). Anomaly detection in
       streams with extreme value theory. KDD, 1067-1075.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_deepod.threshold import PeaksOverThreshold
    >>> rng = np.random.RandomState(0)
    >>> rule = PeaksOverThreshold(rate=1e-3).fit(rng.exponential(size=10_000))
    >>> bool(abs(rule.threshold_ - np.log(1000)) < 0.5)
    True
    >>> rule.update([0.5, 3.5, 20.0]).tolist()
    [1, 1, -1]
    """

    _parameter_constraints: dict = {
        "rate": [Interval(Real, 0, 1, closed="neither")],
        "level": [Interval(Real, 0, 1, closed="neither")],
        "max_peaks": [Interval(Integral, MIN_PEAKS, None, closed="left"), None],
    }
    _takes_weights = False

    def __init__(self, *, rate=1e-3, level=0.95, max_peaks=2000):
        self.rate = rate
        self.level = level
        self.max_peaks = max_peaks

    def update(self, anomaly_scores):
        """Label scores in the order of their arrival, and learn from them.

        Each score is compared with the threshold at that moment. A score that exceeds
        it is an alarm, and does not update the tail; other peaks do. Of earlier scores,
        only the peaks are stored.

        Parameters
        ----------
        anomaly_scores : array-like of shape (n_samples,)
            New scores, higher is more anomalous.

        Returns
        -------
        ndarray of int of shape (n_samples,)
            +1 for inliers, -1 for outliers.
        """
        check_is_fitted(self)
        scores = check_array(
            column_or_1d(anomaly_scores),
            ensure_2d=False,
            ensure_min_samples=0,
            dtype=np.float64,
            input_name="anomaly_scores",
        )
        with all_or_nothing(self):
            return self._update(scores)

    def _update(self, scores):
        """Label validated scores, and learn from them."""
        labels = np.ones(len(scores), dtype=int)
        before = self.n_samples_seen_
        peaks, limits = [], []
        n_alarms = 0
        # Scores below the initial threshold only increase the number of scores.
        for i in np.flatnonzero(scores > self.initial_threshold_):
            self.n_samples_seen_ = before + int(i) - n_alarms
            self._set_threshold()
            if scores[i] > self.threshold_:
                labels[i] = -1
                n_alarms += 1
                continue
            self.n_peaks_ += 1
            peaks.append(scores[i] - self.initial_threshold_)
            limits.append(self.threshold_ - self.initial_threshold_)
            if len(peaks) > REFIT_GROWTH * len(self.peaks_):
                self._add_peaks(peaks, limits)
                peaks, limits = [], []
        self.n_samples_seen_ = before + len(scores) - n_alarms
        if peaks:
            self._add_peaks(peaks, limits)
        self._set_threshold()
        return labels

    def _threshold(self, scores, y, sample_weight):
        if self.rate >= 1 - self.level:
            raise ValueError(
                f"rate={self.rate} is not below 1 - level={1 - self.level:.3g}, the "
                "share of the scores in the tail. Lower level."
            )
        self._rate, self._max_peaks = self.rate, self.max_peaks
        scores = scores[scores < HIGHEST]  # infinite scores are alarms, no peaks
        self.initial_threshold_ = float(np.quantile(scores, self.level))
        peaks = scores[scores > self.initial_threshold_] - self.initial_threshold_
        if len(peaks) < MIN_PEAKS:
            raise ValueError(
                f"PeaksOverThreshold needs at least {MIN_PEAKS} scores above the "
                f"quantile of level={self.level}, got {len(peaks)} of {len(scores)} "
                "scores. Give more training rows, or lower level."
            )
        self.n_samples_seen_ = len(scores)
        self.n_peaks_ = len(peaks)
        self.peaks_, self._limits = np.empty(0), np.empty(0)
        self._add_peaks(peaks, np.full(len(peaks), np.inf))
        self._set_threshold()
        return self.threshold_

    def _add_peaks(self, peaks, limits):
        """Fit the tail to the latest peaks, which were truncated at `limits`."""
        kept = slice(None if self._max_peaks is None else -self._max_peaks, None)
        self.peaks_ = np.append(self.peaks_, peaks)[kept]
        self._limits = np.append(self._limits, limits)[kept]
        # Divided by their mean, since the optimizer has absolute tolerances.
        unit = np.mean(self.peaks_)
        if np.isinf(limits).all():
            shape, _, scale = genpareto.fit(self.peaks_ / unit, floc=0)
        else:
            start = (self.shape_, self.scale_ / unit)
            shape, scale = _fit_below(self.peaks_ / unit, self._limits / unit, start)
        self.shape_, self.scale_ = float(shape), float(scale * unit)

    def _set_threshold(self):
        beyond = self._rate * self.n_samples_seen_ / self.n_peaks_
        excess = genpareto.isf(min(beyond, 1.0), self.shape_, scale=self.scale_)
        self.threshold_ = self.initial_threshold_ + float(excess)


def _fit_below(peaks, limits, start):
    """Estimate shape and scale by maximum likelihood from truncated peaks.

    scipy does not fit truncated distributions.
    """

    def loss(parameters):
        shape, log_scale = parameters
        shape = shape if abs(shape) > 1e-8 else 1e-8  # the formulas need a limit at 0
        grown = 1 + np.exp(-log_scale) * shape * peaks
        if grown.min() <= 0:  # beyond the end of the tail
            return np.inf
        ends = np.maximum(1 + np.exp(-log_scale) * shape * limits, 0.0)
        below = np.log1p(-(ends ** (-1 / shape))).sum()
        return len(peaks) * log_scale + (1 + 1 / shape) * np.log(grown).sum() + below

    found = minimize(loss, (start[0], np.log(start[1])), method="Nelder-Mead")
    return found.x[0], np.exp(found.x[1])
