"""The best cut by labels, by a search over all of them."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, fbeta_score

from sklearn_deepod.threshold import CostThreshold, FBetaThreshold


def make_scores(n_samples=120, seed=0):
    """Overlapping scores with ties, and labels."""
    rng = np.random.RandomState(seed)
    y = np.where(rng.rand(n_samples) < 0.2, -1, 1)
    return np.round(rng.randn(n_samples) + 1.5 * (y == -1), 1), y


def all_labels(scores):
    """Labels by every cut, from none flagged to all."""
    for cut in [*np.unique(scores)[::-1], -np.inf]:
        yield np.where(scores > cut, -1, 1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_no_cut_has_a_higher_f_beta(beta, seed):
    scores, y = make_scores(seed=seed)

    def merit(labels):
        return fbeta_score(y, labels, beta=beta, pos_label=-1, zero_division=0.0)

    found = np.where(
        scores > FBetaThreshold(beta=beta).fit(scores, y).threshold_, -1, 1
    )
    assert merit(found) == pytest.approx(max(map(merit, all_labels(scores))))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("false_alarm", "missed"), [(1.0, 1.0), (1.0, 20.0), (9, 1)])
def test_no_cut_has_a_lower_cost(false_alarm, missed, seed):
    scores, y = make_scores(seed=seed)

    def cost(labels):
        table = confusion_matrix(y, labels, labels=[1, -1])
        return false_alarm * table[0, 1] + missed * table[1, 0]

    rule = CostThreshold(false_alarm=false_alarm, missed=missed).fit(scores, y)
    found = np.where(scores > rule.threshold_, -1, 1)
    assert cost(found) == min(map(cost, all_labels(scores)))


def test_rows_without_a_label_do_not_count():
    scores, y = make_scores()
    known = np.random.RandomState(1).rand(len(y)) < 0.5
    assert (
        FBetaThreshold().fit(scores, np.where(known, y, 0)).threshold_
        == FBetaThreshold()
        .fit(np.r_[scores[known], scores], np.r_[y[known], 0 * y])
        .threshold_
    )


def test_all_flagged_and_none_flagged():
    scores, y = np.array([1.0, 2.0, 3.0]), np.array([-1, -1, 1])
    assert CostThreshold(missed=100.0).fit(scores, y).threshold_ < 1.0
    assert CostThreshold(missed=0.01).fit(scores, y).threshold_ == 3.0


@pytest.mark.parametrize("rule", [FBetaThreshold(), CostThreshold()])
def test_bad_labels(rule):
    scores = np.arange(6.0)
    with pytest.raises(ValueError, match="needs labels: give y"):
        rule.fit(scores)
    with pytest.raises(ValueError, match=r"become these by 1 - 2 \* y"):
        rule.fit(scores, [0, 0, 1, 2, 0, 0])
    # 0 and 1 are valid codes, but then there is no outlier among them
    with pytest.raises(ValueError, match="holds 0 outliers"):
        rule.fit(scores, [0, 0, 1, 1, 0, 0])
    with pytest.raises(ValueError, match=r"and 0 inliers \(1\)"):
        rule.fit(scores, [-1, -1, -1, 0, 0, 0])
