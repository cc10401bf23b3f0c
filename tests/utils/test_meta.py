"""What estimators that hold a detector share."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from sklearn_deepod import ZScore
from sklearn_deepod.utils._meta import (
    MetaDetectorMixin,
    check_scores_new_rows,
    take_features,
)


class Holder(MetaDetectorMixin, BaseEstimator):
    """Holds a detector, and no more."""

    def __init__(self, detector):
        self.detector = detector

    def fit(self, X, y=None, **params):
        self.detector_ = self._fitted_detector(X, y, **params)
        take_features(self, self.detector_)
        return self


@pytest.mark.parametrize(
    "detector", [ZScore(), IsolationForest(), LocalOutlierFactor(novelty=True)]
)
def test_detectors_that_score_new_rows(detector):
    assert check_scores_new_rows(detector) is None


@pytest.mark.parametrize("detector", [LocalOutlierFactor(), "forest", None])
def test_others(detector):
    with pytest.raises(TypeError, match="cannot score new rows"):
        check_scores_new_rows(detector)


def test_detector_is_cloned_unless_frozen(table):
    X, _ = table
    forest = IsolationForest(n_estimators=5, random_state=0)
    held = Holder(forest).fit(X)
    assert held.detector_ is not forest
    assert not hasattr(forest, "estimators_")
    frozen = FrozenEstimator(held.detector_)
    assert Holder(frozen).fit(X[:10]).detector_.estimator is held.detector_


def test_features_are_handed_on_and_forgotten(table):
    frame = pd.DataFrame(table[0], columns=list("abcde"))
    held = Holder(ZScore()).fit(frame)
    assert held.n_features_in_ == 5
    assert held.feature_names_in_.tolist() == list("abcde")
    assert not hasattr(held.fit(table[0]), "feature_names_in_")


@pytest.mark.parametrize("detector", [ZScore(), OneClassSVM()])
def test_tags_are_the_detectors(detector):
    tags, inner = (e.__sklearn_tags__() for e in (Holder(detector), detector))
    assert tags.input_tags == inner.input_tags
    assert tags.non_deterministic == inner.non_deterministic


def test_weights_reach_the_detector(table):
    X, _ = table
    weight = np.arange(1.0, len(X) + 1)
    expected = ZScore().fit(X, sample_weight=weight).center_
    held = Holder(ZScore()).fit(X, sample_weight=weight)
    np.testing.assert_array_equal(held.detector_.center_, expected)
    with sklearn.config_context(enable_metadata_routing=True):
        inner = ZScore().set_fit_request(sample_weight=True)
        held = Holder(inner).fit(X, sample_weight=weight)
        np.testing.assert_array_equal(held.detector_.center_, expected)
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            Holder(ZScore()).fit(X, sample_weight=weight)
