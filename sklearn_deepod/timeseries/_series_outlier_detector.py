"""Outlier detection in long series by their shape, level and time stamps."""

from numbers import Integral

import numpy as np
import torch
from sklearn.base import BaseEstimator

from sklearn_deepod._determinism import make_streams
from sklearn_deepod._training import arrays_of, resolve_device, set_arrays
from sklearn_deepod.base._state import FittedStateMixin, parameters_as_fitted
from sklearn_deepod.preprocessing._preprocess import check_no_empty_columns
from sklearn_deepod.timeseries._channels import fill_forward
from sklearn_deepod.timeseries._incremental import IncrementalSeriesMixin
from sklearn_deepod.timeseries._period import WITHOUT_PERIOD, windows_of_period
from sklearn_deepod.timeseries._read_series import FILL_SHARE
from sklearn_deepod.timeseries._scoring import SeriesScoringMixin
from sklearn_deepod.timeseries._segments import as_tensor
from sklearn_deepod.timeseries._series_input import SeriesInputMixin, series_fit
from sklearn_deepod.timeseries._series_scorer import SeriesScorer
from sklearn_deepod.timeseries._training_sample import TrainingSample
from sklearn_deepod.utils._decision import ContaminationMixin
from sklearn_deepod.utils._rollback import all_or_nothing
from sklearn_deepod.utils._shared_docs import documented_like
from sklearn_deepod.utils._shared_parameters import SharedParametersMixin
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions, _fit_context

#: Windows are at most a third of the training series.
SHORTEST_SERIES = 3


class SeriesOutlierDetector(
    FittedStateMixin,
    IncrementalSeriesMixin,
    SeriesScoringMixin,
    SharedParametersMixin,
    ContaminationMixin,
    SeriesInputMixin,
    BaseEstimator,
):
    """Outlier detection in series by shape, level and single time stamps.

    The rows of `X` are the time stamps of a series, in temporal order and at equal
    intervals; its columns are the channels. Each time stamp gets a score, from three
    kinds of components:

    - shape: features of windows by random convolutions, pooled by maximum and mean, and
      the distance to the nearest of the centres of training windows, for each channel
      in units of its median in training;
    - level: the Mahalanobis distance of raw windows, for each channel;
    - joint: the distance of the values of all channels at a time stamp to the nearest
      of the centres of training time stamps.

    Each is calibrated by the tail of its training scores, and they are combined by
    their root mean square. Channels of two values, such as those of a switch, have no
    shape: beside channels of measurements, only the shortest level component and the
    joint one look at them. Nothing is trained by gradients; fitting and scoring are
    linear in the length of the series.

    Read more in the :ref:`User Guide <series-outlier-detector>`.

    Parameters
    ----------
    windows : tuple of int or "auto", default=(64, 128)
        Lengths of the windows whose shape is compared, in time stamps, one component
        for each. They are at most a third of the longest training series; windows
        shorter than 15 are left out. "auto" takes one and two periods of the training
        series, by their autocorrelation.
    level_windows : tuple of int, default=(4, 16, 64)
        Lengths of the windows of the level components, at most a third of the longest
        training series, one component for each. Short ones find short events.
    n_kernels : int, default=48
        Number of random convolutions of each shape component.
    n_centers : int, default=128
        Number of centres of training windows, for each channel and shape component.
    merge : {"mean", "last"}, default="mean"
        How the scores of windows are combined for a time stamp. "mean" takes the mean
        over all windows that contain it, and is the most accurate. "last" takes the
        latest window that ends at or before it, so that scores never depend on later
        time stamps; before the first window ends, its component has no say.
    {parameters}
    contamination : "auto" or float, default="auto"
        Proportion of outliers in the training series, which sets the threshold. With
        "auto" and ``novelty=True``, the threshold is a boxplot fence
        (`sklearn_deepod.threshold.IQRThreshold`) on scores of the training series by
        components that have learned its other half. With ``novelty=False``, it is that
        of `sklearn_deepod.threshold.TailExcessThreshold` on the training scores. With a
        float in (0, 0.5], that proportion of the training time stamps is flagged.
    novelty : bool, default=True
        Whether the training series is known to be normal, so that the threshold is for
        new time stamps. It selects the rule of ``contamination="auto"`` and has no
        other effect.
    device : str or torch.device, default="auto"
        Torch device; "auto" takes CUDA, then MPS, then the CPU.
    random_state : int, RandomState instance or None, default=None
        Seed of the kernels and of the windows that are drawn. Global random states are
        neither read nor written.

    Attributes
    ----------
    windows_ : tuple of int
        Lengths of the windows of the shape components, as used.
    live_offset_ : float
        The threshold on the scores of `score_next`, set as `offset_` is. Both are equal
        with ``merge="last"``.
    device_ : str
        The device used.
    n_features_in_ : int
        Number of channels.
    feature_names_in_ : ndarray of str
        Names of the channels, if the training series had any.
    offset_ : float
        ``decision_function`` is ``score_samples`` minus this.

    See Also
    --------
    WindowedDetector : Any detector on the windows of a series.

    Notes
    -----
    The score of a time stamp depends on its neighbours, up to the longest window away.
    Rows must therefore not be shuffled, and with any windows two of scikit-learn's
    estimator checks cannot pass: they score rows in another order or one by one, and
    expect the same scores. Two more expect outliers among the training rows by default.
    With ``windows=()`` and ``level_windows=()`` only the joint component remains, and
    all checks pass.

    A missing value (NaN) is replaced by the last value before it in its channel, or by
    the training mean if there is none. A channel that was constant in training raises
    the score by itself as soon as it changes, any other as soon as it is more than
    1,000 times its training range beyond it. From a long training series, the
    components learn a sample of at most 65,536 time stamps (16,384 of four channels or
    more).

    Windows that were learned score lower than new ones, above all those of short
    series. The default threshold allows for that; one from a float `contamination`
    does not, and flags more of a new series than of the training series.

    References
    ----------
    A. Dempster, F. Petitjean, G. I. Webb (2020). ROCKET: Exceptionally Fast and
    Accurate Time Series Classification Using Random Convolutional Kernels. Data Mining
    and Knowledge Discovery 34, 1454-1495.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_deepod import SeriesOutlierDetector
    >>> X = np.sin(np.arange(1200) * 0.3).reshape(-1, 1)
    >>> X[1000:1010] = 0.0
    >>> detector = SeriesOutlierDetector(random_state=0).fit(X[:600])
    >>> scores = detector.score_samples(X[600:])
    >>> bool(300 < scores.argmin() < 500)
    True
    """

    _parameter_constraints: dict = {
        "windows": ["array-like", StrOptions({"auto"})],
        "level_windows": ["array-like"],
        "n_kernels": [Interval(Integral, 1, None, closed="left")],
        "n_centers": [Interval(Integral, 1, None, closed="left")],
        "merge": [StrOptions({"mean", "last"})],
        **SeriesInputMixin._parameter_constraints,
        **ContaminationMixin._parameter_constraints,
        "device": [str, torch.device],
        "random_state": ["random_state"],
    }

    _fitted_attribute = "scorer_"

    def __init__(
        self,
        *,
        windows=(64, 128),
        level_windows=(4, 16, 64),
        n_kernels=48,
        n_centers=128,
        merge="mean",
        time_column=None,
        on_gap="raise",
        contamination="auto",
        novelty=True,
        device="auto",
        random_state=None,
    ):
        self.windows = windows
        self.level_windows = level_windows
        self.n_kernels = n_kernels
        self.n_centers = n_centers
        self.merge = merge
        self.time_column = time_column
        self.on_gap = on_gap
        self.contamination = contamination
        self.novelty = novelty
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    @documented_like(series_fit)
    def fit(self, X, y=None, *, groups=None):
        """Fit the detector on one series or on several.

        Raises
        ------
        ValueError
            If the series are too short, or if a channel has no value. If time stamps
            are missing (see `on_gap`), not in order, repeated, or irregular. After any
            error the estimator is in the state that it was in before.
        """
        with all_or_nothing(self):
            longest = max(max(w, default=1) for w in self._window_lengths().values())
            fill = max(1, int(FILL_SHARE * longest))
            segments = self._read_training_series(X, groups, max_fill=fill).segments
            if max(map(len, segments)) < SHORTEST_SERIES:
                raise ValueError(
                    f"X has n_samples={max(map(len, segments))} time stamps (rows), "
                    f"fewer than the {SHORTEST_SERIES} that are needed. Give a longer "
                    "series."
                )
            highest = np.array([np.fmax.reduce(segment) for segment in segments])
            check_no_empty_columns(highest, getattr(self, "feature_names_in_", None))
            self._streams = make_streams(self.random_state)
            self._learn(segments)
        return self

    def _learn(self, segments, before=None):
        """Fit on validated segments, and on what is kept of those before."""
        device = resolve_device(self.device)
        self.device_ = str(device)
        self._parameters_as_fitted = parameters_as_fitted(self)
        self._merge = self.merge
        # In one layout, since the order of sums decides about their last digits.
        segments = [np.ascontiguousarray(fill_forward(X)) for X in segments]
        generator = self._streams["weights"]
        sample = TrainingSample(segments, generator, before)
        self._sample, self._channels = sample, sample.channels
        with torch.inference_mode():
            standardized = [sample.channels.standardized(X) for X in sample.pieces]
            pieces = [as_tensor(Z, device) for Z in standardized]
            self.scorer_ = SeriesScorer(
                n_channels=segments[0].shape[1],
                length=max(map(len, (*segments, *sample.pieces))),
                n_stamps=sum(map(len, sample.pieces)),
                **self._window_lengths(standardized),
                n_kernels=self.n_kernels,
                n_centers=self.n_centers,
                measured=sample.channels.measured,
            ).to(device)
            learned, held_out, exact = self.scorer_.fit(pieces, generator)
        self.windows_ = self.scorer_.shape_windows
        others = None if exact else sample.pieces
        if before is None and not sample.is_all:
            others = sample.others(segments, generator)
        self._set_offsets(learned, held_out, others)
        self.reset()
        if len(segments) == 1:
            self._live.advance(self.scorer_, self._channels, segments[0])

    def _window_lengths(self, pieces=None):
        """The lengths of the windows of both kinds, as tuples of numbers."""
        lengths = {}
        for name in ("windows", "level_windows"):
            values = getattr(self, name)
            if isinstance(values, str):
                values = windows_of_period(pieces) if pieces else WITHOUT_PERIOD
            if not all(isinstance(w, Integral) and w >= 1 for w in values):
                raise ValueError(
                    f"{name}={values!r} must hold lengths of at least 1, such as "
                    "(64, 128)."
                )
            lengths[name] = tuple(int(w) for w in values)
        return lengths

    def _to_arrays(self):
        return {"settings": self.scorer_.settings, "arrays": arrays_of(self.scorer_)}

    def _from_arrays(self, arrays):
        scorer = SeriesScorer(**arrays["settings"])
        set_arrays(scorer, arrays["arrays"])
        return scorer.to(self.device_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
