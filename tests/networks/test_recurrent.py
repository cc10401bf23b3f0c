"""Recurrent layers against torch's own, member by member."""

import pytest
import torch
from torch import nn

from sklearn_deepod.networks import GRU, LSTM


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def torch_layer(kind, cell, i):
    """torch's layer with the weights of member i."""
    n_inputs, n_units = cell.inputs.weight.shape[1], cell.n_units
    layer = kind(n_inputs, n_units, batch_first=True)
    with torch.no_grad():
        layer.weight_ih_l0.copy_(cell.inputs.weight[i].T)
        layer.weight_hh_l0.copy_(cell.states.weight[i].T)
        layer.bias_ih_l0.copy_(cell.inputs.bias[i, 0])
        layer.bias_hh_l0.zero_()
        if cell.states.bias is not None:
            layer.bias_hh_l0.copy_(cell.states.bias[i, 0])
    return layer


@pytest.mark.parametrize(("spec", "kind"), [(LSTM, nn.LSTM), (GRU, nn.GRU)])
def test_encoder_equals_torch(spec, kind):
    spec = spec(hidden_size=6, n_layers=2)
    encoder = spec.encoder(3, (9, 2), 4, generator=stream())
    X = torch.randn(3, 5, 9, 2, generator=stream(1))
    found = encoder(X)
    assert found.shape == (3, 5, 4)
    for i in range(3):
        h = X[i]
        for cell in encoder.layers:
            h, _ = torch_layer(kind, cell, i)(h)
        expected = h[:, -1] @ encoder.last.weight[i] + encoder.last.bias[i]
        torch.testing.assert_close(found[i], expected)


@pytest.mark.parametrize(("spec", "kind"), [(LSTM, nn.LSTM), (GRU, nn.GRU)])
def test_decoder_is_given_the_code_at_every_step(spec, kind):
    decoder = spec(hidden_size=6).decoder(2, 4, (9, 3), generator=stream())
    code = torch.randn(2, 5, 4, generator=stream(1))
    found = decoder(code)
    assert found.shape == (2, 5, 9, 3)
    for i in range(2):
        repeated = code[i].unsqueeze(1).repeat(1, 9, 1)
        h, _ = torch_layer(kind, decoder.layers[0], i)(repeated)
        expected = h @ decoder.last.weight[i] + decoder.last.bias[i]
        torch.testing.assert_close(found[i], expected)


@pytest.mark.parametrize("spec", [LSTM, GRU])
def test_gradients_equal_torchs(spec):
    kind = getattr(nn, spec.__name__)
    cell = spec(hidden_size=4).encoder(1, (7, 2), 3, generator=stream()).layers[0]
    X = torch.randn(1, 5, 7, 2, generator=stream(1))
    cell(X).square().sum().backward()
    reference = torch_layer(kind, cell, 0)
    reference(X[0])[0].square().sum().backward()
    torch.testing.assert_close(
        cell.inputs.weight.grad[0].T, reference.weight_ih_l0.grad
    )
    torch.testing.assert_close(
        cell.states.weight.grad[0].T, reference.weight_hh_l0.grad
    )


@pytest.mark.parametrize("spec", [LSTM, GRU])
def test_without_bias_nothing_comes_of_nothing(spec):
    encoder = spec(n_layers=2).encoder(1, (7, 2), 3, generator=stream(), bias=False)
    assert not [name for name, _ in encoder.named_parameters() if "bias" in name]
    assert (encoder(torch.zeros(1, 4, 7, 2)) == 0).all()


def test_initial_weights_are_the_generators():
    kept = torch.get_rng_state()
    first, again, other = (
        LSTM().encoder(1, (5, 2), 3, generator=stream(s)).last.weight for s in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), kept)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("shape", [(12,), (3, 4, 4)])
def test_rows_must_be_sequences(shape):
    with pytest.raises(ValueError, match=r"LSTM\(shape=\(time, channels\)\)"):
        LSTM().row_shape(shape)
    assert LSTM(shape=(6, 2)).row_shape((12,)) == (6, 2)
