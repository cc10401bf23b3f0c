"""One finite score for each row."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from sklearn_deepod.utils._scores import HIGHEST, finite_scores, scores_of


class Given:
    """Gives the scores that it was made with."""

    def __init__(self, scores):
        self.scores = scores

    def score_samples(self, X):
        return self.scores


def test_order_stays_and_nan_comes_first():
    scores = np.array([np.inf, 1.0, -1e308, -np.inf, np.nan])
    found = finite_scores(scores)
    assert found.tolist() == [HIGHEST, 1.0, -1e308, -HIGHEST, -HIGHEST]
    assert np.isnan(scores).any()  # a copy


@pytest.mark.parametrize(
    "X",
    [np.eye(3), np.eye(3).tolist(), sp.csr_array(np.eye(3)), pd.DataFrame(np.eye(3))],
)
def test_one_for_each_row(X):
    assert scores_of(Given([1, 2, np.nan]), X).tolist() == [1.0, 2.0, -HIGHEST]
    with pytest.raises(
        ValueError, match=r"score_samples of .*Given.* \(2,\) for 3 rows"
    ):
        scores_of(Given([1, 2]), X)
