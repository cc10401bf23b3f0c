"""Codings of labels, and detectors that cannot be measured."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, SGDOneClassSVM
from sklearn.neighbors import LocalOutlierFactor

from sklearn_deepod.metrics._validation import (
    check_predicts,
    flagged_mask,
    outlier_mask,
    ranking_method,
    runs,
    score_rows,
)
from tests.metrics.common import DETECTORS, make_data, name_of


class OppositeSign(BaseEstimator):
    """As in PyOD: no outlier detector of scikit-learn's, and higher is an outlier."""

    def fit(self, X, y=None):
        return self

    def decision_function(self, X):
        return np.abs(X).sum(axis=1)


class TestLabels:
    @pytest.mark.parametrize(
        ("y", "pos_label"),
        [
            ([1, -1, 1], -1),
            ([1.0, -1.0, 1.0], -1),
            (np.array([[1], [-1], [1]]), -1),
            ([0, 1, 0], 1),
            ([False, True, False], 1),
        ],
    )
    def test_both_codings(self, y, pos_label):
        assert outlier_mask(y, pos_label).tolist() == [False, True, False]

    def test_one_kind_only(self):
        assert not outlier_mask([1, 1], -1).any()
        assert outlier_mask([-1, -1], -1).all()
        assert not outlier_mask([0, 0], 1).any()

    def test_zeros_and_ones_ask_for_pos_label(self):
        with pytest.raises(ValueError, match=r"holds 0, 1\..* pass pos_label=1\."):
            outlier_mask([0, 1], -1)

    def test_minus_ones_ask_for_the_default(self):
        with pytest.raises(ValueError, match=r"holds -1, 1\..* pass pos_label=-1\."):
            outlier_mask([-1, 1], 1)

    @pytest.mark.parametrize("pos_label", [-1, 1])
    @pytest.mark.parametrize("y", [[1, 2], ["a", "b"], [-1, 0, 1], [np.nan, 1.0]])
    def test_other_labels_are_named(self, y, pos_label):
        with pytest.raises(ValueError, match=f"pos_label={pos_label} means") as error:
            outlier_mask(y, pos_label)
        assert "pass pos_label" not in str(error.value)
        assert repr(np.unique(y).tolist()[0]) in str(error.value)

    def test_many_labels_are_cut_short(self):
        with pytest.raises(ValueError, match=r"holds 0, 1, 2, 3, 4, \.\.\."):
            outlier_mask(np.arange(100), -1)

    def test_predictions_of_another_protocol(self):
        with pytest.raises(ValueError, match=r"y_pred must be what .* it holds 0, 1"):
            flagged_mask([0, 1])


class TestDetectors:
    @pytest.mark.parametrize("detector", DETECTORS, ids=name_of)
    def test_higher_is_more_normal(self, detector):
        X, _ = make_data()
        near, far = score_rows(detector.fit(X), np.array([[0.0, 0.0], [9.0, 9.0]]))
        assert near > far

    def test_decision_function_will_do(self):
        class OnlyDecisions(SGDOneClassSVM):
            score_samples = property()

        detector = OnlyDecisions().fit(make_data()[0])
        assert ranking_method(detector) == "decision_function"

    def test_local_outlier_factor_without_novelty(self):
        X, _ = make_data()
        detector = LocalOutlierFactor().fit(X)
        with pytest.raises(AttributeError, match="LocalOutlierFactor.* novelty=True"):
            ranking_method(detector)
        with pytest.raises(AttributeError, match="has no predict.* novelty=True"):
            check_predicts(detector)

    @pytest.mark.parametrize("detector", [OppositeSign(), LogisticRegression()])
    def test_sign_that_is_not_known(self, detector):
        with pytest.raises(TypeError, match="whether higher is more normal"):
            ranking_method(detector)

    def test_scores_that_are_not_finite(self):
        class Broken(SGDOneClassSVM):
            def score_samples(self, X):
                return np.full(len(X), np.nan)

        X, _ = make_data()
        with pytest.raises(ValueError, match=r"\w+\(X\) of Broken contains NaN"):
            score_rows(Broken().fit(X), X)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ([0, 0], []),
        ([1, 1], [[0, 2]]),
        ([1, 0, 1, 1, 0, 0, 1], [[0, 1], [2, 4], [6, 7]]),
    ],
)
def test_runs(mask, expected):
    assert runs(np.array(mask, dtype=bool)).tolist() == expected
