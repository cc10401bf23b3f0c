"""Dense networks against torch's own layers, member by member."""

import pytest
import torch

from sklearn_deepod.networks import Dense


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


class TestDense:
    def test_decoder_mirrors_the_encoder(self):
        spec = Dense(hidden_layer_sizes=(7, 5))
        encoder = spec.encoder(2, (3, 4), 2, generator=stream())
        decoder = spec.decoder(2, 2, (3, 4), generator=stream())
        sizes = [layer.weight.shape[1:] for layer in encoder.layers]
        assert sizes == [(12, 7), (7, 5), (5, 2)]
        mirrored = [layer.weight.shape[1:] for layer in decoder.module.layers]
        assert mirrored == [(2, 5), (5, 7), (7, 12)]
        X = torch.randn(2, 6, 3, 4, generator=stream(1))
        assert decoder(encoder(X)).shape == X.shape

    def test_decoder_of_its_own(self):
        spec = Dense(decoder_layer_sizes=())
        decoder = spec.decoder(1, 2, (4,), generator=stream())
        assert [layer.weight.shape[1:] for layer in decoder.layers] == [(2, 4)]

    @pytest.mark.parametrize("normalization", [None, "layer", "batch"])
    def test_without_bias_nothing_comes_of_nothing(self, normalization):
        spec = Dense(normalization=normalization)
        encoder = spec.encoder(1, (4,), 3, generator=stream(), bias=False)
        assert not [n for n, p in encoder.named_parameters() if "bias" in n]
        assert (encoder(torch.zeros(1, 5, 4)) == 0).all()

    @pytest.mark.parametrize("normalization", ["layer", "batch"])
    def test_hidden_layers_are_normalised(self, normalization):
        spec = Dense(hidden_layer_sizes=(8, 8), normalization=normalization)
        encoder = spec.encoder(1, (4,), 3, generator=stream())
        assert len(encoder.norms) == 2
        h = encoder.layers[0](torch.randn(1, 50, 4, generator=stream(1)))
        expected = encoder.norms[0](h).relu()
        torch.testing.assert_close(encoder.after(h, 0), expected)
