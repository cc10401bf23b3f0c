"""Dense layers of several members against torch's own, member by member."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sklearn_deepod._nn import (
    ACTIVATIONS,
    BatchedLinear,
    BatchedNorm,
    DenseStack,
    bernoulli_like,
    uniform_like,
)

REFERENCES = {
    "identity": lambda x: x,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
    "logistic": torch.sigmoid,
}


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def one_member(layer, i):
    """A torch layer with the weights of member i."""
    n_in, n_out = layer.weight.shape[1:]
    linear = nn.Linear(n_in, n_out)
    with torch.no_grad():
        linear.weight.copy_(layer.weight[i].T)
        linear.bias.copy_(layer.bias[i, 0])
    return linear


class TestMemberLinear:
    def test_equals_a_linear_layer_for_each_member(self):
        layer = BatchedLinear(3, 5, 4, stream())
        X = torch.randn(3, 7, 5, generator=stream(1))
        found = layer(X)
        assert found.shape == (3, 7, 4)
        for i in range(3):
            torch.testing.assert_close(found[i], one_member(layer, i)(X[i]))

    def test_gradients_equal_those_of_the_separate_layers(self):
        layer = BatchedLinear(2, 3, 4, stream())
        X = torch.randn(2, 6, 3, generator=stream(1))
        layer(X).square().mean(dim=(1, 2)).sum().backward()
        for i in range(2):
            linear = one_member(layer, i)
            linear(X[i]).square().mean().backward()
            torch.testing.assert_close(layer.weight.grad[i], linear.weight.grad.T)
            torch.testing.assert_close(layer.bias.grad[i, 0], linear.bias.grad)

    def test_initial_weights_are_uniform_and_differ(self):
        layer = BatchedLinear(2, 100, 50, stream())
        for values in (layer.weight.detach(), layer.bias.detach()):
            assert values.abs().max() <= 0.1
            assert values.abs().max() > 0.09
            assert not torch.equal(values[0], values[1])
        assert layer.weight.detach().std() == pytest.approx(0.1 / np.sqrt(3), rel=0.02)

    def test_initial_weights_are_the_generators(self):
        kept = torch.get_rng_state()
        first, again, other = (BatchedLinear(2, 3, 4, stream(s)) for s in (0, 0, 1))
        assert torch.equal(torch.get_rng_state(), kept)
        assert torch.equal(first.weight, again.weight)
        assert torch.equal(first.bias, again.bias)
        assert not torch.equal(first.weight, other.weight)


class TestDenseStack:
    @pytest.mark.parametrize("activate_last", [True, False])
    @pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
    def test_equals_separate_networks(self, activation, activate_last):
        stack = DenseStack(
            2, [4, 6, 5, 3], activation, 0.0, stream(), activate_last=activate_last
        )
        X = torch.randn(2, 8, 4, generator=stream(1))
        found = stack(X)
        assert found.shape == (2, 8, 3)
        for i in range(2):
            h = X[i]
            for depth, layer in enumerate(stack.layers):
                h = one_member(layer, i)(h)
                if depth < 2 or activate_last:
                    h = REFERENCES[activation](h)
            torch.testing.assert_close(found[i], h)

    def test_start_leaves_the_first_layers_out(self):
        stack = DenseStack(2, [4, 6, 5, 3], "tanh", 0.0, stream())
        X = torch.randn(2, 8, 4, generator=stream(1))
        first = stack.after(stack.layers[0](X), 0)
        assert torch.equal(stack(first, start=1), stack(X))
        assert torch.equal(stack(X, start=3), X)

    def test_members_do_not_see_each_other(self):
        stack = DenseStack(2, [4, 6, 3], "relu", 0.0, stream())
        X = torch.randn(2, 8, 4, generator=stream(1))
        changed = X.clone()
        changed[1] += 1
        found = stack(X)[0], stack(changed)[0]
        torch.testing.assert_close(*found)

    def test_every_activation_has_a_reference(self):
        assert set(REFERENCES) == set(ACTIVATIONS)


class TestDropout:
    def make_stack(self, dropout=0.3):
        stack = DenseStack(2, [5, 400], "identity", dropout, stream())
        return stack, torch.randn(2, 50, 5, generator=stream(1))

    def test_is_reproducible_and_the_generators(self):
        stack, X = self.make_stack()
        kept = torch.get_rng_state()
        first, again, other = (stack(X, stream(s)) for s in (0, 0, 1))
        assert torch.equal(torch.get_rng_state(), kept)
        assert torch.equal(first, again)
        assert not torch.equal(first, other)

    def test_generator_goes_on(self):
        stack, X = self.make_stack()
        generator = stream()
        assert not torch.equal(stack(X, generator), stack(X, generator))

    def test_keeps_the_mean_and_drops_the_share(self):
        stack, X = self.make_stack()
        dropped = stack(X, stream()).detach()
        stack.eval()
        whole = stack(X).detach()
        kept = dropped != 0
        assert 1 - kept.float().mean() == pytest.approx(0.3, abs=0.01)
        torch.testing.assert_close(dropped[kept], whole[kept] / 0.7)
        np.testing.assert_allclose(
            (dropped * whole).sum() / (whole * whole).sum(), 1, atol=0.03
        )

    def test_none_in_evaluation(self):
        stack, X = self.make_stack()
        stack.eval()
        generator = stream()
        before = generator.get_state()
        assert torch.equal(stack(X, generator), stack(X))
        assert torch.equal(generator.get_state(), before)

    def test_none_behind_a_last_layer_that_is_not_activated(self):
        stack = DenseStack(1, [5, 400], "tanh", 0.5, stream(), activate_last=False)
        X = torch.randn(1, 3, 5, generator=stream(1))
        assert torch.equal(stack(X, stream()), stack.layers[0](X))

    def test_members_drop_different_units(self):
        stack, X = self.make_stack()
        kept = stack(X, stream()) != 0
        assert not torch.equal(kept[0], kept[1])


@pytest.mark.parametrize("p", [0.0, 0.25, 1.0])
def test_bernoulli_like(p):
    found = bernoulli_like(torch.zeros(100, 200), p, stream())
    assert found.shape == (100, 200)
    assert found.dtype == torch.float32
    assert set(found.unique().tolist()) <= {0.0, 1.0}
    assert found.mean() == pytest.approx(p, abs=0.01)


def test_uniform_like():
    found = uniform_like(torch.zeros(100, 200), stream())
    assert torch.equal(found, torch.rand(100, 200, generator=stream()))
    assert found.min() >= 0
    assert found.max() < 1


class TestMemberNorm:
    def test_layer_equals_torch(self):
        norm = BatchedNorm(2, 6, "layer")
        X = torch.randn(2, 5, 6, generator=stream())
        for i in range(2):
            torch.testing.assert_close(norm(X)[i], F.layer_norm(X[i], (6,)))

    @pytest.mark.parametrize(("kind", "units"), [("batch", ()), ("window", (4,))])
    def test_moments_equal_torch_in_training_and_scoring(self, kind, units):
        norm = BatchedNorm(2, 6, kind)
        references = [nn.BatchNorm1d(6) for _ in range(2)]
        for seed in range(3):
            X = 3 + 2 * torch.randn(2, 50, 6, *units, generator=stream(seed))
            for found, reference, x in zip(norm(X), references, X, strict=True):
                torch.testing.assert_close(found, reference(x))
        norm.eval()
        n_values = X[0].numel() // 6
        for i, reference in enumerate(references):
            mean, variance = norm.mean[i].flatten(), norm.variance[i].flatten()
            torch.testing.assert_close(mean, reference.running_mean)
            # torch keeps the sample's variance, of n - 1 degrees of freedom.
            started = 0.9**3
            kept = started + (reference.running_var - started) * (1 - 1 / n_values)
            torch.testing.assert_close(variance, kept)
            reference.running_var.copy_(kept)
            torch.testing.assert_close(norm(X)[i], reference.eval()(X[i]))

    @pytest.mark.parametrize(("kind", "units"), [("batch", ()), ("window", (4,))])
    def test_scale_and_shift_are_learned(self, kind, units):
        norm = BatchedNorm(1, 3, kind)
        X = torch.randn(1, 20, 3, *units, generator=stream())
        plain = norm(X)
        shape = (1, 3) + (1,) * len(units)
        with torch.no_grad():
            norm.weight.copy_(torch.tensor([1.0, 2.0, 3.0]).view_as(norm.weight))
            norm.bias.copy_(torch.tensor([4.0, 5.0, 6.0]).view_as(norm.bias))
        weight, bias = norm.weight.view(shape), norm.bias.view(shape)
        torch.testing.assert_close(norm(X), plain * weight + bias)

    @pytest.mark.parametrize(("kind", "units"), [("batch", ()), ("window", (4,))])
    def test_scores_do_not_see_the_batch(self, kind, units):
        norm = BatchedNorm(1, 3, kind).eval()
        X = torch.randn(1, 8, 3, *units, generator=stream())
        assert torch.equal(norm(X)[:, :2], norm(X[:, :2]))
