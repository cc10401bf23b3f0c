"""Rows in which a feature leaves its one training value."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_deepod.base import _constant_features
from sklearn_deepod.base._constant_features import ConstantFeatures


def table(*constants, n_rows=40):
    """Two features that vary, and some that do not."""
    varying = np.random.RandomState(0).randn(n_rows, 2)
    return np.column_stack([varying, *(np.full(n_rows, c) for c in constants)])


def with_value(X, value, column=2, row=3):
    X = X.copy()
    X[row, column] = value
    return X


def first_feature(X):
    """Scores of 0 to 1 that tell which rows were looked at."""
    assert np.isfinite(X.data if sp.issparse(X) else X).all()
    first = X[:, [0]].toarray()[:, 0] if sp.issparse(X) else X.reshape(len(X), -1)[:, 0]
    return 0.5 + 0.5 * np.tanh(first / 2)


def fitted(X, **kwargs):
    return ConstantFeatures(X, **kwargs).measured_by(first_feature(X), 0.5)


def raised(constants, X):
    """By how much the scores differ from the function's own."""
    return constants.scores(X, first_feature) - first_feature(X)


def beyond(X, changed):
    """How far a row lies beyond all training rows."""
    return fitted(X).scores(changed, first_feature)[3] - first_feature(X).max()


@pytest.mark.parametrize("constant", [0.1, 0.0, -3e200, 1e-300, 1e9, -7e-30])
class TestOneConstant:
    def test_without_a_change_no_bit_changes(self, constant):
        X = table(constant)
        np.testing.assert_array_equal(
            fitted(X).scores(X, first_feature), first_feature(X)
        )
        X[:, :2] *= 1e6
        np.testing.assert_array_equal(
            fitted(X).scores(X, first_feature), first_feature(X)
        )

    @pytest.mark.filterwarnings("error")
    def test_the_further_the_higher(self, constant):
        X = table(constant)
        size = abs(constant) or 1.0
        for sign in (-1, 1):
            steps = constant + sign * size * 10.0 ** np.array([-9, -3, 0, 3, 9, 90])
            values = [*steps, sign * 1e300, sign * 1.7e308]
            amounts = [raised(fitted(X), with_value(X, v))[3] for v in values]
            assert np.isfinite(amounts).all()
            assert (np.diff(amounts) > 0).all()

    def test_beyond_all_training_rows(self, constant):
        X = table(constant)
        X[3, 0] = X[:, 0].min()  # the most normal row of all
        changed = with_value(X, constant + 1e-12 * abs(constant) or 1e-12)
        scores = fitted(X).scores(changed, first_feature)
        assert scores[3] > first_feature(X).max()
        others = np.arange(len(X)) != 3
        np.testing.assert_array_equal(scores[others], first_feature(X)[others])

    def test_rounding_is_no_change(self, constant):
        X = table(constant)
        near = with_value(X, np.nextafter(constant, np.inf) if constant else -0.0)
        assert not raised(fitted(X), near).any()

    def test_no_change_between_float32_and_float64(self, constant):
        X = table(constant)
        with np.errstate(over="ignore"):
            near = X.astype(np.float32)
        if not np.allclose(near, X, atol=0.0):
            pytest.skip("float32 does not hold the value")
        assert not raised(fitted(X), near).any()
        assert not raised(fitted(near), X).any()


def test_amount():
    X = table(8.0)
    changed = with_value(X, 8.0 + 8.0)
    scores = first_feature(X)
    # Twice the range: once for a change, once for all 52 digits but two of rounding.
    expected = np.ptp(scores) * (1 + np.log2(1 + 2.0**50) / 52)
    # One feature that is constant in 40 rows.
    expected /= 1 + 100 / 40
    assert beyond(X, changed) == pytest.approx(expected)


def test_more_rows_and_fewer_constants_weigh_more():
    few, many = table(8.0), table(8.0, n_rows=4000)
    several = table(8.0, 8.0, 8.0)
    pairs = [(X, with_value(X, 9.0)) for X in (several, few, many)]
    ranges = [np.ptp(first_feature(X)) for X, _ in pairs]
    amounts = [beyond(*pair) for pair in pairs] / np.array(ranges)
    assert (np.diff(amounts) > 0.05).all()


def test_changes_add_up():
    X = table(1.0, 5.0, 0.0)
    one = beyond(X, with_value(X, 2.0))
    other = beyond(X, with_value(X, 7.0, column=3))
    both = beyond(X, with_value(with_value(X, 2.0), 7.0, column=3))
    assert both == pytest.approx(one + other)


def test_the_threshold_is_exceeded():
    X = table(0.1)
    constants = ConstantFeatures(X).measured_by(first_feature(X), 40.0)
    assert constants.scores(with_value(X, 0.2), first_feature)[3] > 40.0


@pytest.mark.parametrize("score", [0.0, -5.0, 1e20])
def test_equal_training_scores(score):
    X = table(0.1)

    def equal(X):
        return np.full(len(X), score)

    constants = ConstantFeatures(X).measured_by(equal(X), np.nextafter(score, np.inf))
    found = [constants.scores(with_value(X, v), equal)[3] for v in (0.2, 1e3, 1e9)]
    assert (np.diff([score, *found]) > 0).all()


def test_rows_are_scored_without_their_changes():
    X = table(0.1)
    seen = []

    def score(X):
        seen.append(X.copy())
        return np.zeros(len(X))

    changed = with_value(X, 1e300)
    fitted(X).scores(changed, score)
    np.testing.assert_array_equal(seen[-1], X[3:4])
    assert changed[3, 2] == 1e300


def test_missing_values():
    X = table(0.1)
    X[::3, 2] = np.nan
    constants = ConstantFeatures(X).measured_by(np.arange(40.0), 1.0)
    assert constants.columns.tolist() == [2]
    new = X.copy()
    new[:3, 2] = np.nan, 0.1, 0.2
    scores = constants.scores(new, lambda X: np.zeros(len(X)))
    assert np.flatnonzero(scores).tolist() == [2]


def test_rows_of_no_weight_do_not_count():
    X = with_value(table(0.1), 7.0)
    weight = np.ones(len(X))
    assert not len(ConstantFeatures(X, weight).columns)
    weight[3] = 0.0
    assert ConstantFeatures(X, weight).columns.tolist() == [2]
    assert ConstantFeatures(sp.csr_matrix(X), weight).columns.tolist() == [2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_small_spread_is_no_constant(dtype):
    X = (table() * 100 + 1e9).astype(dtype)
    assert np.ptp(X) > 0
    assert not len(ConstantFeatures(X).columns)


class TestShapes:
    values = (0.0, 0.5, 0.1, 0.2, 7.0, -3.0)

    @pytest.fixture
    def X(self):
        return table(0.1, 0.0, 3.0, 0.0)

    @pytest.fixture
    def changed(self, X):
        rng = np.random.RandomState(1)
        changed = X.copy()
        hit = rng.rand(len(X), 4) < 0.3
        changed[:, 2:][hit] = rng.choice(self.values, hit.sum())
        return changed

    def test_sparse_equals_dense(self, X, changed):
        dense = fitted(X).scores(changed, first_feature)
        assert (dense > 1).sum() > 10
        given = sp.csr_matrix(changed)
        before = given.copy()
        found = fitted(sp.csr_matrix(X)).scores(given, first_feature)
        np.testing.assert_array_equal(found, dense)
        assert (given != before).nnz == 0

    def test_any_row_by_itself(self, X, changed, monkeypatch):
        constants = fitted(X)
        expected = constants.scores(changed, first_feature)
        alone = [constants.scores(changed[[i]], first_feature) for i in range(len(X))]
        np.testing.assert_array_equal(np.concatenate(alone), expected)
        monkeypatch.setattr(_constant_features, "chunks", lambda *_: [slice(0, 40)])
        np.testing.assert_array_equal(
            constants.scores(changed, first_feature), expected
        )

    @pytest.mark.parametrize("read", ["given", "flat"])
    @pytest.mark.parametrize(("shape", "axis"), [((6, 3), 2), ((3, 2, 3), 1)])
    def test_each_channel_of_an_array_is_a_feature(self, shape, axis, read):
        X = np.random.RandomState(0).randn(40, *shape)
        channels = np.moveaxis(X, axis, -1)
        channels[..., 1] = 4.0
        channels[:, 0, ..., 2] = 5.0  # a cell of a channel that varies elsewhere
        given = X.reshape(40, -1) if read == "flat" else X
        constants = ConstantFeatures(given, shape=shape)
        constants = constants.measured_by(first_feature(given), 0.5)
        cells = np.moveaxis(np.arange(18).reshape(shape), axis - 1, -1)[..., 1]
        assert constants.columns.tolist() == np.sort(cells.ravel()).tolist()
        new = X.copy()
        changed = np.moveaxis(new, axis, -1)
        changed[3, 0, ..., 1] = 9.0
        changed[5, 0, ..., 2] = 9.0
        found = raised(constants, new.reshape(given.shape))
        assert np.flatnonzero(found).tolist() == [3]


class TestWidened:
    @pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
    def test_values_seen_later_are_no_changes(self, form):
        X = table(0.0)
        later = table(0.0)
        later[:5, 2] = 3.0, 1.0, 0.5, -1.0, np.nan
        constants = fitted(form(X)).widened(form(later))
        assert (constants.low.item(), constants.high.item()) == (-1.0, 3.0)
        assert not raised(constants, with_value(X, 2.0)).any()
        assert beyond(X, with_value(X, 2.0)) > 0

    def test_beyond_them_the_scores_rise_with_the_distance(self):
        constants = fitted(table(0.0)).widened(with_value(table(0.0), 4.0))
        near, *far = (
            raised(constants, with_value(table(0.0), v))[3] for v in (4.01, 5, 8, 1e300)
        )
        assert 0 < near < 0.01
        assert (np.diff([near, *far]) > 0).all()

    def test_more_of_the_same_changes_nothing(self):
        X = table(0.3)
        other = with_value(X, 0.1 + 0.2)
        np.testing.assert_allclose(
            raised(fitted(X).widened(other), with_value(X, 9.0)),
            raised(fitted(X), with_value(X, 9.0)),
        )

    def test_the_first_one_stays_as_it_was(self):
        constants = fitted(table(0.0))
        constants.widened(table(5.0))
        assert constants.high.item() == 0.0


def test_no_constants_no_work():
    X = table()
    calls = []
    fitted(X).scores(X, lambda X: calls.append(X) or np.zeros(len(X)))
    assert len(calls) == 1
    assert calls[0] is X
