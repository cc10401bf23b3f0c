"""After `fit`, no change of a constructor parameter reaches the fitted detector."""

import copy
import gc
import io
import pickle
import warnings
import weakref

import joblib
import numpy as np
import pytest
import sklearn
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.svm import OneClassSVM

import sklearn_deepod
from sklearn_deepod import AutoEncoder, ModuleDetector, ZScore, threshold
from sklearn_deepod.ensemble import DetectorEnsemble
from sklearn_deepod.exceptions import InconsistentVersionWarning
from sklearn_deepod.networks import Dense
from sklearn_deepod.preprocessing import RobustAsinhScaler
from sklearn_deepod.threshold import (
    BaseThreshold,
    ConformalDetector,
    PeaksOverThreshold,
    ThresholdedDetector,
)
from sklearn_deepod.timeseries import SeriesOutlierDetector, WindowedDetector
from sklearn_deepod.treatment import OutlierDropper, OutlierRepairer, OutlierReplacer
from sklearn_deepod.utils import all_detectors
from tests.conftest import QUICK, make_detector, make_table
from tests.test_architecture import public_estimators

CLASSES = [cls for _, cls in all_detectors()]


def by_joblib(detector):
    file = io.BytesIO()
    joblib.dump(detector, file)
    file.seek(0)
    return joblib.load(file)


COPIES = {
    "itself": lambda detector: detector,
    "pickle": lambda detector: pickle.loads(pickle.dumps(detector)),
    "deepcopy": copy.deepcopy,
    "joblib": by_joblib,
}


def other_values(estimator, *, deep=False):
    """For each parameter a value that it has not got: another one, or nonsense."""
    for name, value in estimator.get_params(deep=deep).items():
        if isinstance(value, bool):
            yield name, not value
        elif isinstance(value, int):
            yield name, value + 1
        elif isinstance(value, float):
            yield name, value / 2 + 0.01
        elif isinstance(value, tuple):
            yield name, (*value, 3)
        elif isinstance(value, str):
            for other in _other_words(estimator, name, value):
                yield name, other
        elif isinstance(value, BaseEstimator):
            yield name, OneClassSVM()  # has other tags, and is not fitted
            yield name, "no such value"
        else:
            yield name, "no such value"


def _other_words(estimator, name, value):
    constraints = estimator._parameter_constraints.get(name, [])
    words = [c.options for c in constraints if hasattr(c, "options")]
    yield from sorted(set().union(*words) - {value}, key=str) or ["no such value"]


def decisions(detector, X):
    return detector.score_samples(X), detector.predict(X), detector.offset_


def transformed(transformer, X):
    names = transformer.get_feature_names_out()
    return transformer.transform(X), names


def repaired(transformer, X):
    report = transformer.repair_report(X)
    return *transformed(transformer, X), *report.values()


def dropped(dropper, X):
    return dropper.kept_indices_, dropper.dropped_indices_


def streamed(estimator, X):
    """Labels of a stream, and the threshold that they lead to."""
    copied = copy.deepcopy(estimator)
    labels = copied.update(X)
    return labels, getattr(copied, "offset_", None), vars(copied)


def rule_answers(rule, X):
    if not hasattr(rule, "update"):
        return (rule.threshold_,)
    labels, _, state = streamed(rule, X[:, 0])
    return labels, state["threshold_"], state["n_peaks_"], state["peaks_"]


def threshold_answers(detector, X):
    return *decisions(detector, X), *streamed(detector, X)[:2]


def series_answers(detector, X):
    live = copy.deepcopy(detector).score_next(X)
    return *decisions(detector, X), detector.contributions(X), live


FOREST = IsolationForest(n_estimators=5, contamination=0.1, random_state=0)
#: Every public estimator that is no detector of its own, and what it can be asked.
OTHERS = [
    (ThresholdedDetector(FOREST), decisions),
    (ThresholdedDetector(FOREST, threshold=PeaksOverThreshold()), threshold_answers),
    (ConformalDetector(FOREST, alpha=0.1, random_state=0), decisions),
    (ConformalDetector(ZScore(), method="cross", cv=3, random_state=0), decisions),
    (
        DetectorEnsemble(
            [("forest", FOREST), ("z", ZScore())], combine="largest", n_largest=1
        ),
        decisions,
    ),
    (WindowedDetector(FOREST, window=4, merge="mean"), decisions),
    (
        SeriesOutlierDetector(windows=(16,), n_kernels=4, random_state=0),
        series_answers,
    ),
    (OutlierDropper(FOREST), dropped),
    (OutlierRepairer(FOREST), repaired),
    (OutlierRepairer(ZScore(), max_cells=1, imputer=SimpleImputer()), repaired),
    *(
        (OutlierReplacer(ZScore(), strategy=strategy, level=level, **more), repaired)
        for strategy, level, more in [
            ("nan", "cell", {}),
            ("constant", "row", {"fill_value": 0.5}),
            ("clip", "cell", {"quantile_range": (5.0, 95.0)}),
            ("nearest", "row", {}),
        ]
    ),
    (RobustAsinhScaler(), transformed),
    *(
        (rule(), rule_answers)
        for rule in map(vars(threshold).get, threshold.__all__)
        if issubclass(rule, BaseThreshold) and rule is not BaseThreshold
    ),
]


def test_every_public_estimator_is_asked():
    asked = {*CLASSES, *(type(estimator) for estimator, _ in OTHERS)}
    assert public_estimators() == asked


def assert_no_parameter_is_read(estimator, answers, *, deep=False):
    """Change each parameter of a fitted estimator, and ask it and its copies."""
    expected = answers(estimator)
    for name, value in other_values(estimator, deep=deep):
        # Another one for each, since a nested parameter goes with its estimator.
        changed = copy.deepcopy(estimator).set_params(**{name: value})
        for how, copied in COPIES.items():
            if how != "itself" and name in ("random_state", "callbacks", "verbose"):
                continue  # play no part in what is kept
            found = answers(copied(changed))
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_array_equal(a, b, err_msg=f"{name}={value!r}, {how}")


@pytest.mark.parametrize("cls", CLASSES)
def test_no_parameter_is_read_after_fit(cls):
    X, _ = make_table(60)
    new, _ = make_table(20, seed=1)
    detector = make_detector(cls, **QUICK | {"max_steps": 2}).fit(X)
    assert_no_parameter_is_read(detector, lambda detector: decisions(detector, new))


@pytest.mark.parametrize(
    ("estimator", "answers"), OTHERS, ids=lambda value: type(value).__name__
)
def test_no_parameter_of_another_estimator_is_read_after_fit(estimator, answers):
    X, y = make_table(220)
    new, _ = make_table(20, seed=1)
    if isinstance(estimator, BaseThreshold):
        fitted = clone(estimator).fit(np.abs(X).max(axis=1), y)
    else:
        fitted = clone(estimator).fit(X, y)
    assert_no_parameter_is_read(
        fitted, lambda estimator: answers(estimator, new), deep=True
    )


def test_a_spec_that_is_changed_in_place():
    X, _ = make_table(60)
    detector = AutoEncoder(network=Dense(hidden_layer_sizes=(8,)), **QUICK).fit(X)
    expected = detector.score_samples(X)
    detector.set_params(network__hidden_layer_sizes=(16, 4), network__activation="tanh")
    for copied in COPIES.values():
        np.testing.assert_array_equal(copied(detector).score_samples(X), expected)


def test_methods_beside_the_scores():
    X, _ = make_table(60)
    detector = AutoEncoder(latent_size=3, **QUICK).fit(X)
    expected = detector.transform(X), detector.reconstruct(X)
    names = detector.get_feature_names_out().tolist()
    detector.set_params(latent_size=7, n_estimators=5, score_function="squared_error")
    again = pickle.loads(pickle.dumps(detector))
    for found in (detector, again):
        np.testing.assert_array_equal(found.transform(X), expected[0])
        np.testing.assert_array_equal(found.reconstruct(X), expected[1])
        assert found.get_feature_names_out().tolist() == names


def test_the_next_fit_takes_the_new_parameters():
    X, _ = make_table(60)
    detector = AutoEncoder(**QUICK).fit(X)
    detector.set_params(latent_size=3, score_function="squared_error")
    expected = clone(detector).fit(X).score_samples(X)
    np.testing.assert_array_equal(detector.fit(X).score_samples(X), expected)


@pytest.mark.parametrize("cls", [AutoEncoder, ModuleDetector])
def test_a_module_goes_with_its_detector(cls):
    X, _ = make_table(60)
    detector = make_detector(cls, **QUICK).fit(X)
    module = weakref.ref(detector.net_.module_)
    gc.collect()
    gc.disable()
    try:
        del detector
        assert module() is None
    finally:
        gc.enable()


class TestVersions:
    @pytest.fixture
    def saved(self):
        return pickle.dumps(AutoEncoder(**QUICK).fit(make_table(60)[0]))

    def test_the_same_versions_are_silent(self, saved):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            pickle.loads(saved)

    @pytest.mark.parametrize("package", [sklearn_deepod, sklearn, np, torch])
    def test_another_version_warns(self, saved, package, monkeypatch):
        monkeypatch.setattr(package, "__version__", "0.0.1")
        name = package.__name__
        with pytest.warns(InconsistentVersionWarning, match=f"{name} 0.0.1") as caught:
            pickle.loads(saved)
        assert issubclass(
            InconsistentVersionWarning, sklearn.exceptions.InconsistentVersionWarning
        )
        assert caught[0].message.estimator_name == "AutoEncoder"
