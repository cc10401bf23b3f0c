"""The contract of trained detectors: failures, budgets, partial_fit, callbacks."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from skorch.callbacks import LRScheduler
from torch import nn

from sklearn_deepod import (
    AutoEncoder,
    ModuleDetector,
)
from tests.base.common import (
    CLASSES,
    Raiser,
    Recorder,
    assert_same,
    every_deep_detector,
    every_detector,
    quick,
)
from tests.conftest import RebuildingLoss, make_table


def not_a_number(module, X):
    return RebuildingLoss()(module, X) * np.nan


class TestFailures:
    """A failing call leaves the detector as it was before."""

    failing = pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"loss": not_a_number}, ValueError),
            ({"lr": 1e30, "optimizer": "sgd"}, ValueError),
            (
                {"callbacks": [Raiser(KeyboardInterrupt, "on_batch_end")]},
                KeyboardInterrupt,
            ),
            ({"callbacks": [Raiser(RuntimeError, "on_epoch_end", 1)]}, RuntimeError),
            ({"callbacks": [Raiser(OSError, "on_train_end", 1)]}, OSError),
        ],
        ids=["nan", "diverged", "interrupt", "epoch end", "train end"],
    )

    @failing
    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_not_fitted_before(self, change, error, method, table):
        X, _ = table
        detector = quick(ModuleDetector, preprocessor=None, **change)
        before = set(vars(detector))
        with pytest.raises(error):
            getattr(detector, method)(np.vstack([X] * 5))
        assert set(vars(detector)) == before
        with pytest.raises(NotFittedError):
            detector.score_samples(X)

    @failing
    @pytest.mark.parametrize("method", ["fit", "warm fit", "partial_fit"])
    def test_fitted_before(self, change, error, method, table):
        X, _ = table
        rows = np.vstack([X] * 5)
        detector = quick(ModuleDetector, warm_start=method == "warm fit").fit(X)
        twin = pickle.loads(pickle.dumps(detector))
        good = {name: getattr(detector, name) for name in change}
        detector.set_params(**change)
        with pytest.raises(error):
            getattr(detector, method.split()[-1])(rows)
        detector.set_params(**good)
        assert_same(detector, twin)
        assert detector.n_steps_ == twin.n_steps_
        assert detector.history_ == twin.history_
        assert_same(detector.partial_fit(rows), twin.partial_fit(rows))

    def test_other_columns(self, table):
        X, _ = table
        detector = quick(ModuleDetector).fit(X)
        detector.set_params(loss=not_a_number)
        with pytest.raises(ValueError, match="loss became nan"):
            detector.fit(X[:, :3])
        assert detector.n_features_in_ == 5
        assert detector.score_samples(X).shape == (200,)

    @pytest.mark.parametrize("score_function", ["whitened", "squared_error"])
    @pytest.mark.parametrize("max_steps", [1, 2, 12])
    def test_no_infinite_scores_pass_for_a_fit(self, score_function, max_steps, table):
        detector = quick(
            lr=1e38,
            optimizer="sgd",
            max_steps=max_steps,
            score_function=score_function,
            novelty=True,
            lr_schedule="constant",
        )
        with pytest.raises(ValueError, match="Lower `lr`"):
            detector.fit(table[0])
        with pytest.raises(NotFittedError):
            detector.score_samples(table[0])

    def test_message_of_a_nan_loss_names_the_remedy(self, table):
        with pytest.raises(ValueError, match="Lower `lr`, check the loss, or scale"):
            quick(ModuleDetector).set_params(loss=not_a_number).fit(table[0])

    @every_detector
    def test_column_without_values(self, cls, table):
        X, _ = table
        X[:, 3] = np.nan
        with pytest.raises(ValueError, match=r"missing in column\(s\) \[3\]"):
            quick(cls).fit(X)
        frame = pd.DataFrame(X, columns=list("abcde"))
        with pytest.raises(ValueError, match=r"missing in column\(s\) \['d'\]"):
            quick(cls).fit(frame)

    def test_column_without_values_where_weights_are_positive(self, table):
        X, _ = table
        X[50:, 1] = np.nan
        weight = (np.arange(200) >= 50).astype(float)
        with pytest.raises(ValueError, match=r"missing in column\(s\) \[1\]"):
            quick().fit(X, sample_weight=weight)

    @pytest.mark.parametrize(
        ("cls", "method"),
        [(c, m) for c in CLASSES for m in ("fit", "partial_fit") if hasattr(c, m)],
    )
    def test_infinity(self, cls, method, table):
        X, _ = table
        X[7, 2] = -np.inf
        with pytest.raises(ValueError, match="infinity"):
            getattr(quick(cls), method)(X)
        detector = quick(cls, max_steps=1).fit(X[20:])
        with pytest.raises(ValueError, match="infinity"):
            detector.score_samples(X)

    def test_endless_training(self, table):
        with pytest.raises(ValueError, match="max_epochs and max_steps are both None"):
            quick(max_steps=None, max_epochs=None).fit(table[0])

    def test_unknown_device(self, table):
        with pytest.raises(ValueError, match="'abacus' is unknown to torch"):
            quick(device="abacus").fit(table[0])

    @pytest.mark.parametrize("device", ["cuda", "cuda:1"])
    def test_missing_device(self, device, table, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        with pytest.raises(ValueError, match=f"'{device}' was asked for"):
            quick(device=device).fit(table[0])

    def test_bfloat16_on_the_cpu(self, table):
        with pytest.raises(ValueError, match="'bfloat16' needs an accelerator"):
            quick(device="cpu", precision="bfloat16").fit(table[0])

    @pytest.mark.parametrize("X", [np.ones((1, 3)), np.ones((8, 3))])
    def test_too_few_rows_to_hold_some_out(self, X):
        with pytest.raises(ValueError, match="set early_stopping=False"):
            quick(early_stopping=True).fit(X)

    def test_too_many_axes(self):
        with pytest.raises(ValueError, match="array with dim 5"):
            quick().fit(np.zeros((3, 2, 2, 2, 2)))


class Drift(nn.Module):
    """One number, which training raises without an end."""

    def __init__(self, input_shape):
        super().__init__()
        self.position = nn.Parameter(torch.zeros(()))


def drift_loss(module, X):
    """Best at 0.55 for held-out rows, while training moves on by its rate."""
    if module.training:
        return -module.position.expand(len(X))
    return (module.position - 0.55).square().expand(len(X))


class TestBudget:
    @pytest.mark.parametrize(
        ("max_epochs", "max_steps", "n_steps", "n_epochs"),
        [
            (3, None, 12, 3),
            (None, 10, 10, 3),
            (3, 5, 5, 2),
            (2, 100, 8, 2),
            (1, 1, 1, 1),
        ],
    )
    @every_deep_detector
    def test_steps(self, cls, max_epochs, max_steps, n_steps, n_epochs, table):
        detector = quick(
            cls, max_epochs=max_epochs, max_steps=max_steps, batch_size=32, novelty=True
        ).fit(table[0][:100])
        assert detector.n_steps_ == n_steps
        assert detector.n_iter_ == len(detector.history_) == n_epochs
        assert sum(e["train_batch_count"] for e in detector.history_) == n_steps

    def test_epochs_go_by_weight(self, table):
        detector = quick(max_epochs=1, max_steps=None, batch_size=32, novelty=True)
        detector.fit(table[0][:100], sample_weight=np.full(100, 2.0))
        assert detector.n_steps_ == 7

    def test_steps_do_not_grow_with_the_rows(self):
        detector = quick(novelty=True)
        X = np.random.RandomState(0).randn(20_000, 3)
        assert detector.fit(X).n_steps_ == 12
        assert detector.n_iter_ == 1

    def early_stopping(self, **params):
        recorder = Recorder()
        detector = ModuleDetector(
            module=Drift,
            loss=drift_loss,
            novelty=True,
            early_stopping=True,
            n_iter_no_change=4,
            tol=0.0,
            optimizer="sgd",
            lr=0.05,
            lr_schedule="constant",
            weight_decay=0.0,
            max_epochs=50,
            max_steps=None,
            batch_size=90,
            callbacks=[recorder],
            random_state=0,
            **params,
        )
        return detector, recorder

    def test_early_stopping_keeps_the_best_weights(self):
        detector, recorder = self.early_stopping()
        detector.fit(np.random.RandomState(0).randn(100, 2))
        losses = [epoch["valid_loss"] for epoch in detector.history_]
        best = int(np.argmin(losses))
        assert detector.n_iter_ == best + 1 + 4 < 50
        kept = detector.net_.module_.members[0].position
        assert torch.equal(kept, recorder.weights[best])
        assert not torch.equal(kept, recorder.weights[-1])

    def test_no_early_stopping(self):
        detector, recorder = self.early_stopping()
        detector.set_params(early_stopping=False)
        detector.fit(np.random.RandomState(0).randn(100, 2))
        assert detector.n_iter_ == 50
        assert "valid_loss" not in detector.history_[0]
        assert torch.equal(
            detector.net_.module_.members[0].position, recorder.weights[-1]
        )


class TestGoingOn:
    """`partial_fit` and `warm_start`."""

    @every_deep_detector
    def test_partial_fit_learns(self, cls):
        X, y = make_table(600)
        detector = quick(cls)
        for _ in range(2):
            for part in np.array_split(np.arange(600), 4):
                assert detector.partial_fit(X[part]) is detector
        assert roc_auc_score(y, detector.score_samples(X)) > 0.9

    def test_partial_fit_trains_one_epoch_and_keeps_the_preparation(self, table):
        X, _ = table
        detector = quick(max_steps=100).partial_fit(X)
        assert detector.n_steps_ == 13
        before = detector.preprocessor_
        center, weight = before.center_.copy(), detector.net_.module_.state_dict()
        weight = {name: value.clone() for name, value in weight.items()}
        detector.partial_fit(X[:50] + 100.0)
        assert detector.preprocessor_ is before
        np.testing.assert_array_equal(before.center_, center)
        assert detector.n_steps_ == 4
        after = detector.net_.module_.state_dict()
        assert any(not torch.equal(after[name], weight[name]) for name in weight)

    def test_partial_fit_takes_statistics_from_all_rows_seen(self, table):
        X, _ = table
        detector = quick(contamination=0.25, novelty=True)
        detector.partial_fit(X[:150]).partial_fit(X[150:])
        assert (detector.predict(X) == -1).sum() == 50

    def test_partial_fit_checks_the_columns(self, table):
        X, _ = table
        detector = quick().partial_fit(X)
        with pytest.raises(ValueError, match="expecting 5 features"):
            detector.partial_fit(X[:, :2])

    def test_partial_fit_after_fit(self, table):
        X, _ = table
        fitted = quick().fit(X)
        scores = fitted.score_samples(X)
        assert not np.array_equal(fitted.partial_fit(X).score_samples(X), scores)
        assert_same(fitted, quick().fit(X).partial_fit(X))

    @every_deep_detector
    @pytest.mark.parametrize("start", ["fit", "partial_fit"])
    def test_pickling_in_between_changes_nothing(self, cls, start):
        X, _ = make_table(60)
        steady = getattr(quick(cls, max_steps=4), start)(X)
        saved = pickle.loads(pickle.dumps(steady))
        for part in (X[:25], X[25:]):
            steady.partial_fit(part, sample_weight=np.arange(len(part)))
            saved = pickle.loads(pickle.dumps(saved))
            saved.partial_fit(part, sample_weight=np.arange(len(part)))
            assert_same(steady, saved)

    @every_deep_detector
    def test_warm_start(self, cls):
        X, _ = make_table(100)
        params = {"lr_schedule": "constant", "max_epochs": 3, "max_steps": None}
        warm = quick(cls, warm_start=True, **params).fit(X)
        preprocessor = warm.preprocessor_

        def weights(detector):
            parts = detector.net_.module_.parameters()
            return torch.cat([w.detach().flatten().clone() for w in parts])

        left_off = weights(warm)
        warm.set_params(max_epochs=None, max_steps=1).fit(X)
        anew = quick(cls, lr_schedule="constant", max_steps=1).fit(X)
        # One more step starts from where it left off, not from where it began.
        distance = (weights(warm) - left_off).norm()
        assert 0 < distance < 0.5 * (weights(anew) - left_off).norm()
        assert warm.preprocessor_ is preprocessor
        cold = quick(cls, **params).fit(X)
        assert_same(cold, clone(cold).fit(X))
        assert_same(cold, cold.fit(X))

    def test_warm_start_refuses_other_columns(self, table):
        X, _ = table
        warm = quick(warm_start=True).fit(X)
        scores = warm.score_samples(X)
        with pytest.raises(ValueError, match="expecting 5 features"):
            warm.fit(X[:, :3])
        np.testing.assert_array_equal(warm.score_samples(X), scores)


class TestOptimisation:
    @pytest.mark.parametrize(
        "optimizer", ["adam", "adamw", "sgd", torch.optim.RMSprop], ids=str
    )
    def test_optimizers_lower_the_loss(self, optimizer, table):
        detector = quick(
            ModuleDetector, optimizer=optimizer, max_steps=100, lr=0.02, novelty=True
        ).fit(table[0])
        losses = [epoch["train_loss"] for epoch in detector.history_]
        assert losses[-1] < losses[0]

    def test_cosine_schedule(self, table):
        recorder = Recorder()
        quick(
            callbacks=[recorder], lr=1.0e-3, batch_size=200, max_steps=100, novelty=True
        ).fit(table[0])
        assert np.argmax(recorder.rates) == pytest.approx(20, abs=1)
        assert max(recorder.rates) == pytest.approx(1e-3)
        assert recorder.rates[-1] == pytest.approx(0.02e-3, rel=0.1)
        assert recorder.rates[0] == pytest.approx(1e-3 / 20)

    def test_schedule_of_skorch(self, table):
        recorder = Recorder()
        schedule = LRScheduler(policy="StepLR", step_size=1, gamma=0.1)
        quick(
            callbacks=[recorder, schedule],
            lr_schedule="constant",
            lr=1e-2,
            max_epochs=3,
            max_steps=None,
            novelty=True,
        ).fit(table[0])
        np.testing.assert_allclose(recorder.rates, [1e-2, 1e-3, 1e-4])

    def test_weight_decay(self, table):
        sizes = [
            sum(
                p.square().sum().item()
                for p in quick(weight_decay=decay, lr=0.1, max_steps=40)
                .fit(table[0])
                .net_.module_.parameters()
            )
            for decay in (0.0, 1.0)
        ]
        assert sizes[1] < 0.5 * sizes[0]


class Watcher:
    """A callback of scikit-learn that notes the hooks, and may stop the training."""

    def __init__(self, stop=False, fail=False):
        self.stop, self.fail, self.calls = stop, fail, []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, **kwargs):
        self.calls.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, **kwargs):
        self.calls.append(f"end {context.task_name}")
        if self.fail:
            raise RuntimeError("planted")
        return self.stop


@pytest.mark.skipif(
    not hasattr(AutoEncoder, "set_callbacks"), reason="needs scikit-learn 1.9"
)
class TestCallbacksOfScikitLearn:
    params = {"max_epochs": 3, "max_steps": None, "novelty": True}

    @every_deep_detector
    @pytest.mark.parametrize(("method", "epochs"), [("fit", 3), ("partial_fit", 1)])
    def test_hooks(self, cls, method, epochs, table):
        watcher = Watcher()
        detector = quick(cls, **self.params).set_callbacks(watcher)
        getattr(detector, method)(table[0])
        assert watcher.calls == [
            "setup",
            "begin fit",
            *["begin epoch", "end epoch"] * epochs,
            "end fit",
            "teardown",
        ]

    @every_deep_detector
    def test_hooks_of_two_trainings(self, cls, table):
        watcher = Watcher()
        params = self.params | {"novelty": False}
        quick(cls, **params).set_callbacks(watcher).fit(table[0])
        epochs = ["begin epoch", "end epoch"] * 3
        training = ["begin training", *epochs, "end training"]
        assert watcher.calls == [
            *("setup", "begin fit"),
            *training * 2,
            *("end fit", "teardown"),
        ]

    # With 64 rows a batch, the cleanest 70 % make other epochs than all rows do.
    numbers_of_rows = [*range(9, 14), 64, 65, 91, 92, 93, *range(120, 400, 27), 1000]

    @pytest.mark.parametrize("novelty", [False, True])
    @pytest.mark.parametrize("n_rows", numbers_of_rows)
    def test_any_number_of_rows(self, n_rows, novelty, capsys):
        pytest.importorskip("rich")
        from sklearn.callback import ProgressBar

        X, _ = make_table(n_rows)
        watcher = Watcher()
        schedule = LRScheduler("StepLR", step_size=10)
        params = {"lr_schedule": "constant", "callbacks": [schedule]}
        detector = AutoEncoder(
            n_estimators=1, max_steps=20, novelty=novelty, random_state=0, **params
        )
        detector.set_callbacks(ProgressBar(), watcher).fit(X)
        assert "AutoEncoder - fit" in capsys.readouterr().out
        assert watcher.calls.count("end epoch") == watcher.calls.count("begin epoch")
        assert watcher.calls[-2:] == ["end fit", "teardown"]
        alone = clone(detector).set_params(callbacks=[schedule]).fit(X)
        assert_same(detector, alone)
        # Going on, on the cleanest rows as well.
        detector.set_params(warm_start=True).fit(X)
        detector.partial_fit(X)

    def test_stop(self, table):
        detector = quick(**self.params).set_callbacks(Watcher(stop=True))
        assert detector.fit(table[0]).n_iter_ == 1

    def test_failure(self, table):
        watcher = Watcher(fail=True)
        detector = quick(**self.params).set_callbacks(watcher)
        before = set(vars(detector))
        with pytest.raises(RuntimeError, match="planted"):
            detector.fit(table[0])
        assert watcher.calls[-1] == "teardown"
        assert set(vars(detector)) == before

    def test_scores_are_the_same(self, table):
        X, _ = table
        watched = quick(**self.params).set_callbacks(Watcher()).fit(X)
        assert_same(watched, quick(**self.params).fit(X))


def test_partial_fit_widens_what_was_constant():
    X = np.column_stack([np.random.RandomState(0).randn(200, 3), np.zeros(200)])
    changed = X.copy()
    changed[:, 3] = 1.0
    detector = quick().fit(X)
    plain = detector.score_samples(X)
    assert detector.score_samples(changed).max() < plain.min()
    detector.partial_fit(changed)
    np.testing.assert_array_equal(
        detector.score_samples(changed), detector.score_samples(X)
    )
    changed[:, 3] = 1e3
    assert detector.score_samples(changed).max() < detector.score_samples(X).min()
    detector.fit(changed)
    changed[:, 3] = 1.0
    assert (detector.predict(changed) == -1).all()


def test_verbose(table, capsys):
    quick(verbose=0).fit(table[0])
    assert capsys.readouterr() == ("", "")
    quick(verbose=1).fit(table[0])
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "12/12" in shown.err
