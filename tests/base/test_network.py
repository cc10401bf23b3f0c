"""One parameter for the network: names, specs, shapes, searches."""

from functools import cache

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import get_tags

from sklearn_deepod import AutoEncoder, DeepSAD
from sklearn_deepod.base._network import BaseNetworkDetector
from sklearn_deepod.networks import GRU, LSTM, TCN, Conv, Dense
from sklearn_deepod.networks._registry import NETWORKS
from sklearn_deepod.utils import all_detectors
from tests.conftest import QUICK, make_detector, make_table

DETECTORS = [c for _, c in all_detectors() if issubclass(c, BaseNetworkDetector)]
SHAPES = {
    "conv": (2, 9, 8),
    "dense": (7,),
    "gru": (6, 2),
    "lstm": (6, 2),
    "tcn": (6, 2),
}
#: More than one epoch of 40 rows.
BRIEF = QUICK | {"max_steps": 4}
every_detector = pytest.mark.parametrize("cls", DETECTORS)


def make_rows(shape, n_rows=60, seed=0):
    return np.random.RandomState(seed).randn(n_rows, *shape)


@cache
def fitted(cls, network):
    """A detector with the network of that name, for tests that only read it."""
    return make_detector(cls, network=network, **BRIEF).fit(make_rows(SHAPES[network]))


@every_detector
@pytest.mark.parametrize("network", sorted(NETWORKS))
def test_names_are_specs_of_their_defaults(cls, network):
    X = make_rows(SHAPES[network])
    spec = NETWORKS[network]()
    if network == "dense":
        parameters = make_detector(cls, **BRIEF).get_params()
        spec.set_params(**{name: parameters[name] for name in cls._dense_parameters})
    given = make_detector(cls, network=spec, **BRIEF).fit(X)
    scores = fitted(cls, network).score_samples(X)
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, given.score_samples(X))


@every_detector
@pytest.mark.parametrize("network", sorted(set(NETWORKS) - {"dense"}))
def test_score_does_not_depend_on_the_rows_beside_it(cls, network):
    X = make_rows(SHAPES[network], 300)  # more than are scored at once
    detector = fitted(cls, network)
    scores = detector.score_samples(X)
    order = np.random.RandomState(1).permutation(len(X))
    np.testing.assert_array_equal(detector.score_samples(X[order]), scores[order])
    for rows in (slice(0, 1), slice(7, 60), slice(299, 300)):
        np.testing.assert_array_equal(detector.score_samples(X[rows]), scores[rows])


@every_detector
@pytest.mark.parametrize("network", sorted(set(NETWORKS) - {"dense"}))
def test_fit_is_a_function_of_the_weighted_rows(cls, network):
    X = make_rows(SHAPES[network], 40)
    weight = np.random.RandomState(0).randint(0, 3, size=40)
    detector = make_detector(cls, network=network, **BRIEF)
    weighted = clone(detector).fit(X, sample_weight=weight.astype(float))
    repeated = clone(detector).fit(np.repeat(X, weight, axis=0)[::-1])
    np.testing.assert_array_equal(weighted.score_samples(X), repeated.score_samples(X))


@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        (Conv(shape=(1, 8, 8)), (1, 8, 8)),
        (LSTM(shape=(16, 4)), (16, 4)),
        (GRU(shape=(16, 4)), (16, 4)),
        (TCN(shape=(16, 4)), (16, 4)),
    ],
)
def test_flat_rows_are_read_in_the_shape_given(spec, shape):
    X = make_rows((64,))
    flat = AutoEncoder(network=spec, **QUICK).fit(X)
    shaped = AutoEncoder(network=clone(spec).set_params(shape=None), **QUICK).fit(
        X.reshape(-1, *shape)
    )
    np.testing.assert_array_equal(
        flat.score_samples(X), shaped.score_samples(X.reshape(-1, *shape))
    )
    assert flat.reconstruct(X).shape == X.shape
    assert shaped.reconstruct(X.reshape(-1, *shape)).shape == (60, *shape)


def test_images_in_a_pipeline_and_a_search():
    X, y = load_digits(return_X_y=True)
    keep = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:30]]
    X, y = X[keep], np.where(y[keep] == 0, 1, -1)
    pipeline = make_pipeline(
        MinMaxScaler(),
        AutoEncoder(network=Conv(shape=(1, 8, 8), channels=(8,)), **QUICK),
    )
    found = GridSearchCV(
        pipeline,
        {
            "autoencoder__network__channels": [(4,), (8, 16)],
            "autoencoder__network__kernel_size": [3],
        },
        scoring="roc_auc",
        cv=StratifiedKFold(3),
    ).fit(X, y)
    assert found.best_score_ > 0.7
    best = found.best_estimator_[-1].network
    assert best.channels == found.best_params_["autoencoder__network__channels"]
    assert pipeline[-1].network.channels == (8,)


def test_transformer_before_an_image_network():
    X = np.abs(make_rows((64,)))
    detector = AutoEncoder(
        network=Conv(shape=(1, 8, 8)), preprocessor=StandardScaler(), **QUICK
    ).fit(X)
    assert detector.preprocessor_.mean_.shape == (64,)
    np.testing.assert_allclose(detector.reconstruct(X).mean(), X.mean(), atol=0.5)


@every_detector
def test_networks_are_checked_before_training(cls):
    X = make_table()[0]
    with pytest.raises(ValueError, match="'network' parameter"):
        make_detector(cls, network="transformer", **QUICK).fit(X)
    with pytest.raises(ValueError, match=r"Conv reads rows of shape \(channels"):
        make_detector(cls, network="conv", **QUICK).fit(X)
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        make_detector(cls, hidden_layer_sizes=(0,), **QUICK).fit(X)
    with pytest.raises(ValueError, match="'dropout' parameter of Dense"):
        make_detector(cls, network=Dense(dropout=2.0), **QUICK).fit(X)


@every_detector
def test_tags_say_which_rows_are_read(cls):
    def reads_sequences(network):
        tags = get_tags(make_detector(cls, network=network))
        return tags.input_tags.three_d_array

    assert reads_sequences("dense")
    assert reads_sequences("lstm")
    assert reads_sequences(TCN())
    assert not reads_sequences("conv")


def test_linear_autoencoder_approaches_pca():
    rng = np.random.RandomState(0)
    X = rng.randn(1000, 8) @ rng.randn(8, 8) + 0.3 * rng.randn(1000, 8)
    X -= X.mean(axis=0)
    pca = PCA(n_components=3).fit(X)
    best = np.square(X - pca.inverse_transform(pca.transform(X))).mean()
    detector = AutoEncoder(
        hidden_layer_sizes=(),
        latent_size=3,
        activation="identity",
        mask_rate=0.0,
        weight_decay=0.0,
        preprocessor=None,
        score_function="squared_error",
        novelty=True,
        n_estimators=1,
        max_steps=1500,
        batch_size=256,
        lr=1e-2,
        random_state=0,
    ).fit(X)
    error = -detector.score_samples(X).mean()
    assert best * 0.999 <= error <= best * 1.02


def test_images_against_other_methods():
    """Digits 0 to 4 of scikit-learn's, each against all others; means."""
    X, y = load_digits(return_X_y=True)
    found = {"conv": [], "dense": [], "pca": [], "1-nn": []}
    for digit in range(5):
        own = np.random.RandomState(0).permutation(np.flatnonzero(y == digit))
        train = own[: int(0.8 * len(own))]
        test = np.setdiff1d(np.arange(len(y)), train)
        normal = y[test] == digit
        images = X.reshape(-1, 1, 8, 8)
        scores = {}
        for network in ("conv", "dense"):
            detector = AutoEncoder(
                network=Conv(channels=(16, 32)) if network == "conv" else network,
                mask_rate=0.0,
                novelty=True,
                n_estimators=2,
                random_state=0,
            ).fit(images[train])
            scores[network] = detector.score_samples(images[test])
        pca = PCA(32).fit(X[train])
        rebuilt = pca.inverse_transform(pca.transform(X[test]))
        scores["pca"] = -np.square(X[test] - rebuilt).sum(axis=1)
        nearest = NearestNeighbors(n_neighbors=1).fit(X[train])
        scores["1-nn"] = -nearest.kneighbors(X[test])[0][:, 0]
        for name, values in scores.items():
            found[name].append(roc_auc_score(normal, values))
    means = {name: np.mean(values) for name, values in found.items()}
    assert means["conv"] > 0.98
    assert means["conv"] > max(means["dense"], means["pca"], means["1-nn"]), means


@pytest.mark.parametrize(
    ("name", "value"),
    [("hidden_layer_sizes", (8,)), ("activation", "tanh"), ("dropout", 0.5)],
)
def test_parameters_of_dense_networks_are_not_ignored(name, value):
    X = np.random.RandomState(0).randn(20, 6, 2)
    detector = AutoEncoder(network="lstm", **QUICK).set_params(**{name: value})
    with pytest.raises(ValueError, match=f"{name}=.* is for network='dense'"):
        detector.fit(X)


def test_warnings_point_at_the_line_that_fits():
    X = np.random.RandomState(0).randn(50, 3)
    y = np.r_[np.ones(10), np.zeros(40)]
    with pytest.warns(UserWarning, match="holds 0 and 1") as caught:
        DeepSAD(**QUICK).fit(X, y)
    assert caught[0].filename == __file__
