"""What holds for every estimator that holds an outlier detector."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import KernelDensity
from sklearn.utils import get_tags

from sklearn_deepod import ZScore
from sklearn_deepod.ensemble import DetectorEnsemble
from sklearn_deepod.threshold import (
    ConformalDetector,
    FBetaThreshold,
    IQRThreshold,
    ThresholdedDetector,
)
from sklearn_deepod.timeseries import WindowedDetector
from sklearn_deepod.treatment import OutlierDropper, OutlierRepairer, OutlierReplacer
from tests.conftest import make_table


def ensemble(detector, **params):
    return DetectorEnsemble([("z", ZScore()), ("inner", detector)], **params)


SCORING = {
    "ThresholdedDetector": ThresholdedDetector,
    "out of fold": lambda detector: ThresholdedDetector(detector, cv=3),
    "novelty": lambda detector: ThresholdedDetector(detector, novelty=True),
    "labels": lambda d: ThresholdedDetector(d, threshold=FBetaThreshold()),
    "split": lambda detector: ConformalDetector(detector, alpha=0.2, random_state=0),
    "cross": lambda d: ConformalDetector(
        d, method="cross", cv=4, alpha=0.2, random_state=0
    ),
    "jackknife+": lambda d: ConformalDetector(d, method="jackknife+", alpha=0.2),
    "tail": ensemble,
    "robust": lambda detector: ensemble(detector, calibration="robust", novelty=True),
    "largest": lambda d: ensemble(d, combine="max", weights="agreement", cv=3),
    "max": lambda detector: WindowedDetector(detector, window=1),
    "mean": lambda d: WindowedDetector(d, window=1, merge="mean", novelty=True),
}
TREATING = {
    "OutlierDropper": OutlierDropper,
    "OutlierRepairer": OutlierRepairer,
    "OutlierReplacer": OutlierReplacer,
    "row": lambda d: OutlierReplacer(d, strategy="nearest", level="row"),
}
ALL = SCORING | TREATING
every_estimator = pytest.mark.parametrize("make", ALL.values(), ids=ALL)
every_detector = pytest.mark.parametrize("make", SCORING.values(), ids=SCORING)


class Inner(OutlierMixin, BaseEstimator):
    """Distance from the origin, with a fault in one of its methods.

    `fault` is a function of what the method would give, or of the rows for `fit`.
    """

    def __init__(self, *, fault=None, method=None):
        self.fault = fault
        self.method = method

    def _given(self, method, value):
        return self.fault(value) if method == self.method else value

    def fit(self, X, y=None, sample_weight=None):
        self._given("fit", X)
        self.limit_ = np.quantile(np.linalg.norm(X, axis=1), 0.9)
        return self

    def score_samples(self, X):
        return self._given("score_samples", -np.linalg.norm(X, axis=1))

    def predict(self, X):
        labels = np.where(np.linalg.norm(X, axis=1) > self.limit_, -1, 1)
        return self._given("predict", labels)


def given_to(estimator, inner):
    """Another detector inside the estimator."""
    if isinstance(estimator, DetectorEnsemble):
        return estimator.set_params(detectors=[("z", ZScore()), ("inner", inner)])
    return estimator.set_params(detector=inner)


def answers(estimator, X):
    if isinstance(estimator, OutlierDropper):
        return estimator.kept_indices_, estimator.dropped_indices_
    if hasattr(estimator, "transform"):
        return estimator.transform(X), *estimator.repair_report_.values()
    return estimator.score_samples(X), estimator.predict(X), estimator.offset_


def assert_same(a, b):
    for found, expected in zip(a, b, strict=True):
        np.testing.assert_array_equal(found, expected)


def failing(error, *, at):
    """A fault that raises at the given call."""
    calls = []

    def fault(value):
        calls.append(value)
        if len(calls) == at:
            raise error
        return value

    return fault


class TestFailedFit:
    """An earlier fit goes on after one that failed."""

    @every_estimator
    @pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt()])
    @pytest.mark.parametrize(
        ("method", "at"), [("fit", 1), ("score_samples", 1), ("predict", 1)]
    )
    def test_leaves_the_old_one(self, make, error, method, at):
        X, y = make_table(60)
        estimator = make(Inner()).fit(X, y)
        expected, state = answers(estimator, X), set(vars(estimator))
        inner = Inner(fault=failing(error, at=at), method=method)
        given_to(estimator, inner)
        # Another number of features: n_features_in_ must come back, too.
        fails = method == "fit" or method == _second_step(estimator)
        if fails:
            with pytest.raises(type(error)):
                estimator.fit(X[:, :3], y)
            assert set(vars(estimator)) == state
            assert_same(answers(estimator, X), expected)

    @pytest.mark.parametrize(
        "make", [OutlierRepairer, OutlierReplacer], ids=lambda cls: cls.__name__
    )
    def test_fit_transform(self, make):
        X, _ = make_table(60)
        estimator = make(Inner()).fit(X)
        expected = answers(estimator, X)
        fault = failing(KeyboardInterrupt(), at=1)
        given_to(estimator, Inner(fault=fault, method="predict"))
        with pytest.raises(KeyboardInterrupt):
            estimator.fit_transform(X[:, :3])
        assert_same(answers(estimator, X), expected)

    def test_a_rule_that_is_interrupted(self):
        X, y = make_table(60)
        detector = ThresholdedDetector(ZScore(), threshold=IQRThreshold()).fit(X, y)

        class Interrupted(IQRThreshold):
            def _threshold(self, scores, y, sample_weight):
                raise KeyboardInterrupt

        expected, rule = answers(detector, X), detector.threshold
        with pytest.raises(KeyboardInterrupt):
            detector.set_threshold(Interrupted())
        assert detector.threshold is rule
        assert_same(answers(detector, X), expected)


def _second_step(estimator):
    """The method of the detector that `fit` calls after its `fit`."""
    return (
        "predict"
        if type(estimator).__name__.startswith("Outlier")
        else ("score_samples")
    )


def not_finite(value, limit=4.0):
    """Scores that are `value` for all rows beyond a distance."""

    def fault(scores):
        return np.where(scores < -limit, value, scores)

    return fault


class TestScoresThatAreNotFinite:
    """NaN and minus infinity are the most anomalous scores of all."""

    @every_detector
    @pytest.mark.parametrize("value", [np.nan, -np.inf])
    @pytest.mark.filterwarnings("error::RuntimeWarning")
    def test_in_training_and_later(self, make, value):
        rng = np.random.RandomState(0)
        X, y = rng.randn(80, 2), np.ones(80, dtype=int)
        X[0], y[0] = [8.0, 0.0], -1
        new = np.vstack([rng.randn(40, 2), [[30.0, 0.0], [0.0, -9.0], [3.2, 1.2]]])
        inner = Inner(fault=not_finite(value), method="score_samples")
        detector = make(inner).fit(X, y)
        scores = detector.score_samples(new)
        assert np.isfinite(scores).all()
        assert np.isfinite(detector.offset_)
        assert scores[:-3].min() > scores[-3:-1].max()
        order = np.argsort(np.linalg.norm(new[:-3], axis=1))
        if not isinstance(detector, DetectorEnsemble):
            assert (np.diff(scores[:-3][order]) <= 0).all()
        assert (detector.predict(new)[-3:-1] == -1).all()
        assert np.mean(detector.predict(new)[:-3] == 1) > 0.7

    @every_detector
    @pytest.mark.filterwarnings("error::RuntimeWarning")
    def test_only_later(self, make):
        rng = np.random.RandomState(0)
        X, y = rng.randn(80, 2), np.where(np.arange(80) < 5, -1, 1)
        inner = Inner(fault=not_finite(np.nan, limit=6.0), method="score_samples")
        detector = make(inner).fit(X, y)
        scores = detector.score_samples([[0.0, 0.0], [5.0, 0.0], [0.0, 7.0]])
        assert np.isfinite(scores).all()
        assert scores[0] > scores[1] >= scores[2]

    @every_detector
    def test_of_a_density_of_bounded_support(self, make):
        rng = np.random.RandomState(0)
        X, y = rng.randn(60, 2), np.where(np.arange(60) < 5, -1, 1)
        detector = make(KernelDensity(kernel="tophat", bandwidth=0.7)).fit(X, y)
        scores = detector.score_samples([[0.0, 0.0], [9.0, 9.0]])
        assert np.isfinite([*scores, detector.offset_]).all()
        assert scores[0] > scores[1]

    def test_that_are_all_nan(self):
        X, _ = make_table(60)
        inner = Inner(fault=lambda scores: scores * np.nan, method="score_samples")
        for make in (ThresholdedDetector, ensemble, SCORING["max"]):
            detector = make(inner).fit(X)
            assert np.isfinite(detector.score_samples(X)).all()
            assert np.isfinite(detector.offset_)

    @pytest.mark.parametrize("make", TREATING.values(), ids=TREATING)
    def test_of_treated_rows(self, make):
        X, _ = make_table(60)
        X[1, 0] = 40.0
        inner = Inner(fault=not_finite(np.nan, limit=20.0), method="score_samples")
        treatment = make(inner).fit(X)
        if isinstance(treatment, OutlierRepairer):
            out = treatment.transform(X)
            assert treatment.detector_.predict(out[1:2]) == 1
            np.testing.assert_array_equal(out[1, 1:], X[1, 1:])


class TestAnswersOfAnotherShape:
    """One value for each row, or an error that names the detector."""

    @every_detector
    @pytest.mark.parametrize(
        "fault",
        [lambda s: s[:, None], lambda s: s[:-1], lambda s: 0.0, lambda s: s[:1]],
        ids=["column", "too few", "number", "one"],
    )
    def test_scores(self, make, fault):
        X, y = make_table(40)
        detector = make(Inner(fault=fault, method="score_samples"))
        if getattr(detector, "method", None) == "jackknife+":
            detector.set_params(method="split")  # one row at a time may be enough
        with pytest.raises(
            ValueError, match=r"(?s)score_samples of Inner\(.* shape \("
        ):
            detector.fit(X, y)

    @every_detector
    def test_scores_of_new_rows(self, make):
        X, y = make_table(40)
        detector = make(Inner()).fit(X, y)
        members = getattr(detector, "detectors_", None) or [detector.detector_]
        members[-1].set_params(fault=lambda s: s[:, None], method="score_samples")
        with pytest.raises(
            ValueError, match=r"(?s)score_samples of Inner\(.* \(40, 1\)"
        ):
            detector.score_samples(X)

    @pytest.mark.parametrize("make", TREATING.values(), ids=TREATING)
    def test_labels(self, make):
        X, _ = make_table(40)
        for fault in (lambda y: y[:, None], lambda y: y[:-1], lambda y: 1):
            with pytest.raises(ValueError, match=r"(?s)predict of Inner\(.* shape \("):
                make(Inner(fault=fault, method="predict")).fit(X)


class TestArgumentsOfFit:
    @every_estimator
    def test_labels_of_another_number(self, make):
        X, y = make_table(40)
        estimator = make(Inner())
        if isinstance(estimator, WindowedDetector):
            return  # ignores y
        with pytest.raises(ValueError, match="y has 39 labels for 40 rows of X"):
            estimator.fit(X, y[:-1])

    @every_estimator
    @pytest.mark.parametrize(
        ("sample_weight", "message"),
        [
            (np.r_[-1.0, np.ones(39)], "[Nn]egative"),
            (np.zeros(40), "zero"),
            (np.ones(39), r"sample_weight.shape == \(39,\)"),
        ],
        ids=["negative", "zero", "too few"],
    )
    def test_weights_that_make_no_sense(self, make, sample_weight, message):
        X, y = make_table(40)
        estimator = make(Inner())
        if isinstance(estimator, WindowedDetector):
            return  # takes none
        with pytest.raises(ValueError, match=message):
            estimator.fit(X, y, sample_weight=sample_weight)


@every_estimator
@pytest.mark.parametrize("inner", ["forest", None, IsolationForest], ids=str)
def test_what_is_no_detector(make, inner):
    estimator = make(inner)
    get_tags(estimator)  # as check_is_fitted and notebooks do
    assert str(clone(estimator, safe=False))
    with pytest.raises(TypeError):
        estimator.fit(*make_table(40))
