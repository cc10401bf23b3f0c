"""Convolutional specs: sizes, parts and errors."""

import pytest
import torch
from torch import nn

from sklearn_deepod.networks import Conv


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    "shape", [(1, 8, 8), (3, 9, 13), (2, 28, 28), (1, 32, 8), (4, 15, 31)]
)
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_images_come_back_in_their_size(shape, kernel_size):
    spec = Conv(channels=(4, 6, 8), kernel_size=kernel_size)
    assert spec.row_shape(shape) == shape
    encoder = spec.encoder(2, shape, 5, generator=stream())
    decoder = spec.decoder(2, 5, shape, generator=stream())
    X = torch.randn(2, 7, *shape)
    code = encoder(X)
    assert code.shape == (2, 7, 5)
    assert decoder(code).shape == X.shape


def test_members_are_the_convolutions_of_torch():
    spec = Conv(channels=(3,), activation="tanh", linear_path=False)
    encoder = spec.encoder(2, (2, 8, 8), 4, generator=stream())
    X = torch.randn(2, 5, 2, 8, 8)
    for member, x, found in zip(encoder.members, X, encoder(X), strict=True):
        conv, linear = member[0], member[-1]
        h = nn.functional.conv2d(x, conv.weight, conv.bias, stride=2, padding=1)
        expected = h.tanh().flatten(1) @ linear.weight.T + linear.bias
        torch.testing.assert_close(found, expected)


def test_a_linear_layer_runs_beside_the_convolutions():
    spec, shape = Conv(channels=(4,)), (2, 8, 9)
    encoder = spec.encoder(1, shape, 5, generator=stream()).members[0]
    decoder = spec.decoder(1, 5, shape, generator=stream()).members[0]
    X = torch.randn(6, *shape)
    straight = X.flatten(1) @ encoder.second[-1].weight.T
    code = encoder(X)
    torch.testing.assert_close(code, encoder.first(X) + straight)
    straight = (code @ decoder.second[0].weight.T).view(6, *shape)
    torch.testing.assert_close(decoder(code), decoder.first(code) + straight)


def test_without_bias_nothing_comes_of_nothing():
    for normalization in (None, "batch", "layer"):
        spec = Conv(normalization=normalization)
        encoder = spec.encoder(1, (1, 8, 8), 4, generator=stream(), bias=False)
        assert not [name for name, _ in encoder.named_parameters() if "bias" in name]
        assert (encoder(torch.zeros(1, 3, 1, 8, 8)) == 0).all()


@pytest.mark.parametrize(
    ("normalization", "kind"), [("batch", nn.BatchNorm2d), ("layer", nn.GroupNorm)]
)
def test_normalization(normalization, kind):
    spec = Conv(channels=(4, 6), normalization=normalization)
    for part in (
        spec.encoder(1, (1, 8, 8), 4, generator=stream()),
        spec.decoder(1, 4, (1, 8, 8), generator=stream()),
    ):
        assert len([m for m in part.modules() if isinstance(m, kind)]) == 2


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        (Conv(), (64,), r"reads rows of shape \(channels, height, width\)"),
        (Conv(), (8, 8), r"Conv\(shape=\(channels, height, width\)\)"),
        (Conv(channels=(2, 2, 2, 2)), (1, 8, 8), "too small for 4 layers"),
        (Conv(channels=()), (1, 8, 8), "at least 1"),
        (Conv(channels=(0,)), (1, 8, 8), "positive integers"),
        (Conv(kernel_size=4), (1, 8, 8), "kernel_size must be odd"),
        (Conv(shape=(1, 8, 9)), (64,), "cannot be read in the shape"),
        (Conv(shape=(8, 8)), (64,), r"must be \(channels, height, width\)"),
        (Conv(shape=(1, 8, 0)), (64,), "positive integers"),
        (Conv(shape=(1, 8, 8)), (8, 8, 1), "cannot be read"),
        (Conv(activation="sine"), (1, 8, 8), "'activation' parameter"),
    ],
)
def test_errors_say_what_is_wrong(spec, shape, message):
    with pytest.raises(ValueError, match=message):
        spec.row_shape(shape)


def test_shape_of_flat_rows():
    spec = Conv(shape=[1, 8, 8])
    assert spec.row_shape((64,)) == (1, 8, 8)
    assert spec.row_shape((1, 8, 8)) == (1, 8, 8)
