"""Series as users give them, as lists of segments; and scores in the users' form.

A detector of series adds `SeriesInputMixin` before `BaseEstimator`, has `time_column`
and `on_gap` in its constructor (and the mixin's `_parameter_constraints` among its
own), and implements `_score_segments`::

    class Detector(SeriesInputMixin, BaseEstimator):
        def fit(self, X, y=None, *, groups=None):
            series = self._read_training_series(X, groups, min_length=self.window)
            ...  # learn from series.segments, arrays (n_timestamps, n_channels)
            scores = series.to_rows(self._score_segments(series.segments))
            self.offset_ = ...  # from scores.ravel()
            return self

        def _score_segments(self, segments):
            return [...]  # for each segment an array of scores, higher is more normal

A detector that scores series of any length leaves `min_length` out, and may say with
`max_fill` how long the gaps are that are filled.

The mixin implements `score_samples`, `decision_function`, `predict` and `fit_predict`
with `groups`, and `set_output`. Other methods that answer row by row, such as
``contributions(X, *, groups=None)``, read with ``series = self._read_series(X,
groups)`` and return ``series.to_rows(values)``; the values may have further axes.
"""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod.timeseries._read_series import SeriesFormat, read_series
from sklearn_deepod.utils._decision import DecisionMixin
from sklearn_deepod.utils._shared_docs import documented_like
from sklearn_deepod.utils._sklearn_compat import StrOptions


def series_fit(X, y=None, *, groups=None):
    """Describe what methods that fit on series have in common.

    Parameters
    ----------
    X : array-like, data frame, or list of these
        The training series:

        - an array or a frame of pandas or polars, (n_timestamps, n_channels);
        - a list of such series, of any lengths;
        - an array (n_series, n_timestamps, n_channels), whose scores have the shape
          (n_series, n_timestamps).
    y : Ignored
        Not used, present for API consistency.
    groups : str or array-like of shape (n_timestamps,), default=None
        Which series each row of `X` belongs to, if one array or frame holds
        several: one label for each row, or the name of the column with the labels,
        which then is not a channel. Rows of different series may alternate.

    Returns
    -------
    self : object
        The fitted detector.
    """


class SeriesInputMixin(DecisionMixin):
    """Methods of detectors of time series, for one series or several.

    Subclasses implement `_score_segments`, which scores arrays of time stamps.

    Parameters
    ----------
    time_column : str, default=None
        Name of the column of time stamps (dates, durations or numbers) in frames of
        pandas or polars. It is not a channel. None uses a DatetimeIndex, PeriodIndex
        or TimedeltaIndex of pandas where there is one, and otherwise takes the rows
        for regular and in order.
    on_gap : {"raise", "split", "interpolate"}, default="raise"
        What to do where time stamps are missing, so that a step is longer than the
        sampling interval of the training series. "raise" raises an error, "split"
        treats the parts as series of their own. "interpolate" fills gaps linearly, up
        to a quarter of a window, and splits at longer ones; the filled time stamps
        get no score. Without time stamps, gaps are not noticed.
    """

    _parameter_constraints: dict = {
        "time_column": [str, None],
        "on_gap": [StrOptions({"raise", "split", "interpolate"})],
    }

    def score_samples(self, X, *, groups=None):
        """Score the time stamps; higher is more normal.

        Parameters
        ----------
        X : array-like, data frame, or list of these
            Series, in any of the forms that `fit` takes.
        groups : str or array-like of shape (n_timestamps,), default=None
            See `fit`. A column named in `fit` need not be named again.

        Returns
        -------
        ndarray of shape (n_timestamps,) or (n_series, n_timestamps)
            The scores, one for each row of `X`; those of a list of series follow each
            other. Lower scores are more anomalous. See `set_output` for frames.
        """
        return self._answer("score_samples", X, groups)

    @documented_like(score_samples)
    def decision_function(self, X, *, groups=None):
        """Score the time stamps relative to the threshold; negative are outliers.

        Returns
        -------
        ndarray of shape (n_timestamps,) or (n_series, n_timestamps)
            ``score_samples(X) - offset_``.
        """
        return self._answer("decision_function", X, groups)

    @documented_like(score_samples)
    def predict(self, X, *, groups=None):
        """Label the time stamps.

        Returns
        -------
        ndarray of int of shape (n_timestamps,) or (n_series, n_timestamps)
            +1 for inliers, -1 for outliers.
        """
        return self._answer("predict", X, groups)

    @documented_like(series_fit)
    def fit_predict(self, X, y=None, *, groups=None):
        """Fit the detector and label the training series.

        Returns
        -------
        ndarray of int of shape (n_timestamps,) or (n_series, n_timestamps)
            +1 for inliers, -1 for outliers.
        """
        return self.fit(X, y, groups=groups).predict(X, groups=groups)

    def set_output(self, *, transform=None):
        """Choose the container of scores and labels.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            "pandas" returns a Series with the index of the frame that was scored (for
            a list of frames, with the position in the list as first level), "polars" a
            Series; arrays of three axes give a data frame with one row for each series.
            Values by channel come as a data frame with a column for each channel.
            "default" returns arrays, whatever was scored; the global setting of
            scikit-learn is not used. None leaves the choice as it is.

        Returns
        -------
        self : object
            The detector.
        """
        if transform is None:
            return self
        if transform not in ("default", "pandas", "polars"):
            raise ValueError(
                f"transform={transform!r} must be 'default', 'pandas' or 'polars'."
            )
        # The attribute of scikit-learn's own set_output, which clone copies.
        self._sklearn_output_config = {"transform": transform}
        return self

    def _score_segments(self, segments):
        """Score the time stamps of each segment; higher is more normal."""
        raise NotImplementedError

    def _answer(self, method, X, groups):
        """Read series and give what the method is to return."""
        check_is_fitted(self)
        series = self._read_series(X, groups)
        values = series.to_rows(self._score_segments(series.segments))
        if method != "score_samples":
            values = values - self.offset_
        if method == "predict":
            values = np.where(values < 0, -1, 1)
        return series.as_container(values, method, self._container)

    @property
    def _container(self):
        """The container that `set_output` has chosen."""
        return getattr(self, "_sklearn_output_config", {}).get("transform", "default")

    def _read_series(self, X, groups=None):
        """Read series to score, as those of the fit were read."""
        return read_series(self, X, groups, self._series_format, reset=False)

    def _read_training_series(self, X, groups=None, **settings):
        """Read training series; see `SeriesFormat` for the settings."""
        self._series_format = SeriesFormat(self.time_column, self.on_gap, **settings)
        return read_series(self, X, groups, self._series_format, reset=True)
