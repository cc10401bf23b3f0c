"""Windows, and the way back, against loops over windows and time stamps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_deepod.timeseries._windows import cut_windows, merge_scores, window_starts

RULES = ["max", "mean", "last"]


@st.composite
def coverings(draw):
    """(length of a series, window, stride) in which no time stamp is left out."""
    window = draw(st.integers(1, 9))
    stride = draw(st.integers(1, window))
    return draw(st.integers(window, 40)), window, stride


def merged_by_loops(scores, starts, window, n_timestamps, rule):
    merged = []
    for t in range(n_timestamps):
        if rule == "last":
            past = [
                s for s, a in zip(scores, starts, strict=True) if a + window <= t + 1
            ]
            merged.append(past[-1] if past else scores[0])
        else:
            held = [
                s for s, a in zip(scores, starts, strict=True) if a <= t < a + window
            ]
            merged.append(max(held) if rule == "max" else sum(held) / len(held))
    return np.array(merged)


def test_starts_by_hand():
    assert window_starts(5, 2, 1).tolist() == [0, 1, 2, 3]
    assert window_starts(8, 4, 2).tolist() == [0, 2, 4]
    assert window_starts(9, 4, 2).tolist() == [0, 2, 4, 5]
    assert window_starts(4, 4, 3).tolist() == [0]


def test_windows_by_hand():
    X = np.array([[0, 10], [1, 11], [2, 12], [3, 13]])
    windows = cut_windows(X, np.array([0, 2]), 2)
    assert windows.tolist() == [[[0, 10], [1, 11]], [[2, 12], [3, 13]]]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("max", [5, 5, 1, 2, 7, 7]),
        ("mean", [5, 5, 1, 1.5, 4.5, 7]),
        ("last", [5, 5, 5, 1, 2, 7]),
    ],
)
def test_merge_by_hand(rule, expected):
    # Windows of two time stamps: 0-1, 2-3, 3-4, 4-5.
    scores = np.array([5.0, 1.0, 2.0, 7.0])
    merged = merge_scores(scores, np.array([0, 2, 3, 4]), 2, 6, rule)
    assert merged.tolist() == expected


@given(covering=coverings())
def test_every_time_stamp_is_in_a_window(covering):
    n_timestamps, window, stride = covering
    starts = window_starts(n_timestamps, window, stride)
    held = {a + i for a in starts.tolist() for i in range(window)}
    assert held == set(range(n_timestamps))
    assert starts[-1] == n_timestamps - window
    assert (np.diff(starts) > 0).all()
    assert (np.diff(starts[:-1]) == stride).all()


@given(covering=coverings(), seed=st.integers(0, 99))
def test_windows_are_pieces_of_the_series(covering, seed):
    n_timestamps, window, stride = covering
    X = np.random.RandomState(seed).randn(n_timestamps, 3)
    starts = window_starts(n_timestamps, window, stride)
    expected = np.array([X[a : a + window] for a in starts])
    np.testing.assert_array_equal(cut_windows(X, starts, window), expected)


@pytest.mark.parametrize("rule", RULES)
@given(covering=coverings(), seed=st.integers(0, 99))
def test_merge_against_loops(rule, covering, seed):
    n_timestamps, window, stride = covering
    starts = window_starts(n_timestamps, window, stride)
    scores = np.random.RandomState(seed).randn(len(starts))
    np.testing.assert_allclose(
        merge_scores(scores, starts, window, n_timestamps, rule),
        merged_by_loops(scores, starts, window, n_timestamps, rule),
    )


@pytest.mark.parametrize("rule", RULES)
@given(covering=coverings(), score=st.floats(-1e300, 1e300))
def test_equal_scores_stay_equal(rule, covering, score):
    n_timestamps, window, stride = covering
    starts = window_starts(n_timestamps, window, stride)
    scores = np.full(len(starts), score)
    merged = merge_scores(scores, starts, window, n_timestamps, rule)
    assert (merged == score).all()


def test_a_huge_score_leaves_no_trace_further_on():
    scores = np.full(50, 0.1)
    scores[5] = 1e20
    merged = merge_scores(scores, np.arange(50), 4, 53, "mean")
    assert (merged[9:] == 0.1).all()
    assert (merged[5:9] > 1e19).all()
