"""Outliers in one long series, found window by window."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import InputTags, get_tags
from sklearn.utils.validation import validate_data

from sklearn_deepod._stats import training_threshold
from sklearn_deepod.timeseries._windows import cut_windows, merge_scores, window_starts
from sklearn_deepod.utils._decision import ContaminationMixin, DecisionMixin
from sklearn_deepod.utils._meta import MetaDetectorMixin, check_scores_new_rows
from sklearn_deepod.utils._scores import scores_of
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# Numbers in the windows that are scored at once: windows overlap, so all of them
# together are up to `window` times the series.
SCORE_CELLS = 2**22


class WindowedDetector(
    MetaDetectorMixin, ContaminationMixin, DecisionMixin, BaseEstimator
):
    """Outlier detection in one long series by any detector on its windows.

    The rows of `X` are the time stamps of one series, in order and at even intervals;
    its columns are the channels. A clone of `detector` is fitted on windows of the
    series, and each time stamp gets its score from those of the windows that hold it.
    Like any outlier detector, this takes n rows and gives n scores.

    Parameters
    ----------
    detector : estimator
        Outlier detector with `fit` and `score_samples` as scikit-learn means them:
        higher is more normal. ``LocalOutlierFactor`` needs ``novelty=True``.
    window : int, default=32
        Time stamps in a window.
    stride : int, default=1
        Time stamps from one window to the next, at most `window`. The last window is
        always taken. Greater strides make fitting and scoring cheaper and the scores
        coarser.
    merge : {"max", "mean", "last"}, default="max"
        How a time stamp gets its score from the anomaly scores of windows. "max" is
        the most anomalous window that holds it, "mean" the mean of all that hold it.
        "last" is the latest window that does not reach beyond it, so that a score never
        depends on what comes later; the first time stamps, for which there is none, get
        that of the first window.
    flatten : "auto" or bool, default="auto"
        Whether `detector` is given windows as rows of ``window * n_channels`` numbers,
        time stamp by time stamp, or as an array (n_windows, window, n_channels).
        "auto" flattens unless the detector's tag ``three_d_array`` says that it takes
        sequences; a Pipeline does not tell, so it gets flat rows.
    {parameters}

    Attributes
    ----------
    detector_ : estimator
        The detector fitted on windows.
    n_features_in_ : int
        Number of channels.
    {attributes}

    See Also
    --------
    sklearn_deepod.detectors.AutoEncoder : With a network for sequences, a detector
        that reads windows step by step.
    sklearn.model_selection.TimeSeriesSplit : Cross-validation in the order of time.

    Notes
    -----
    A score depends on the neighbours of its time stamp, so rows must not be shuffled,
    and an anomaly raises the scores of the ``window - 1`` time stamps on either side
    of it (those after it, with ``merge="last"``). With ``window=1`` all checks of
    `sklearn.utils.estimator_checks` pass; with longer windows, two cannot, which score
    rows in another order or one by one and expect the same scores.

    Missing values are handed on: `detector` has to take them. There are no sample
    weights, since a window has none of its own. Channels are not scaled; put a scaler
    before this detector, or around the one inside.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn_deepod import WindowedDetector
    >>> X = np.sin(np.arange(400) * 0.3).reshape(-1, 1)
    >>> X[300:310] = 0.0
    >>> detector = WindowedDetector(IsolationForest(random_state=0), window=16)
    >>> scores = detector.fit(X[:250]).score_samples(X)
    >>> bool(285 <= scores.argmin() <= 325)
    True
    """

    _parameter_constraints: dict = {
        "detector": "no_validation",  # see check_scores_new_rows
        "window": [Interval(Integral, 1, None, closed="left")],
        "stride": [Interval(Integral, 1, None, closed="left")],
        "merge": [StrOptions({"max", "mean", "last"})],
        "flatten": ["boolean", StrOptions({"auto"})],
        **ContaminationMixin._parameter_constraints,
    }

    #: A window has no weight or label of its own.
    _routed_from = ()

    def __init__(
        self,
        detector,
        *,
        window=32,
        stride=1,
        merge="max",
        flatten="auto",
        contamination="auto",
        novelty=False,
    ):
        self.detector = detector
        self.window = window
        self.stride = stride
        self.merge = merge
        self.flatten = flatten
        self.contamination = contamination
        self.novelty = novelty

    def fit(self, X, y=None):
        """Fit the detector on windows of a series.

        Parameters
        ----------
        X : array-like of shape (n_timestamps, n_channels)
            The series, at least `window` time stamps long.
        y : Ignored
            For API consistency.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        ValueError
            If the series is shorter than a window, or if `stride` would leave time
            stamps out.
        """
        return super().fit(X)

    def _fit(self, X, y, params):
        if self.stride > self.window:
            raise ValueError(
                f"stride={self.stride} is greater than window={self.window}, so some "
                "time stamps would be in no window."
            )
        check_scores_new_rows(self.detector)
        self._window, self._stride, self._merge = self.window, self.stride, self.merge
        X = self._validate(X, reset=True)
        starts = window_starts(len(X), self._window, self._stride)
        self._flatten = self.flatten
        if self._flatten == "auto":
            self._flatten = not get_tags(self.detector).input_tags.three_d_array
        self.detector_ = self._fitted_detector(self._rows(X, starts))
        self.offset_ = -training_threshold(
            self._anomaly_scores(X), self.contamination, novelty=self.novelty
        )

    def _score_samples(self, X):
        return -self._anomaly_scores(self._validate(X, reset=False))

    def _validate(self, X, *, reset):
        X = validate_data(
            self,
            X,
            reset=reset,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",  # the inner detector knows whether it may
        )
        if len(X) < self._window:
            raise ValueError(
                f"X has n_samples={len(X)} time stamps (rows), fewer than "
                f"window={self._window}. "
                + (
                    "Give a longer series or a smaller window."
                    if reset
                    else "Give the time stamps before them as well."
                )
            )
        return X

    def _rows(self, X, starts):
        """Windows in the shape that the detector takes."""
        windows = cut_windows(X, starts, self._window)
        return windows.reshape(len(windows), -1) if self._flatten else windows

    def _anomaly_scores(self, X):
        starts = window_starts(len(X), self._window, self._stride)
        n_rows = max(1, SCORE_CELLS // (self._window * X.shape[1]))
        scores = [
            scores_of(self.detector_, self._rows(X, part))
            for part in np.split(starts, range(n_rows, len(starts), n_rows))
        ]
        anomaly_scores = -np.concatenate(scores)
        return merge_scores(anomaly_scores, starts, self._window, len(X), self._merge)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # A series has two axes, whatever the detector makes of its windows.
        tags.input_tags = InputTags(allow_nan=tags.input_tags.allow_nan)
        return tags
