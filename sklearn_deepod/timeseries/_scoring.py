"""Scores of series: at once, by channel, and as time stamps arrive."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod._stats import training_threshold
from sklearn_deepod.timeseries._live import LiveState
from sklearn_deepod.timeseries._segments import segment_scores, with_changes
from sklearn_deepod.timeseries._series_input import SeriesInputMixin
from sklearn_deepod.utils._scores import finite_scores
from sklearn_deepod.utils._shared_docs import documented_like


class SeriesScoringMixin:
    """Scores by a fitted `SeriesScorer`, of whole series and as time stamps arrive."""

    def score_next(self, X):
        """Score the next time stamps of a series as they arrive.

        The first call after `fit` continues the training series, or starts a new series
        if the detector was fitted on several; so does the first call after `reset`. The
        scores are those of ``merge="last"``, whatever `merge` is, however many time
        stamps come at a time. Compare them with `live_offset_`.

        Parameters
        ----------
        X : array-like or data frame of shape (n_timestamps, n_channels)
            The next time stamps of one series, one or more. Their order and gaps are
            checked as by `score_samples`, except for those between two calls; a gap at
            which the series is split forgets what was before it.

        Returns
        -------
        ndarray of shape (n_timestamps,)
            The scores. Lower scores are more anomalous. See `set_output` for frames.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_deepod import SeriesOutlierDetector
        >>> X = np.sin(np.arange(1200) * 0.3).reshape(-1, 1)
        >>> detector = SeriesOutlierDetector(random_state=0).fit(X)
        >>> usual = np.sin(np.arange(1200, 1202) * 0.3).reshape(-1, 1)
        >>> bool((detector.score_next(usual) > detector.live_offset_).all())
        True
        >>> bool((detector.score_next([[5.0]]) < detector.live_offset_).all())
        True
        """
        check_is_fitted(self)
        if self._is_plain(X):
            return self._next(X)
        series = self._read_series(X)
        if series.is_several:
            raise ValueError(
                "X holds several series, but score_next goes on with one. Score them "
                "by score_samples, or by a copy of the detector each."
            )
        scores = []
        for i, segment in enumerate(series.segments):
            if i > 0:
                self.reset()
            scores.append(self._next(segment))
        scores = series.to_rows(scores)
        return series.as_container(scores, "score_next", self._container)

    def reset(self):
        """Forget the time stamps before those that `score_next` gets next.

        Returns
        -------
        self : object
            The detector.
        """
        check_is_fitted(self)
        self._live = LiveState(self.n_features_in_)
        return self

    @documented_like(SeriesInputMixin.score_samples)
    def contributions(self, X, *, groups=None):
        """Contributions of the channels to the anomaly scores.

        Returns
        -------
        ndarray of shape (n_timestamps, n_channels) or with an axis of series before
            Not negative; the sum over the channels is minus the score of the time
            stamp. The square of each component's log tail probability is shared among
            the channels by their part in it. See `set_output` for frames.
        """
        check_is_fitted(self)
        series = self._read_series(X, groups)
        shares = series.to_rows(
            self._scores(series.segments, self._merge, by_channel=True, step=self._step)
        )
        names = getattr(self, "feature_names_in_", np.arange(self.n_features_in_))
        return series.as_container(shares, "contributions", self._container, names)

    def _score_segments(self, segments):
        return [
            finite_scores(-scores)
            for scores in self._scores(segments, self._merge, step=self._step)
        ]

    def _scores(self, segments, merge, *, by_channel=False, step=0.0):
        """Anomaly scores of each segment, or contributions to them."""
        scorer, channels = self.scorer_, self._channels
        options = {"by_channel": by_channel}
        return [
            with_changes(
                segment_scores(scorer, channels, X, merge, self.device_, **options),
                channels,
                X,
                step,
            )
            for X in segments
        ]

    def _next(self, X):
        scores = self._live.scores(self.scorer_, self._channels, X, self.device_)
        return -with_changes(scores, self._channels, X, self._step)

    def _is_plain(self, X):
        """Whether `X` needs no validation, which takes as long as scoring a row."""
        return (
            type(X) is np.ndarray
            and X.dtype == np.float64
            and X.ndim == 2
            and len(X) > 0
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
            and self._container == "default"
            and not np.isinf(X).any()
        )

    def _set_offsets(self, learned, held_out, others):
        """Set the thresholds of both merges.

        Parameters
        ----------
        learned, held_out : dict of str to Tensor of shape (n_timestamps,)
            Scores of the time stamps that the components have learned, and those that
            they have if the components learn other time stamps.
        others : list of ndarray of shape (n_timestamps, n_channels) or None
            What stands for the training series in place of what was learned.
        """
        # New time stamps score higher than those that were learned. How many of a
        # training series are outliers, its own scores have to say.
        for_new = self.contamination == "auto" and self.novelty
        offsets = {}
        for merge, scores in (held_out if for_new else learned).items():
            scores = scores.cpu().numpy()
            if others is not None and not for_new:
                margin = 0 if self._sample.is_all else self.scorer_.reach
                found = self._scores(others, merge)
                scores = np.concatenate([_inner(each, margin) for each in found])
            offsets[merge] = -training_threshold(
                scores, self.contamination, novelty=self.novelty
            )
        self.offset_, self.live_offset_ = offsets[self.merge], offsets["last"]
        # Beyond the thresholds and all training scores, even if those are all 0.
        highest = (float(s.max()) for s in (*learned.values(), *held_out.values()))
        self._step = max(1.0, *highest, *(-each for each in offsets.values()))


def _inner(scores, margin):
    """Scores of a piece without its ends, whose windows are cut off."""
    return scores[margin : len(scores) - margin] if len(scores) > 3 * margin else scores
