"""What every spec does: parameters, copies, shapes."""

import pytest
import torch
from sklearn.base import clone

from sklearn_deepod.networks import BaseNetwork
from sklearn_deepod.networks._registry import NETWORKS

SHAPES = {
    "conv": (1, 8, 8),
    "dense": (5,),
    "gru": (4, 2),
    "lstm": (4, 2),
    "tcn": (4, 2),
}


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_specs_are_estimators(name):
    spec = NETWORKS[name]()
    assert isinstance(spec, BaseNetwork)
    copied = clone(spec)
    assert copied is not spec
    assert copied.get_params() == spec.get_params()
    assert set(spec.get_params()) == set(spec._parameter_constraints)
    with pytest.raises(ValueError, match="Invalid parameter 'depth'"):
        spec.set_params(depth=3)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_encoder_and_decoder_fit_together_and_learn(name):
    spec, shape = NETWORKS[name](), SHAPES[name]
    assert spec.row_shape(shape) == shape
    generator = torch.Generator().manual_seed(0)
    encoder = spec.encoder(2, shape, 3, generator=generator)
    decoder = spec.decoder(2, 3, shape, generator=generator)
    X = torch.randn(2, 4, *shape, generator=generator)
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.02)
    losses = []
    for _ in range(60):
        loss = (decoder(encoder(X, generator), generator) - X).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(parameter.grad is not None for parameter in parameters)
    assert losses[-1] < 0.5 * losses[0]
