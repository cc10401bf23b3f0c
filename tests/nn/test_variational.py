"""Variational networks: the two kinds agree on what they share."""

import pytest
import torch

from sklearn_deepod._nn import DenseVariationalNetwork, VariationalNetwork
from sklearn_deepod.networks import Conv, Dense


def make_network(kind, spec, shape, **settings):
    return kind(
        spec,
        n_members=2,
        input_shape=shape,
        latent_size=3,
        reads_mask=False,
        score_function="whitened",
        generator=torch.Generator().manual_seed(0),
        **(
            {
                "likelihood": "gaussian",
                "variance": "feature",
                "n_samples": 2,
                "beta": 1.0,
            }
            | settings
        ),
    )


@pytest.mark.parametrize(
    ("kind", "spec", "shape", "n_described"),
    [
        (DenseVariationalNetwork, Dense(hidden_layer_sizes=(7,)), (5,), 7),
        (VariationalNetwork, Conv(channels=(4,)), (1, 8, 8), 3),
    ],
)
def test_posterior_and_features(kind, spec, shape, n_described):
    network = make_network(kind, spec, shape).eval()
    X = torch.randn(2, 6, *shape, generator=torch.Generator().manual_seed(1))
    described, mean, log_variance = network.posterior(X, None)
    assert described.shape == (2, 6, n_described)
    code = network.encoder(X)
    torch.testing.assert_close(torch.cat([mean, log_variance], dim=2), code)
    features = network.features(X)
    torch.testing.assert_close(features[..., :n_described], described)
    expected = (network.decoder(mean) - X).flatten(2)
    torch.testing.assert_close(features[..., n_described:], expected)
    assert sum(network.block_sizes) == features.shape[2]


def test_reconstructions_of_a_bernoulli_are_shares():
    network = make_network(
        DenseVariationalNetwork, Dense(), (5,), likelihood="bernoulli"
    )
    X = torch.rand(2, 6, 5, generator=torch.Generator().manual_seed(1))
    _, mean, rebuilt = network.encode_decode(X, None)
    torch.testing.assert_close(rebuilt, torch.sigmoid(network.decoder(mean)))
    likelihood = network.negative_log_likelihood(network.decode(mean), X)
    cells = -(X * rebuilt.log() + (1 - X) * (1 - rebuilt).log())
    torch.testing.assert_close(likelihood, cells.sum(dim=2))
