"""What ZScore and ModifiedZScore share: combining, cutting, missing cells, limits."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from sklearn_deepod import ModifiedZScore, ZScore
from sklearn_deepod._determinism import _training_rows as _rows
from sklearn_deepod._stats import kimber_threshold

both = pytest.mark.parametrize("cls", [ZScore, ModifiedZScore])
every_combination = pytest.mark.parametrize("combine", ["max", "mean", "euclidean"])
CUTS = {ZScore: 3.0, ModifiedZScore: 3.5}
EXPECTED = {
    "max": lambda z: np.abs(z).max(axis=1),
    "mean": lambda z: np.abs(z).mean(axis=1),
    "euclidean": lambda z: np.sqrt(np.square(z).mean(axis=1)),
}


def rows(n_samples=200, n_features=4, seed=0):
    """Features of different location, scale and skewness."""
    rng = np.random.RandomState(seed)
    X = rng.standard_t(4, size=(n_samples, n_features))
    X[:, 0] = np.exp(X[:, 0] / 4)
    return X * np.logspace(-2, 3, n_features) + np.arange(n_features) * 10.0


@both
class TestCombine:
    @every_combination
    def test_formula(self, cls, combine):
        X = rows()
        detector = cls(combine=combine).fit(X)
        np.testing.assert_allclose(
            -detector.score_samples(X), EXPECTED[combine](detector.z_scores(X))
        )

    def test_one_feature(self, cls):
        X = rows(n_features=1)
        scores = [cls(combine=c).fit(X).score_samples(X) for c in EXPECTED]
        np.testing.assert_array_equal(scores[0], scores[1])
        np.testing.assert_array_equal(scores[0], scores[2])
        assert np.ptp(scores[0]) > 1

    @every_combination
    def test_missing_cells_are_left_out(self, cls, combine):
        X = rows()
        detector = cls(combine=combine).fit(X)
        new = rows(6, seed=1)
        new[:, 2] = np.nan
        new[-1] = np.nan
        z = detector.z_scores(new)
        np.testing.assert_array_equal(np.isnan(z), np.isnan(new))
        scores = detector.score_samples(new)
        np.testing.assert_allclose(
            -scores[:-1], EXPECTED[combine](np.delete(z[:-1], 2, axis=1))
        )
        assert scores[-1] == 0

    @every_combination
    def test_any_row_by_itself(self, cls, combine):
        X = rows(300, 700)
        detector = cls(combine=combine).fit(X)
        expected = detector.score_samples(X)
        for part in (slice(0, 1), slice(7, 20), [299, 3], slice(None, None, -1)):
            np.testing.assert_array_equal(
                detector.score_samples(X[part]), expected[part]
            )

    def test_unknown(self, cls):
        with pytest.raises(ValueError, match="The 'combine' parameter"):
            cls(combine="sum").fit(rows())


@both
class TestCut:
    @every_combination
    def test_textbook(self, cls, combine):
        detector = cls(combine=combine, contamination="auto").fit(rows())
        assert detector.offset_ == -CUTS[cls]
        center, scale = detector.center_, detector.scale_
        new = center + scale * np.array([[-1.0], [1.0]]) * CUTS[cls]
        assert detector.predict(center + (new - center) * 0.999).tolist() == [1, 1]
        assert detector.predict(center + (new - center) * 1.001).tolist() == [-1, -1]

    def test_on_the_textbook_cut_is_no_outlier(self, cls):
        # Mean and median 0; standard deviation and MAD / 0.6745 by construction.
        X = np.array([[-1.0], [1.0], [-1.0], [1.0]])
        detector = cls(contamination="auto").fit(X)
        on_it = CUTS[cls] * detector.scale_[0]
        assert detector.z_scores([[on_it]]).item() == CUTS[cls]
        assert detector.predict([[on_it]]).item() == 1
        assert detector.predict([[np.nextafter(on_it, 10.0)]]).item() == -1

    def test_fence_is_kimbers(self, cls):
        X = rows()
        detector = cls().fit(X)
        assert detector.offset_ == -kimber_threshold(-detector.score_samples(X))

    def test_fence_follows_the_number_of_features(self, cls):
        X = np.random.RandomState(0).randn(2000, 200)
        shares = {
            rule: np.mean(cls(contamination=rule).fit_predict(X) == -1)
            for rule in ("fence", "auto")
        }
        assert shares["fence"] < 0.05
        assert shares["auto"] > 0.05

    @pytest.mark.parametrize("weighted", [False, True])
    def test_share(self, cls, weighted):
        X = rows()
        # Rows far out count more, so that the share is not that of the rows.
        far = -cls().fit(X).score_samples(X)
        weight = 1.0 + 4.0 * (far > np.quantile(far, 0.8)) if weighted else None
        detector = cls(contamination=0.1).fit(X, sample_weight=weight)
        share = np.average(detector.predict(X) == -1, weights=weight)
        assert share == pytest.approx(0.1, abs=0.01)


@both
class TestConstant:
    @pytest.mark.parametrize("value", [0.0, 0.1, -7e-30, 1e30, 123456789.1])
    @every_combination
    def test_any_other_value_is_far_out(self, cls, value, combine):
        X = np.c_[np.full(50, value), np.arange(50.0)]
        detector = cls(combine=combine, contamination="auto").fit(X)
        assert detector.center_[0] == value
        assert (detector.z_scores(X)[:, 0] == 0).all()
        assert (detector.predict(X) == 1).all()
        other = value * (1 + 1e-9) if value else 1e-20
        new = np.array([[other, 25.0], [-other, 25.0]])
        z = detector.z_scores(new)[:, 0]
        assert np.isfinite(z).all()
        assert z[0] * z[1] < 0
        assert (np.abs(z) > 1e5).all()
        assert (detector.predict(new) == -1).all()

    def test_rounding_is_no_deviation(self, cls):
        X = np.full((30, 1), 0.3)
        detector = cls(contamination="auto").fit(X)
        summed = np.array([[0.1 + 0.2], [0.1 * 3]])
        assert (summed != 0.3).all()
        assert detector.predict(summed).tolist() == [1, 1]
        X[::3] = 0.1 + 0.2
        detector.fit(X)
        assert (detector.predict(np.vstack([X, [[0.3 + 2e-16]]])) == 1).all()
        assert detector.predict([[0.3001]]).item() == -1

    def test_one_row(self, cls):
        detector = cls(contamination="auto").fit([[5.0, -1.0]])
        assert detector.score_samples([[5.0, -1.0]]).item() == 0
        assert detector.predict([[5.0, -1.1], [5.0, -1.0]]).tolist() == [-1, 1]


@both
class TestMagnitudes:
    @pytest.mark.parametrize("magnitude", [1e-300, 1e-30, 1e30, 1e300])
    def test_scale_does_not_matter(self, cls, magnitude):
        X = rows()
        expected = cls().fit(X).z_scores(X)
        found = cls().fit(X * magnitude).z_scores(X * magnitude)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)

    @pytest.mark.parametrize(
        "values",
        [
            [1.7e308, -1.7e308, 1.6e308, -1.5e308, 0.0],
            [5e-324, 1e-323, 0.0, 5e-323, -5e-324],
            [1.0, 2.0, 3.0, -1e30, 1e30],
            [1.0, 2.0, 3.0, 4.0, -1e308],
        ],
    )
    @every_combination
    @pytest.mark.filterwarnings("error")
    def test_finite_at_the_ends_of_floats(self, cls, values, combine):
        X = np.array(values)[:, None]
        detector = cls(combine=combine).fit(X)
        assert np.isfinite(detector.center_).all()
        assert np.isfinite(detector.scale_).all()
        assert (detector.scale_ > 0).all()
        new = np.vstack([X, [[1.79e308], [-1.79e308], [0.0]]])
        z = detector.z_scores(new)
        assert np.isfinite(z).all()
        assert np.abs(z).max() <= 1e30
        assert np.isfinite(detector.score_samples(new)).all()
        order = np.argsort(new[:, 0])
        assert (np.diff(z[order, 0]) >= 0).all()

    def test_a_large_common_part_costs_no_digits(self, cls):
        # Halves: exact beside 2**50, where floats are quarters.
        X = np.round(rows() * 2) / 2
        expected, found = cls().fit(X), cls().fit(X + 2.0**50)
        error = found.center_ - 2.0**50 - expected.center_
        assert (np.abs(error) <= 0.125).all()
        large = expected.scale_ > 10
        assert large.any()
        np.testing.assert_allclose(
            found.scale_[large], expected.scale_[large], rtol=1e-4
        )


@both
class TestRows:
    @given(data=st.data())
    @settings(max_examples=30, deadline=None, derandomize=True, database=None)
    def test_weights_are_repetitions(self, cls, data):
        n = data.draw(st.integers(1, 40))
        rng = np.random.RandomState(data.draw(st.integers(0, 2**16)))
        X = rng.randn(n, 3).round(data.draw(st.integers(0, 3)))
        X[1:][rng.rand(n - 1, 3) < 0.1] = np.nan
        weight = rng.randint(0, 4, size=n).astype(float)
        weight[0] = 1.0
        repeated = np.repeat(X, weight.astype(int), axis=0)
        weighted = cls().fit(X, sample_weight=weight)
        for other in (repeated, rng.permutation(repeated)):
            again = clone(weighted).fit(other)
            np.testing.assert_array_equal(again.center_, weighted.center_)
            np.testing.assert_array_equal(again.scale_, weighted.scale_)
            assert again.offset_ == weighted.offset_

    def test_weights_count(self, cls):
        X = rows()
        weight = np.where(X[:, 1] > np.median(X[:, 1]), 5.0, 1.0)
        plain, weighted = cls().fit(X), cls().fit(X, sample_weight=weight)
        assert weighted.center_[1] > plain.center_[1]
        assert weighted.offset_ != plain.offset_

    def test_scale_of_the_weights_does_not_matter(self, cls):
        X, weight = rows(), np.random.RandomState(0).rand(200)
        small, large = (cls().fit(X, sample_weight=weight * k) for k in (1e-9, 1e9))
        np.testing.assert_allclose(small.center_, large.center_, rtol=1e-12)
        np.testing.assert_allclose(small.scale_, large.scale_, rtol=1e-12)

    @pytest.mark.parametrize("form", [sp.csr_matrix, sp.csc_array], ids=["csr", "csc"])
    @pytest.mark.parametrize("weighted", [False, True])
    @every_combination
    def test_sparse_equals_dense(self, cls, form, weighted, combine):
        X = sp.random(300, 8, 0.3, random_state=0).toarray()
        X[:, 0] += np.arange(300.0)
        X[5, 5] = np.nan
        weight = np.arange(300) % 3 if weighted else None
        dense = cls(combine=combine).fit(X, sample_weight=weight)
        sparse = cls(combine=combine).fit(form(X), sample_weight=weight)
        np.testing.assert_array_equal(sparse.center_, dense.center_)
        np.testing.assert_array_equal(sparse.scale_, dense.scale_)
        assert sparse.offset_ == dense.offset_
        np.testing.assert_array_equal(sparse.z_scores(form(X)), dense.z_scores(X))
        np.testing.assert_array_equal(
            sparse.score_samples(form(X)), dense.score_samples(X)
        )

    @pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
    def test_never_more_than_a_part_at_a_time(self, cls, form, monkeypatch):
        X = np.round(rows(60, 6))
        weight = np.arange(60) % 3
        expected = cls().fit(form(X), sample_weight=weight)
        largest = 0

        def watched(X, positions, _dense=_rows.dense_rows):
            nonlocal largest
            part = _dense(X, positions)
            largest = max(largest, part.size)
            return part

        module = "sklearn_deepod.detectors._statistical._base.dense_rows"
        monkeypatch.setattr(module, watched)
        monkeypatch.setattr(_rows, "CHUNK_CELLS", 70)
        found = cls().fit(form(X), sample_weight=weight)
        assert 0 < largest <= 70
        np.testing.assert_allclose(found.center_, expected.center_, rtol=1e-14)
        np.testing.assert_allclose(found.scale_, expected.scale_, rtol=1e-14)
        np.testing.assert_allclose(
            found.score_samples(form(X)), expected.score_samples(form(X)), rtol=1e-13
        )

    @pytest.mark.parametrize("shape", [(4, 3), (2, 3, 4)], ids=["sequence", "image"])
    def test_each_cell_of_an_array_is_a_feature(self, cls, shape):
        X = np.asfortranarray(np.random.RandomState(0).randn(50, *shape))
        X[3, 0] = np.nan
        flat = X.reshape(50, -1)
        detector, plain = cls().fit(X), cls().fit(flat)
        assert detector.center_.shape == detector.scale_.shape == shape
        np.testing.assert_array_equal(detector.center_.ravel(), plain.center_)
        z = detector.z_scores(X)
        assert z.shape == X.shape
        np.testing.assert_array_equal(z.reshape(50, -1), plain.z_scores(flat))
        np.testing.assert_array_equal(
            detector.score_samples(X), plain.score_samples(flat)
        )

    def test_the_table_is_left_as_it_is(self, cls):
        X = rows()
        before = X.copy()
        detector = cls().fit(X)
        detector.z_scores(X)
        detector.score_samples(X)
        np.testing.assert_array_equal(X, before)

    def test_missing_column(self, cls):
        X = rows()
        X[1:, 2] = np.nan
        cls().fit(X)
        weight = np.r_[0.0, np.ones(199)]
        with pytest.raises(ValueError, match=r"missing in column\(s\) \[2\]"):
            cls().fit(X, sample_weight=weight)

    def test_bad_rows_to_measure(self, cls):
        detector = cls().fit(rows())
        with pytest.raises(ValueError, match="infinity"):
            detector.z_scores([[np.inf, 0.0, 0.0, 0.0]])
        with pytest.raises(ValueError, match="expecting 4 features"):
            detector.z_scores([[0.0]])
