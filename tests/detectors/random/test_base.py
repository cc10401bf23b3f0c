"""What holds for the detectors whose networks are not trained."""

import io
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_deepod import DeepIsolationForest, RandomFeatures
from sklearn_deepod.preprocessing import RobustAsinhScaler
from tests.base import test_torch
from tests.base.common import assert_same, fit_and_score
from tests.conftest import make_detector, make_table

every_detector = pytest.mark.parametrize("cls", [DeepIsolationForest, RandomFeatures])


def quick(cls, **params):
    return make_detector(cls, **({"random_state": 0} | params))


@every_detector
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_pickles_hold_plain_arrays(cls, protocol):
    X, _ = make_table()
    detector = quick(cls).fit(X)
    finder = test_torch.FindingUnpickler(
        io.BytesIO(pickle.dumps(detector, protocol=protocol))
    )
    loaded = finder.load()
    assert_same(loaded, detector)
    assert finder.modules <= test_torch.TestState.allowed | {"_codecs"}
    assert not loaded.module_.training
    assert_same(loaded.fit(X), detector)


@every_detector
def test_a_device_that_is_gone(cls, monkeypatch):
    X, _ = make_table()
    detector = quick(cls).fit(X)
    state = detector.__getstate__() | {"device_": "cuda:0"}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    moved = cls()
    moved.__setstate__(state)
    assert moved.device_ == "cpu"
    assert_same(moved, detector)


@every_detector
def test_fitted_attributes(cls):
    detector = quick(cls).fit(make_table()[0])
    public = {name for name in vars(detector) if name.endswith("_")}
    expected = {"offset_", "module_", "preprocessor_", "device_", "n_features_in_"}
    assert public == expected
    assert isinstance(detector.preprocessor_, RobustAsinhScaler)


@every_detector
def test_seeds(cls):
    X, _ = make_table()
    first = quick(cls).fit(X)
    assert_same(first, clone(first).fit(X[::-1]))
    other = quick(cls, random_state=1).fit(X)
    assert not np.array_equal(first.score_samples(X), other.score_samples(X))
    fresh = [fit_and_score(quick(cls, random_state=None), X) for _ in range(2)]
    assert not np.array_equal(*fresh)


@every_detector
def test_threads_and_global_states(cls):
    X, _ = make_table()
    expected = fit_and_score(quick(cls), X)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(fit_and_score, quick(cls), X) for _ in range(4)]
        for job in jobs:
            np.testing.assert_array_equal(job.result(), expected)
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])
    assert torch.equal(torch.get_rng_state(), before[1])


@every_detector
def test_novelty_takes_all_rows(cls):
    X, y = make_table()
    all_rows, cleaned = quick(cls, novelty=True).fit(X), quick(cls).fit(X)
    assert not np.array_equal(all_rows.score_samples(X), cleaned.score_samples(X))
    # The second fit leaves out what does not vary among the rows kept.
    flag = (np.abs(X).max(axis=1) > np.quantile(np.abs(X).max(axis=1), 0.97))[:, None]
    both = [quick(cls, novelty=n).fit(np.hstack([X, flag])) for n in (True, False)]
    found = [np.isinf(detector.preprocessor_.scale_).tolist() for detector in both]
    assert found == [[False] * 6, [False] * 5 + [True]]
    few = X[:9]  # of so few rows none is dropped
    centre = quick(cls).fit(few).preprocessor_.center_
    np.testing.assert_array_equal(centre, RobustAsinhScaler().fit(few).center_)


@every_detector
@pytest.mark.parametrize(
    "preprocessor",
    [None, StandardScaler(), PCA(2), OneHotEncoder(handle_unknown="ignore")],
    ids=["none", "scaler", "fewer columns", "sparse"],
)
def test_preprocessor_of_the_user(cls, preprocessor):
    X = make_table()[0].round(1)
    detector = quick(cls, preprocessor=preprocessor).fit(X)
    assert np.isfinite(detector.score_samples(X)).all()
    assert type(detector.preprocessor_) is type(preprocessor)


@every_detector
def test_failures_leave_the_detector_as_it_was(cls, monkeypatch):
    X, _ = make_table()
    detector = quick(cls).fit(X)
    expected = detector.score_samples(X)
    module = type(detector.module_)
    with monkeypatch.context() as patch:
        patch.setattr(module, "anomaly_scores", lambda self, Z: Z[..., 0] * np.nan)
        with pytest.raises(ValueError, match=r"not finite. Scale the features"):
            detector.fit(X + 1.0)
    with pytest.raises(ValueError, match="precision='float32'"):
        detector.set_params(precision="bfloat16", device="cpu").fit(X)
    detector.set_params(precision="float32", device="abacus")
    with pytest.raises(ValueError, match="unknown to torch"):
        detector.fit(X)
    np.testing.assert_array_equal(detector.score_samples(X), expected)
