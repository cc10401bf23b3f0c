"""Fits on streams."""

import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from sklearn_deepod import AutoEncoder, DevNet, ZScore
from sklearn_deepod.parallel import checkpoints, fit_stream
from sklearn_deepod.parallel._fit_stream import MAX_SAMPLES
from sklearn_deepod.utils import all_detectors
from tests.conftest import QUICK, make_table
from tests.parallel.common import FEATURES


def test_few_rows_give_the_fit_in_memory(frame, folder):
    X = frame[FEATURES]
    expected = AutoEncoder(**QUICK).fit(X)
    detector = fit_stream(AutoEncoder(**QUICK), folder, key_columns=["id"])
    np.testing.assert_array_equal(detector.score_samples(X), expected.score_samples(X))
    assert detector.offset_ == expected.offset_
    np.testing.assert_array_equal(detector.feature_names_in_, FEATURES)


def test_the_detector_given_is_left_alone(frame):
    forest = IsolationForest(n_estimators=2)
    fitted = fit_stream(forest, frame, columns=FEATURES)
    assert fitted is not forest
    assert not hasattr(forest, "estimators_")


@pytest.mark.parametrize("batch_size", [64, 10**6])
def test_a_sample_is_as_good_as_all_rows(batch_size):
    X, y = make_table(20_000)
    forest = IsolationForest(random_state=0)
    auc = roc_auc_score(y, forest.fit(X).score_samples(X))
    fitted, report = fit_stream(
        forest,
        X,
        max_samples=5_000,
        batch_size=batch_size,
        random_state=0,
        return_report=True,
    )
    assert roc_auc_score(y, fitted.score_samples(X)) == pytest.approx(auc, abs=0.01)
    assert (report.n_samples, report.n_fitted) == (20_000, 5_000)


def test_the_sample_is_that_of_the_seed(frame, folder):
    def fit(source, seed, **params):
        given = {"columns": FEATURES, "max_samples": 100} | params
        return fit_stream(ZScore(), source, random_state=seed, **given)

    X = frame[FEATURES]
    scores = fit(folder, 0).score_samples(X)
    for source in (frame, [frame[:3], frame[3:]]):
        again = fit(source, 0, batch_size=50).score_samples(X)
        np.testing.assert_array_equal(scores, again)
    assert (fit(folder, 1).score_samples(X) != scores).any()


def test_the_default_holds_what_a_training_draws():
    for name, cls in all_detectors():
        known = inspect.signature(cls).parameters
        if "max_steps" in known:
            n_drawn = known["max_steps"].default * known["batch_size"].default
            assert n_drawn <= MAX_SAMPLES, name


def test_weights(frame):
    weight = np.random.default_rng(0).integers(0, 4, size=len(frame))
    X = frame[FEATURES]
    expected = ZScore().fit(X, sample_weight=weight)
    for source in (frame.assign(w=weight), np.column_stack([X, weight])):
        weight_column = "w" if hasattr(source, "columns") else 3
        detector = fit_stream(
            ZScore(), source, key_columns=["id"], weight_column=weight_column
        )
        scores = detector.score_samples(X if weight_column == "w" else X.to_numpy())
        np.testing.assert_array_equal(scores, expected.score_samples(X))


def test_weighted_samples(frame):
    """Rows that count a thousand times decide the fit."""
    X = np.random.default_rng(0).normal(size=(20_000, 1))
    X[::100] += 50
    weight = np.where(X[:, 0] > 25, 1000.0, 1.0)
    data = np.column_stack([X, weight])
    detector = fit_stream(
        ZScore(), data, weight_column=1, max_samples=500, random_state=0
    )
    expected = ZScore().fit(X, sample_weight=weight)
    new = np.array([[0.0], [50.0]])
    np.testing.assert_allclose(
        detector.score_samples(new), expected.score_samples(new), rtol=0.05
    )


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_bad_weights(frame, weight):
    frame = frame.assign(w=1.0)
    frame.loc[[30, 31], "w"] = weight
    params = {"columns": FEATURES, "weight_column": "w", "return_report": True}
    with pytest.raises(ValueError, match="Row 30 has no weight of at least 0"):
        fit_stream(ZScore(), frame, **params)
    with pytest.warns(UserWarning, match=r"Left out 2 row\(s\)") as caught:
        _, report = fit_stream(ZScore(), frame, on_error="skip", **params)
    assert caught[0].filename == __file__
    assert (report.n_samples, report.n_fitted, report.n_skipped) == (998, 998, 2)
    assert report.n_skipped_files == 0
    assert len(report.errors) == 1


def test_labels(frame):
    X, y = make_table()
    expected = DevNet(**QUICK).fit(X, y)
    data = np.column_stack([X, y])
    detector = fit_stream(DevNet(**QUICK), data, y_column=5, batch_size=30)
    np.testing.assert_array_equal(detector.score_samples(X), expected.score_samples(X))


def test_pipelines(frame, folder):
    model = make_pipeline(StandardScaler(), ZScore())
    X = frame[FEATURES]
    fitted = fit_stream(model, folder, columns=FEATURES)
    np.testing.assert_allclose(fitted.score_samples(X), model.fit(X).score_samples(X))


def test_the_detector_is_checked(frame):
    with pytest.raises(TypeError, match="cannot score new rows"):
        fit_stream(LocalOutlierFactor(), frame)
    with pytest.raises(ValueError, match="max_samples"):
        fit_stream(ZScore(), frame, max_samples=0)


@pytest.mark.parametrize("columns", [[], ["a", "z"]])
def test_columns_that_are_not_there(frame, columns):
    with pytest.raises(ValueError, match=r"No column is left|has no column.*'z'"):
        fit_stream(ZScore(), frame, columns=columns)


class TestCheckpoints:
    """The sample of a fit that is interrupted is not read again."""

    class Interrupted(Exception):
        pass

    class Interrupting(IsolationForest):
        """Raises at the first fit."""

        ended = False

        def fit(self, X, y=None, sample_weight=None):
            if not type(self).ended:
                type(self).ended = True
                raise TestCheckpoints.Interrupted
            return super().fit(X, y, sample_weight)

    @pytest.mark.parametrize("named", [False, True])
    @pytest.mark.parametrize("weight_column", [None, 2])
    def test_reads_once(self, named, weight_column, tmp_path):
        n_read = 0

        def batches():
            nonlocal n_read
            rng = np.random.default_rng(n_read)
            n_read += 1
            for _ in range(3):
                X = rng.random((100, 3))
                yield pd.DataFrame(X, columns=["a", "b", "c"]) if named else X

        if named and weight_column is not None:
            weight_column = "c"
        options = {"max_samples": 50, "random_state": 0, "return_report": True}
        options |= {"weight_column": weight_column}
        forest = IsolationForest(random_state=0)
        expected, expected_report = fit_stream(forest, batches, **options)
        n_read = 0
        self.Interrupting.ended = False
        interrupting = self.Interrupting(random_state=0)
        with checkpoints(tmp_path), pytest.raises(self.Interrupted):
            fit_stream(interrupting, batches, **options)
        with checkpoints(tmp_path):
            found, report = fit_stream(interrupting, batches, **options)
        assert n_read == 1
        assert report == expected_report
        X = np.random.default_rng(1).random((20, 2 if weight_column else 3))
        if named:
            X = pd.DataFrame(X, columns=["a", "b", "c"][: X.shape[1]])
        np.testing.assert_array_equal(found.score_samples(X), expected.score_samples(X))

    def test_of_another_fit(self, tmp_path):
        X = np.random.default_rng(0).random((100, 3))
        with checkpoints(tmp_path):
            fit_stream(IsolationForest(), X, random_state=0)
            with pytest.raises(ValueError, match="another fit"):
                fit_stream(IsolationForest(), X, random_state=1)

    def test_text_is_read_again(self, tmp_path):
        frame = pd.DataFrame({"a": np.arange(40.0), "b": list("xyzw") * 10})
        pipeline = make_pipeline(
            ColumnTransformer(
                [("encoded", OrdinalEncoder(), ["b"])], remainder="passthrough"
            ),
            IsolationForest(random_state=0),
        )
        with checkpoints(tmp_path):
            first = fit_stream(pipeline, frame, random_state=0)
            second = fit_stream(pipeline, frame, random_state=0)
        assert not [*tmp_path.iterdir()]
        np.testing.assert_array_equal(
            second.score_samples(frame), first.score_samples(frame)
        )
