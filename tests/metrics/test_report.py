"""The report of a detector."""

import numpy as np
import pytest
from sklearn.neighbors import LocalOutlierFactor

from sklearn_deepod.metrics import get_outlier_scorer, outlier_report
from sklearn_deepod.utils._sklearn_compat import InvalidParameterError
from tests.metrics.common import DETECTORS, GivenScores, make_data, name_of

# 4 outliers of which 3 score below 0, and 2 inliers that do as well.
X = np.array([-5, -4, -3, 2, -2, -1, 1, 3, 4, 5], dtype=float)[:, None]
Y = np.array([-1, -1, -1, -1, 1, 1, 1, 1, 1, 1])
DETECTOR = GivenScores().fit(X)


def test_counts_by_hand():
    report = outlier_report(DETECTOR, X, Y, rows_per_day=50, output_dict=True)
    assert report == pytest.approx(
        {
            "n_samples": 10,
            "n_outliers": 4,
            "n_flagged": 5,
            "outlier_share": 0.4,
            "flagged_share": 0.5,
            "true_positives": 3,
            "false_positives": 2,
            "false_negatives": 1,
            "true_negatives": 4,
            "accuracy": 0.7,
            "precision": 0.6,
            "recall": 0.75,
            "f1": 2 / 3,
            "roc_auc": 21 / 24,  # of 24 pairs, three are the wrong way round
            "average_precision": (1 + 1 + 1 + 4 / 7) / 4,
            "precision_at_n": 0.75,
            "n": 4,
            "false_alarms_per_1000_rows": 200,
            "false_alarms_per_day": 10,
        }
    )


def test_text():
    text = outlier_report(DETECTOR, X, Y, rows_per_day=10_000, digits=2)
    assert text == "\n".join(
        [
            "rows                               10",
            "outliers                            4        40.0%",
            "flagged                             5        50.0%",
            "",
            "                              flagged  not flagged",
            "outliers                            3            1",
            "inliers                             2            4",
            "",
            "precision                        0.60",
            "recall                           0.75",
            "F1                               0.67",
            "accuracy                         0.70",
            "",
            "                                         by chance",
            "ROC AUC                          0.88         0.50",
            "average precision                0.89         0.40",
            "precision at 4                   0.75         0.40",
            "",
            "false alarms per 1,000 rows    200.00",
            "false alarms per day         2,000.00",
        ]
    )


@pytest.mark.parametrize("detector", DETECTORS, ids=name_of)
@pytest.mark.parametrize("pos_label", [-1, 1])
def test_agrees_with_the_scorers(detector, pos_label):
    X, y = make_data()
    y = y if pos_label == -1 else (y == -1).astype(int)
    detector = detector.fit(X)
    report = outlier_report(detector, X, y, pos_label=pos_label, n=15, output_dict=True)
    names = ["accuracy", "precision", "recall", "f1", "roc_auc", "average_precision"]
    for name in names:
        scorer = get_outlier_scorer(name, pos_label=pos_label)
        assert report[name] == scorer(detector, X, y)
    scorer = get_outlier_scorer("precision_at_n", pos_label=pos_label, n=15)
    assert report["precision_at_n"] == scorer(detector, X, y)
    assert "false_alarms_per_day" not in report


def test_normal_rows_only_still_give_the_false_alarms():
    normal = Y == 1
    report = outlier_report(DETECTOR, X[normal], Y[normal], output_dict=True)
    assert report["false_alarms_per_1000_rows"] == pytest.approx(1000 * 2 / 6)
    undefined = {key for key, value in report.items() if np.isnan(value)}
    assert undefined == {
        *("precision", "recall", "f1"),
        *("roc_auc", "average_precision", "precision_at_n"),
    }
    text = outlier_report(DETECTOR, X[normal], Y[normal])
    assert "recall                             -\n" in text


def test_outliers_only():
    report = outlier_report(DETECTOR, X[:4], Y[:4], output_dict=True)
    assert np.isnan(report["roc_auc"])
    assert report["recall"] == 0.75


class TestErrors:
    def test_detector_that_cannot_judge_new_rows(self):
        detector = LocalOutlierFactor(2).fit(X)
        with pytest.raises(AttributeError, match="novelty=True"):
            outlier_report(detector, X, Y)

    def test_coding(self):
        with pytest.raises(ValueError, match="pass pos_label=1"):
            outlier_report(DETECTOR, X, (Y == -1).astype(int))

    def test_n(self):
        with pytest.raises(ValueError, match="n=11 is more than the 10 rows"):
            outlier_report(DETECTOR, X, Y, n=11)

    def test_order_of_arguments(self):
        with pytest.raises(InvalidParameterError, match="'estimator' parameter"):
            outlier_report(Y, DETECTOR, X)

    def test_labels_are_needed(self):
        with pytest.raises(InvalidParameterError, match="'y' parameter"):
            outlier_report(DETECTOR, X, None)
