"""Outlier detection in one long series by its windows."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import InputTags, get_tags

from sklearn_deepod._stats import training_threshold
from sklearn_deepod.timeseries._series_input import SeriesInputMixin, series_fit
from sklearn_deepod.timeseries._windows import cut_windows, merge_scores, window_starts
from sklearn_deepod.utils._decision import ContaminationMixin
from sklearn_deepod.utils._meta import MetaDetectorMixin, check_scores_new_rows
from sklearn_deepod.utils._scores import scores_of
from sklearn_deepod.utils._shared_docs import documented_like
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# Limits the memory of one call: overlapping windows hold up to `window` times as many
# numbers as the series.
SCORE_CELLS = 2**22


class WindowedDetector(
    MetaDetectorMixin, ContaminationMixin, SeriesInputMixin, BaseEstimator
):
    """Outlier detection in long series by any detector on their windows.

    The rows of `X` are the time stamps of a series, in temporal order and at equal
    intervals; its columns are the channels. A clone of `detector` is fitted on windows
    of the series. The score of a time stamp is computed from the scores of the windows
    that contain it, so n rows get n scores, as from any outlier detector. Of several
    series, given as a list or by `groups`, no window contains time stamps of two.

    Read more in the :ref:`User Guide <windowed-detector>`.

    Parameters
    ----------
    detector : estimator
        Outlier detector with `fit` and a `score_samples` that follows scikit-learn's
        convention (higher is more normal). ``LocalOutlierFactor`` needs
        ``novelty=True``.
    window : int, default=32
        Length of a window, in time stamps.
    stride : int, default=1
        Distance between the starts of two windows, in time stamps, at most `window`.
        The last window is always included. Larger strides make fitting and scoring
        cheaper, and the scores coarser.
    merge : {"max", "mean", "last"}, default="max"
        How the anomaly scores of windows are combined for a time stamp. "max" takes the
        most anomalous window that contains it, "mean" the mean of all that contain it.
        "last" takes the latest window that ends at or before it, so that scores never
        depend on later time stamps; the first time stamps, before the end of the first
        window, get the score of that window.
    flatten : "auto" or bool, default="auto"
        Whether `detector` gets each window as a row of ``window * n_channels`` numbers,
        ordered by time stamp, or all windows as an array (n_windows, window,
        n_channels). "auto" flattens unless the detector has the tag ``three_d_array``,
        so that it accepts sequences. A Pipeline has no such tag, and gets flat rows.
    {parameters}

    Attributes
    ----------
    detector_ : estimator
        The detector fitted on the windows.
    n_features_in_ : int
        Number of channels.
    {attributes}

    See Also
    --------
    sklearn_deepod.detectors.AutoEncoder : With a network for sequences, it reads the
        time stamps of a window one by one.
    sklearn.model_selection.TimeSeriesSplit : Cross-validation in temporal order.

    Notes
    -----
    The score of a time stamp depends on its neighbours. Rows must therefore not be
    shuffled, and an anomaly makes up to ``window - 1`` time stamps on each side of it
    (with ``merge="last"``, only those after it) look more anomalous. With ``window=1``
    all of scikit-learn's estimator checks pass. With longer windows, two of them cannot
    pass, since they score rows in another order or one by one and expect the same
    scores.

    Missing values are passed to `detector`, which has to accept them. Sample weights
    are not supported, since windows share their time stamps. Channels are not scaled:
    put a scaler before this estimator, or into a pipeline with the wrapped detector.

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
        **SeriesInputMixin._parameter_constraints,
        **ContaminationMixin._parameter_constraints,
    }

    #: Windows share time stamps, so they have no weights or labels of their own.
    _routed_from = ()

    def __init__(
        self,
        detector,
        *,
        window=32,
        stride=1,
        merge="max",
        flatten="auto",
        time_column=None,
        on_gap="raise",
        contamination="auto",
        novelty=False,
    ):
        self.detector = detector
        self.window = window
        self.stride = stride
        self.merge = merge
        self.flatten = flatten
        self.time_column = time_column
        self.on_gap = on_gap
        self.contamination = contamination
        self.novelty = novelty

    @documented_like(series_fit)
    def fit(self, X, y=None, *, groups=None):
        """Fit the detector on the windows of one series or of several.

        Raises
        ------
        ValueError
            If a series is shorter than a window, or if some time stamps would be in
            no window because `stride` exceeds `window`. If time stamps are missing
            (see `on_gap`), not in order, repeated, or irregular.
        """
        return super().fit(X, groups=groups)

    def _fit(self, X, y, params):
        if self.stride > self.window:
            raise ValueError(
                f"stride={self.stride} is greater than window={self.window}, so some "
                "time stamps would be in no window."
            )
        check_scores_new_rows(self.detector)
        self._window, self._stride, self._merge = self.window, self.stride, self.merge
        series = self._read_training_series(
            X,
            params["groups"],
            min_length=self._window,
            dtype=[np.float64, np.float32],
        )
        self._flatten = self.flatten
        if self._flatten == "auto":
            self._flatten = not get_tags(self.detector).input_tags.three_d_array
        rows = [
            self._rows(segment, self._starts(segment)) for segment in series.segments
        ]
        self.detector_ = self._fitted_detector(_joined(rows))
        scores = series.to_rows(self._score_segments(series.segments)).ravel()
        self.offset_ = -training_threshold(
            -scores, self.contamination, novelty=self.novelty
        )

    def _starts(self, segment):
        return window_starts(len(segment), self._window, self._stride)

    def _rows(self, segment, starts):
        """Get the windows in the shape that the detector expects."""
        windows = cut_windows(segment, starts, self._window)
        return windows.reshape(len(windows), -1) if self._flatten else windows

    def _score_segments(self, segments):
        starts = [self._starts(segment) for segment in segments]
        scores = [
            scores_of(self.detector_, rows) for rows in self._batches(segments, starts)
        ]
        borders = np.cumsum([len(s) for s in starts])[:-1]
        of_segments = np.split(-np.concatenate(scores), borders)
        return [
            -merge_scores(of_windows, first, self._window, len(segment), self._merge)
            for of_windows, first, segment in zip(
                of_segments, starts, segments, strict=True
            )
        ]

    def _batches(self, segments, starts):
        """Join the windows of segments to batches, of at most `SCORE_CELLS` numbers."""
        n_rows = max(1, SCORE_CELLS // (self._window * segments[0].shape[1]))
        held, room = [], n_rows
        for segment, first in zip(segments, starts, strict=True):
            while len(first):
                held.append(self._rows(segment, first[:room]))
                first, room = first[room:], room - len(held[-1])
                if room == 0:
                    yield _joined(held)
                    held, room = [], n_rows
        if held:
            yield _joined(held)

    def get_metadata_routing(self):
        """Get the metadata that the methods request, `groups` among them.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        return super().get_metadata_routing().add_self_request(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # A series has two axes, whatever the shape of its windows. An array of three
        # axes is several series; the tag would say that each gets one score.
        tags.input_tags = InputTags(allow_nan=tags.input_tags.allow_nan)
        return tags


def _joined(arrays):
    """Concatenate arrays; a single one is not copied."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
