"""The contract of detectors with a module: weighted rows, streams, features, state."""

import io
import pickle
import random
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler
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
from sklearn_deepod.preprocessing import RobustAsinhScaler
from tests.base.common import (
    CLASSES,
    assert_same,
    every_deep_detector,
    every_detector,
    fit_and_score,
    quick,
)
from tests.conftest import QUICK, make_table


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

    @pytest.mark.parametrize("weight", [1e308, 1e-200])
    def test_sums_of_weights_beyond_floats(self, weight, table):
        with pytest.raises(ValueError, match="sum of sample_weight is"):
            quick().fit(table[0], sample_weight=np.full(200, weight))

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
        expected = fit_and_score(clone(detector), X)
        for scores in found:
            np.testing.assert_array_equal(scores, expected)

    @every_detector
    def test_blas_threads(self, cls):
        X = np.random.default_rng(0).normal(size=(3000, 60))
        detector = quick(cls, max_steps=4)
        expected = fit_and_score(clone(detector), X)
        for n_threads in (1, 2):
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
        *(quick(cls, max_steps=4) for cls in CLASSES),
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


class TestFeatures:
    @every_detector
    @pytest.mark.parametrize("magnitude", [1e-30, 1e-8, 1e8, 1e30])
    def test_magnitudes(self, cls, magnitude):
        X, y = make_table()
        X[:, ::2] *= magnitude
        detector = quick(cls, max_steps=30).fit(X)
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
        scores = quick(cls, max_steps=30).fit(X).score_samples(X)
        assert np.isfinite(scores).all()
        assert roc_auc_score(y, scores) > 0.8

    def test_squashed_by_default(self, table):
        detector = quick().fit(table[0])
        assert isinstance(detector.preprocessor_, RobustAsinhScaler)

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
        detector = quick(cls, preprocessor=preprocessor, max_steps=2).fit(X)
        assert np.isfinite(detector.score_samples(X)).all()
        assert type(detector.preprocessor_) is type(preprocessor)
        assert detector.preprocessor_ is not preprocessor
        with pytest.raises(AttributeError):  # NotFittedError is one
            preprocessor.transform(X)
        assert detector.n_features_in_ == 5

    @every_deep_detector
    def test_no_preprocessor(self, cls, table):
        X, _ = table
        detector, default = (
            quick(cls, max_steps=2, **params).fit(X)
            for params in ({"preprocessor": None}, {})
        )
        assert detector.preprocessor_ is None
        assert not np.array_equal(detector.score_samples(X), default.score_samples(X))

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
    def test_pickles_hold_plain_arrays(self, cls, table):
        X, _ = table
        detector = quick(cls, early_stopping=True, max_steps=4)
        detector.fit(X, sample_weight=np.ones(200)).partial_fit(X[:50])
        for protocol in (2, pickle.HIGHEST_PROTOCOL):
            data = pickle.dumps(detector, protocol=protocol)
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
