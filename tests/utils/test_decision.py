"""From scores and a cut to labels."""

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_deepod.utils._decision import DecisionMixin


class First(DecisionMixin, BaseEstimator):
    """Scores by the first column."""

    def fit(self, X, y=None):
        self.offset_ = 2.0
        return self

    def score_samples(self, X):
        return X[:, 0]


def test_labels_follow_the_cut():
    X = np.array([[1.0], [np.nextafter(2.0, 0)], [2.0], [3.0]])
    detector = First().fit(X)
    np.testing.assert_array_equal(detector.decision_function(X), X[:, 0] - 2.0)
    assert detector.predict(X).tolist() == [-1, -1, 1, 1]
    assert detector.fit_predict(X).tolist() == [-1, -1, 1, 1]
    assert detector.predict(X).dtype.kind == "i"
