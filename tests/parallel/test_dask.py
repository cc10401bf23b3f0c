"""Collections of Dask, on a cluster of two processes."""

import os
import pickle

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import LocalOutlierFactor
from sklearn.utils.estimator_checks import check_estimator

from sklearn_deepod import AutoEncoder, DetectorEnsemble, DevNet, ZScore
from sklearn_deepod.parallel import DaskDetector, score_stream
from tests.conftest import QUICK, make_table
from tests.parallel.common import FEATURES, KillsItsUser, Sums, make_forest, run_recipe

da = pytest.importorskip("dask.array", reason="Dask is not installed")
dd = pytest.importorskip("dask.dataframe", reason="Dask is not installed")
distributed = pytest.importorskip("distributed", reason="distributed is not installed")


@pytest.fixture(scope="module")
def client():
    """Two workers, each a process that is started again if it dies."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


class Marking(KillsItsUser):
    """A detector that leaves a mark wherever it is unpickled."""

    def __setstate__(self, state):
        super().__setstate__(state)
        os.mkdir(os.path.join(self.folder, f"{os.getpid()}-{os.urandom(4).hex()}"))


METHODS = ["score_samples", "decision_function", "predict"]


@pytest.mark.parametrize("method", METHODS)
def test_arrays(frame, forest, client, method):
    X = frame[FEATURES].to_numpy()
    forest = make_forest(X)
    expected = getattr(forest, method)(X)
    for chunks in ((300, 3), (250, 2), (1000, 3)):
        found = getattr(DaskDetector(forest), method)(da.from_array(X, chunks))
        assert isinstance(found, da.Array)
        assert found.dtype == expected.dtype
        assert found.shape == (1000,)
        np.testing.assert_array_equal(found.compute(), expected)


@pytest.mark.parametrize("method", METHODS)
def test_frames(frame, forest, client, method):
    X = frame[FEATURES].set_index(np.arange(1000) * 2)
    expected = getattr(forest, method)(X)
    found = getattr(DaskDetector(forest), method)(dd.from_pandas(X, npartitions=7))
    assert isinstance(found, dd.Series)
    assert found.name == method
    assert found.dtype == expected.dtype
    computed = found.compute()
    np.testing.assert_array_equal(computed, expected)
    np.testing.assert_array_equal(computed.index, X.index)


def test_empty_partitions_and_unknown_chunks(frame, forest):
    X = dd.from_pandas(frame[FEATURES], npartitions=5)
    X = X.map_partitions(lambda part: part[part.index > 450])
    assert 0 in set(X.map_partitions(len).compute())
    expected = forest.score_samples(frame.loc[451:, FEATURES])
    np.testing.assert_array_equal(DaskDetector(forest).score_samples(X), expected)
    unnamed = make_forest(frame[FEATURES].to_numpy())
    scores = DaskDetector(unnamed).score_samples(X.values)
    np.testing.assert_array_equal(scores.compute(), expected)


def test_rows_of_any_shape():
    X = np.arange(240.0).reshape(40, 2, 3)
    detector = DaskDetector(Sums())
    scores = detector.score_samples(da.from_array(X, (15, 2, 2)))
    np.testing.assert_array_equal(scores.compute(), X.sum(axis=(1, 2)))


def test_other_rows_are_handed_on(frame, forest):
    X = frame[FEATURES]
    detector = DaskDetector(forest)
    np.testing.assert_array_equal(detector.score_samples(X), forest.score_samples(X))
    fitted = DaskDetector(ZScore()).fit(X, sample_weight=np.arange(1000))
    expected = ZScore().fit(X, sample_weight=np.arange(1000))
    np.testing.assert_array_equal(fitted.predict(X), expected.predict(X))
    assert fitted.offset_ == expected.offset_


def test_scikit_learns_checks():
    check_estimator(DaskDetector(ZScore()))


def test_the_detector_is_sent_once(frame, client, tmp_path):
    X = frame[FEATURES].to_numpy()
    forest = make_forest(X)
    detector = DaskDetector(Marking(forest, str(tmp_path)))
    scores = detector.score_samples(da.from_array(X, (20, 3)))
    np.testing.assert_array_equal(scores.compute(), forest.score_samples(X))
    # by the scheduler at most once, and by each of the two workers
    processes = [name.split("-")[0] for name in os.listdir(tmp_path)]
    assert len(processes) <= 3


def test_a_killed_worker_costs_no_rows(frame, client, tmp_path):
    X = frame[FEATURES].to_numpy()
    forest = make_forest(X)
    detector = DaskDetector(Marking(forest, str(tmp_path), n_killed=2))
    scores = detector.score_samples(da.from_array(X, (50, 3)))
    np.testing.assert_array_equal(scores.compute(), forest.score_samples(X))
    assert {"killed-0", "killed-1"} <= set(os.listdir(tmp_path))


@pytest.mark.parametrize("as_array", [True, False])
def test_few_rows_give_the_fit_in_memory(frame, client, as_array):
    X = frame[FEATURES]
    expected = AutoEncoder(**QUICK).fit(X.to_numpy() if as_array else X)
    rows = dd.from_pandas(X, npartitions=11)
    rows = da.from_array(X.to_numpy(), (90, 2)) if as_array else rows
    detector = DaskDetector(AutoEncoder(**QUICK)).fit(rows)
    assert detector.n_samples_seen_ == 1000
    assert detector.n_features_in_ == 3
    assert hasattr(detector, "feature_names_in_") != as_array
    scores = detector.score_samples(rows)
    np.testing.assert_array_equal(
        scores.compute(), expected.score_samples(X.to_numpy() if as_array else X)
    )


def test_the_sample_is_that_of_the_seed(frame, client):
    X = dd.from_pandas(frame[FEATURES], npartitions=20)
    fits = [
        DaskDetector(ZScore(), max_samples=100, random_state=seed).fit(X)
        for seed in (0, 0, 1)
    ]
    scores = [detector.score_samples(frame[FEATURES]) for detector in fits]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert (scores[0] != scores[2]).any()
    assert fits[0].n_samples_seen_ == 1000


def test_weights_and_labels(frame):
    X, y = make_table()
    weight = np.arange(200.0)
    expected = DevNet(**QUICK).fit(X, y, sample_weight=weight)
    detector = DaskDetector(DevNet(**QUICK))
    rows, labels, weights = (da.from_array(part, 60) for part in (X, y, weight))
    detector.fit(rows, labels, sample_weight=weights)
    np.testing.assert_array_equal(detector.score_samples(X), expected.score_samples(X))
    series = pd.DataFrame(X).assign(w=weight)
    series.columns = series.columns.astype(str)
    series = dd.from_pandas(series, npartitions=4)
    fitted = DaskDetector(ZScore()).fit(
        series.drop(columns="w"), sample_weight=series["w"]
    )
    expected = ZScore().fit(X, sample_weight=weight)
    np.testing.assert_array_equal(
        fitted.predict(series.drop(columns="w")), expected.predict(X)
    )
    with pytest.raises(ValueError, match="as many partitions"):
        detector.fit(rows, da.from_array(y, 200))
    with pytest.raises(ValueError, match="sample_weight must hold"):
        detector.fit(rows, labels, sample_weight=-weights)


def test_unfitted(frame):
    with pytest.raises(NotFittedError):
        DaskDetector(IsolationForest()).predict(da.zeros((4, 2)))


def test_collections_are_no_streams(forest):
    with pytest.raises(TypeError, match="DaskDetector"):
        next(score_stream(forest, da.zeros((4, 2))))


def test_searches_and_ensembles_on_the_cluster(client):
    X, y = make_table()
    search = GridSearchCV(
        IsolationForest(random_state=0),
        {"n_estimators": [2, 8]},
        scoring="roc_auc",
        cv=2,
    )
    ensemble = DetectorEnsemble(
        [("forest", IsolationForest(n_estimators=5, random_state=0)), ("z", ZScore())],
        n_jobs=2,
    )
    here = search.fit(X, y).cv_results_["mean_test_score"]
    scores = ensemble.fit(X).score_samples(X)
    with parallel_config("dask"):
        there = search.set_params(n_jobs=-1).fit(X, y).cv_results_["mean_test_score"]
        same = ensemble.fit(X).score_samples(X)
    np.testing.assert_allclose(there, here)
    np.testing.assert_array_equal(same, scores)


def test_the_recipes_of_the_guide(frame, folder, client, monkeypatch):
    folder.rename(folder.with_name("transactions"))
    monkeypatch.setattr("dask.distributed.Client", lambda: client)
    X, y = make_table()
    names = run_recipe("Dask", folder.parent, {"X_labelled": X, "y": y})
    scored = pd.read_parquet(folder.with_name("dask-scores"))
    assert [*scored["id"]] == [*frame["id"]]
    expected = names["detector"].detector_.score_samples(frame[FEATURES])
    np.testing.assert_array_equal(scored["score"], expected)
    assert names["search"].best_score_ > 0.5


def test_it_can_be_pickled(frame, forest):
    detector = pickle.loads(pickle.dumps(DaskDetector(forest).fit(frame[FEATURES])))
    assert detector.predict(frame[FEATURES]).shape == (1000,)


def test_a_failed_fit_changes_nothing():
    X = np.random.default_rng(0).normal(size=(200, 3))
    detector = DaskDetector(ZScore()).fit(X)
    before = dict(vars(detector))
    with pytest.raises(ValueError, match="infinity"):
        detector.fit(da.from_array(np.full((20, 4), np.inf), chunks=(10, 4)))
    assert vars(detector) == before
    with pytest.raises(TypeError, match="cannot score new rows"):
        DaskDetector(LocalOutlierFactor()).fit(da.from_array(X, chunks=(50, 3)))
