"""Random streams: all draws come from the generator given, and from no other."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sklearn_deepod._determinism import (
    explicit_stream,
    make_streams,
    restore_streams,
    stream_states,
)

DRAWS = {
    "rand": lambda: torch.rand(50),
    "rand_float64": lambda: torch.rand(5, 10, dtype=torch.float64),
    "randn": lambda: torch.randn(50),
    "rand_like": lambda: torch.rand_like(torch.zeros(50)),
    "randn_like": lambda: torch.randn_like(torch.zeros(50)),
    "randint": lambda: torch.randint(0, 10**6, (50,)),
    "randint_like": lambda: torch.randint_like(torch.zeros(50), 10**6),
    "randperm": lambda: torch.randperm(50),
    "normal": lambda: torch.normal(torch.zeros(50), torch.ones(50)),
    "normal_scalar": lambda: torch.normal(0.0, 1.0, (50,)),
    "bernoulli": lambda: torch.bernoulli(torch.full((50,), 0.5)),
    "poisson": lambda: torch.poisson(torch.full((50,), 100.0)),
    "multinomial": lambda: torch.multinomial(torch.ones(10**6), 50, replacement=True),
    "multinomial_unique": lambda: torch.multinomial(torch.ones(100), 50),
    "bernoulli_": lambda: torch.zeros(50).bernoulli_(0.5),
    "uniform_": lambda: torch.zeros(50).uniform_(-1, 1),
    "normal_": lambda: torch.zeros(50).normal_(),
    "exponential_": lambda: torch.zeros(50).exponential_(),
    "random_": lambda: torch.zeros(50).random_(),
    "dropout": lambda: F.dropout(torch.ones(50), 0.5),
    "dropout_module": lambda: nn.Dropout(0.5)(torch.ones(50)),
    "dropout_in_place": lambda: F.dropout(torch.ones(50), 0.5, inplace=True),
    "dropout2d": lambda: nn.Dropout2d(0.5)(torch.ones(1, 50, 2, 2)),
    "alpha_dropout": lambda: nn.AlphaDropout(0.5)(torch.ones(50)),
    "rrelu": lambda: F.rrelu(-torch.ones(50), training=True),
    "gumbel": lambda: F.gumbel_softmax(torch.zeros(50)),
    "linear": lambda: nn.Linear(5, 10).weight.detach(),
    "conv": lambda: nn.Conv2d(1, 6, 3).weight.detach(),
    "lstm": lambda: nn.LSTM(3, 4).weight_hh_l0.detach(),
    "attention": lambda: nn.MultiheadAttention(4, 2).in_proj_weight.detach(),
    "xavier": lambda: nn.init.xavier_normal_(torch.empty(5, 10)),
    "distribution": lambda: torch.distributions.Normal(0.0, 1.0).sample((50,)),
}


def numpy_state():
    return str(np.random.get_state())


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", ["rand_like", "randn_like", "randint_like"])
def test_numbers_alike_are_those_of_torch(name):
    with torch.random.fork_rng():
        torch.manual_seed(7)
        expected = DRAWS[name]()
    with explicit_stream(stream(7)):
        assert torch.equal(DRAWS[name](), expected)


@pytest.fixture(params=sorted(DRAWS))
def draw(request):
    return DRAWS[request.param]


class TestExplicitStream:
    def test_draws_from_the_generator(self, draw):
        generator = stream()
        before = generator.get_state()
        with explicit_stream(generator):
            first = draw()
        assert not torch.equal(generator.get_state(), before)
        with explicit_stream(generator):
            assert not torch.equal(draw(), first)
        with explicit_stream(stream()):
            assert torch.equal(draw(), first)
        with explicit_stream(stream(1)):
            assert not torch.equal(draw(), first)

    def test_leaves_the_global_state_untouched(self, draw):
        before = torch.get_rng_state()
        with explicit_stream(stream()):
            draw()
        assert torch.equal(torch.get_rng_state(), before)

    def test_global_state_does_not_matter(self, draw):
        found = []
        kept = torch.get_rng_state()
        for seed in (1, 2):
            torch.manual_seed(seed)
            with explicit_stream(stream()):
                found.append(draw())
        torch.set_rng_state(kept)
        assert torch.equal(*found)

    @pytest.mark.parametrize("name", ["rand", "randn", "uniform_", "randperm"])
    def test_numbers_are_those_of_the_generator(self, name):
        kept = torch.get_rng_state()
        torch.manual_seed(3)
        expected = DRAWS[name]()
        torch.set_rng_state(kept)
        with explicit_stream(stream(3)):
            assert torch.equal(DRAWS[name](), expected)

    def test_explicit_generator_keeps_its_own(self):
        outer, inner = stream(0), stream(1)
        before = outer.get_state()
        with explicit_stream(outer):
            found = torch.rand(5, generator=inner)
        assert torch.equal(found, torch.rand(5, generator=stream(1)))
        assert torch.equal(outer.get_state(), before)

    def test_nothing_changes_after_it(self):
        kept = torch.get_rng_state()
        with explicit_stream(stream()):
            torch.rand(3)
        torch.rand(3)
        assert not torch.equal(torch.get_rng_state(), kept)
        torch.set_rng_state(kept)

    def test_other_operations_are_as_before(self):
        X = torch.arange(6.0).view(2, 3)
        layer = nn.Linear(3, 2)
        expected = layer(X)
        generator = stream()
        before = generator.get_state()
        with explicit_stream(generator):
            assert torch.equal(layer(X), expected)
            assert torch.equal(F.dropout(X, 0.5, training=False), X)
        assert torch.equal(generator.get_state(), before)

    def test_gradients_go_through_dropout(self):
        X = torch.ones(100, requires_grad=True)
        with explicit_stream(stream()):
            Z = F.dropout(X, 0.25)
        Z.sum().backward()
        assert torch.equal(X.grad, Z.detach())
        np.testing.assert_allclose(np.unique(Z.detach()), [0, 4 / 3], rtol=1e-6)

    def test_native_dropout(self):
        X = torch.full((10_000,), 2.0)
        with explicit_stream(stream()):
            Z, kept = torch.native_dropout(X, 0.25, True)
            same, all_kept = torch.native_dropout(X, 0.25, False)
            nothing, none_kept = torch.native_dropout(X, 1.0, True)
        assert kept.float().mean() == pytest.approx(0.75, abs=0.02)
        assert torch.equal(Z, kept * X / 0.75)
        assert torch.equal(same, X)
        assert all_kept.all()
        assert torch.equal(nothing, torch.zeros_like(X))
        assert not none_kept.any()

    def test_moments_of_dropout(self):
        with explicit_stream(stream()):
            Z = F.dropout(torch.ones(100_000), 0.3)
        assert Z.mean() == pytest.approx(1, abs=0.01)
        assert (Z == 0).float().mean() == pytest.approx(0.3, abs=0.01)

    def test_operation_without_a_generator_raises(self):
        q = torch.ones(1, 1, 2, 4)
        operation = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        with (
            explicit_stream(stream()),
            pytest.raises(NotImplementedError, match="takes no generator"),
        ):
            operation(q, q, q, 0.5)

    def test_reproducible_in_threads(self):
        def work(seed):
            with explicit_stream(stream(seed)):
                module = nn.Sequential(
                    nn.Linear(8, 8), nn.Dropout(0.5), nn.Linear(8, 2)
                )
                found = [module(torch.randn(4, 8)) for _ in range(20)]
            return torch.stack(found).detach()

        expected = [work(seed) for seed in range(8)]
        with ThreadPoolExecutor(4) as pool:
            for _ in range(3):
                found = list(pool.map(work, range(8)))
                assert all(map(torch.equal, found, expected))

    def test_thread_without_it_is_left_alone(self):
        generator = stream()
        with explicit_stream(generator), ThreadPoolExecutor(1) as pool:
            before = generator.get_state()
            kept = torch.get_rng_state()
            pool.submit(torch.rand, 5).result()
            assert torch.equal(generator.get_state(), before)
            assert not torch.equal(torch.get_rng_state(), kept)
        torch.set_rng_state(kept)


class TestMakeStreams:
    def test_seed_decides(self):
        first, again, other = (make_streams(seed) for seed in (0, 0, 1))
        assert set(first) == {"weights", "batches", "noise"}
        for name, generator in first.items():
            drawn = torch.rand(5, generator=generator)
            assert torch.equal(drawn, torch.rand(5, generator=again[name]))
            assert not torch.equal(drawn, torch.rand(5, generator=other[name]))

    def test_purposes_have_different_numbers(self):
        drawn = [torch.rand(5, generator=g) for g in make_streams(0).values()]
        assert len({tuple(numbers.tolist()) for numbers in drawn}) == 3

    def test_random_state_instance_goes_on(self):
        random_state = np.random.RandomState(0)
        first, second = make_streams(random_state), make_streams(random_state)
        again = make_streams(np.random.RandomState(0))
        assert first["noise"].initial_seed() == again["noise"].initial_seed()
        assert first["noise"].initial_seed() != second["noise"].initial_seed()

    def test_none_takes_fresh_entropy(self):
        numpy_before, torch_before = numpy_state(), torch.get_rng_state()
        seeds = {
            g.initial_seed() for _ in range(3) for g in make_streams(None).values()
        }
        assert len(seeds) == 9
        assert numpy_state() == numpy_before
        assert torch.equal(torch.get_rng_state(), torch_before)


class TestStates:
    def test_restored_streams_go_on(self):
        streams = make_streams(0)
        for generator in streams.values():
            torch.rand(3, generator=generator)
        states = stream_states(streams)
        assert all(isinstance(state, np.ndarray) for state in states.values())
        restored = restore_streams(states)
        assert restored.keys() == streams.keys()
        for name, generator in streams.items():
            drawn = torch.rand(5, generator=generator)
            assert torch.equal(drawn, torch.rand(5, generator=restored[name]))

    def test_states_are_not_changed_by_later_draws(self):
        streams = make_streams(0)
        states = stream_states(streams)
        first = torch.rand(5, generator=streams["noise"])
        for _ in range(2):
            restored = restore_streams(states)
            assert torch.equal(first, torch.rand(5, generator=restored["noise"]))
