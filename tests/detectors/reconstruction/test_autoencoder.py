"""AutoEncoder: what it scores, rebuilds and encodes."""

import pickle

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_deepod import AutoEncoder
from sklearn_deepod._nn import ACTIVATIONS
from sklearn_deepod._nn._masked_autoencoder import N_READ
from sklearn_deepod.networks import Conv
from tests.conftest import QUICK


def low_rank(n_samples=500, n_features=6, seed=0):
    """Rows near a plane."""
    rng = np.random.RandomState(seed)
    X = rng.randn(n_samples, 2) @ rng.randn(2, n_features)
    return X + 0.3 * rng.randn(n_samples, n_features)


def flat_error(X, rebuilt):
    return np.square(X - rebuilt).mean(axis=1)


class TestLinear:
    """A linear autoencoder is a principal component analysis."""

    @pytest.mark.parametrize("preprocessor", [None, StandardScaler()])
    def test_error_is_that_of_pca(self, preprocessor):
        X = low_rank() * [1.0, 1.5, 0.5, 1.0, 2.0, 1.0]
        detector = AutoEncoder(
            hidden_layer_sizes=(6,),
            latent_size=2,
            activation="identity",
            mask_rate=0.0,
            weight_decay=0.0,
            score_function="squared_error",
            preprocessor=preprocessor,
            novelty=True,
            n_estimators=1,
            max_steps=1500,
            batch_size=128,
            lr=1e-2,
            random_state=0,
        ).fit(X)
        Z = X - X.mean(axis=0)
        Z = Z if preprocessor is None else Z / X.std(axis=0)
        pca = PCA(2).fit(Z)
        expected = flat_error(Z, pca.inverse_transform(pca.transform(Z)))
        scores = -detector.score_samples(X)
        # No linear map to two numbers and back can do better.
        assert expected.mean() <= scores.mean() * (1 + 1e-6)
        assert scores.mean() < 1.02 * expected.mean()
        assert np.corrcoef(scores, expected)[0, 1] > 0.99


class TestScoreFunctions:
    def detector(self, **params):
        return AutoEncoder(
            **QUICK
            | {"preprocessor": None, "novelty": True, "n_estimators": 1}
            | {"score_function": "whitened_residual", "max_steps": 50}
            | params
        )

    @pytest.mark.parametrize("weighted", [False, True])
    def test_whitened_residual_is_a_mahalanobis_distance(self, weighted):
        X = low_rank(300)
        weight = (
            np.random.RandomState(0).randint(0, 3, 300) if weighted else np.ones(300)
        )
        detector = self.detector().fit(X, sample_weight=weight if weighted else None)
        residual = X - detector.reconstruct(X)
        covariance = np.cov(residual.T, fweights=weight.astype(int), ddof=0)
        covariance += 1e-3 * np.trace(covariance) / 6 * np.eye(6)
        centred = residual - np.average(residual, axis=0, weights=weight)
        distance = np.sqrt(
            np.einsum("ij,jk,ik->i", centred, np.linalg.inv(covariance), centred)
        )
        np.testing.assert_allclose(-detector.score_samples(X), distance, rtol=1e-4)

    def test_squared_error_is_that_of_the_reconstruction(self):
        X = low_rank(300)
        detector = self.detector(score_function="squared_error").fit(X)
        np.testing.assert_allclose(
            -detector.score_samples(X),
            flat_error(X, detector.reconstruct(X)),
            rtol=1e-4,
        )

    def test_score_is_the_mean_of_the_members(self):
        X = low_rank(300)
        params = {
            "n_estimators": 3,
            "bootstrap": True,
            "score_function": "squared_error",
        }
        detector = self.detector(**params).fit(X)
        error = flat_error(X, detector.reconstruct(X))
        # The mean of squares exceeds the square of the mean, where members differ.
        assert (-detector.score_samples(X) >= error * (1 - 1e-5)).all()
        assert (-detector.score_samples(X) > error * 1.01).mean() > 0.9

    def test_typical_whitened_distance(self):
        # The squared distances of white features add up to their number.
        X = low_rank(2000)
        detector = self.detector(score_function="whitened", batch_size=64).fit(X)
        n_features = 64 + 6
        mean_square = np.square(detector.score_samples(X)).mean()
        assert 0.3 * n_features < mean_square <= n_features * (1 + 1e-4)

    @pytest.mark.parametrize(
        "score_function", ["whitened", "whitened_residual", "squared_error"]
    )
    @pytest.mark.parametrize("novelty", [False, True])
    def test_finds_outliers(self, score_function, novelty, table):
        X, y = table
        detector = AutoEncoder(
            score_function=score_function,
            novelty=novelty,
            latent_size=3,
            random_state=0,
        ).fit(X[y == 1])
        assert roc_auc_score(y, detector.score_samples(X)) > 0.95


class TestArchitecture:
    @pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
    def test_activations(self, activation, table):
        X, y = table
        detector = AutoEncoder(**QUICK | {"activation": activation, "max_steps": 60})
        assert roc_auc_score(y, detector.fit(X).score_samples(X)) > 0.85

    @pytest.mark.parametrize("mask_rate", [0.0, 0.5])
    @pytest.mark.parametrize("decoder_layer_sizes", [(), (7,), (7, 9)])
    @pytest.mark.parametrize("hidden_layer_sizes", [(16,), [12, 8]])
    def test_sizes(self, hidden_layer_sizes, decoder_layer_sizes, mask_rate, table):
        detector = AutoEncoder(
            hidden_layer_sizes=hidden_layer_sizes,
            decoder_layer_sizes=decoder_layer_sizes,
            latent_size=3,
            mask_rate=mask_rate,
            **QUICK,
        ).fit(table[0])
        n_inputs = 5 * (1 + (mask_rate > 0))
        sizes = [n_inputs, *hidden_layer_sizes, 3, *decoder_layer_sizes, 5]
        # The code is shared: the encoder ends and the decoder begins with it.
        expected = list(zip(sizes[:-1], sizes[1:], strict=True))
        shapes = [
            tuple(parameter.shape[1:])
            for name, parameter in detector.net_.module_.named_parameters()
            if name.endswith("weight")
        ]
        assert shapes == expected
        assert detector.reconstruct(table[0]).shape == (200, 5)

    def test_first_units_read_few_inputs(self, table):
        rng = np.random.RandomState(0)
        detector = AutoEncoder(**QUICK | {"lr": 1e-12, "max_steps": 1})
        detector.fit(rng.randn(100, 20))
        weight = detector.net_.module_.encoder.layers[0].weight.detach()
        read = (weight.abs() > 1e-6).sum(dim=1)
        assert read.min() >= 1
        assert read.max() <= 4
        np.testing.assert_allclose(weight.norm(dim=1), 1.0, rtol=1e-4)

    @pytest.mark.parametrize("change", [{"noise": 1.0}, {"dropout": 0.5}])
    def test_noise_and_dropout_are_on_in_training_only(self, change, table):
        X, _ = table
        plain = AutoEncoder(**QUICK).fit(X)
        noisy = AutoEncoder(**QUICK, **change).fit(X)
        assert noisy.history_[-1]["train_loss"] > plain.history_[-1]["train_loss"]
        np.testing.assert_array_equal(noisy.score_samples(X), noisy.score_samples(X))

    @pytest.mark.parametrize(
        "params",
        [
            {"latent_size": 0},
            {"activation": "sine"},
            {"dropout": 1.0},
            {"mask_rate": -0.1},
            {"noise": -1.0},
            {"score_function": "density"},
        ],
    )
    def test_impossible_parameters(self, params, table):
        with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter"):
            AutoEncoder(**params).fit(table[0])


class TestImages:
    """The score of images."""

    def images(self, n_samples=120, shape=(2, 12, 16), seed=0):
        rng = np.random.RandomState(seed)
        base = rng.randn(3, *shape).cumsum(axis=2).cumsum(axis=3) / 10
        X = np.tensordot(rng.randn(n_samples, 3), base, axes=1)
        return X + 0.1 * rng.randn(*X.shape)

    def detector(self, **params):
        settings = {"network": Conv(channels=(4,)), "preprocessor": None}
        return AutoEncoder(**QUICK | settings | {"novelty": True} | params)

    def reference(self, residual, train_residual, X):
        """The larger relative error at two scales; see the docstring."""

        def errors(residual):
            scales = [residual, smoothed(residual)]
            return [np.square(r).mean(axis=(1, 2, 3)) for r in scales]

        def smoothed(images):
            sigma = (0, 0, 0.04 * 12, 0.04 * 12)
            settings = {"sigma": sigma, "mode": "constant", "truncate": 40}
            whole = gaussian_filter(np.ones_like(images), **settings)
            return gaussian_filter(images, **settings) / whole

        units = [np.median(e) for e in errors(train_residual)]
        scaled = [e / u for e, u in zip(errors(residual), units, strict=True)]
        larger = np.max(scaled, axis=0)
        size = np.square(np.nan_to_num(X)).mean(axis=(1, 2, 3))
        return larger / np.sqrt(size + 0.01)

    @pytest.mark.parametrize("network", [Conv(channels=(4,)), "dense"])
    def test_default_is_the_larger_relative_error_of_two_scales(self, network):
        X, new = self.images(), self.images(seed=1)
        detector = self.detector(network=network, n_estimators=1).fit(X)
        expected = self.reference(
            new - detector.reconstruct(new), X - detector.reconstruct(X), new
        )
        np.testing.assert_allclose(-detector.score_samples(new), expected, rtol=1e-4)

    def test_missing_pixels_add_nothing(self):
        X = self.images()
        holes = self.images(seed=1)
        holes[:, :, 3:5, 2:9] = np.nan
        detector = self.detector(n_estimators=1).fit(X)
        residual = np.nan_to_num(holes - detector.reconstruct(holes))
        expected = self.reference(residual, X - detector.reconstruct(X), holes)
        np.testing.assert_allclose(-detector.score_samples(holes), expected, rtol=1e-4)

    def test_flat_and_shaped_images_score_alike(self):
        X = self.images()
        flat = X.reshape(len(X), -1)
        network = Conv(channels=(4,), shape=X.shape[1:])
        found = self.detector(network=network).fit(flat).score_samples(flat)
        np.testing.assert_array_equal(found, self.detector().fit(X).score_samples(X))

    def test_score_is_a_function_of_the_image(self):
        X = self.images()
        detector = self.detector().fit(X)
        scores = detector.score_samples(X)
        np.testing.assert_array_equal(detector.score_samples(X[::-1])[::-1], scores)
        np.testing.assert_array_equal(detector.score_samples(X[5:6]), scores[5:6])

    def test_fit_is_a_function_of_the_weighted_images(self):
        X = self.images(60)
        weight = np.random.RandomState(0).randint(0, 3, len(X))
        weighted = self.detector().fit(X, sample_weight=weight)
        repeated = self.detector().fit(np.repeat(X, weight, axis=0)[::-1])
        np.testing.assert_array_equal(
            weighted.score_samples(X), repeated.score_samples(X)
        )

    def test_pickle_keeps_the_units(self):
        X = self.images()
        detector = self.detector().fit(X)
        again = pickle.loads(pickle.dumps(detector))
        np.testing.assert_array_equal(again.score_samples(X), detector.score_samples(X))

    def test_finds_other_digits_and_defects(self):
        X, y = load_digits(return_X_y=True)
        network = Conv(shape=(1, 8, 8), channels=(8,))
        own, others = X[y == 0], X[y != 0][:200]
        detector = self.detector(network=network, max_steps=150, preprocessor="auto")
        detector.fit(own[:120])
        defect = own[120:].reshape(-1, 8, 8).copy()
        defect[:, 3:5, 3:5] = 16 - defect[:, 3:5, 3:5]
        for outliers in (others, defect.reshape(-1, 64)):
            scores = detector.score_samples(np.r_[own[120:], outliers])
            y = np.arange(len(scores)) < len(own) - 120
            assert roc_auc_score(y, scores) > 0.98

    def test_refuses_rows_that_are_no_images(self, table):
        detector = AutoEncoder(**QUICK, score_function="multiscale_error")
        with pytest.raises(ValueError, match="smooths images.*shape \\(5,\\)"):
            detector.fit(table[0])


class TestReconstruct:
    def test_units_of_the_features(self):
        X = 1000.0 + 50.0 * low_rank() * [1, 1, 1, 1, 1, 100]
        detector = AutoEncoder(novelty=True, random_state=0).fit(X)
        rebuilt = detector.reconstruct(X)
        assert rebuilt.shape == X.shape
        share = np.square(X - rebuilt).mean(axis=0) / X.var(axis=0)
        assert (share < 0.3).all()

    def test_fills_missing_cells_in(self):
        X = low_rank(600) + 5.0
        missing = np.random.RandomState(1).rand(*X.shape) < 0.15
        holes = np.where(missing, np.nan, X)
        detector = AutoEncoder(
            novelty=True, max_steps=400, random_state=0, latent_size=16
        ).fit(holes)
        rebuilt = detector.reconstruct(holes)
        assert np.isfinite(rebuilt).all()
        by_mean = np.broadcast_to(np.nanmean(holes, axis=0), X.shape)
        error = np.square(rebuilt - X)[missing].mean()
        assert error < 0.5 * np.square(by_mean - X)[missing].mean()

    def test_missing_cells_in_rows_that_training_has_not_seen(self):
        X = low_rank(600)
        detector = AutoEncoder(novelty=True, max_steps=400, random_state=0).fit(X)
        holes = X.copy()
        holes[:, 0] = np.nan
        error = np.square(detector.reconstruct(holes)[:, 0] - X[:, 0]).mean()
        assert error < 0.5 * X[:, 0].var()

    def test_no_preprocessor(self):
        X = low_rank()
        detector = AutoEncoder(preprocessor=None, random_state=0).fit(X)
        assert np.square(detector.reconstruct(X) - X).mean() < 0.3 * X.var()

    def test_no_way_back(self, table):
        X, _ = table

        class OneWay(StandardScaler):
            inverse_transform = property()

        detector = AutoEncoder(preprocessor=OneWay(), **QUICK).fit(X)
        with pytest.raises(AttributeError, match="OneWay has no inverse_transform"):
            detector.reconstruct(X)

    def test_way_back_of_the_user(self, table):
        X, _ = table
        halves = FunctionTransformer(np.tanh, np.arctanh)
        twice = FunctionTransformer(lambda Z: 2 * Z, lambda Z: Z / 2)
        assert AutoEncoder(preprocessor=halves, **QUICK).fit(X).predict(X).shape == (
            200,
        )
        params = QUICK | {"max_steps": 150, "novelty": True}
        detector = AutoEncoder(preprocessor=twice, **params).fit(X)
        assert np.square(detector.reconstruct(X) - X).mean() < 0.5 * X.var()


class TestTransform:
    def test_codes_of_all_members(self, table):
        X, _ = table
        detector = AutoEncoder(latent_size=3, **QUICK | {"n_estimators": 4}).fit(X)
        codes = detector.transform(X)
        assert codes.shape == (200, 12)
        names = detector.get_feature_names_out()
        assert names.tolist() == [f"autoencoder{i}" for i in range(12)]
        assert codes.std(axis=0).max() > 0
        again = AutoEncoder(latent_size=3, **QUICK | {"n_estimators": 4})
        np.testing.assert_array_equal(again.fit_transform(X), codes)

    def test_code_leads_to_the_reconstruction(self, table):
        X, _ = table
        detector = AutoEncoder(
            latent_size=3, preprocessor=None, **QUICK | {"n_estimators": 1}
        ).fit(X)
        layer = detector.net_.module_.decoder.layers[0]
        weight, bias = layer.weight.detach().numpy()[0], layer.bias.detach().numpy()[0]
        np.testing.assert_allclose(
            detector.transform(X) @ weight + bias, detector.reconstruct(X), atol=1e-5
        )


class TestContamination:
    """`novelty` says whether the training rows may hold outliers."""

    def test_trimmed_training_is_not_spoiled(self):
        rng = np.random.RandomState(0)
        X = low_rank(1000, seed=1)
        y = np.ones(1000)
        y[:200] = -1
        X[:200] = rng.uniform(-3, 3, size=(200, 6))
        trimmed, trusting = (
            roc_auc_score(
                y, AutoEncoder(novelty=novelty, random_state=0).fit(X).score_samples(X)
            )
            for novelty in (False, True)
        )
        assert trimmed > 0.9
        assert trimmed >= trusting

    @pytest.mark.parametrize(("novelty", "n_steps"), [(True, 20), (False, 14)])
    def test_last_training_is_on_the_cleanest_rows(self, novelty, n_steps, table):
        params = {"max_epochs": 1, "max_steps": None, "batch_size": 10}
        detector = AutoEncoder(**QUICK | params | {"novelty": novelty}).fit(table[0])
        assert detector.n_steps_ == n_steps


class TestRealData:
    def test_breast_cancer(self):
        X, y = load_breast_cancer(return_X_y=True)
        benign = np.random.RandomState(0).permutation(np.flatnonzero(y == 1))
        train, held_out = np.array_split(benign, 2)
        test = np.r_[held_out, np.flatnonzero(y == 0)]
        auc = [
            roc_auc_score(y[test], detector.fit(X[train]).score_samples(X[test]))
            for detector in (
                AutoEncoder(novelty=True, random_state=0),
                IsolationForest(random_state=0),
            )
        ]
        assert auc[0] > 0.93
        assert auc[0] >= auc[1] - 0.01

    @pytest.mark.parametrize("shape", [(1, 8, 8), (8, 8), (64,)])
    def test_digits(self, shape):
        X, y = load_digits(return_X_y=True)
        X = X.reshape(-1, *shape)
        zeros = np.flatnonzero(y == 0)
        detector = AutoEncoder(novelty=True, random_state=0).fit(X[zeros[:100]])
        others = np.flatnonzero(y != 0)[:200]
        test = np.r_[zeros[100:], others]
        scores = detector.score_samples(X[test])
        assert roc_auc_score(y[test] == 0, scores) > 0.95
        assert detector.reconstruct(X[:3]).shape == (3, *shape)
        assert detector.transform(X[:3]).shape == (3, 4 * 64)


@pytest.mark.parametrize("name", ["hidden_layer_sizes", "decoder_layer_sizes"])
@pytest.mark.parametrize("sizes", [(3.5,), (8, -3), (0,)])
def test_layer_sizes_that_are_no_sizes_raise(name, sizes):
    detector = AutoEncoder(**{name: sizes})
    with pytest.raises(ValueError, match=f"{name} must hold positive integers"):
        detector.fit(np.eye(20))
    assert not hasattr(detector, "offset_")


def test_warm_start_with_another_architecture_says_so_and_keeps_the_fit():
    X = np.random.RandomState(0).randn(40, 3)
    detector = AutoEncoder(warm_start=True, max_steps=5, random_state=0).fit(X)
    expected = detector.score_samples(X)
    with pytest.raises(ValueError, match="another architecture"):
        detector.set_params(latent_size=5).fit(X)
    detector.set_params(latent_size=64)
    np.testing.assert_array_equal(detector.score_samples(X), expected)


@pytest.fixture(scope="module")
def wide_table():
    return low_rank(n_samples=150, n_features=420)


@pytest.fixture(scope="module")
def wide_detector(wide_table):
    return AutoEncoder(max_steps=20, novelty=True, random_state=0).fit(wide_table)


class TestWideTables:
    """Members read some of the columns, and a covariance of low rank all of them."""

    def test_each_column_is_read_about_as_often(self, wide_detector):
        columns = wide_detector.net_.module_.columns
        assert columns.shape == (4, 1, N_READ)
        for member in columns:
            assert len(np.unique(member)) == N_READ
        counts = np.bincount(columns.flatten(), minlength=420)
        assert counts.max() - counts.min() <= 1

    def test_a_change_of_any_column_counts(self, wide_detector, wide_table):
        changed = np.repeat(wide_table[:1], 420, axis=0)
        changed[np.arange(420), np.arange(420)] += 20 * wide_table.std(axis=0)
        lower = wide_detector.score_samples(changed) < wide_detector.score_samples(
            wide_table[:1]
        )
        assert lower.all()

    def test_missing_cells(self, wide_detector, wide_table):
        holed = wide_table.copy()
        holed[::3, ::5] = np.nan
        assert np.isfinite(wide_detector.score_samples(holed)).all()

    @pytest.mark.parametrize("n_rows", [1, 63, 64, 65, 130])
    def test_score_does_not_depend_on_the_rows_beside_it(
        self, n_rows, wide_detector, wide_table
    ):
        expected = wide_detector.score_samples(wide_table)
        found = wide_detector.score_samples(wide_table[-n_rows:])
        np.testing.assert_array_equal(found, expected[-n_rows:])

    def test_reconstruction_has_all_columns(self, wide_detector, wide_table):
        rebuilt = wide_detector.reconstruct(wide_table)
        assert rebuilt.shape == wide_table.shape
        errors = np.square(rebuilt - wide_table).mean(axis=0) / wide_table.var(axis=0)
        assert np.median(errors) < 0.3
        assert errors.max() < 1.0

    def test_other_scores_read_all_columns(self, wide_table):
        detector = AutoEncoder(score_function="squared_error", max_steps=2).fit(
            wide_table
        )
        assert detector.net_.module_.columns is None

    def test_pickle(self, wide_detector, wide_table):
        again = pickle.loads(pickle.dumps(wide_detector))
        expected = wide_detector.score_samples(wide_table)
        np.testing.assert_array_equal(again.score_samples(wide_table), expected)
