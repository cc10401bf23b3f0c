"""The masked autoencoder against its parts put together by hand."""

import numpy as np
import pytest
import torch

from sklearn_deepod._nn import DenseMaskedAutoencoder, MaskedAutoencoder, split_missing
from sklearn_deepod.networks import Conv, Dense


def make_network(*, reads_mask=True, code_in_features=True):
    return DenseMaskedAutoencoder(
        Dense(hidden_layer_sizes=(7,), decoder_layer_sizes=(6,), activation="tanh"),
        n_members=2,
        input_shape=(5,),
        latent_size=3,
        reads_mask=reads_mask,
        score_function="whitened" if code_in_features else "whitened_residual",
        generator=torch.Generator().manual_seed(0),
    )


@pytest.fixture
def rows():
    X = torch.randn(2, 20, 5, generator=torch.Generator().manual_seed(1))
    X[0, 3, 1] = X[1, 4, :2] = torch.nan
    return X


@pytest.mark.parametrize("reads_mask", [True, False])
def test_scoring_reads_the_mask_as_training_does(reads_mask, rows):
    network = make_network(reads_mask=reads_mask)
    values = torch.nan_to_num(rows)
    seen = (~torch.isnan(rows)).float()
    inputs = torch.cat([values, seen], dim=2) if reads_mask else values
    expected = network.decoder(network.encoder(inputs))
    network.train()
    trained = network.encode_decode(values, seen)[2]
    torch.testing.assert_close(trained, expected)
    network.eval()
    torch.testing.assert_close(network(rows)[2], expected)


def test_features_leave_missing_cells_out(rows):
    network = make_network().eval()
    hidden, _, rebuilt = network(rows)
    features = network.features(rows)
    assert torch.equal(features[..., :7], hidden)
    residual = torch.nan_to_num(rebuilt - rows, nan=0.0)
    assert torch.equal(features[..., 7:], residual)
    assert features[0, 3, 8] == 0
    alone = make_network(code_in_features=False).eval()
    assert torch.equal(alone.features(rows), residual)


def test_distances_are_those_from_the_mean(rows):
    network = make_network().eval()
    rng = np.random.default_rng(0)
    mean = rng.normal(size=(2, 12)).astype(np.float32)
    matrix = rng.normal(size=(2, 12, 12)).astype(np.float32)
    network.whitening.matrix.copy_(torch.from_numpy(matrix))
    network.whitening.center(torch.from_numpy(mean))
    with torch.no_grad():
        features = network.features(rows)
        found = network.distances(rows)
    expected = np.linalg.norm((features.numpy() - mean[:, None]) @ matrix, axis=2)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("reads_mask", [True, False])
def test_other_networks_read_the_mask_as_further_channels(reads_mask):
    network = MaskedAutoencoder(
        Conv(channels=(4,)),
        n_members=2,
        input_shape=(3, 8, 9),
        latent_size=5,
        reads_mask=reads_mask,
        score_function="whitened",
        generator=torch.Generator().manual_seed(0),
    )
    X = torch.randn(2, 6, 3, 8, 9, generator=torch.Generator().manual_seed(1))
    X[0, 0, 0, 0, 0] = torch.nan
    values, seen = split_missing(X)
    inputs = torch.cat([values, seen], dim=2) if reads_mask else values
    code = network.encoder(inputs)
    rebuilt = network.decoder(code)
    described = code.relu()
    for found, expected in zip(network(X), (described, code, rebuilt), strict=True):
        torch.testing.assert_close(found, expected)
    features = network.features(X)
    assert features.shape == (2, 6, 5 + 3 * 8 * 9)
    assert features[0, 0, 5] == 0  # the missing cell
    expected = torch.nan_to_num(rebuilt - X).flatten(2)
    torch.testing.assert_close(features[..., 5:], expected)


def test_split_missing(rows):
    values, present = split_missing(rows)
    assert torch.equal(present == 0, torch.isnan(rows))
    assert torch.equal(values, torch.nan_to_num(rows))
    whole = torch.ones(2, 3, 4)
    values, present = split_missing(whole)
    assert values is whole
    assert present is None
