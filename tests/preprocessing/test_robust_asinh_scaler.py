"""Preparation: the scaler by its formula, user's transformers, empty columns."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_deepod._determinism import TrainingRows
from sklearn_deepod.preprocessing import RobustAsinhScaler, _preprocess
from sklearn_deepod.preprocessing._preprocess import (
    check_no_empty_columns,
    fit_preprocessor,
    narrowed,
    preprocess,
    varying_cells,
)


def squashed(values, weight=None):
    """The scaler's formula for one feature, in numpy, on repeated values."""
    if weight is not None:
        values = np.repeat(values, weight)
    present = values[~np.isnan(values)]
    low, middle, high = np.quantile(
        present, [0.25, 0.5, 0.75], method="averaged_inverted_cdf"
    )
    spread = (high - low) / 1.349
    if spread <= 1e-9 * present.std():
        spread = present.std()
    if np.mean(present == middle) > 0.5:
        spread = np.median(np.abs(present[present != middle] - middle))
    return 10 * np.arcsinh((values - middle) / spread / 10)


def make_columns(n_rows=101, seed=0):
    """Columns of several shapes and scales."""
    rng = np.random.RandomState(seed)
    return np.column_stack(
        [
            rng.randn(n_rows),
            1e6 + 100 * rng.randn(n_rows),
            rng.standard_cauchy(n_rows),
            rng.rand(n_rows) < 0.05,  # no interquartile range
            -rng.exponential(size=n_rows),
        ]
    )


@parametrize_with_checks([RobustAsinhScaler(), RobustAsinhScaler(linear_range=0.5)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


class TestLinearRange:
    @pytest.mark.parametrize("linear_range", [0.1, 1, 3.0, 1e4])
    def test_formula(self, linear_range):
        X = make_columns()
        found = RobustAsinhScaler(linear_range=linear_range).fit_transform(X)
        z = np.sinh(np.column_stack([squashed(x) for x in X.T]) / 10) * 10
        expected = linear_range * np.arcsinh(z / linear_range)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)

    def test_inverse_transform_undoes(self):
        X = make_columns()
        scaler = RobustAsinhScaler(linear_range=2.0).fit(X)
        restored = scaler.inverse_transform(scaler.transform(X))
        np.testing.assert_allclose(restored, X, rtol=1e-4, atol=1e-5)

    def test_is_that_of_the_fit(self):
        X = make_columns()
        scaler = RobustAsinhScaler(linear_range=2).fit(X)
        Z = scaler.transform(X)
        back = scaler.inverse_transform(Z)
        scaler.set_params(linear_range=50.0)
        np.testing.assert_array_equal(scaler.transform(X), Z)
        np.testing.assert_array_equal(scaler.inverse_transform(Z), back)
        assert scaler.linear_range_ == 2.0

    @pytest.mark.parametrize("linear_range", [0, -1.0, np.inf, np.nan, None, "wide"])
    def test_impossible(self, linear_range):
        with pytest.raises(ValueError, match="'linear_range' parameter"):
            RobustAsinhScaler(linear_range=linear_range).fit(make_columns())


class TestWithScikitLearn:
    def test_names(self):
        scaler = RobustAsinhScaler().fit(make_columns())
        assert scaler.get_feature_names_out().tolist() == [f"x{i}" for i in range(5)]
        assert scaler.get_feature_names_out(list("abcde")).tolist() == list("abcde")
        frame = pd.DataFrame(make_columns(), columns=list("abcde"))
        scaler.fit(frame)
        assert scaler.get_feature_names_out().tolist() == list("abcde")

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_frames(self, library):
        X = make_columns()
        frame = pytest.importorskip(library).DataFrame(
            dict(zip("abcde", X.T, strict=True))
        )
        scaler = RobustAsinhScaler().set_output(transform=library)
        found = scaler.fit_transform(frame)
        assert type(found) is type(frame)
        assert list(found.columns) == list("abcde")
        expected = RobustAsinhScaler().fit_transform(X)
        np.testing.assert_array_equal(found.to_numpy(), expected)
        np.testing.assert_allclose(scaler.inverse_transform(found), X, rtol=1e-4)

    def test_pipeline_and_column_transformer(self):
        frame = pd.DataFrame(make_columns(), columns=list("abcde"))
        columns = make_column_transformer(
            (RobustAsinhScaler(), ["a", "b"]), remainder="passthrough"
        )
        pipeline = make_pipeline(columns).set_output(transform="pandas")
        found = pipeline.fit_transform(frame)
        assert found.columns.tolist() == [
            *("robustasinhscaler__a", "robustasinhscaler__b"),
            *("remainder__c", "remainder__d", "remainder__e"),
        ]


class TestErrors:
    def test_one_axis(self):
        x = np.arange(10.0)
        scaler = RobustAsinhScaler().fit(x[:, None])
        for method in (scaler.fit, scaler.transform, scaler.inverse_transform):
            with pytest.raises(
                ValueError, match=r"Reshape your data.*reshape\(-1, 1\)"
            ):
                method(x)

    def test_too_many_axes(self):
        X = np.zeros((3, 2, 2, 2, 2))
        scaler = RobustAsinhScaler().fit(X[..., 0])
        for method in (scaler.fit, scaler.transform, scaler.inverse_transform):
            with pytest.raises(ValueError, match=r"dim 5. Give \(n, features\)"):
                method(X)

    def test_other_channels(self):
        X = np.random.RandomState(0).randn(20, 4, 3)
        scaler = RobustAsinhScaler().fit(X)
        for method in (scaler.transform, scaler.inverse_transform):
            for other in (X[..., :2], X[..., 0]):
                with pytest.raises(ValueError, match="channels .* was fitted on 3"):
                    method(other)


class TestSquashScaler:
    def test_formula(self):
        X = make_columns()
        found = RobustAsinhScaler().fit_transform(X)
        expected = np.column_stack([squashed(column) for column in X.T])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-5)

    @pytest.mark.parametrize("share", [0.001, 0.01, 0.05, 0.25, 0.45])
    def test_a_rare_category_is_one_unit_away_however_rare(self, share):
        X = (np.arange(2000) < 2000 * share)[:, None].astype(float)
        Z = RobustAsinhScaler().fit_transform(X)
        np.testing.assert_allclose(np.ptp(Z), 10 * np.arcsinh(0.1), rtol=1e-6)

    def test_linear_near_the_median_logarithmic_far_from_it(self):
        scaler = RobustAsinhScaler().fit(np.random.RandomState(0).randn(10_001, 1))
        near = scaler.transform([[1.0], [2.0]]).ravel()
        far = scaler.transform([[1e6], [1e7], [1e8]]).ravel()
        np.testing.assert_allclose(near[1] / near[0], 2, rtol=0.1)
        np.testing.assert_allclose(np.diff(far), 10 * np.log(10), rtol=1e-4)

    def test_what_overflows_float32_stays_finite_and_in_order(self):
        scaler = RobustAsinhScaler().fit(np.linspace(-1, 1, 100)[:, None])
        Z = scaler.transform([[1e300], [1e30], [0.0], [-1e30], [-1e300]]).ravel()
        assert np.isfinite(Z).all()
        assert (np.diff(Z) < 0).all()

    def test_small_differences_near_the_median_survive(self):
        X = np.linspace(-1, 1, 100)[:, None] * 1e-3
        scaler = RobustAsinhScaler().fit(X)
        near = scaler.transform([[0.0], [1e-9], [2e-9]]).ravel().astype(float)
        step = np.diff(squashed(X[:, 0]))[49] / np.diff(X[:, 0])[49]
        np.testing.assert_allclose(np.diff(near) / 1e-9, step, rtol=0.05)

    @pytest.mark.parametrize("value", [0.1, 0.0, -3e200, 1e-300])
    def test_constant_column_becomes_zero(self, value):
        X = np.column_stack([np.full(1001, value), np.arange(1001.0)])
        scaler = RobustAsinhScaler().fit(X)
        np.testing.assert_array_equal(scaler.transform(X)[:, 0], 0.0)
        np.testing.assert_array_equal(scaler.transform(X * 2 + 1)[:, 0], 0.0)
        assert np.ptp(scaler.transform(X)[:, 1]) > 1
        np.testing.assert_array_equal(
            scaler.inverse_transform(scaler.transform(X))[:, 0], value
        )

    def test_rounding_errors_are_no_variation(self):
        X = np.where(np.arange(100) % 3, 0.3, 0.1 + 0.2)[:, None]
        assert np.ptp(X) > 0
        np.testing.assert_array_equal(RobustAsinhScaler().fit_transform(X), 0.0)

    @pytest.mark.parametrize(
        ("place", "spread"), [(1e9, 1.0), (1.7e18, 1e6), (-5e4, 1e-9), (1e300, 1e290)]
    )
    def test_spread_small_beside_the_size(self, place, spread):
        X = place + spread * np.random.RandomState(0).randn(500, 1)
        # What floats do not tell apart there is lost, but no more.
        plain = (X - place) / spread
        scaler = RobustAsinhScaler().fit(X)
        expected = RobustAsinhScaler().fit(plain)
        found = scaler.transform(X)
        np.testing.assert_allclose(found, expected.transform(plain), atol=0.02)
        far = scaler.transform([[place + 1e4 * spread]])
        assert far > 10 * np.abs(found).max()

    def test_deviation_of_values_far_from_zero(self):
        X = np.where(np.arange(100) % 10, 1e9, 1e9 + 1.0)[:, None]
        np.testing.assert_allclose(RobustAsinhScaler().fit(X).scale_, 1.0)

    @pytest.mark.parametrize("n_wrong", [1, 50])
    def test_gross_errors_do_not_hide_the_variation_of_the_others(self, n_wrong):
        x = np.random.RandomState(0).randn(1000)
        clean = RobustAsinhScaler().fit(x[:, None])
        x[:n_wrong] *= 1e6
        scaler = RobustAsinhScaler().fit(x[:, None])
        np.testing.assert_allclose(scaler.scale_, clean.scale_, rtol=0.1)
        np.testing.assert_allclose(
            scaler.transform(x[:, None])[:, 0], squashed(x), atol=1e-4
        )

    def test_single_row(self):
        X = np.array([[3.0, -7.0]])
        np.testing.assert_array_equal(RobustAsinhScaler().fit_transform(X), 0.0)

    def test_missing_values_stay_missing(self):
        X = make_columns()
        hole = np.random.RandomState(1).rand(*X.shape) < 0.2
        X[hole] = np.nan
        found = RobustAsinhScaler().fit_transform(X)
        np.testing.assert_array_equal(np.isnan(found), hole)
        expected = np.column_stack([squashed(column) for column in X.T])
        np.testing.assert_allclose(found, expected, atol=1e-5)

    @pytest.mark.parametrize("axis", [2, 1], ids=["sequences", "images"])
    def test_channels_of_sequences_and_images(self, axis):
        rng = np.random.RandomState(0)
        last = rng.randn(*{2: (20, 7, 3), 1: (20, 4, 5, 3)}[axis]) * [1.0, 1e3, 1e-3]
        X = np.moveaxis(last, -1, axis)
        found = RobustAsinhScaler().fit_transform(X)
        assert found.shape == X.shape
        found = np.moveaxis(found, axis, -1).reshape(-1, 3)
        for channel, values in enumerate(last.reshape(-1, 3).T):
            np.testing.assert_allclose(found[:, channel], squashed(values), atol=1e-5)

    @pytest.mark.parametrize("shape", [(30, 4), (30, 6, 2), (30, 2, 3, 3)])
    def test_weights_equal_repetition(self, shape):
        rng = np.random.RandomState(0)
        X, weight = rng.standard_cauchy(shape), rng.randint(0, 4, size=30)
        weighted = RobustAsinhScaler().fit(X, sample_weight=weight)
        repeated = RobustAsinhScaler().fit(np.repeat(X, weight, axis=0))
        np.testing.assert_array_equal(weighted.center_, repeated.center_)
        np.testing.assert_allclose(
            weighted.transform(X), repeated.transform(X), atol=1e-5
        )

    def test_rows_of_no_weight_are_as_if_left_out(self):
        X = make_columns()
        X = np.vstack([np.full((1, 5), -1e300), X, np.full((1, 5), np.nan)])
        weight = np.ones(len(X))
        weight[[0, -1]] = 0
        found = RobustAsinhScaler().fit(X, sample_weight=weight)
        expected = RobustAsinhScaler().fit(X[1:-1])
        np.testing.assert_array_equal(
            found.transform(X[1:-1]), expected.transform(X[1:-1])
        )

    def test_all_zero_weights_raise(self):
        with pytest.raises(ValueError, match="weight.*zero|zero.*weight"):
            RobustAsinhScaler().fit(np.eye(3), sample_weight=np.zeros(3))

    @pytest.mark.parametrize("shape", [(60, 3), (20, 6, 2), (20, 2, 3, 3)])
    def test_inverse_transform_undoes(self, shape):
        X = 5 + 3 * np.random.RandomState(0).randn(*shape)
        scaler = RobustAsinhScaler().fit(X)
        np.testing.assert_allclose(
            scaler.inverse_transform(scaler.transform(X)), X, rtol=1e-4, atol=1e-5
        )

    @pytest.mark.parametrize("magnitude", [1e-200, 1e-30, 1e30, 1e200])
    def test_scale_of_a_feature_does_not_matter(self, magnitude):
        X = make_columns()
        np.testing.assert_allclose(
            RobustAsinhScaler().fit_transform(X * magnitude),
            RobustAsinhScaler().fit_transform(X),
            atol=1e-5,
        )

    @pytest.mark.parametrize("value", [1e30, -1e30, 1e300, 1.7e308])
    def test_one_enormous_value_leaves_all_finite(self, value):
        X = make_columns()
        X[3] = value
        Z = RobustAsinhScaler().fit_transform(X)
        assert np.isfinite(Z).all()
        assert (np.abs(Z[3]) > 1).all()

    def test_layout_of_the_array_does_not_matter(self):
        X = make_columns()
        scaler = RobustAsinhScaler().fit(X)
        expected = scaler.transform(X)
        read_only = X.copy()
        read_only.setflags(write=False)
        for other in (np.asfortranarray(X), X.tolist(), read_only):
            np.testing.assert_array_equal(scaler.transform(other), expected)
        np.testing.assert_array_equal(scaler.transform(X[::-1]), expected[::-1])
        np.testing.assert_array_equal(
            RobustAsinhScaler().fit(X[:, ::-1]).center_, scaler.center_[::-1]
        )

    @pytest.mark.filterwarnings("error")
    def test_input_is_neither_changed_nor_warned_about(self):
        X = make_columns()
        X[0, 0] = np.nan
        X.setflags(write=False)
        before = X.copy()
        RobustAsinhScaler().fit(X).transform(X)
        np.testing.assert_array_equal(X, before)

    def test_unfitted_raises(self):
        with pytest.raises(NotFittedError):
            RobustAsinhScaler().inverse_transform(np.eye(3))


class TestFitPreprocessor:
    def test_none(self):
        rows = TrainingRows(make_columns())
        assert fit_preprocessor(None, rows, rows.shape) is None

    def test_auto_is_the_weighted_scaler(self):
        X = make_columns()
        weight = np.random.RandomState(0).randint(0, 4, size=len(X)).astype(float)
        found = fit_preprocessor("auto", TrainingRows(X, weight), X.shape[1:])
        expected = RobustAsinhScaler().fit(X, sample_weight=weight)
        np.testing.assert_allclose(found.transform(X), expected.transform(X), atol=1e-5)

    def test_transformer_is_cloned(self):
        given = StandardScaler()
        X = make_columns()
        fitted = fit_preprocessor(given, TrainingRows(X), X.shape[1:])
        assert fitted is not given
        assert not hasattr(given, "mean_")
        np.testing.assert_allclose(fitted.mean_, X.mean(axis=0))

    def test_transformer_sees_rows_repeated_by_their_weights(self):
        X = make_columns()
        weight = np.random.RandomState(0).randint(0, 4, size=len(X))
        rows = TrainingRows(X, weight.astype(float))
        fitted = fit_preprocessor(StandardScaler(), rows, rows.shape)
        expected = StandardScaler().fit(np.repeat(X, weight, axis=0))
        assert fitted.n_samples_seen_ == weight.sum()
        np.testing.assert_allclose(fitted.mean_, expected.mean_)
        np.testing.assert_allclose(fitted.scale_, expected.scale_)

    @pytest.mark.parametrize("total", [1.0, 1e6])
    def test_transformer_with_weights_of_any_sum(self, total):
        X = np.random.RandomState(0).randn(500, 2)
        weight = np.random.RandomState(1).rand(500)
        weight *= total / weight.sum()
        fitted = fit_preprocessor(
            StandardScaler(), TrainingRows(X, weight), X.shape[1:]
        )
        expected = np.average(X, axis=0, weights=weight)
        assert 500 <= fitted.n_samples_seen_ <= 2000
        np.testing.assert_allclose(fitted.mean_, expected, atol=0.03)

    def test_large_table_is_sampled(self, monkeypatch):
        monkeypatch.setattr(
            "sklearn_deepod.preprocessing._preprocess.SAMPLE_CELLS", 800
        )
        X = np.random.RandomState(0).permutation(10_000).reshape(-1, 2) / 100
        fitted = fit_preprocessor(_Recorder(), TrainingRows(X), X.shape[1:])
        distinct = np.unique(fitted.seen_, axis=0)
        assert len(distinct) == 400
        assert set(map(tuple, distinct)) < set(map(tuple, X))
        np.testing.assert_allclose(fitted.seen_.mean(axis=0), 50, atol=5)

    def test_what_is_constant_in_a_sample_is_scaled_by_all_rows(self, monkeypatch):
        monkeypatch.setattr(_preprocess, "SAMPLE_CELLS", 1)
        X = np.random.RandomState(0).randn(5000, 5)
        X[:, 1:] = 3.0, 0.0, 0.0, np.nan
        X[7, 2] = X[9, 4] = 1.0
        X[11, 4] = 2.0
        weight = np.ones(len(X))
        weight[7] = 2.0
        exact = RobustAsinhScaler().fit(X, sample_weight=weight)
        for table in (X, sp.csr_matrix(X)):
            rows = TrainingRows(table, weight)
            found = fit_preprocessor("auto", rows, rows.shape)
            assert found.scale_[0] != exact.scale_[0]
            np.testing.assert_allclose(found.scale_[1:], exact.scale_[1:])
            np.testing.assert_allclose(found.center_[1:], exact.center_[1:])
        assert np.isinf(found.scale_).tolist() == [False, True, False, True, False]

    def test_narrowed_leaves_out_what_does_not_vary_in_a_part(self):
        X = np.random.RandomState(0).randn(100, 3)
        X[:, 1:] = 0.0, 4.0
        X[:10, 1] = 1.0
        rows = TrainingRows(X)
        wide = fit_preprocessor("auto", rows, rows.shape)
        found = narrowed(wide, TrainingRows(X[10:]), rows.shape)
        assert np.isinf(wide.scale_).tolist() == [False, False, True]
        assert np.isinf(found.scale_).tolist() == [False, True, True]
        np.testing.assert_array_equal(found.center_, wide.center_)
        assert found.scale_[0] == wide.scale_[0]
        assert varying_cells(found, rows.shape).tolist() == [1.0, 0.0, 0.0]

    def test_flat_rows_are_scaled_in_the_shape_that_is_read(self):
        X = np.random.RandomState(0).randn(50, 12) * np.repeat([1.0, 100.0], 6)
        found = fit_preprocessor("auto", TrainingRows(X), (2, 3, 2))
        expected = RobustAsinhScaler().fit(X.reshape(50, 2, 3, 2))
        np.testing.assert_array_equal(found.scale_, expected.scale_)
        Z = preprocess(found, X, (2, 3, 2))
        np.testing.assert_array_equal(Z, expected.transform(X.reshape(50, 2, 3, 2)))


class _Recorder(TransformerMixin, BaseEstimator):
    """Remembers what it was fitted on."""

    def fit(self, X, y=None):
        self.seen_ = X
        return self

    def transform(self, X):
        return X


class TestPrepare:
    def test_transformers_see_flat_rows_as_given(self):
        X = make_columns()
        n = X.shape[1]
        scaler = StandardScaler().fit(X)
        Z = preprocess(scaler, X, (1, n, 1))
        assert Z.shape == (len(X), 1, n, 1)
        np.testing.assert_allclose(Z.flatten(1), scaler.transform(X), rtol=1e-4)

    @pytest.mark.parametrize("preprocessor", [None, FunctionTransformer()], ids=str)
    def test_others_are_cast_and_far_values_compressed(self, preprocessor):
        X = np.array([[1.5, np.nan], [1e300, 0.1], [-1e13, 1e12]])
        Z = preprocess(preprocessor, X, X.shape[1:])
        assert Z.dtype == torch.float32
        far, near = 1e12 * (1 + np.log([1e288, 10.0]))
        expected = np.float32([[1.5, np.nan], [far, 0.1], [-near, 1e12]])
        np.testing.assert_allclose(Z.numpy(), expected, rtol=1e-6)

    def test_scaler(self):
        X = make_columns()
        scaler = RobustAsinhScaler().fit(X)
        np.testing.assert_array_equal(
            preprocess(scaler, X, X.shape[1:]).numpy(), scaler.transform(X)
        )

    @pytest.mark.parametrize("sparse_output", [True, False])
    def test_sparse_output_is_made_dense(self, sparse_output):
        X = np.array([[0.0, 2.0], [1.0, 2.0], [0.0, 3.0]])
        encoder = OneHotEncoder(sparse_output=sparse_output).fit(X)
        Z = preprocess(encoder, X, X.shape[1:])
        assert Z.dtype == torch.float32
        assert Z.tolist() == [[1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1]]

    def test_frame_output(self):
        X = make_columns()
        scaler = StandardScaler().set_output(transform="pandas").fit(X)
        expected = (X - X.mean(axis=0)) / X.std(axis=0)
        np.testing.assert_allclose(
            preprocess(scaler, X, X.shape[1:]).numpy(), expected, rtol=1e-4
        )

    def test_result_is_the_networks_own(self):
        X = np.ones((3, 2), dtype=np.float32).astype(np.float64)
        kept = np.ones((3, 2), dtype=np.float32)
        Z = preprocess(_Constant(kept), X, X.shape[1:])
        Z.zero_()
        assert (kept == 1).all()


class _Constant(TransformerMixin, BaseEstimator):
    """Returns the same array each time."""

    def __init__(self, result):
        self.result = result

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return self.result


class TestCheckNoEmptyColumns:
    @pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix, sp.csr_array])
    def test_raises_and_names_the_columns(self, kind):
        X = np.ones((5, 4))
        X[:, [1, 3]] = np.nan
        with pytest.raises(ValueError, match=r"\[1, 3\].*impute"):
            check_no_empty_columns(kind(X))
        names = np.array(["a", "b", "c", "d"], dtype=object)
        with pytest.raises(ValueError, match=r"\['b', 'd'\]"):
            check_no_empty_columns(kind(X), names)

    @pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix, sp.csr_array])
    def test_one_value_is_enough(self, kind):
        X = np.full((2000, 2), np.nan)
        X[1500] = 1.0
        assert check_no_empty_columns(kind(X)) is None
        X[1500, 0] = 0.0  # not stored in a sparse table
        assert check_no_empty_columns(kind(X)) is None
        X[1500, 0] = np.nan
        with pytest.raises(ValueError, match=r"\[0\]"):
            check_no_empty_columns(kind(X))

    def test_sequences(self):
        X = np.ones((4, 3, 2))
        assert check_no_empty_columns(X) is None
        X[:, 1, 1] = np.nan
        with pytest.raises(ValueError, match=r"\[3\]"):
            check_no_empty_columns(X)
