"""All detectors are found, and nothing else."""

import inspect

import pytest
from sklearn.base import BaseEstimator, OutlierMixin

import sklearn_deepod
from sklearn_deepod import detectors
from sklearn_deepod.base import BaseDetector
from sklearn_deepod.utils import all_detectors


def test_finds_the_public_detectors():
    found = dict(all_detectors())
    assert set(detectors.__all__) <= set(found)
    assert found["AutoEncoder"] is sklearn_deepod.AutoEncoder


def test_leaves_meta_estimators_out():
    assert issubclass(sklearn_deepod.WindowedDetector, OutlierMixin)
    assert "WindowedDetector" not in dict(all_detectors())


def test_is_sorted_and_without_repetition():
    names = [name for name, _ in all_detectors()]
    assert names == sorted(set(names))


@pytest.mark.parametrize(("name", "cls"), all_detectors())
def test_every_one_is_a_concrete_outlier_detector(name, cls):
    assert cls.__name__ == name
    assert issubclass(cls, OutlierMixin)
    assert issubclass(cls, BaseEstimator)
    assert not inspect.isabstract(cls)


def test_finds_all_concrete_subclasses_of_the_base():
    def subclasses(cls):
        return {cls}.union(*map(subclasses, cls.__subclasses__()))

    concrete = {
        cls
        for cls in subclasses(BaseDetector)
        if cls.__module__.startswith("sklearn_deepod") and not inspect.isabstract(cls)
    }
    assert concrete == {
        cls for _, cls in all_detectors() if issubclass(cls, BaseDetector)
    }
