"""Deep isolation forest: its networks in closed form, its trees as scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import MinMaxScaler

from sklearn_deepod import DeepIsolationForest
from sklearn_deepod._determinism import TrainingRows, make_streams
from sklearn_deepod.detectors._random._deep_isolation_forest import RandomNetworks
from tests.conftest import make_table

QUICK = {"n_representations": 4, "hidden_layer_sizes": (30, 10), "random_state": 0}


def fitted(X, **params):
    return DeepIsolationForest(**(QUICK | params)).fit(X)


def representations(detector, X):
    Z = detector._for_members(detector._preprocess(X.copy()))
    return detector.module_.networks(Z).numpy()


def plain_outputs(networks, X):
    """Outputs of the networks, one network at a time."""
    outputs = []
    for i in range(networks.before0.shape[0]):
        h = X
        for j in range(networks.n_layers):
            before, after = (getattr(networks, f"{n}{j}")[i] for n in NAMES)
            weight = getattr(networks, f"weight{j}").numpy()
            full = before.numpy().T * weight * after.numpy()
            h = h @ full
            h = np.tanh(h) if j < networks.n_layers - 1 else h
        outputs.append(h)
    return np.array(outputs)


NAMES = ("before", "after")


@pytest.mark.parametrize("hidden", [(), (30, 10)])
def test_networks_in_closed_form(hidden):
    X, _ = make_table()
    detector = fitted(X, hidden_layer_sizes=hidden, novelty=True)
    Z = detector._preprocess(X.copy()).double().numpy()
    outputs = plain_outputs(detector.module_.networks, Z)
    assert outputs.shape == (4, 200, 20)
    mean, std = outputs.mean(axis=1), outputs.std(axis=1)
    expected = np.tanh((outputs - mean[:, None]) / std[:, None])
    np.testing.assert_allclose(representations(detector, X), expected, atol=1e-4)


@pytest.mark.parametrize("scale", [None, 0.25, 2.0])
def test_scale_of_the_weights(scale):
    generator = torch.Generator().manual_seed(0)
    networks = RandomNetworks(1, (100, 400, 50), "tanh", scale, generator)
    for i, n_inputs in enumerate((100, 400)):
        expected = 1.0 if scale is None else scale / np.sqrt(n_inputs)
        found = getattr(networks, f"weight{i}").std().item()
        assert found == pytest.approx(expected, rel=0.03)


def test_more_networks_than_are_computed_at_once():
    generator = torch.Generator().manual_seed(0)
    networks = RandomNetworks(23, (3, 8, 2), "tanh", 1.0, generator)
    X = np.random.RandomState(0).randn(6, 3).astype(np.float32)
    found = networks._outputs(torch.from_numpy(X).expand(23, 6, 3))
    np.testing.assert_allclose(found, plain_outputs(networks, X), atol=1e-5)


@pytest.mark.parametrize("hidden", [(), (30, 10)])
def test_one_representation_is_scored_as_isolation_forest_does(hidden):
    X, _ = make_table(400)
    detector = fitted(
        X,
        n_representations=1,
        n_estimators=10,
        hidden_layer_sizes=hidden,
        score_function="depth",
        novelty=True,
    )
    # The seed of the forest is drawn after the weights of the network.
    stream = make_streams(0)["weights"]
    sizes = (5, *hidden, 20)
    RandomNetworks(1, sizes, "tanh", 0.25, stream)
    seed = torch.randint(2**31 - 1, (1,), generator=stream).item()
    forest = IsolationForest(n_estimators=10, max_samples=256, random_state=seed)
    in_order = X[TrainingRows(X).positions]
    forest.fit(representations(detector, in_order)[0])
    expected = forest.score_samples(representations(detector, X)[0])
    np.testing.assert_allclose(detector.score_samples(X), expected, rtol=1e-5)


def test_deviation_multiplies_the_score_of_each_representation():
    X, _ = make_table()
    detector = fitted(X, novelty=True)
    trees = detector.module_.trees
    length, deviation = trees(torch.from_numpy(representations(detector, X)))
    expected = (2.0 ** -length.double() * deviation).mean(dim=0)
    np.testing.assert_allclose(detector.score_samples(X), -expected, rtol=1e-5)


def test_a_heavy_row_is_not_isolated():
    X = np.r_[[[8.0, 8.0]], np.random.RandomState(0).randn(60, 2)]
    light = fitted(X, score_function="depth", novelty=True)
    heavy = DeepIsolationForest(**light.get_params())
    heavy.fit(X, sample_weight=np.r_[40.0, np.ones(60)])
    assert light.score_samples(X).argmin() == 0
    assert heavy.score_samples(X).argmin() != 0


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"score_function": "depth"},
        {"activation": "relu"},
        {"preprocessor": MinMaxScaler(), "weight_scale": None},
    ],
)
def test_outliers_score_low(params):
    X, y = make_table()
    assert roc_auc_score(y, fitted(X, **params).score_samples(X)) > 0.85


def test_few_rows_and_equal_ones():
    for X in (np.ones((1, 3)), np.ones((30, 3)), np.eye(3)):
        scores = fitted(X, max_samples=4096).score_samples(np.r_[X, X + 5.0])
        assert np.isfinite(scores).all()


@pytest.mark.parametrize("max_samples", [1, 4097])
def test_number_of_samples_is_bounded(max_samples):
    with pytest.raises(ValueError, match="max_samples"):
        fitted(np.eye(3), max_samples=max_samples)


@pytest.mark.parametrize("sizes", [(0,), (3, -1), (2.5,)])
def test_hidden_layers_of_no_size(sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes must hold positive"):
        fitted(np.eye(3), hidden_layer_sizes=sizes)


@pytest.mark.parametrize("shape", [(6, 3), (2, 5, 4)])
def test_images_and_sequences_are_read_flat(shape):
    X = np.random.RandomState(0).randn(60, *shape)
    X[:3] *= 6
    scores = fitted(X).score_samples(X)
    assert scores[:3].max() < np.median(scores)
