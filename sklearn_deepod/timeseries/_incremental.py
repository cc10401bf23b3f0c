"""Fits that go on with more series."""

from sklearn_deepod.timeseries._series_input import series_fit
from sklearn_deepod.utils._rollback import all_or_nothing
from sklearn_deepod.utils._shared_docs import documented_like
from sklearn_deepod.utils._sklearn_compat import _fit_context


class IncrementalSeriesMixin:
    """Fits that go on, for detectors that keep a sample of their training series.

    Subclasses implement ``_learn(segments, before)``, which keeps a `TrainingSample`.
    """

    @_fit_context(prefer_skip_nested_validation=True)
    @documented_like(series_fit)
    def partial_fit(self, X, y=None, *, groups=None):
        """Fit the detector anew on these series and those that it has seen before.

        Of all series seen, at most 65,536 time stamps are kept (16,384 of four channels
        or more), from which the components and the threshold come. The first call is a
        `fit`.

        Parameters
        ----------
        X : array-like, data frame, or list of these
            More series, in any of the forms that `fit` takes. A time stamp is not taken
            for the successor of one in an earlier call.
        """
        if not hasattr(self, "scorer_"):
            return self.fit(X, groups=groups)
        with all_or_nothing(self):
            segments = self._read_series(X, groups).segments
            # Generators change in place.
            streams = self._streams.items()
            self._streams = {name: g.clone_state() for name, g in streams}
            self._learn(segments, self._sample)
        return self
