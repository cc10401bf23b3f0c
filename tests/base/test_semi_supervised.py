"""Labels of a few rows: codings, draws, and scikit-learn's checks with labels."""

import warnings

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_deepod import DeepSAD, DevNet
from sklearn_deepod._determinism import TrainingRows
from tests.conftest import QUICK, make_table

every_detector = pytest.mark.parametrize("cls", [DeepSAD, DevNet])


class Recoding:
    """Takes the classes of scikit-learn's checks for labels."""

    def fit(self, X, y=None, sample_weight=None):
        return super().fit(X, _recoded(X, y), sample_weight)

    def partial_fit(self, X, y=None, sample_weight=None):
        return super().partial_fit(X, _recoded(X, y), sample_weight)


class RecodingDeepSAD(Recoding, DeepSAD):
    """Deep SAD with labels."""


class RecodingDevNet(Recoding, DevNet):
    """DevNet with labels."""


def _recoded(X, y):
    y = None if y is None else np.asarray(y)
    if y is None or np.iscomplexobj(y) or y.ndim != 1:
        return y
    return y.astype(float).astype(int) % 3 - 1


@parametrize_with_checks([RecodingDeepSAD(**QUICK), RecodingDevNet(lr=0.03, **QUICK)])
def test_scikit_learn_checks_with_labels(estimator, check):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "y holds 0 and 1")
        check(estimator)


@every_detector
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.where(np.arange(200) % 2, "good", "bad"), "got values like"),
        (np.arange(200) % 2 == 0, "got booleans"),
        (np.arange(200) % 3, r"got \[0, 1, 2\]"),
        (np.where(np.arange(200) % 2, 1.0, np.nan), "some are NaN"),
        (np.full(200, 0.5), r"got \[0.5\]"),
    ],
)
def test_other_codings_say_what_is_meant(cls, y, message):
    X, _ = make_table()
    with pytest.raises(ValueError, match=message) as error:
        cls(**QUICK).fit(X, y)
    assert "-1 for known outliers" in str(error.value)


@every_detector
def test_zeros_and_ones_are_warned_of(cls):
    X, truth = make_table()
    with pytest.warns(UserWarning, match=r"np.where\(y == 1, -1, 1\)"):
        cls(**QUICK).fit(X, (truth == -1).astype(int))


@every_detector
def test_labels_must_be_as_many_as_rows(cls):
    X, _ = make_table()
    with pytest.raises(ValueError, match="inconsistent numbers"):
        cls(**QUICK).fit(X, np.zeros(10))


@pytest.mark.parametrize(("cls", "share"), [(DeepSAD, 0.1), (DevNet, 0.5)])
def test_few_outliers_are_drawn_often_enough(cls, share):
    X, truth = make_table(300)
    y = np.zeros(300, dtype=int)
    y[np.flatnonzero(truth == -1)[:2]] = -1
    detector = cls(**QUICK).set_params(max_steps=200, novelty=True)
    seen = []
    losses = detector._losses

    def watched(module, Z, generator, labels):
        seen.append((labels == -1).double().mean().item())
        return losses(module, Z, generator, labels)

    detector._losses = watched
    detector.fit(X, y)
    assert np.mean(seen) == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize(("cls", "share"), [(DeepSAD, 0.1), (DevNet, 0.5)])
def test_many_outliers_are_drawn_as_they_are(cls, share):
    y = np.zeros(300, dtype=int)
    y[: round(300 * share) + 30] = -1
    detector = cls(**QUICK).set_params(novelty=True)
    detector.fit(make_table(300)[0], y)
    rows = TrainingRows(make_table(300)[0], None, y)
    assert detector._sampling_weights(rows) is rows
