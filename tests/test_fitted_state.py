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
from sklearn.base import clone

import sklearn_deepod
from sklearn_deepod import AutoEncoder, ModuleDetector
from sklearn_deepod.exceptions import InconsistentVersionWarning
from sklearn_deepod.networks import Dense
from sklearn_deepod.utils import all_detectors
from tests.conftest import QUICK, make_detector, make_table

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


def other_values(detector):
    """For each parameter a value that it has not got: another one, or nonsense."""
    for name, value in detector.get_params(deep=False).items():
        if isinstance(value, bool):
            yield name, not value
        elif isinstance(value, int):
            yield name, value + 1
        elif isinstance(value, float):
            yield name, value / 2 + 0.01
        elif isinstance(value, tuple):
            yield name, (*value, 3)
        elif isinstance(value, str):
            for other in _other_words(detector, name, value):
                yield name, other
        else:
            yield name, "no such value"


def _other_words(detector, name, value):
    constraints = detector._parameter_constraints[name]
    words = [c.options for c in constraints if hasattr(c, "options")]
    yield from sorted(set().union(*words) - {value}, key=str) or ["no such value"]


def answers(detector, X):
    return detector.score_samples(X), detector.predict(X), detector.offset_


@pytest.mark.parametrize("cls", CLASSES)
def test_no_parameter_is_read_after_fit(cls):
    X, _ = make_table(60)
    new, _ = make_table(20, seed=1)
    detector = make_detector(cls, **QUICK).fit(X)
    expected = answers(detector, new)
    params = detector.get_params(deep=False)
    for name, value in other_values(detector):
        detector.set_params(**{name: value})
        for how, copied in COPIES.items():
            if how != "itself" and name in ("random_state", "callbacks", "verbose"):
                continue  # play no part in what is kept
            found = answers(copied(detector), new)
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_array_equal(a, b, err_msg=f"{name}={value!r}, {how}")
        detector.set_params(**{name: params[name]})


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
