"""Measures row by row, against scikit-learn's and against counting."""

from itertools import permutations

import numpy as np
import pytest
from sklearn import metrics

from sklearn_deepod.metrics import _labelled as labelled
from sklearn_deepod.metrics import false_alarm_rate, precision_at_n_score
from sklearn_deepod.utils._sklearn_compat import InvalidParameterError

OF_PREDICTIONS = {
    labelled.accuracy: metrics.accuracy_score,
    labelled.precision: metrics.precision_score,
    labelled.recall: metrics.recall_score,
    labelled.f1: metrics.f1_score,
}
OF_SCORES = {
    labelled.roc_auc: metrics.roc_auc_score,
    labelled.average_precision: metrics.average_precision_score,
}


@pytest.fixture
def rows():
    """Outliers, predictions, scores and weights of 60 rows."""
    rng = np.random.RandomState(0)
    outlier = rng.uniform(size=60) < 0.2
    scores = rng.randn(60) - outlier
    return outlier, np.where(scores < -1, -1, 1), scores, rng.uniform(1, 3, size=60)


def coded(outlier, pos_label):
    return np.where(outlier, pos_label, 1 if pos_label == -1 else 0)


@pytest.mark.parametrize("pos_label", [-1, 1])
@pytest.mark.parametrize("weighted", [False, True])
class TestOutliersAreThePositiveClass:
    @pytest.mark.parametrize(("own", "reference"), OF_PREDICTIONS.items())
    def test_predictions(self, rows, own, reference, pos_label, weighted):
        outlier, y_pred, _, weight = rows
        weight = weight if weighted else None
        y = coded(outlier, pos_label)
        value = own(y, y_pred, pos_label=pos_label, sample_weight=weight)
        assert value == reference(outlier, y_pred == -1, sample_weight=weight)

    @pytest.mark.parametrize(("own", "reference"), OF_SCORES.items())
    def test_scores_are_higher_for_more_normal(
        self, rows, own, reference, pos_label, weighted
    ):
        outlier, _, scores, weight = rows
        weight = weight if weighted else None
        y = coded(outlier, pos_label)
        value = own(y, scores, pos_label=pos_label, sample_weight=weight)
        assert value == reference(outlier, -scores, sample_weight=weight)
        assert value > own(y, -scores, pos_label=pos_label, sample_weight=weight)


class TestUndefined:
    @pytest.mark.parametrize(
        ("measure", "name"),
        [
            (labelled.precision, "Precision"),
            (labelled.recall, "Recall"),
            (labelled.f1, "F1"),
            (labelled.roc_auc, "ROC AUC"),
            (labelled.average_precision, "Average precision"),
            (precision_at_n_score, "Precision at n"),
        ],
    )
    def test_without_outliers(self, measure, name):
        message = f"^{name}.* is undefined: y_true holds no outlier.*StratifiedKFold"
        with pytest.raises(ValueError, match=message):
            measure([1, 1], [1, 1])

    def test_without_inliers(self):
        with pytest.raises(ValueError, match="ROC AUC is undefined.* no inlier"):
            labelled.roc_auc([-1, -1], [0.1, 0.2])

    @pytest.mark.parametrize("measure", [labelled.precision, labelled.f1])
    def test_nothing_flagged_is_worth_nothing(self, measure):
        assert measure([1, -1], [1, 1]) == 0.0


class TestPrecisionAtN:
    def test_counts_the_lowest_scores(self):
        y, scores = [1, -1, 1, -1, 1], [5.0, 1.0, 2.0, 4.0, 3.0]
        found = [precision_at_n_score(y, scores, n=n) for n in range(1, 6)]
        assert found == pytest.approx([1, 1 / 2, 1 / 3, 2 / 4, 2 / 5])
        assert precision_at_n_score(y, scores) == 1 / 2

    def test_anomaly_scores_must_be_negated(self):
        y, anomaly_scores = [0, 0, 1], np.array([0.1, 0.2, 0.9])
        assert precision_at_n_score(y, -anomaly_scores, pos_label=1) == 1.0
        assert precision_at_n_score(y, anomaly_scores, pos_label=1) == 0.0

    def test_ties_count_by_the_mean_over_their_orders(self):
        y = np.array([-1, 1, 1, -1, 1, -1])
        scores = np.array([0.0, 1.0, 1.0, 1.0, 1.0, 2.0])
        means = []
        for n in range(1, 7):
            hits = []
            for order in permutations(range(6)):
                ranked = sorted(order, key=lambda i: scores[i])  # stable
                hits.append(np.mean(y[ranked[:n]] == -1))
            means.append(np.mean(hits))
        found = [precision_at_n_score(y, scores, n=n) for n in range(1, 7)]
        assert found == pytest.approx(means)

    def test_more_rows_than_there_are(self):
        with pytest.raises(ValueError, match="n=4 is more than the 3 rows"):
            precision_at_n_score([1, 1, -1], [1, 2, 3], n=4)

    def test_lengths_must_agree(self):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            precision_at_n_score([1, 1, -1], [1, 2])

    @pytest.mark.parametrize("params", [{"n": 0}, {"n": 1.5}, {"pos_label": 0}])
    def test_parameters(self, params):
        with pytest.raises(InvalidParameterError):
            precision_at_n_score([1, -1], [1, 2], **params)


class TestFalseAlarmRate:
    def test_counts_flagged_inliers(self):
        y, y_pred = [1, 1, 1, 1, -1], [-1, 1, -1, 1, -1]
        assert false_alarm_rate(y, y_pred) == 400
        assert false_alarm_rate(y, y_pred, per=5) == 2
        assert false_alarm_rate([0, 0, 0, 0, 1], y_pred, per=5, pos_label=1) == 2

    def test_weight_is_a_repeated_row(self):
        y, y_pred, weight = [1, 1, -1], [-1, 1, -1], [2, 1, 3]
        repeated = [np.repeat(values, weight) for values in (y, y_pred)]
        assert false_alarm_rate(y, y_pred, sample_weight=weight) == false_alarm_rate(
            *repeated
        )

    def test_needs_no_outliers(self):
        assert false_alarm_rate([1, 1], [1, -1], per=2) == 1

    def test_parameters(self):
        with pytest.raises(InvalidParameterError, match="per"):
            false_alarm_rate([1, -1], [1, 1], per=0)
