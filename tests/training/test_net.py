"""The training loop against plain torch, closed forms and hand-made losses."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from sklearn_deepod._training import (
    DetectorNet,
    EarlyStopping,
    arrays_of,
    load_arrays,
    load_state,
    state_of,
)
from sklearn_deepod.exceptions import DivergenceError


class Repeated:
    """The same batch at every step, or one after the other."""

    def __init__(self, *batches):
        self.batches = batches
        self.taken = 0

    def steps(self, n_steps):
        for _ in range(n_steps):
            yield self.batches[self.taken % len(self.batches)]
            self.taken += 1


def make_regression(n_rows=60, noise=0.3):
    """Rows [x1, x2, x3, y] as a batch of one member."""
    rng = np.random.RandomState(0)
    X = rng.randn(n_rows, 3)
    y = X @ [1.0, -2.0, 0.5] + 0.7 + noise * rng.randn(n_rows)
    return torch.from_numpy(np.column_stack([X, y])).float()[None]


def regression_losses(module, batch):
    yield module, (module(batch[..., :3])[..., 0] - batch[..., 3]).square()


class Net(DetectorNet):
    """One that holds its losses, to be trained again and again."""

    def run(self, *args, **kwargs):
        return super().run(self.row_losses, *args, **kwargs)


def make_net(module=None, row_losses=regression_losses, **params):
    if module is None:
        module = nn.Linear(3, 1)
        nn.init.constant_(module.weight, 0.1)
        nn.init.zeros_(module.bias)
    params = {
        "optimizer": torch.optim.SGD,
        "lr": 0.1,
        "train_split": None,
        "verbose": 0,
        **params,
    }
    net = Net(module, **params).initialize()
    net.row_losses = net._losses = row_losses
    return net


def weights_of(net):
    return torch.cat([p.detach().ravel() for p in net.module_.parameters()])


def assert_same_state(a, b):
    for name, tensor in a.module_.state_dict().items():
        assert torch.equal(tensor, b.module_.state_dict()[name]), name
    moments, others = (net.optimizer_.state_dict()["state"] for net in (a, b))
    assert moments.keys() == others.keys()
    for i, moment in moments.items():
        for name, tensor in moment.items():
            assert torch.equal(tensor, others[i][name]), (i, name)
    assert a.step_ == b.step_
    assert list(a.history) == list(b.history)


class TestTraining:
    @pytest.mark.parametrize(
        ("optimizer", "lr", "total_steps"),
        [
            (torch.optim.SGD, 0.1, None),
            (torch.optim.SGD, 0.3, 300),
            (torch.optim.Adam, 0.1, 300),
        ],
    )
    def test_linear_module_reaches_least_squares(self, optimizer, lr, total_steps):
        batch = make_regression()
        net = make_net(optimizer=optimizer, lr=lr, total_steps=total_steps)
        net.run(Repeated(batch), [100] * 3)
        table = batch[0].double().numpy()
        design = np.column_stack([table[:, :3], np.ones(len(table))])
        expected, residual, *_ = np.linalg.lstsq(design, table[:, 3], rcond=None)
        np.testing.assert_allclose(weights_of(net), expected, atol=1e-3)
        loss = net.history[-1]["train_loss"]
        assert loss == pytest.approx(residual[0] / len(table), rel=1e-3)

    @pytest.mark.parametrize("fused", [False, True])
    @pytest.mark.parametrize("name", ["Adam", "AdamW"])
    def test_equals_a_plain_torch_loop(self, name, fused):
        optimizer_class = getattr(torch.optim, name)
        batches = torch.randn(
            7, 2, 16, 4, generator=torch.Generator().manual_seed(0)
        ).unbind()
        settings = {"weight_decay": 0.1, "betas": (0.8, 0.9), "fused": fused}
        net = make_net(
            optimizer=optimizer_class,
            **{f"optimizer__{k}": v for k, v in settings.items()},
        )
        module = copy.deepcopy(net.module_)
        optimizer = optimizer_class(module.parameters(), lr=0.1, **settings)
        expected = []
        for batch in batches:
            optimizer.zero_grad()
            ((_, losses),) = regression_losses(module, batch)
            losses.mean(dim=1).sum().backward()
            optimizer.step()
            expected.append(losses.mean(dim=1).sum().item())
        net.run(Repeated(*batches), [4, 3])
        assert torch.equal(
            weights_of(net),
            torch.cat([p.detach().ravel() for p in module.parameters()]),
        )
        found = [epoch["train_loss"] for epoch in net.history]
        assert found == pytest.approx([np.mean(expected[:4]), np.mean(expected[4:])])

    def test_members_train_as_they_would_alone(self):
        batch = make_regression()

        def losses_of_two(module, batch):
            found = [
                losses
                for part in module
                for _, losses in regression_losses(part, batch)
            ]
            yield module, torch.cat(found)

        alone = make_net().run(Repeated(batch), [5])
        both = nn.ModuleList(copy.deepcopy(make_net().module_) for _ in range(2))
        both = make_net(both, losses_of_two).run(Repeated(batch), [5])
        for member in both.module_:
            assert torch.equal(member.weight, alone.module_.weight)

    def test_history(self):
        net = make_net().run(Repeated(make_regression()), [3, 3, 1])
        assert [epoch["epoch"] for epoch in net.history] == [1, 2, 3]
        assert [epoch["train_batch_count"] for epoch in net.history] == [3, 3, 1]
        losses = [epoch["train_loss"] for epoch in net.history]
        assert losses == sorted(losses, reverse=True)
        assert all(isinstance(loss, float) for loss in losses)
        assert not any("batches" in epoch for epoch in net.history)
        assert net.step_ == 7

    def test_mode_of_the_module(self):
        modes = []

        def watching(module, batch):
            modes.append((module.training, torch.is_grad_enabled()))
            yield from regression_losses(module, batch)

        batch = make_regression()
        net = make_net(row_losses=watching)
        net.run(
            Repeated(batch), [1, 1], validation=[batch], stopping=EarlyStopping(9, 0.0)
        )
        assert modes == [(True, True), (False, False)] * 2
        assert not net.module_.training

    def test_runs_are_equal(self):
        found = [make_net().run(Repeated(make_regression()), [9]) for _ in range(2)]
        assert_same_state(*found)

    def test_no_progress_unless_verbose(self, capsys):
        make_net().run(Repeated(make_regression()), [2])
        assert capsys.readouterr() == ("", "")
        make_net(verbose=1).run(Repeated(make_regression()), [2])
        out, err = capsys.readouterr()
        assert out == ""
        assert "2/2" in err

    @pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
    def test_exceptions_go_through(self, error):
        def interrupted(module, batch):
            raise error
            yield

        with pytest.raises(error):
            make_net(row_losses=interrupted).run(Repeated(make_regression()), [2])

    def test_watch_stops(self):
        asked = []

        def watch():
            asked.append(True)
            return len(asked) == 2

        net = make_net().run(Repeated(make_regression()), [3] * 5, watch=watch)
        assert len(net.history) == len(asked) == 2
        assert net.step_ == 6


class TestSchedule:
    def rates(self, total_steps, n_steps, lr=0.5):
        rates = []

        def watching(module, batch):
            rates.append(net.optimizer_.param_groups[0]["lr"])
            yield from regression_losses(module, batch)

        net = make_net(row_losses=watching, total_steps=total_steps, lr=lr)
        # A tiny loss keeps the high rate from diverging.
        net.run(Repeated(make_regression() * 1e-3), [n_steps])
        return rates

    def test_warm_up_is_linear(self):
        found = self.rates(200, 30)
        np.testing.assert_allclose(found, 0.5 * np.arange(1, 31) / 30)

    def test_cosine_equals_torchs(self):
        found = self.rates(200, 200)[30:]
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimizer, T_max=170, eta_min=0.02 * 0.5
        )
        expected = []
        for _ in range(170):
            expected.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            cosine.step()
        np.testing.assert_allclose(found, expected, rtol=1e-9)

    def test_values_by_hand(self):
        found = self.rates(230, 240)
        assert found[29] == found[30] == 0.5
        assert found[130] == pytest.approx(0.5 * 0.51)
        # Behind the end of the schedule the rate stays at its lowest.
        np.testing.assert_allclose(found[230:], 0.5 * 0.02)

    def test_short_trainings_warm_up_for_a_fifth(self):
        found = self.rates(10, 10)
        assert found[:3] == pytest.approx([0.25, 0.5, 0.5])
        assert (np.diff(found[2:]) < 0).all()

    def test_single_step_has_the_full_rate(self):
        assert self.rates(1, 1) == [0.5]

    def test_constant(self):
        assert self.rates(None, 50) == [0.5] * 50


class TestTrim:
    def kept(self, losses, trim):
        """Which rows a step trains on, told by their gradients."""
        losses = torch.tensor(losses)
        module = nn.Module()
        module.shift = nn.Parameter(torch.zeros_like(losses))

        def row_losses(module, batch):
            yield module, batch + module.shift

        net = make_net(module, row_losses, trim_fraction=trim, lr=1.0)
        step = net.train_step(losses)
        return -module.shift.detach(), step["loss"].item()

    def test_highest_losses_are_left_out_in_each_member(self):
        shares, loss = self.kept([[5.0, 1.0, 9.0, 2.0, 3.0], [0.0, 4, 3, -2, 1]], 0.4)
        third = 1 / 3
        expected = [[0, third, 0, third, third], [third, 0, 0, third, third]]
        np.testing.assert_allclose(shares, expected)
        assert loss == pytest.approx(6 / 3 - 1 / 3)

    def test_nothing_is_left_out_by_default(self):
        shares, loss = self.kept([[5.0, 1.0, 9.0, 2.0, 3.0]], 0.0)
        np.testing.assert_allclose(shares, np.full((1, 5), 0.2))
        assert loss == pytest.approx(4)

    @pytest.mark.parametrize(
        ("n_rows", "trim", "n_kept"), [(1, 0.9, 1), (3, 0.9, 1), (64, 0.2, 51)]
    )
    def test_number_of_rows_kept(self, n_rows, trim, n_kept):
        shares, _ = self.kept([list(map(float, range(n_rows)))], trim)
        np.testing.assert_allclose(shares[0, :n_kept], 1 / n_kept, rtol=1e-6)
        assert not shares[0, n_kept:].any()

    def test_training_resists_outliers(self):
        batch = make_regression(noise=0.0)
        batch[0, :6, 3] += 50
        plain = make_net().run(Repeated(batch), [200])
        trimmed = make_net(trim_fraction=0.2).run(Repeated(batch), [200])
        expected = torch.tensor([1.0, -2.0, 0.5, 0.7])
        assert (weights_of(plain) - expected).abs().max() > 1
        np.testing.assert_allclose(weights_of(trimmed), expected, atol=1e-3)


class Two(nn.Module):
    """Two linear parts that both losses depend on."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 2)
        self.second = nn.Linear(2, 1)
        with torch.no_grad():
            for i, parameter in enumerate(self.parameters()):
                values = torch.linspace(-1, 1, parameter.numel()) + 0.1 * i
                parameter.copy_(values.view_as(parameter))

    def forward(self, X):
        return self.second(torch.tanh(self.first(X)))[..., 0]


class TestTwoParts:
    def test_each_loss_steps_only_its_own_parameters(self):
        snapshots = []

        def row_losses(module, batch):
            snapshots.append(copy.deepcopy(module.state_dict()))
            yield module.first, module(batch).square()
            snapshots.append(copy.deepcopy(module.state_dict()))
            yield module.second, (module(batch) - 1).square()
            snapshots.append(copy.deepcopy(module.state_dict()))

        # Weight decay would move parameters that are stepped without a gradient.
        net = make_net(Two(), row_losses, optimizer=torch.optim.AdamW)
        batch = make_regression()
        for _ in range(3):
            net.train_step(batch)
        for i in range(0, 9, 3):
            before, between, after = snapshots[i : i + 3]
            for name in before:
                changed = not torch.equal(before[name], between[name])
                assert changed == name.startswith("first")
                changed = not torch.equal(between[name], after[name])
                assert changed == name.startswith("second")

    def test_equals_two_optimizers(self):
        def row_losses(module, batch):
            yield module.first, module(batch).square()
            yield module.second, (module(batch) - 1).square()

        batch = make_regression()
        net = make_net(Two(), row_losses, lr=0.05).run(Repeated(batch), [20])
        module = Two()
        first = torch.optim.SGD(module.first.parameters(), lr=0.05)
        second = torch.optim.SGD(module.second.parameters(), lr=0.05)
        for _ in range(20):
            module.zero_grad()
            module(batch).square().mean().backward()
            first.step()
            module.zero_grad()
            loss = (module(batch) - 1).square().mean()
            loss.backward()
            second.step()
        for name, value in module.state_dict().items():
            np.testing.assert_allclose(net.module_.state_dict()[name], value, rtol=1e-5)


class TestAutocast:
    @pytest.mark.parametrize("autocast", [True, False])
    def test_only_the_losses_are_computed_in_bfloat16(self, autocast):
        dtypes = []

        def row_losses(module, batch):
            for part in (module.first, module.second):
                predicted = module(batch)
                dtypes.append(predicted.dtype)
                yield part, predicted.square()

        net = make_net(Two(), row_losses, autocast=autocast)
        net.run(
            Repeated(make_regression()),
            [2],
            validation=[make_regression()],
            stopping=EarlyStopping(3, 0.0),
        )
        assert dtypes == [torch.bfloat16 if autocast else torch.float32] * 6
        assert {p.dtype for p in net.module_.parameters()} == {torch.float32}
        assert not torch.is_autocast_enabled("cpu")

    def test_second_part_sees_the_step_of_the_first(self):
        def row_losses(module, batch):
            yield module.first, module(batch).square()
            yield module.second, (module(batch) - 1).square()

        nets = [
            make_net(Two(), row_losses, autocast=autocast, lr=0.05).run(
                Repeated(make_regression()), [20]
            )
            for autocast in (True, False)
        ]
        np.testing.assert_allclose(*map(weights_of, nets), atol=0.02)

    def test_caller_of_the_net_is_not_under_autocast(self):
        states = []

        class Watcher(Callback):
            def on_grad_computed(self, net, **kwargs):
                states.append(torch.is_autocast_enabled("cpu"))

        net = make_net(callbacks=[Watcher()], autocast=True)
        net.run(Repeated(make_regression()), [2])
        assert states == [False, False]


class TestDiverged:
    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_raises_with_the_remedy(self, value):
        def row_losses(module, batch):
            factor = value if net.step_ == 5 else 1.0
            for part, losses in regression_losses(module, batch):
                yield part, losses * factor

        net = make_net(row_losses=row_losses)
        message = rf"train loss became {value} in epoch 2\. Lower `lr`.*preprocessor"
        with pytest.raises(DivergenceError, match=message) as caught:
            net.run(Repeated(make_regression()), [3, 3, 3])
        assert isinstance(caught.value, ValueError)

    def test_too_high_a_rate(self):
        with pytest.raises(DivergenceError, match="Lower `lr`"):
            make_net(lr=1e4).run(Repeated(make_regression()), [50])

    def test_validation_loss(self):
        batch = make_regression()
        with pytest.raises(DivergenceError, match="valid loss became nan"):
            make_net().run(
                Repeated(batch),
                [2],
                validation=[batch * math.nan],
                stopping=EarlyStopping(3, 0.0),
            )


class TestEarlyStopping:
    def updates(self, losses, patience, tol):
        rule = EarlyStopping(patience, tol)
        module = nn.Linear(1, 1)
        return [rule.update(loss, module) for loss in losses], rule

    @pytest.mark.parametrize("shift", [0.0, -100.0, 100.0])
    def test_rule_does_not_depend_on_the_sign(self, shift):
        losses = np.array([5.0, 4.0, 3.95, 3.0, 3.2, 2.95, 1.0, 1.0, 1.0]) + shift
        found, rule = self.updates(losses, patience=2, tol=0.1)
        # 3.95 and 2.95 improve by less than the tolerance.
        assert found == [False, False, False, False, False, True, False, False, True]
        assert rule.best == 1.0 + shift

    def test_slow_decrease_adds_up(self):
        losses = -1 - 0.04 * np.arange(10)
        found, rule = self.updates(losses, patience=3, tol=0.1)
        assert not any(found)
        assert rule.best == pytest.approx(-1.36)

    def test_equal_loss_is_no_improvement(self):
        assert self.updates([1.0, 1.0], patience=1, tol=0.0)[0] == [False, True]

    def test_best_weights_are_restored(self):
        rule = EarlyStopping(3, 0.0)
        module = nn.Linear(2, 2)
        for loss, value in [(2.0, 0.0), (-1.0, 1.0), (0.0, 2.0), (1.0, 3.0)]:
            nn.init.constant_(module.weight, value)
            rule.update(loss, module)
        rule.restore(module)
        assert (module.weight == 1.0).all()

    def test_nothing_to_restore(self):
        module = nn.Linear(2, 2)
        before = copy.deepcopy(module.state_dict())
        EarlyStopping(3, 0.0).restore(module)
        for name, value in module.state_dict().items():
            assert torch.equal(value, before[name])

    def test_in_training(self):
        # The held-out rows want the opposite weights: every epoch makes them worse.
        batch = make_regression()
        opposite = batch * torch.tensor([1.0, 1.0, 1.0, -1.0])
        after_first = make_net().run(Repeated(batch), [2])
        net = make_net().run(
            Repeated(batch),
            [2] * 20,
            validation=[opposite],
            stopping=EarlyStopping(3, 1e-4),
        )
        assert len(net.history) == 4
        assert torch.equal(weights_of(net), weights_of(after_first))
        losses = [epoch["valid_loss"] for epoch in net.history]
        assert losses == sorted(losses)

    def test_best_weights_are_restored_at_the_end_of_the_plan_too(self):
        batch = make_regression()
        opposite = batch * torch.tensor([1.0, 1.0, 1.0, -1.0])
        after_first = make_net().run(Repeated(batch), [2])
        net = make_net().run(
            Repeated(batch),
            [2, 2],
            validation=[opposite],
            stopping=EarlyStopping(10, 1e-4),
        )
        assert len(net.history) == 2
        assert torch.equal(weights_of(net), weights_of(after_first))

    def test_validation_loss_is_the_mean_of_the_batches(self):
        batch = make_regression()
        net = make_net(lr=1e-12).run(
            Repeated(batch),
            [1],
            validation=[batch, 2 * batch],
            stopping=EarlyStopping(3, 0.0),
        )
        ((_, one),) = regression_losses(net.module_, batch)
        ((_, two),) = regression_losses(net.module_, 2 * batch)
        expected = (one.mean() + two.mean()) / 2
        assert net.history[-1]["valid_loss"] == pytest.approx(expected.item())


class Recorder(Callback):
    """Notes skorch's notifications."""

    def initialize(self):
        self.calls = []
        self.n_batches = 0
        return self

    def on_train_begin(self, net, **kwargs):
        self.calls.append("train_begin")

    def on_epoch_begin(self, net, **kwargs):
        self.calls.append("epoch_begin")

    def on_batch_begin(self, net, batch, training, **kwargs):
        self.calls.append("batch_begin")

    def on_grad_computed(self, net, named_parameters, **kwargs):
        assert all(p.grad is not None for _, p in named_parameters)
        self.calls.append("grad_computed")

    def on_batch_end(self, net, batch, training, loss, **kwargs):
        assert net.history[-1, "batches", -1, "train_loss"] == loss.item()
        self.n_batches = len(net.history[-1, "batches"])
        self.calls.append("batch_end")

    def on_epoch_end(self, net, **kwargs):
        assert net.history[-1, "train_loss"] > 0
        self.calls.append("epoch_end")

    def on_train_end(self, net, **kwargs):
        self.calls.append("train_end")


class TestSkorchCallbacks:
    def test_are_called_in_order(self):
        recorder = Recorder()
        net = make_net(callbacks=[("recorder", recorder)])
        net.run(Repeated(make_regression()), [2, 1])
        batch = ["batch_begin", "grad_computed", "batch_end"]
        epochs = [["epoch_begin", *batch * n, "epoch_end"] for n in (2, 1)]
        assert recorder.calls == ["train_begin", *epochs[0], *epochs[1], "train_end"]

    def test_batches_are_in_the_history_only_while_training(self):
        recorder = Recorder()
        net = make_net(callbacks=[recorder]).run(Repeated(make_regression()), [3])
        assert recorder.n_batches == 3
        assert not any("batches" in epoch for epoch in net.history)

    def test_do_not_change_the_training(self):
        plain = make_net().run(Repeated(make_regression()), [3, 3])
        called = make_net(callbacks=[Recorder()])
        called.run(Repeated(make_regression()), [3, 3])
        assert torch.equal(weights_of(plain), weights_of(called))


class Normed(nn.Module):
    """Parameters, buffers, and a parameter that no loss depends on."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.ones(3))
        self.norm = nn.BatchNorm1d(3)
        self.linear = nn.Linear(3, 1)
        nn.init.constant_(self.linear.weight, 0.1)
        nn.init.zeros_(self.linear.bias)

    def forward(self, X):
        return self.linear(self.norm(X.flatten(0, 1))).view(*X.shape[:2], 1)


OPTIMIZERS = {
    "sgd": {"optimizer": torch.optim.SGD},
    "momentum": {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9},
    "adam": {"optimizer": torch.optim.Adam},
    "adamw_fused": {"optimizer": torch.optim.AdamW, "optimizer__fused": True},
    "rmsprop": {"optimizer": torch.optim.RMSprop},
    "nadam": {"optimizer": torch.optim.NAdam},
}


class TestState:
    batches = torch.randn(
        12, 1, 16, 4, generator=torch.Generator().manual_seed(0)
    ).unbind()

    @pytest.mark.parametrize("module", [None, Normed])
    @pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
    def test_round_trip_continues_bit_identically(self, optimizer, module):
        params = {**OPTIMIZERS[optimizer], "lr": 0.01, "total_steps": 12}
        module = module and module()
        nets = [make_net(copy.deepcopy(module), **params) for _ in range(2)]
        nets[0].run(Repeated(*self.batches), [3, 3])
        load_state(nets[1], pickle.loads(pickle.dumps(state_of(nets[0]))))
        assert_same_state(*nets)
        for net in nets:
            net.run(Repeated(*self.batches[6:]), [3, 3])
        assert_same_state(*nets)
        assert len(nets[1].history) == 4

    def test_later_training_leaves_a_state_alone(self):
        net = make_net(optimizer=torch.optim.Adam)
        net.run(Repeated(*self.batches), [3])
        state = state_of(net)
        before = copy.deepcopy(state)
        net.run(Repeated(*self.batches), [3])
        assert pickle.dumps(state) == pickle.dumps(before)

    def test_later_training_of_the_copy_leaves_a_state_alone(self):
        net = make_net(optimizer=torch.optim.Adam)
        net.run(Repeated(*self.batches), [3])
        state = copy.deepcopy(state_of(net))
        before = pickle.dumps(state)
        copied = load_state(make_net(optimizer=torch.optim.Adam), state)
        copied.run(Repeated(*self.batches), [3])
        assert pickle.dumps(state) == before

    def test_holds_only_arrays_and_numbers(self):
        net = make_net(Normed(), optimizer=torch.optim.Adam)
        net.run(Repeated(*self.batches), [3])

        def leaves(item):
            if isinstance(item, dict):
                item = [*item.keys(), *item.values()]
            if isinstance(item, list):
                return [leaf for part in item for leaf in leaves(part)]
            return [item]

        kinds = {type(leaf) for leaf in leaves(state_of(net))}
        assert kinds <= {str, int, float, bool, np.ndarray}

    def test_untrained_net(self):
        net = load_state(make_net(), state_of(make_net()))
        assert net.step_ == 0
        assert len(net.history) == 0


def test_arrays_of_any_module():
    module = nn.BatchNorm1d(3)
    module.running_mean.copy_(torch.tensor([1.0, 2.0, 3.0]))
    arrays = arrays_of(module)
    assert {type(array) for array in arrays.values()} == {np.ndarray}
    module.running_mean.zero_()  # what was taken is a copy
    copied = load_arrays(nn.BatchNorm1d(3), arrays)
    assert copied.running_mean.tolist() == [1.0, 2.0, 3.0]
