"""Volumes under the surfaces, by hand and against a loop over all thresholds."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_deepod.metrics import vus_pr_score, vus_roc_score
from sklearn_deepod.utils._sklearn_compat import InvalidParameterError


def make_series(seed=0, n=120, ties=False):
    """Labels with three events, and scores that are lower, blurred, around them."""
    rng = np.random.RandomState(seed)
    y = np.ones(n, dtype=int)
    for start, length in [(10, 8), (50, 1), (56, 12)]:
        y[start : start + length] = -1
    blurred = np.convolve(y == -1, np.ones(9) / 9, mode="same")
    scores = -blurred + 0.4 * rng.randn(n)
    return y, np.round(scores * 4) if ties else scores


def by_loops(y, scores, max_buffer, existence):
    """The definition, one threshold after the other."""
    outliers = [i for i, label in enumerate(y) if label == -1]
    rocs, prs = [], []
    for length in range(max_buffer + 1):
        soft = np.zeros(len(y))
        for i in range(len(y)):
            distance = min(abs(i - j) for j in outliers)
            if distance == 0:
                soft[i] = 1
            elif distance <= length / 2:
                soft[i] = np.sqrt(1 - distance / length)
        positive = (len(outliers) + soft.sum()) / 2
        events, inside = [], False
        for i in range(len(y)):
            if soft[i] > 0:
                events = events if inside else [*events, []]
                events[-1].append(i)
            inside = soft[i] > 0
        points, roc, pr = [(0.0, 0.0)], 0.0, 0.0
        for threshold in sorted(set(scores)):
            flagged = scores <= threshold
            true = soft[flagged].sum()
            rate = min(true / positive, 1)
            if existence:
                rate *= np.mean([flagged[event].any() for event in events])
            points.append(
                ((flagged.sum() - true) / (len(y) - positive), rate),
            )
            pr += (rate - points[-2][1]) * true / flagged.sum()
        points.append((1.0, 1.0))
        for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
            roc += (x1 - x0) * (y0 + y1) / 2
        rocs.append(roc)
        prs.append(pr)
    return np.mean(rocs), np.mean(prs)


@pytest.mark.parametrize("ties", [False, True])
class TestBufferZero:
    def test_roc(self, ties):
        y, scores = make_series(ties=ties)
        expected = roc_auc_score(y == -1, -scores)
        assert vus_roc_score(y, scores, max_buffer=0) == pytest.approx(expected)

    def test_pr(self, ties):
        y, scores = make_series(ties=ties)
        expected = average_precision_score(y == -1, -scores)
        assert vus_pr_score(y, scores, max_buffer=0) == pytest.approx(expected)


def test_by_hand():
    # With a buffer of 2 the labels are 0, s, 1, s, 0, their sum and that of the event
    # are 1 + s in the mean; buffers of 0 and 1 change nothing.
    y, scores, s = [1, 1, -1, 1, 1], [0, -3, -2, -1, 0], np.sqrt(0.5)
    first_true, first_false = s / (1 + s), (1 - s) / (4 - s)
    roc = first_false * first_true / 2 + (1 - first_false)
    assert vus_roc_score(y, scores, max_buffer=2) == pytest.approx(
        (0.75 + 0.75 + roc) / 3
    )
    pr = first_true * s + (1 - first_true) * (1 + s) / 2
    assert vus_pr_score(y, scores, max_buffer=2) == pytest.approx((0.5 + 0.5 + pr) / 3)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("existence", [False, True])
def test_against_loops(seed, ties, existence):
    y, scores = make_series(seed, ties=ties)
    expected_roc, expected_pr = by_loops(y, scores, 9, existence)
    params = {"max_buffer": 9, "existence_reward": existence}
    assert vus_roc_score(y, scores, **params) == pytest.approx(expected_roc)
    assert vus_pr_score(y, scores, **params) == pytest.approx(expected_pr)


class TestMeaning:
    @pytest.mark.parametrize("measure", [vus_roc_score, vus_pr_score])
    def test_higher_score_is_more_normal(self, measure):
        y, scores = make_series()
        assert measure(y, scores) > measure(y, -scores)

    @pytest.mark.parametrize("measure", [vus_roc_score, vus_pr_score])
    def test_a_small_shift_costs_less_than_a_miss(self, measure):
        y = np.ones(300, dtype=int)
        y[100:110] = -1
        near, far = np.ones(300), np.ones(300)
        near[110:120] = far[200:210] = 0
        assert measure(y, near, max_buffer=0) == measure(y, far, max_buffer=0)
        assert measure(y, near, max_buffer=40) > 1.3 * measure(y, far, max_buffer=40)

    @pytest.mark.parametrize("measure", [vus_roc_score, vus_pr_score])
    @pytest.mark.parametrize("existence", [False, True])
    @pytest.mark.parametrize("max_buffer", [0, 30, 1000])
    def test_bounds(self, measure, existence, max_buffer):
        y, _ = make_series()
        params = {"max_buffer": max_buffer, "existence_reward": existence}
        for scores in (y, -y, np.zeros(len(y)), np.arange(len(y))):
            assert 0 <= measure(y, scores, **params) <= 1

    def test_random_scores(self):
        """The curve rises straight to where the labels' sum reaches the positives."""
        y = np.ones(10_000, dtype=int)
        for start in range(500, 10_000, 1000):
            y[start : start + 100] = -1
        scores = np.random.RandomState(0).uniform(size=len(y))
        expected = []
        for length in range(101):
            slopes = np.sqrt(1 - np.arange(1, length // 2 + 1) / max(length, 1))
            total = 1000 + 20 * slopes.sum()
            positive = (1000 + total) / 2
            x = (len(y) - total) / (len(y) - positive) * positive / total
            expected.append(1 - x / 2)
        assert 0.5 < np.mean(expected) < 0.6
        assert vus_roc_score(y, scores) == pytest.approx(np.mean(expected), abs=0.02)
        assert vus_pr_score(y, scores) < 0.2

    def test_constant_scores_are_no_better_than_chance(self):
        y, _ = make_series()
        assert vus_roc_score(y, np.zeros(len(y)), max_buffer=0) == 0.5

    def test_existence_reward_punishes_a_missed_event(self):
        y = np.ones(200, dtype=int)
        y[20:60] = y[150] = -1
        scores = np.where(np.arange(200) < 100, y, 1)
        params = {"max_buffer": 4}
        assert vus_roc_score(
            y, scores, existence_reward=True, **params
        ) < 0.8 * vus_roc_score(y, scores, **params)

    def test_coding(self):
        y, scores = make_series()
        found = vus_pr_score((y == -1).astype(int), scores, pos_label=1)
        assert found == vus_pr_score(y, scores)


class TestErrors:
    @pytest.mark.parametrize("measure", [vus_roc_score, vus_pr_score])
    def test_one_kind_only(self, measure):
        with pytest.raises(ValueError, match="VUS is undefined.* no outlier"):
            measure(np.ones(5), np.arange(5))
        with pytest.raises(ValueError, match="VUS is undefined.* no inlier"):
            measure(-np.ones(5), np.arange(5))

    def test_missing_scores(self):
        with pytest.raises(ValueError, match="score_samples contains NaN"):
            vus_roc_score([1, -1], [0.0, np.nan])

    def test_parameters(self):
        with pytest.raises(InvalidParameterError, match="max_buffer"):
            vus_roc_score([1, -1], [1, 0], max_buffer=-1)


def _tsb_ad_segments(events, half, n):
    """Events with their buffers; those with a time stamp in common are one."""
    segments, start = [], max(events[0][0] - half, 0)
    for (_, stop), (following, _) in zip(events, events[1:], strict=False):
        if stop + half < following - half:
            segments.append((start, stop + half))
            start = following - half
    return [*segments, (start, min(events[-1][1] + half, n - 1))]


def _tsb_ad_labels(events, length, n):
    """Labels to which the buffers of all events add."""
    labels = np.zeros(n)
    for start, stop in events:
        labels[start : stop + 1] = 1
        for distance in range(1, length // 2 + 1):
            for place in (start - distance, stop + distance):
                if 0 <= place < n:
                    labels[place] += np.sqrt(1 - distance / length)
    return np.minimum(labels, 1)


def by_tsb_ad(outliers, anomaly, max_buffer):
    """VUS-ROC and VUS-PR, threshold by threshold, in the order of TSB-AD's code."""
    n = len(outliers)
    edges = np.flatnonzero(np.diff(np.r_[0, outliers.astype(int), 0]))
    events = [(start, stop - 1) for start, stop in edges.reshape(-1, 2)]
    descending = np.sort(anomaly)[::-1]
    everywhere = _tsb_ad_segments(events, max_buffer // 2, n)
    rocs, prs = [], []
    for length in range(max_buffer + 1):
        extended = _tsb_ad_labels(events, length, n)
        segments = _tsb_ad_segments(events, length // 2, n)
        points, pr = [(0.0, 0.0)], 0.0
        for i in np.linspace(0, n - 1, 250).astype(int):
            flagged = anomaly >= descending[i]
            labels = extended.copy()
            for start, stop in segments:
                labels[start : stop + 1] *= flagged[start : stop + 1]
            for start, stop in events:
                labels[start : stop + 1] = 1
            found = [flagged[start : stop + 1].any() for start, stop in segments]
            parts = [slice(start, stop + 1) for start, stop in everywhere]
            true = sum(labels[part] @ flagged[part] for part in parts)
            positive = (outliers.sum() + sum(labels[part].sum() for part in parts)) / 2
            recall = min(true / positive, 1) * np.mean(found)
            pr += (recall - points[-1][1]) * true / flagged.sum()
            points.append(((flagged.sum() - true) / (n - positive), recall))
        x, y = np.transpose([*points, (1.0, 1.0)])
        rocs.append(np.diff(x) @ (y[1:] + y[:-1]) / 2)
        prs.append(pr)
    return np.mean(rocs), np.mean(prs)


class TestTSBAD:
    """The definition of the benchmark TSB-AD."""

    params = {"existence_reward": True, "definition": "tsb_ad"}

    @pytest.mark.parametrize("seed", range(12))
    def test_against_loops(self, seed):
        """Also events at the ends, buffers that overlap or touch, and ties."""
        rng = np.random.RandomState(seed)
        y = np.ones(rng.randint(40, 400), dtype=int)
        for _ in range(rng.randint(1, 7)):
            start = rng.randint(len(y))
            y[start : start + rng.randint(1, 12)] = -1
        y[rng.choice([0, -1, 20])] = -1
        scores = rng.randn(len(y)) + y
        scores = np.round(2 * scores) if seed % 2 else scores
        max_buffer = rng.randint(40)
        expected = by_tsb_ad(y == -1, -scores, max_buffer)
        params = {"max_buffer": max_buffer, **self.params}
        assert vus_roc_score(y, scores, **params) == pytest.approx(expected[0])
        assert vus_pr_score(y, scores, **params) == pytest.approx(expected[1])

    def test_buffers_that_touch_are_two_ranges(self):
        y = np.ones(60, dtype=int)
        y[20] = y[25] = -1
        scores = np.arange(60.0)
        scores[20] = -1
        expected = by_tsb_ad(y == -1, -scores, 4)
        found = vus_pr_score(y, scores, max_buffer=4, **self.params)
        assert found == pytest.approx(expected[1])

    def test_near_the_definition_of_the_paper(self):
        y, scores = make_series()
        params = {"max_buffer": 8, "existence_reward": True}
        paper = vus_pr_score(y, scores, **params)
        tsb_ad = vus_pr_score(y, scores, definition="tsb_ad", **params)
        assert paper != tsb_ad
        assert paper == pytest.approx(tsb_ad, abs=0.05)
