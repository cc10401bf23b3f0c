"""The contract of the base: streams, weights, failures, budgets, state."""

import inspect
import io
import pickle
import random
import re
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler
from skorch.callbacks import Callback, LRScheduler
from threadpoolctl import threadpool_limits
from torch import nn

from sklearn_deepod import (
    LUNAR,
    AutoEncoder,
    DeepIsolationForest,
    DevNet,
    ModifiedZScore,
    ModuleDetector,
    RandomFeatures,
    ZScore,
)
from sklearn_deepod.base import BaseDeepDetector, BaseDetector, BaseTorchDetector
from sklearn_deepod.preparation import SquashScaler
from sklearn_deepod.utils import all_detectors
from tests.conftest import QUICK, RebuildingLoss, make_detector, make_table

CLASSES = [cls for _, cls in all_detectors()]
DEEP = [cls for cls in CLASSES if issubclass(cls, BaseDeepDetector)]
every_detector = pytest.mark.parametrize("cls", CLASSES)
every_deep_detector = pytest.mark.parametrize("cls", DEEP)


def quick(cls=AutoEncoder, **params):
    return make_detector(cls, **(QUICK | params))


def assert_same(a, b, X=None):
    """Two fitted detectors score and cut alike, bit for bit."""
    X = make_table(seed=9)[0] if X is None else X
    np.testing.assert_array_equal(a.score_samples(X), b.score_samples(X))
    assert a.offset_ == b.offset_


def fit_and_score(detector, X):
    return detector.fit(X).score_samples(X)


class Recorder(Callback):
    """Notes what each epoch leaves behind."""

    def __init__(self):
        self.rates, self.weights = [], []

    def on_epoch_end(self, net, **kwargs):
        self.rates.append(net.optimizer_.param_groups[0]["lr"])
        first = next(net.module_.parameters())
        self.weights.append(first.detach().clone())


class Raiser(Callback):
    """Fails in the middle of the training, when switched on."""

    def __init__(self, error, hook, at=3):
        self.error, self.at, self.on, self.count = error, at, True, 0
        setattr(self, hook, self._raise)

    def _raise(self, net, **kwargs):
        self.count += 1
        if self.on and self.count >= self.at:
            raise self.error("planted")


class TestDocumentation:
    """Shared parameters are described in the same words everywhere."""

    @staticmethod
    def entries(cls, section):
        text = inspect.cleandoc(cls.__doc__)
        body = re.search(rf"^{section}\n-+\n(.*?)(?=\n\n\w|\Z)", text, re.S | re.M)[1]
        found = re.findall(r"^(\w+) : (.*)\n((?:[ ]{4}.*\n?|\n)+)", body + "\n", re.M)
        return {name: (kind, " ".join(words.split())) for name, kind, words in found}

    @every_deep_detector
    @pytest.mark.parametrize("section", ["Parameters", "Attributes"])
    def test_shared_words(self, cls, section):
        shared = self.entries(BaseDeepDetector, section)
        own = self.entries(cls, section)
        assert len(shared) >= 9
        for name, (kind, words) in shared.items():
            assert own[name][1] == words, name
            assert re.sub("default=.*", "", own[name][0]) == re.sub(
                "default=.*", "", kind
            ), name

    @every_detector
    def test_words_of_common_attributes(self, cls):
        shared = self.entries(BaseDeepDetector, "Attributes")
        own = self.entries(cls, "Attributes")
        common = {"offset_", "n_features_in_", "feature_names_in_"}
        assert common <= set(own)
        for name in common:
            assert own[name] == shared[name]

    def test_contamination_is_described_in_the_base_of_all(self):
        assert (
            self.entries(BaseDetector, "Parameters")["contamination"]
            == self.entries(BaseDeepDetector, "Parameters")["contamination"]
        )

    @pytest.mark.parametrize("section", ["Parameters", "Attributes"])
    def test_words_of_all_that_have_a_module(self, section):
        shared = self.entries(BaseTorchDetector, section)
        for cls in (c for c in CLASSES if issubclass(c, BaseTorchDetector)):
            own = self.entries(cls, section)
            for name in shared if cls not in DEEP else shared.keys() - {"novelty"}:
                assert own[name] == shared[name], name

    @pytest.mark.parametrize("cls", [*CLASSES, BaseDeepDetector, BaseTorchDetector])
    def test_every_parameter_with_its_default(self, cls):
        described = self.entries(cls, "Parameters")
        signature = inspect.signature(cls).parameters
        assert list(described) == list(signature)
        for name, parameter in signature.items():
            if parameter.default is not inspect.Parameter.empty:
                default = described[name][0].split("default=")[1]
                assert eval(default) == parameter.default, name

    @every_detector
    def test_parameters_have_constraints(self, cls):
        assert set(inspect.signature(cls).parameters) == set(cls._parameter_constraints)


class TestWeightedSetOfRows:
    """A fit is a function of the weighted set of rows and the seed."""

    detectors = pytest.mark.parametrize(
        "detector",
        [
            quick(),
            quick(dropout=0.3, noise=0.2, mask_rate=0.5, novelty=True),
            quick(bootstrap=True),
            quick(early_stopping=True, max_steps=30, n_iter_no_change=2),
            quick(max_steps=None, max_epochs=2, contamination=0.2),
            quick(preprocessor=StandardScaler(), score_function="squared_error"),
            quick(ModuleDetector, bootstrap=True),
            quick(ZScore),
            quick(ModifiedZScore, contamination=0.2),
            quick(DeepIsolationForest, max_samples=16),
            quick(DevNet),
            quick(LUNAR, n_neighbors=3),
            quick(RandomFeatures),
        ],
        ids=[
            "trimmed",
            "noisy",
            "bootstrap",
            "early stopping",
            "epochs",
            "standardised",
            "module",
            "z-score",
            "modified z-score",
            "isolation",
            "deviation",
            "neighbours",
            "random features",
        ],
    )

    @detectors
    @given(data=st.data())
    @settings(max_examples=6, deadline=None, derandomize=True, database=None)
    def test_bit_identical(self, detector, data):
        n = data.draw(st.integers(5, 60))
        rng = np.random.RandomState(data.draw(st.integers(0, 2**16)))
        X = rng.randn(n, 3).round(2)
        if data.draw(st.booleans()):
            X[rng.rand(n, 3) < 0.1] = np.nan
            X[0] = 0.0
        weight = rng.randint(0, 4, size=n).astype(float)
        weight[:4] = 1.0
        order = rng.permutation(n)
        repeated = np.repeat(X, weight.astype(int), axis=0)
        rng.shuffle(repeated)
        new = rng.randn(7, 3)
        fits = [
            clone(detector).fit(X, sample_weight=weight),
            clone(detector).fit(X[order], sample_weight=weight[order]),
            clone(detector).fit(X[weight > 0], sample_weight=weight[weight > 0]),
            clone(detector).fit(repeated),
            clone(detector).fit(
                np.vstack([X, X]), sample_weight=np.r_[weight, weight * 0]
            ),
        ]
        for other in fits[1:]:
            assert_same(fits[0], other, new)

    def test_weights_count(self, table):
        X, _ = table
        weight = np.where(np.arange(len(X)) < 100, 3.0, 1.0)
        plain, weighted = quick().fit(X), quick().fit(X, sample_weight=weight)
        assert not np.array_equal(plain.score_samples(X), weighted.score_samples(X))

    def test_minus_zero_is_zero(self, table):
        X = table[0].round()
        assert_same(quick().fit(X), quick().fit(np.where(X == 0, -0.0, X)))

    def test_all_weights_zero(self, table):
        with pytest.raises(ValueError, match="[Ss]ample weights .*zero"):
            quick().fit(table[0], sample_weight=np.zeros(200))

    def test_negative_weight(self, table):
        with pytest.raises(ValueError, match="[Nn]egative values"):
            quick().fit(table[0], sample_weight=np.r_[-1.0, np.ones(199)])

    def test_wrong_length(self, table):
        with pytest.raises(ValueError, match="sample_weight.shape"):
            quick().fit(table[0], sample_weight=np.ones(3))


class TestRandomStreams:
    noisy = pytest.mark.parametrize(
        "detector",
        [quick(dropout=0.2, noise=0.1, bootstrap=True), quick(ModuleDetector)],
        ids=["AutoEncoder", "ModuleDetector"],
    )

    @noisy
    def test_clone(self, detector, table):
        X, _ = table
        first = clone(detector).fit(X)
        assert_same(first, clone(first).fit(X))
        assert_same(first, clone(first).fit(X[::-1]))
        other = clone(detector).set_params(random_state=1).fit(X)
        assert not np.array_equal(first.score_samples(X), other.score_samples(X))

    @noisy
    def test_threads(self, detector, table):
        X, _ = table
        expected = fit_and_score(clone(detector), X)
        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(fit_and_score, clone(detector), X) for _ in range(8)]
            for job in jobs:
                np.testing.assert_array_equal(job.result(), expected)

    @noisy
    def test_processes(self, detector, table):
        X, _ = table
        found = joblib.Parallel(n_jobs=2)(
            joblib.delayed(fit_and_score)(clone(detector), X) for _ in range(2)
        )
        for scores in found:
            np.testing.assert_array_equal(scores, fit_and_score(clone(detector), X))

    @every_detector
    @pytest.mark.parametrize("n_threads", [1, 2])
    def test_blas_threads(self, cls, n_threads):
        X = np.random.default_rng(0).normal(size=(3000, 60))
        detector = quick(cls)
        expected = fit_and_score(clone(detector), X)
        with threadpool_limits(n_threads, user_api="blas"):
            np.testing.assert_array_equal(fit_and_score(detector, X), expected)

    @noisy
    @pytest.mark.parametrize("random_state", [0, None])
    def test_global_states_are_left_alone(self, detector, table, random_state):
        X, _ = table
        detector = clone(detector).set_params(random_state=random_state)
        before = random.getstate(), np.random.get_state(), torch.get_rng_state()
        detector.fit(X).score_samples(X)
        detector.partial_fit(X).predict(X)
        pickle.loads(pickle.dumps(detector))
        after = random.getstate(), np.random.get_state(), torch.get_rng_state()
        assert before[0] == after[0]
        np.testing.assert_array_equal(before[1][1], after[1][1])
        assert before[1][2:] == after[1][2:]
        assert torch.equal(before[2], after[2])

    def test_global_seed_is_not_read(self, table):
        X, _ = table
        scores = []
        for _ in range(2):
            np.random.seed(0)
            torch.manual_seed(0)
            scores.append(fit_and_score(quick(random_state=None), X))
        assert not np.array_equal(*scores)

    def test_random_state_instance(self, table):
        X, _ = table
        state = np.random.RandomState(0)
        detector = quick(random_state=state)
        assert not np.array_equal(
            fit_and_score(detector, X), fit_and_score(detector, X)
        )
        same = quick(random_state=np.random.RandomState(0))
        again = quick(random_state=np.random.RandomState(0))
        np.testing.assert_array_equal(fit_and_score(same, X), fit_and_score(again, X))


@pytest.mark.parametrize("n_features", [5, 30])
@pytest.mark.parametrize(
    "detector",
    [
        *(quick(cls) for cls in CLASSES),
        quick(latent_size=6, score_function="squared_error"),
    ],
    ids=[*(cls.__name__ for cls in CLASSES), "narrow code"],
)
def test_score_does_not_depend_on_the_rows_beside_it(detector, n_features):
    X = np.random.RandomState(0).randn(1100, n_features)
    fitted = clone(detector).fit(X)
    expected = fitted.score_samples(X)
    for rows in (slice(0, 1), slice(5, 7), slice(3, 36), slice(50, 1100), [999, 0, 5]):
        np.testing.assert_array_equal(fitted.score_samples(X[rows]), expected[rows])


@every_detector
def test_score_does_not_depend_on_missing_cells_of_other_rows(cls):
    X = np.random.RandomState(0).randn(100, 30)
    X[50, 2] = 5.0  # stands out, so that it counts in every score
    detector = quick(cls).fit(X)
    expected = detector.score_samples(X)
    X[50, 2] = np.nan
    scores = detector.score_samples(X)
    assert scores[50] != expected[50]
    others = np.arange(100) != 50
    np.testing.assert_array_equal(scores[others], expected[others])


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
        detector = quick(cls).fit(X[20:])
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
        detector = quick(cls, n_estimators=4)
        for _ in range(4):
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
    def test_pickling_in_between_changes_nothing(self, cls, start, table):
        X, _ = table
        steady = getattr(quick(cls), start)(X)
        saved = pickle.loads(pickle.dumps(steady))
        for part in (X[:80], X[80:]):
            steady.partial_fit(part, sample_weight=np.arange(len(part)))
            saved = pickle.loads(pickle.dumps(saved))
            saved.partial_fit(part, sample_weight=np.arange(len(part)))
            assert_same(steady, saved)

    @every_deep_detector
    def test_warm_start(self, cls, table):
        X, _ = table
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


class TestFeatures:
    @every_detector
    @pytest.mark.parametrize("magnitude", [1e-30, 1e-8, 1e8, 1e30])
    def test_magnitudes(self, cls, magnitude):
        X, y = make_table(400)
        X[:, ::2] *= magnitude
        detector = quick(cls, max_steps=60, n_estimators=4).fit(X)
        scores = detector.score_samples(X)
        assert np.isfinite(scores).all()
        assert roc_auc_score(y, scores) > 0.9
        far = detector.score_samples(X * 1e3)
        assert np.isfinite(far).all()
        assert np.median(far) < np.median(scores)

    @every_detector
    def test_constant_columns(self, cls, table):
        X, y = table
        X = np.c_[X, np.full(200, 0.1), np.full(200, 1e30), np.zeros(200)]
        scores = quick(cls, max_steps=60).fit(X).score_samples(X)
        assert np.isfinite(scores).all()
        assert roc_auc_score(y, scores) > 0.8

    def test_squashed_by_default(self, table):
        detector = quick().fit(table[0])
        assert isinstance(detector.preprocessor_, SquashScaler)

    @every_deep_detector
    @pytest.mark.parametrize(
        "preprocessor",
        [
            StandardScaler(),
            make_pipeline(QuantileTransformer(n_quantiles=20), StandardScaler()),
            PCA(2),
            make_pipeline(StandardScaler()).set_output(transform="pandas"),
            OneHotEncoder(handle_unknown="ignore"),
        ],
        ids=["scaler", "pipeline", "fewer columns", "frames", "sparse"],
    )
    def test_preprocessor_of_the_user(self, cls, preprocessor, table):
        X = table[0].round(1)
        detector = quick(cls, preprocessor=preprocessor).fit(X)
        assert np.isfinite(detector.score_samples(X)).all()
        assert type(detector.preprocessor_) is type(preprocessor)
        assert detector.preprocessor_ is not preprocessor
        with pytest.raises(NotFittedError):
            preprocessor.transform(X)
        assert detector.n_features_in_ == 5

    @every_deep_detector
    def test_no_preprocessor(self, cls, table):
        X, _ = table
        detector = quick(cls, preprocessor=None).fit(X)
        assert detector.preprocessor_ is None
        assert not np.array_equal(
            detector.score_samples(X), quick(cls).fit(X).score_samples(X)
        )

    def test_preprocessor_is_the_same_as_a_step_before(self, table):
        X, _ = table
        inside = quick(preprocessor=StandardScaler(), score_function="squared_error")
        outside = quick(preprocessor=None, score_function="squared_error")
        Z = StandardScaler().fit_transform(X)
        # Other bytes give another canonical order, so batches differ: train on all.
        tight = {"max_steps": 1, "lr": 1e-12, "novelty": True}
        np.testing.assert_allclose(
            inside.set_params(**tight, activation="identity").fit(X).score_samples(X),
            outside.set_params(**tight, activation="identity").fit(Z).score_samples(Z),
            rtol=1e-5,
        )


class Witness(nn.Module):
    """Holds the shape that it was built for and rejects all others."""

    def __init__(self, input_shape):
        super().__init__()
        self.input_shape = input_shape
        self.centre = nn.Parameter(torch.zeros(input_shape))


def witness_loss(module, X):
    assert X.shape[1:] == module.centre.shape
    return (X - module.centre).square().flatten(1).mean(dim=1)


class TestShapes:
    @pytest.mark.parametrize("shape", [(3,), (7, 3), (3, 8, 6), (1, 4, 4)])
    @pytest.mark.parametrize("preprocessor", ["auto", None])
    def test_the_module_sees_the_shape_of_a_row(self, shape, preprocessor):
        X = np.random.RandomState(0).randn(40, *shape)
        X[:3] += 20
        detector = ModuleDetector(
            module=Witness,
            loss=witness_loss,
            preprocessor=preprocessor,
            **(QUICK | {"max_steps": 40, "lr": 0.05}),
        ).fit(X)
        assert detector.net_.module_.members[0].input_shape == shape
        scores = detector.score_samples(X)
        assert scores[:3].max() < scores[3:].min()
        assert_same(detector, pickle.loads(pickle.dumps(detector)), X)

    @pytest.mark.parametrize("shape", [(7, 2), (3, 8, 6)])
    def test_another_shape(self, shape):
        X = np.random.RandomState(0).randn(20, *shape)
        detector = ModuleDetector(module=Witness, loss=witness_loss, **QUICK).fit(X)
        with pytest.raises(ValueError, match=r"shape|features"):
            detector.score_samples(X[..., :1])

    def test_channels_are_scaled_alike(self):
        X = np.random.RandomState(0).randn(50, 2, 4, 4) * [[[[1.0]], [[1e6]]]]
        detector = ModuleDetector(module=Witness, loss=witness_loss, **QUICK).fit(X)
        assert detector.preprocessor_.center_.shape == (2,)
        X = np.moveaxis(X, 1, -1).reshape(50, 16, 2)
        detector.fit(X)
        assert detector.preprocessor_.center_.shape == (2,)

    def test_sequences_with_missing_values(self):
        X = np.random.RandomState(0).randn(50, 6, 2)
        X[3, 2:4] = np.nan
        detector = ModuleDetector(module=Witness, loss=witness_loss, **QUICK).fit(X)
        assert np.isfinite(detector.score_samples(X)).all()


class FindingUnpickler(pickle.Unpickler):
    """Notes where each class and function in a pickle comes from."""

    def __init__(self, file):
        super().__init__(file)
        self.modules = set()

    def find_class(self, module, name):
        self.modules.add(module.split(".")[0])
        return super().find_class(module, name)


class TestState:
    allowed = {
        *("sklearn_deepod", "numpy", "sklearn", "builtins", "copyreg", "collections"),
        "tests",  # the module and the loss of ModuleDetector
    }

    @every_deep_detector
    @pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
    def test_pickles_hold_plain_arrays(self, cls, protocol, table):
        X, _ = table
        detector = quick(cls, early_stopping=True).fit(X, sample_weight=np.ones(200))
        data = pickle.dumps(detector.partial_fit(X), protocol=protocol)
        finder = FindingUnpickler(io.BytesIO(data))
        assert_same(finder.load(), detector)
        assert finder.modules <= self.allowed | {"_codecs"}

    def test_random_state_in_a_pickle(self, table):
        detector = quick(random_state=np.random.RandomState(3)).fit(table[0])
        assert_same(pickle.loads(pickle.dumps(detector)), detector)

    def test_pickles_do_not_grow_with_the_training(self, table):
        sizes = [
            len(pickle.dumps(quick(max_steps=steps).fit(np.vstack([table[0]] * 20))))
            for steps in (10, 200)
        ]
        assert sizes[1] < 1.05 * sizes[0]

    def test_a_device_that_is_gone(self, table, monkeypatch):
        X, _ = table
        detector = quick().fit(X)
        state = detector.__getstate__() | {"device_": "cuda:0"}
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        moved = AutoEncoder()
        moved.__setstate__(state)
        assert moved.device_ == "cpu"
        assert_same(moved, detector)

    def test_fitted_attributes(self, table):
        detector = quick().fit(table[0])
        public = {name for name in vars(detector) if name.endswith("_")}
        assert public == {
            *("offset_", "net_", "preprocessor_", "history_", "n_iter_", "n_steps_"),
            *("device_", "n_features_in_"),
        }
        assert not detector.net_.module_.training
