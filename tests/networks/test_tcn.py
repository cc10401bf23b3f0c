"""Temporal convolutions: causality, receptive field, sizes."""

import pytest
import torch
from torch import nn

from sklearn_deepod.networks import TCN


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", [(32, 1), (7, 3), (1, 2)])
def test_sequences_come_back_in_their_size(shape):
    spec = TCN(channels=(4, 5))
    X = torch.randn(2, 6, *shape)
    code = spec.encoder(2, shape, 3, generator=stream())(X)
    assert code.shape == (2, 6, 3)
    assert spec.decoder(2, 3, shape, generator=stream())(code).shape == X.shape


def test_levels_see_the_past_only_and_as_far_as_they_say():
    spec = TCN(channels=(4, 4, 4), kernel_size=3, activation="tanh")
    member = spec.encoder(1, (40, 1), 3, generator=stream()).members[0]
    levels = nn.Sequential(*member[1:4])
    X = torch.randn(1, 1, 40, requires_grad=True)
    levels(X)[0, :, 35].sum().backward()
    reached = X.grad[0, 0].nonzero().ravel().tolist()
    # Two convolutions of 3 steps at distances 1, 2 and 4.
    assert reached == list(range(35 - 2 * 2 * (1 + 2 + 4), 36))


def test_a_level_is_two_convolutions_beside_a_shortcut():
    level = TCN(channels=(3,)).encoder(1, (6, 2), 3, generator=stream()).members[0][1]
    X = torch.randn(5, 2, 6)

    def causal(X, conv):
        steps = [
            sum(
                X[:, :, t - 2 + k] @ conv.weight[:, :, k].T
                for k in range(3)
                if t - 2 + k >= 0
            )
            + conv.bias
            for t in range(X.shape[2])
        ]
        return torch.stack(steps, dim=2)

    h = causal(causal(X, level.first).relu(), level.second).relu()
    straight = torch.einsum("nct,dc->ndt", X, level.shortcut.weight[:, :, 0])
    expected = (h + straight + level.shortcut.bias[:, None]).relu()
    torch.testing.assert_close(level(X), expected)


def test_without_bias_nothing_comes_of_nothing():
    encoder = TCN().encoder(1, (9, 2), 3, generator=stream(), bias=False)
    assert not [name for name, _ in encoder.named_parameters() if "bias" in name]
    assert (encoder(torch.zeros(1, 4, 9, 2)) == 0).all()


def test_errors_say_what_is_wrong():
    with pytest.raises(ValueError, match="at least 1"):
        TCN(channels=()).row_shape((8, 1))
    with pytest.raises(ValueError, match=r"reads rows of shape \(time, channels\)"):
        TCN().row_shape((8,))
