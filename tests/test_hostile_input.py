"""Whatever comes in: an answer that keeps the contract, or an error that can be read.

The suite draws a few examples for each class. For many of them::

    HOSTILE_EXAMPLES=600 python -m pytest tests/test_hostile_input.py
"""

import os
import re
import tempfile
import warnings
from pathlib import Path

import hypothesis
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from sklearn_deepod import (
    ConformalDetector,
    DetectorEnsemble,
    OutlierDropper,
    OutlierRepairer,
    OutlierReplacer,
    SeriesOutlierDetector,
    ThresholdedDetector,
    WindowedDetector,
    ZScore,
    threshold,
)
from sklearn_deepod.preprocessing import RobustAsinhScaler
from sklearn_deepod.utils import all_detectors
from tests.conftest import make_detector

hostile = hypothesis.settings(
    max_examples=int(os.environ.get("HOSTILE_EXAMPLES", "6")),
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)

#: Words of messages that say which argument is meant, in scikit-learn's terms or ours.
NAMED = re.compile(
    r"\bX\b|\by\b|sample_weight|[Ww]eight|[Ii]nput|array|feature|[Cc]olumn|sample|row|"
    r"scores|values|dtype|sparse|window|Complex|infinity|NaN|missing|labels"
)

KINDS = ["float64", "float32", "float16", "longdouble", "int8", "int64", "uint8"]
KINDS += ["bool", "object", "complex128", "str", "datetime64[s]"]
CONTAINERS = ["array", "fortran", "reversed", "read-only", "memory-mapped", "list"]
CONTAINERS += ["frame", "nullable", "arrow", "categories", "equal names", "polars"]
CONTAINERS += ["csr", "csc", "coo", "one axis", "four axes"]
WEIGHTS = ["none", "ones", "some zero", "all zero", "huge", "tiny", "negative", "nan"]
WEIGHTS += ["inf", "too long", "list", "two axes", "text"]
SPECIAL = [np.nan, np.inf, -np.inf, 1.7e308, -1.7e308, 5e-324, -0.0, 0.0]


@st.composite
def tables(draw):
    """A table of any kind and in any container."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    n_rows = draw(st.sampled_from([30, 12, 5, 3, 2, 1, 0]))
    n_columns = draw(st.sampled_from([3, 6, 2, 1, 0]))
    X = rng.normal(size=(n_rows, n_columns))
    X *= 10.0 ** draw(st.sampled_from([0, 3, -3, 150, -150, 300, -300]))
    if draw(st.booleans()) and n_columns:
        X[:, 0] = draw(st.sampled_from([0.0, 0.1, -1e300]))
    if draw(st.booleans()) and n_columns > 1:
        X[:, -1] = X[:, 0]
    if draw(st.booleans()) and n_rows:
        X[n_rows // 2 :] = X[: n_rows - n_rows // 2]
    for value in draw(st.lists(st.sampled_from(SPECIAL), max_size=3)):
        if X.size:
            X[rng.integers(n_rows), rng.integers(n_columns)] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # casts that overflow are what is wanted
        X = X.astype(draw(st.sampled_from(KINDS)))
    return contained(X, draw(st.sampled_from(CONTAINERS)))


def contained(X, container):
    """The table in a container; as it is where the container cannot hold it."""
    names = [f"f{i}" for i in range(X.shape[1])]
    try:
        if container == "fortran":
            return np.asfortranarray(X)
        if container == "reversed":
            return X[::-1, ::-1]
        if container == "read-only":
            X.flags.writeable = False
        elif container == "memory-mapped":
            with tempfile.TemporaryDirectory() as folder:
                np.save(Path(folder) / "X.npy", X)
                return np.load(Path(folder) / "X.npy", mmap_mode="r")
        elif container == "list":
            return X.tolist()
        elif container == "frame":
            return pd.DataFrame(X, columns=names)
        elif container == "nullable":
            return pd.DataFrame(X, columns=names).convert_dtypes()
        elif container == "arrow":
            frame = pd.DataFrame(X, columns=names)
            return frame.convert_dtypes(dtype_backend="pyarrow")
        elif container == "categories":
            return pd.DataFrame(X, columns=names).astype("category")
        elif container == "equal names":
            return pd.DataFrame(X, columns=["a"] * X.shape[1])
        elif container == "polars":
            return pl.DataFrame(X, schema=names)
        elif container in ("csr", "csc", "coo"):
            return getattr(sp, f"{container}_array")(X)
        elif container == "one axis":
            return X.ravel()
        elif container == "four axes":
            return X[:, :, None, None]
    except (TypeError, ValueError, NotImplementedError):
        pass
    return X


@st.composite
def weights(draw):
    """A function that gives weights for a number of rows."""
    kind = draw(st.sampled_from(WEIGHTS))
    given = {
        "none": lambda n: None,
        "ones": np.ones,
        "some zero": lambda n: np.arange(n) % 2.0,
        "all zero": np.zeros,
        "huge": lambda n: np.full(n, 1e307),
        "tiny": lambda n: np.full(n, 1e-307),
        "negative": lambda n: -np.ones(n),
        "nan": lambda n: np.full(n, np.nan),
        "inf": lambda n: np.full(n, np.inf),
        "too long": lambda n: np.ones(n + 1),
        "list": lambda n: [1.0] * n,
        "two axes": lambda n: np.ones((n, 1)),
        "text": lambda n: ["one"] * n,
    }
    return kind, given[kind]


def answered(call, *args, **params):
    """What a call gives, or None where it refuses in words that can be understood."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call(*args, **params)
        except (ValueError, TypeError) as error:
            message = str(error)
    assert NAMED.search(message), message
    return None


def n_rows(X):
    return X.shape[0] if hasattr(X, "shape") else len(X)


def check_detector(detector, X, weight):
    """Fit and score; scores are finite, and labels follow from them."""
    params = {} if weight is None else {"sample_weight": weight}
    if answered(detector.fit, X, **params) is None:
        return
    scores = answered(detector.score_samples, X)
    if scores is None:
        return
    assert scores.shape == (n_rows(X),)
    assert np.isfinite(scores).all()
    assert np.isfinite(detector.offset_)
    labels = detector.predict(X)
    np.testing.assert_array_equal(labels, np.where(scores < detector.offset_, -1, 1))


TINY = {"max_steps": 2, "n_estimators": 2, "batch_size": 8, "random_state": 0}
DETECTORS = {name: make_detector(cls, **TINY) for name, cls in all_detectors()}
META = {
    "ensemble": DetectorEnsemble([("z", ZScore()), ("m", ZScore(combine="max"))]),
    "thresholded": ThresholdedDetector(ZScore()),
    "conformal": ConformalDetector(ZScore(), random_state=0),
    "jackknife": ConformalDetector(ZScore(), method="jackknife+", random_state=0),
    "windowed": WindowedDetector(ZScore(), window=2),
    "series": SeriesOutlierDetector(windows=(16,), n_kernels=4, random_state=0),
}
TREATMENTS = {
    "dropper": OutlierDropper(ZScore()),
    "repairer": OutlierRepairer(ZScore()),
    "replacer": OutlierReplacer(ZScore()),
}
RULES = {
    name: getattr(threshold, name)()
    for name in threshold.__all__
    if name.endswith("Threshold") and not name.startswith("Base")
}


@pytest.mark.parametrize("name", sorted(DETECTORS))
@hostile
@given(X=tables(), weight=weights())
def test_detectors(name, X, weight):
    kind, given = weight
    hypothesis.note(f"{type(X)}, weights {kind}")
    check_detector(DETECTORS[name], X, given(n_rows(X)))


@pytest.mark.parametrize("name", sorted(META))
@hostile
@given(X=tables())
def test_meta_estimators(name, X):
    hypothesis.note(str(type(X)))
    check_detector(META[name], X, None)


@pytest.mark.parametrize("name", sorted(TREATMENTS))
@hostile
@given(X=tables())
def test_treatments(name, X):
    treatment = TREATMENTS[name]
    if answered(treatment.fit, X) is None:
        return
    if hasattr(treatment, "transform"):
        found = answered(treatment.transform, X)
        assert found is None or n_rows(found) == n_rows(X)
    else:
        found = answered(treatment.fit_resample, X)
        assert found is None or n_rows(found[0]) <= n_rows(X)


@hostile
@given(X=tables())
def test_scaler(X):
    scaler = RobustAsinhScaler()
    if answered(scaler.fit, X) is None:
        return
    found = answered(scaler.transform, X)
    assert found is None or n_rows(found) == n_rows(X)


@pytest.mark.parametrize("name", sorted(RULES))
@hostile
@given(X=tables(), weight=weights())
def test_rules(name, X, weight):
    kind, given = weight
    scores = X[:, 0] if isinstance(X, np.ndarray) and X.ndim == 2 and X.size else X
    hypothesis.note(f"{type(scores)}, weights {kind}")
    y = np.where(np.arange(n_rows(X)) % 3 == 0, -1, 1)
    rule, weight = RULES[name], given(n_rows(X))
    params = {} if weight is None else {"sample_weight": weight}
    if answered(rule.fit, scores, y, **params) is not None:
        assert np.isfinite(rule.threshold_)


def test_errors_about_dates_name_the_argument():
    dates = pd.date_range("2026-01-01", periods=30).to_numpy().reshape(-1, 1)
    y = np.where(np.arange(30) % 3 == 0, -1, 1)
    with pytest.raises(TypeError, match="anomaly_scores"):
        threshold.CostThreshold().fit(dates.astype("datetime64[s]").tolist(), y)
    frame = pd.DataFrame(dates, columns=["day"]).astype(object)
    for treatment in TREATMENTS.values():
        with pytest.raises(TypeError, match="X cannot be converted"):
            treatment.fit(frame)
