"""Range-based precision and recall, by hand and against the definition."""

import numpy as np
import pytest
from sklearn.metrics import fbeta_score, precision_score, recall_score

from sklearn_deepod.metrics import (
    range_fbeta_score,
    range_precision_score,
    range_recall_score,
)
from sklearn_deepod.utils._sklearn_compat import InvalidParameterError

BIASES = ["flat", "front", "middle", "back"]


def labels(text):
    """Labels of a drawing: "x" is an outlier."""
    return np.array([-1 if sign == "x" else 1 for sign in text])


def ranges(y):
    """Sets of indices of the runs of -1."""
    found, run = [], []
    for i, label in enumerate([*y, 1]):
        if label == -1:
            run.append(i)
        elif run:
            found.append(run)
            run = []
    return found


def by_definition(ranges_of, ranges_by, alpha, bias, cardinality):
    """The mean over ranges of alpha existence + (1 - alpha) overlap."""

    def delta(i, length):
        return {
            "flat": 1,
            "front": length - i + 1,
            "back": i,
            "middle": i if i <= length / 2 else length - i + 1,
        }[bias]

    total = 0.0
    for own in ranges_of:
        overlaps = [set(own) & set(other) for other in ranges_by]
        touching = sum(bool(overlap) for overlap in overlaps)
        size = 0.0
        for overlap in overlaps:
            value = best = 0.0
            for i, index in enumerate(own, start=1):
                best += delta(i, len(own))
                value += delta(i, len(own)) * (index in overlap)
            size += value / best
        if touching > 1 and cardinality == "reciprocal":
            size /= touching
        total += alpha * (touching >= 1) + (1 - alpha) * size
    return total / len(ranges_of)


class TestByHand:
    # Two events; the first is covered in two pieces, a third range is wrong.
    Y = labels("..xxxxx....xx...")
    P = labels(".xx..x......xxxx")

    def test_recall(self):
        # First event: 2 of 5 in 2 pieces; second: 1 of 2.
        assert range_recall_score(self.Y, self.P) == pytest.approx((0.2 + 0.5) / 2)
        assert range_recall_score(self.Y, self.P, cardinality="one") == pytest.approx(
            (0.4 + 0.5) / 2
        )

    def test_precision(self):
        # 1 of 2, 1 of 1, 1 of 4.
        assert range_precision_score(self.Y, self.P) == pytest.approx(
            (0.5 + 1 + 0.25) / 3
        )

    def test_existence(self):
        found = range_recall_score(self.Y, self.P, existence_weight=0.5)
        assert found == pytest.approx(0.5 + 0.5 * 0.35)
        assert range_recall_score(self.Y, self.P, existence_weight=1) == 1
        missed = labels("..xxxxx.........")
        assert range_recall_score(self.Y, missed, existence_weight=1) == 0.5

    @pytest.mark.parametrize(
        ("bias", "first", "second"),
        [
            ("front", (5 + 2) / 15, 1 / 3),
            ("back", (1 + 4) / 15, 2 / 3),
            ("middle", (1 + 2) / 9, 1 / 2),
        ],
    )
    def test_bias(self, bias, first, second):
        found = range_recall_score(self.Y, self.P, bias=bias)
        assert found == pytest.approx((first / 2 + second) / 2)

    def test_precision_of_a_range_over_two_events(self):
        y, p = labels("xx.xx"), labels("xxxxx")
        assert range_precision_score(y, p) == pytest.approx(0.8 / 2)
        assert range_precision_score(y, p, cardinality="one") == pytest.approx(0.8)

    def test_early_alarm_is_worth_more_with_bias_to_the_front(self):
        y, early, late = labels(".xxxx."), labels(".xx..."), labels("...xx.")
        assert range_recall_score(y, early) == range_recall_score(y, late)
        assert range_recall_score(y, early, bias="front") == pytest.approx(0.7)
        assert range_recall_score(y, late, bias="front") == pytest.approx(0.3)

    def test_fbeta(self):
        precision, recall = 1.75 / 3, 0.35
        for beta in (0.5, 1.0, 2.0):
            expected = (1 + beta**2) / (1 / precision + beta**2 / recall)
            assert range_fbeta_score(self.Y, self.P, beta=beta) == pytest.approx(
                expected
            )


class TestSpecialCases:
    def test_single_time_stamps_give_the_classic_measures(self):
        rng = np.random.RandomState(0)
        y, p = np.ones(400, dtype=int), np.ones(400, dtype=int)
        y[::2] = np.where(rng.uniform(size=200) < 0.3, -1, 1)
        p[::2] = np.where(rng.uniform(size=200) < 0.4, -1, 1)
        classic = {"y_true": y, "y_pred": p, "pos_label": -1}
        for bias in BIASES:
            for cardinality in ("one", "reciprocal"):
                params = {"bias": bias, "cardinality": cardinality}
                assert range_precision_score(y, p, **params) == pytest.approx(
                    precision_score(**classic)
                )
                assert range_recall_score(y, p, **params) == pytest.approx(
                    recall_score(**classic)
                )
        assert range_fbeta_score(y, p, beta=2) == pytest.approx(
            fbeta_score(**classic, beta=2)
        )

    def test_perfect(self):
        y = labels("xx..xxx..x")
        for bias in BIASES:
            assert range_precision_score(y, y, bias=bias) == 1
            assert range_recall_score(y, y, bias=bias) == 1
        assert range_fbeta_score(y, y) == 1

    def test_nothing_flagged(self):
        y = labels(".x.")
        assert range_precision_score(y, np.ones(3)) == 0
        assert range_recall_score(y, np.ones(3)) == 0
        assert range_fbeta_score(y, np.ones(3)) == 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("cardinality", ["one", "reciprocal"])
def test_against_the_definition(seed, bias, cardinality):
    rng = np.random.RandomState(seed)
    y, p = (np.where(np.convolve(rng.randn(80), np.ones(4)) > 2, -1, 1) for _ in "yp")
    own, flagged = ranges(y), ranges(p)
    params = {"bias": bias, "cardinality": cardinality}
    for alpha in (0.0, 0.3):
        expected = by_definition(own, flagged, alpha, **params)
        found = range_recall_score(y, p, existence_weight=alpha, **params)
        assert found == pytest.approx(expected)
        zeros_and_ones = (y == -1).astype(int)
        assert found == range_recall_score(
            zeros_and_ones, p, existence_weight=alpha, pos_label=1, **params
        )
    expected = by_definition(flagged, own, 0.0, **params)
    assert range_precision_score(y, p, **params) == pytest.approx(expected)
    shared = {"recall_bias": bias, "precision_bias": bias, "cardinality": cardinality}
    assert 0 <= range_fbeta_score(y, p, **shared) <= 1


class TestErrors:
    @pytest.mark.parametrize(
        "measure", [range_precision_score, range_recall_score, range_fbeta_score]
    )
    def test_no_event(self, measure):
        with pytest.raises(ValueError, match="undefined: y_true holds no outlier"):
            measure(np.ones(5), labels("..x.."))

    @pytest.mark.parametrize(
        "params",
        [
            {"existence_weight": 1.5},
            {"recall_bias": "end"},
            {"cardinality": 2},
            {"beta": 0},
        ],
    )
    def test_parameters(self, params):
        with pytest.raises(InvalidParameterError, match=f"'{[*params][0]}'"):
            range_fbeta_score(labels(".x"), labels(".x"), **params)

    def test_scores_in_place_of_labels(self):
        with pytest.raises(ValueError, match="y_pred must be what `predict`"):
            range_recall_score(labels(".x"), [0.3, 0.7])
