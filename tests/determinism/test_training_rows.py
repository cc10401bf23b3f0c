"""The weighted set of rows: one form, however the rows are given."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sklearn_deepod._determinism import TrainingRows, chunks, dense_rows
from sklearn_deepod._determinism import _training_rows as _rows

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=120)
CELLS = st.sampled_from([0.0, -0.0, 1.0, -1.5, 1e-300, 1e300, np.nan])


@st.composite
def two_forms(draw):
    """A table with whole weights, and the same set given in another form."""
    n_rows = draw(st.integers(1, 8))
    n_columns = draw(st.integers(1, 3))
    row = st.lists(CELLS, min_size=n_columns, max_size=n_columns)
    X = np.array(draw(st.lists(row, min_size=n_rows, max_size=n_rows)))
    counts = st.lists(st.integers(0, 4), min_size=n_rows, max_size=n_rows)
    weight = np.array(draw(counts.filter(any)), dtype=float)
    # Each weight falls into parts, zeros among them, and all parts are shuffled.
    parts = []
    for i, total in enumerate(weight.astype(int)):
        parts += [(i, part) for part in _parts(draw, total)]
    parts = draw(st.permutations(parts))
    index, other = np.array(parts, dtype=int).T
    return (X, weight), (X[index], other.astype(float))


def _parts(draw, total):
    first = draw(st.integers(0, total))
    return [total - first, 0, first]


def assert_identical(a, b):
    """Equal rows and weights, bit for bit but for the signs and payloads of NaN."""
    np.testing.assert_array_equal(a.weight, b.weight)
    np.testing.assert_array_equal(a.rows(), b.rows())
    np.testing.assert_array_equal(np.signbit(a.rows()), np.signbit(b.rows()))
    uniforms = np.linspace(0, 1, 50, endpoint=False)
    np.testing.assert_array_equal(a.draw(uniforms), b.draw(uniforms))


def constant_hash(X):
    return np.zeros(X.shape[0], dtype=np.uint64)


class TestCanonicalForm:
    @given(two_forms())
    @EXAMPLES
    def test_order_repetition_and_zero_weights_do_not_matter(self, forms):
        (X, weight), (other_X, other_weight) = forms
        rows = TrainingRows(X, weight)
        assert_identical(rows, TrainingRows(other_X, other_weight))
        count = weight.astype(int)
        assert_identical(rows, TrainingRows(np.repeat(X, count, axis=0)))
        assert_identical(rows, TrainingRows(np.repeat(X, count, axis=0)[::-1]))

    @given(two_forms())
    @EXAMPLES
    def test_collisions_of_the_hash_are_resolved(self, forms):
        (X, weight), (other_X, other_weight) = forms
        expected = TrainingRows(X, weight)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_rows, "_hash_rows", constant_hash)
            collided = TrainingRows(X, weight)
            assert_identical(collided, TrainingRows(other_X, other_weight))
            unweighted = TrainingRows(np.repeat(X, weight.astype(int), axis=0))
            assert_identical(collided, unweighted)
        found = dict(zip(map(bytes, collided.rows()), collided.weight, strict=True))
        assert found == dict(
            zip(map(bytes, expected.rows()), expected.weight, strict=True)
        )

    @given(two_forms())
    @EXAMPLES
    def test_equals_a_count_of_the_rows(self, forms):
        (X, weight), _ = forms
        expected = {}
        for row, w in zip((X + 0.0).tolist(), weight, strict=True):
            if w:
                key = str(row)
                expected[key] = expected.get(key, 0) + w
        rows = TrainingRows(X, weight)
        found = dict(zip(map(str, rows.rows().tolist()), rows.weight, strict=True))
        assert len(rows) == len(found)
        assert found == expected

    def test_order_of_fractional_weights_does_not_matter(self):
        rng = np.random.RandomState(0)
        X, weight = rng.randint(0, 2, size=(200, 3)), rng.rand(200)
        rows = TrainingRows(X.astype(float), weight)
        assert len(rows) == 8
        for seed in range(5):
            order = np.random.RandomState(seed).permutation(200)
            shuffled = TrainingRows(X[order].astype(float), weight[order])
            assert_identical(rows, shuffled)

    def test_signs_of_zero_and_payloads_of_nan_merge(self):
        payloads = np.array(
            [0x7FF8000000000000, 0x7FF8000000000123, 0xFFF8000000000000],
            dtype=np.uint64,
        ).view(np.float64)
        X = np.column_stack([payloads, [0.0, -0.0, 0.0]])
        rows = TrainingRows(X)
        assert rows.weight.tolist() == [3.0]
        assert not np.signbit(rows.rows()[0, 1])

    def test_smallest_difference_parts(self):
        X = np.array([[0.1], [np.nextafter(0.1, 1)], [0.1]])
        assert sorted(TrainingRows(X).weight) == [1.0, 2.0]

    @pytest.mark.parametrize("shape", [(3,), (4, 2), (2, 3, 3)])
    def test_rows_of_any_shape(self, shape):
        X = np.random.RandomState(0).randint(0, 2, size=(300, *shape)).astype(float)
        rows = TrainingRows(X)
        assert rows.shape == shape
        assert len(rows) == len(np.unique(X.reshape(300, -1), axis=0))
        assert rows.rows().shape == (len(rows), *shape)
        np.testing.assert_array_equal(rows.rows(), X[rows.positions])

    @pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csr_array])
    def test_sparse_equals_dense(self, kind):
        rng = np.random.RandomState(0)
        X = rng.randint(-3, 3, size=(500, 4)) * (rng.rand(500, 4) < 0.3)
        X = X.astype(float)
        weight = rng.rand(500)
        assert_identical(TrainingRows(X, weight), TrainingRows(kind(X), weight))
        assert_identical(TrainingRows(X), TrainingRows(kind(X)))

    def test_zeros_that_a_sparse_table_stores_do_not_matter(self):
        stored = sp.csr_array(
            (np.array([0.0, 1.0, -0.0]), np.array([0, 1, 0]), np.array([0, 2, 3])),
            shape=(2, 2),
        )
        assert_identical(TrainingRows(stored), TrainingRows(stored.toarray()))

    def test_float32_equals_float64(self):
        X = np.random.RandomState(0).randn(50, 3).astype(np.float32)
        rows = TrainingRows(X)
        assert rows.rows().dtype == np.float64
        assert_identical(rows, TrainingRows(X.astype(np.float64)))

    def test_chunks_do_not_matter(self, monkeypatch):
        X = np.random.RandomState(0).randint(0, 3, size=(400, 5)).astype(float)
        whole = TrainingRows(X)
        monkeypatch.setattr(_rows, "CHUNK_CELLS", 35)
        assert_identical(whole, TrainingRows(X))

    def test_order_is_a_random_one(self):
        # A sorted column lies scattered: its rank correlation with the order is low.
        rows = TrainingRows(np.arange(5000.0)[:, None])
        correlation = stats.spearmanr(rows.positions, np.arange(5000)).statistic
        assert abs(correlation) < 0.05

    def test_table_is_not_copied_nor_changed(self):
        X = np.array([[-0.0, np.nan], [1.0, 2.0]])
        before = X.tobytes()
        rows = TrainingRows(X)
        rows.rows()[:] = 7
        assert rows.X is X
        assert X.tobytes() == before


class TestDraw:
    def test_follows_the_weights(self):
        rng = np.random.RandomState(0)
        weight = rng.rand(20) + 0.05
        rows = TrainingRows(rng.randn(20, 2), weight)
        counts = np.bincount(rows.draw(rng.rand(200, 100)).ravel(), minlength=20)
        expected = rows.weight / rows.weight.sum() * counts.sum()
        assert stats.chisquare(counts, expected).pvalue > 0.01

    def test_is_the_inverse_of_the_cumulated_weights(self):
        rows = TrainingRows(np.arange(3.0)[:, None], np.array([1.0, 2.0, 1.0]))
        edges = np.cumsum(rows.weight) / 4
        assert rows.draw(np.r_[0.0, edges[:2]]).tolist() == [0, 1, 2]
        assert rows.draw(np.nextafter(edges, 0)).tolist() == [0, 1, 2]

    def test_largest_uniform_stays_inside(self):
        rows = TrainingRows(np.arange(7.0)[:, None], np.full(7, 0.1))
        assert rows.draw(np.nextafter(1.0, 0.0)) == 6
        assert rows.draw(np.ones((2, 2))).tolist() == [[6, 6], [6, 6]]

    def test_total_weight(self):
        assert TrainingRows(np.eye(4)).total_weight == 4.0
        weight = np.array([0.5, 0.0, 2.5, 1.0])
        assert TrainingRows(np.eye(4), weight).total_weight == 4.0


class TestSample:
    def test_few_rows_are_all_taken(self):
        weight = np.random.RandomState(0).rand(10)
        rows = TrainingRows(np.arange(10.0)[:, None], weight)
        index, found = rows.sample(10)
        assert index.tolist() == list(range(10))
        np.testing.assert_array_equal(found, rows.weight)

    def test_many_rows_are_represented(self):
        rng = np.random.RandomState(0)
        rows = TrainingRows(rng.randn(5000, 1), rng.rand(5000))
        index, weight = rows.sample(700)
        assert len(index) <= 700
        assert (np.diff(index) > 0).all()
        assert weight.sum() == pytest.approx(rows.total_weight)
        # Systematic: the sample's cumulated weight is never a step away from the whole.
        step = rows.total_weight / 700
        cumulated = np.cumsum(rows.weight)[index]
        assert np.abs(cumulated - np.cumsum(weight)).max() <= step

    def test_heavy_row_is_counted_in_proportion(self):
        weight = np.ones(1001)
        weight[0] = 1000.0
        rows = TrainingRows(np.arange(1001.0)[:, None], weight)
        index, found = rows.sample(200)
        heavy = found[rows.positions[index] == 0]
        assert heavy == pytest.approx(1000, abs=2 * 2000 / 200)

    def test_mean_of_the_sample(self):
        X = np.random.RandomState(0).rand(20_000, 1)
        rows = TrainingRows(X)
        index, weight = rows.sample(2000)
        sample_mean = np.average(rows.rows(index)[:, 0], weights=weight)
        assert sample_mean == pytest.approx(X.mean(), abs=4 * 0.29 / np.sqrt(2000))

    def test_counts_are_the_weights_of_a_small_table(self):
        weight = np.array([1.0, 3.0, 2.0, 0.2])
        rows = TrainingRows(np.arange(4.0)[:, None], weight)
        index, count = rows.sample_counts(10)
        expected = {0.0: 1.0, 1.0: 3.0, 2.0: 2.0, 3.0: 1.0}  # at least one
        assert dict(zip(rows.rows(index)[:, 0], count, strict=True)) == expected

    def test_counts_add_up_to_the_size_of_the_sample(self):
        weight = np.random.RandomState(1).randint(1, 6, size=3000).astype(float)
        rows = TrainingRows(np.arange(3000.0)[:, None], weight)
        index, count = rows.sample_counts(500)
        assert len(index) == len(count) <= 500
        assert count.sum() == 500


class TestSubset:
    def test_holds_the_rows_and_weights_given(self):
        rows = TrainingRows(np.arange(20.0).reshape(10, 2))
        index, weight = np.array([1, 4, 7]), np.array([1.0, 3.0, 0.5])
        part = rows.subset(index, weight)
        assert len(part) == 3
        assert part.total_weight == 4.5
        assert part.shape == (2,)
        np.testing.assert_array_equal(part.rows(), rows.rows(index))
        assert part.draw(np.array([0.0, 0.3, 0.95])).tolist() == [0, 1, 2]

    def test_of_a_subset(self):
        rows = TrainingRows(np.arange(20.0).reshape(10, 2))
        part = rows.subset(np.array([1, 4, 7]), np.ones(3))
        inner = part.subset(np.array([2]), np.ones(1))
        np.testing.assert_array_equal(inner.rows(), rows.rows(np.array([7])))


class TestHelpers:
    @pytest.mark.parametrize("n_rows", [0, 1, 99, 100, 101])
    def test_chunks_cover_all_rows_once(self, n_rows, monkeypatch):
        monkeypatch.setattr(_rows, "CHUNK_CELLS", 100)
        for n_cells in (0, 1, 7, 1000):
            parts = [np.arange(n_rows)[part] for part in chunks(n_rows, n_cells)]
            assert np.concatenate([[], *parts]).tolist() == list(range(n_rows))
            assert all(len(part) * max(1, n_cells) <= 1000 for part in parts)

    @pytest.mark.parametrize("kind", [np.asarray, np.asfortranarray, sp.csr_array])
    def test_dense_rows(self, kind):
        X = np.array([[-0.0, 1.0], [2.0, np.nan], [3.0, 0.0]], dtype=np.float32)
        found = dense_rows(kind(X), np.array([2, 0, 1]))
        np.testing.assert_array_equal(found, [[3, 0], [0, 1], [2, np.nan]])
        assert found.dtype == np.float64
        assert found.flags.c_contiguous
        assert not np.signbit(found).any()
        np.testing.assert_array_equal(dense_rows(kind(X), slice(1, 2)), [[2, np.nan]])


class TestLabels:
    """Rows that differ in their labels are different rows."""

    X = np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [3.0, 4.0]])
    labels = np.array([0, 1, -1, 1, 0])

    def as_set(self, rows):
        values = zip(rows.rows().tolist(), rows.labels, rows.weight, strict=True)
        return [(tuple(row), int(label), weight) for row, label, weight in values]

    def test_rows_are_merged_by_label(self):
        found = self.as_set(TrainingRows(self.X, labels=self.labels))
        assert sorted(found) == [
            ((1.0, 2.0), 0, 1.0),
            ((1.0, 2.0), 1, 2.0),
            ((3.0, 4.0), -1, 1.0),
            ((3.0, 4.0), 0, 1.0),
        ]

    def test_order_and_repetition_do_not_matter(self):
        rng = np.random.RandomState(0)
        X = rng.randint(0, 3, size=(60, 2)).astype(float)
        labels = rng.randint(-1, 2, size=60)
        weight = rng.randint(0, 4, size=60)
        expected = self.as_set(TrainingRows(X, weight.astype(float), labels))
        repeated = rng.permutation(np.repeat(np.arange(60), weight))
        assert (
            self.as_set(TrainingRows(X[repeated], None, labels[repeated])) == expected
        )

    def test_colliding_hashes(self, monkeypatch):
        expected = self.as_set(TrainingRows(self.X, labels=self.labels))
        monkeypatch.setattr(
            "sklearn_deepod._determinism._training_rows._hash_rows",
            lambda X: np.arange(X.shape[0], dtype=np.uint64) * np.uint64(0),
        )
        found = self.as_set(TrainingRows(self.X, labels=self.labels))
        assert sorted(found) == sorted(expected)

    def test_subsets_keep_theirs(self):
        rows = TrainingRows(self.X, labels=self.labels)
        part = rows.subset(np.array([1, 3]), rows.weight[[1, 3]])
        assert part.labels.tolist() == rows.labels[[1, 3]].tolist()
        assert TrainingRows(self.X).labels is None
