"""What holds for every detector, side by side with IsolationForest."""

import copy
import io
import pickle
from functools import cache

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import IsolationForest, StackingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)
from sklearn.utils.fixes import parse_version

from sklearn_deepod import ModuleDetector
from sklearn_deepod.base import BaseDeepDetector
from sklearn_deepod.utils import all_detectors
from tests.conftest import QUICK, make_detector, make_table

CLASSES = [cls for _, cls in all_detectors()]
FORMATS = {
    "array": np.asarray,
    "float32": lambda X: X.astype(np.float32),
    "list": lambda X: X.tolist(),
    "csr": sp.csr_matrix,
    "csc": sp.csc_matrix,
    "csr_array": sp.csr_array,
    "fortran": np.asfortranarray,
}


def new_detector(cls):
    if cls is IsolationForest:
        return IsolationForest(n_estimators=50, random_state=0)
    return make_detector(cls, **QUICK)


# One fit for all tests that only read it.


@cache
def fitted(cls):
    return new_detector(cls).fit(make_table()[0])


@cache
def fitted_to_halves(cls):
    return new_detector(cls).fit(in_halves(make_table()[0]))


@cache
def fitted_with_constant(cls, constant):
    return new_detector(cls).fit(with_constant(make_table()[0], constant))


def in_halves(X):
    """float32 holds the halves exactly; zeros are there for the sparse formats."""
    return np.round(X * 2) / 2


def with_constant(X, constant):
    return np.column_stack([X, np.full(len(X), constant)])


def parameters(detector):
    """All parameters; for an estimator within, its class and its own."""
    return {
        name: type(value) if hasattr(value, "get_params") else value
        for name, value in detector.get_params().items()
    }


def named_frame(X, library=pd):
    return library.DataFrame({f"x{i}": column for i, column in enumerate(X.T)})


def same(a, b):
    """Whether two fitted detectors score and cut alike, bit for bit."""
    X, _ = make_table(seed=9)
    return a.offset_ == b.offset_ and np.array_equal(
        a.score_samples(X), b.score_samples(X)
    )


# More than one epoch of the few rows that most checks have.
@parametrize_with_checks(
    [make_detector(cls, **(QUICK | {"max_steps": 4})) for cls in CLASSES]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    "check", [check_param_validation, check_dataframe_column_names_consistency]
)
def test_more_scikit_learn_checks(check, cls):
    check(cls.__name__, make_detector(cls, **QUICK))


def test_all_detectors_are_found():
    assert {"AutoEncoder", "ModifiedZScore", "ModuleDetector", "ZScore"} <= {
        cls.__name__ for cls in CLASSES
    }


class TestSituations:
    """One list of situations for IsolationForest and every detector."""

    @pytest.fixture(params=[IsolationForest, *CLASSES])
    def detector(self, request):
        return new_detector(request.param)

    @pytest.fixture
    def folds(self):
        return StratifiedKFold(2, shuffle=True, random_state=0)

    @pytest.fixture
    def X(self, table):
        return table[0]

    def test_parameters(self, detector):
        params = detector.get_params(deep=False)
        assert "contamination" in params
        detector.set_params(contamination=0.2)
        if isinstance(detector, IsolationForest | BaseDeepDetector):
            assert {"n_estimators", "bootstrap"} <= set(params)
            detector.set_params(n_estimators=3)
        copied = clone(detector)
        assert copied is not detector
        assert parameters(copied) == parameters(detector)
        assert copied.contamination == 0.2
        with pytest.raises(ValueError, match="Invalid parameter 'nonsense'"):
            detector.set_params(nonsense=1)

    def test_not_fitted(self, detector, X):
        for method in ("predict", "decision_function", "score_samples"):
            with pytest.raises(NotFittedError):
                getattr(detector, method)(X)

    def test_fit_returns_the_detector(self, detector, X):
        assert detector.fit(X) is detector
        assert same(detector, fitted(type(detector)))

    def test_answers(self, detector, table):
        X, y = table
        detector = fitted(type(detector))
        scores = detector.score_samples(X)
        assert scores.shape == (len(X),)
        assert scores.dtype == np.float64
        assert roc_auc_score(y, scores) > 0.8
        decision = detector.decision_function(X)
        np.testing.assert_array_equal(decision, scores - detector.offset_)
        labels = detector.predict(X)
        np.testing.assert_array_equal(labels == -1, decision < 0)
        assert set(labels) == {-1, 1}
        assert np.issubdtype(labels.dtype, np.integer)
        np.testing.assert_array_equal(clone(detector).fit_predict(X), labels)

    def test_scores_tell_rows_apart(self, detector, X):
        detector = fitted(type(detector))
        scores = detector.score_samples(X)
        assert np.isfinite(scores).all()
        assert np.unique(scores).size > 0.9 * len(np.unique(X, axis=0))
        np.testing.assert_array_equal(detector.score_samples(X), scores)

    def test_y_is_ignored(self, detector, table):
        X, y = table
        assert same(fitted(type(detector)), detector.fit(X, -y))

    @pytest.mark.parametrize("contamination", [0.05, 0.1, 0.5])
    def test_contamination(self, detector, X, contamination):
        detector.set_params(contamination=contamination).fit(X)
        labels = detector.predict(X)
        assert (labels == -1).sum() == contamination * len(X)
        np.testing.assert_array_equal(labels == -1, detector.decision_function(X) < 0)

    @pytest.mark.parametrize("contamination", [0.0, 0.6, "often"])
    def test_impossible_contamination(self, detector, X, contamination):
        with pytest.raises(ValueError, match="contamination"):
            detector.set_params(contamination=contamination).fit(X)

    def test_pipeline(self, detector, table):
        X, y = table
        pipeline = make_pipeline(StandardScaler(), detector).fit(X)
        scaled = StandardScaler().fit_transform(X)
        alone = clone(detector).fit(scaled)
        np.testing.assert_array_equal(
            pipeline.decision_function(X), alone.decision_function(scaled)
        )
        np.testing.assert_array_equal(pipeline.predict(X), alone.predict(scaled))

    def test_column_transformer(self, detector, table):
        X, y = table
        frame = named_frame(X)
        frame["kind"] = np.where(np.arange(len(X)) % 2, "a", "b")
        columns = ColumnTransformer(
            [("kind", OneHotEncoder(), ["kind"])], remainder="passthrough"
        )
        pipeline = make_pipeline(columns, detector).fit(frame)
        assert roc_auc_score(y, pipeline.decision_function(frame)) > 0.7

    @pytest.mark.parametrize("search", [GridSearchCV, HalvingGridSearchCV])
    def test_search(self, detector, table, folds, search):
        X, y = table
        noise = np.random.RandomState(1).randn(*X.shape)
        signal = ColumnTransformer([("some", "passthrough", [0, 1, 2, 3, 4])])
        nothing = ColumnTransformer([("some", "passthrough", [5, 6, 7, 8, 9])])
        found = search(
            make_pipeline(signal, detector),
            {"columntransformer": [nothing, signal]},
            scoring="roc_auc",
            cv=folds,
            **({"random_state": 0} if search is HalvingGridSearchCV else {"n_jobs": 2}),
        ).fit(np.hstack([X, noise]), y)
        assert found.best_params_["columntransformer"].transformers[0][2][0] == 0
        assert found.best_score_ > 0.8
        worst = np.min(found.cv_results_["mean_test_score"])
        assert 0.2 < worst < 0.8
        assert found.score(np.hstack([X, noise]), y) > 0.8

    def test_cross_validation(self, detector, table, folds):
        X, y = table
        # With labels, scikit-learn takes the scores for those of a classifier.
        unlabelled = KFold(2, shuffle=True, random_state=0)
        scores = cross_val_predict(
            detector, X, cv=unlabelled, method="decision_function"
        )
        assert scores.shape == (len(X),)
        assert roc_auc_score(y, scores) > 0.8
        assert min(cross_val_score(detector, X, y, cv=folds, scoring="roc_auc")) > 0.7
        detector.set_params(contamination=0.1)
        assert set(cross_val_predict(detector, X, y, cv=folds)) == {-1, 1}

    @pytest.mark.parametrize("save", ["pickle", "joblib", "deepcopy"])
    def test_copies(self, detector, X, save):
        detector = fitted(type(detector))
        if save == "pickle":
            copied = pickle.loads(pickle.dumps(detector))
        elif save == "joblib":
            file = io.BytesIO()
            joblib.dump(detector, file)
            file.seek(0)
            copied = joblib.load(file)
        else:
            copied = copy.deepcopy(detector)
        assert same(copied, detector)
        assert parameters(copied) == parameters(detector)
        copied.fit(X[:50])
        assert not same(copied, detector)

    def test_not_fitted_pickle(self, detector, X):
        copied = pickle.loads(pickle.dumps(detector))
        assert same(copied.fit(X), fitted(type(detector)))

    def test_metadata_routing(self, detector, X):
        old = parse_version(sklearn.__version__) < parse_version("1.7")
        if old and isinstance(detector, IsolationForest):
            pytest.skip("IsolationForest requests no weights of its trees")
        if isinstance(detector, IsolationForest | BaseDeepDetector):
            detector.set_params(bootstrap=True)  # else IsolationForest ignores weights
        weight = np.random.RandomState(0).randint(1, 5, len(X)).astype(float)
        Z = StandardScaler().fit_transform(X)
        with sklearn.config_context(enable_metadata_routing=True):
            detector.set_fit_request(sample_weight=True)
            pipeline = make_pipeline(
                StandardScaler().set_fit_request(sample_weight=False), clone(detector)
            ).fit(X, sample_weight=weight)
            weighted = clone(detector).fit(Z, sample_weight=weight)
            plain = clone(detector).fit(Z)
        assert same(pipeline[-1], weighted)
        assert not same(pipeline[-1], plain)

    @pytest.mark.parametrize("name", FORMATS)
    def test_formats(self, detector, X, name):
        X = in_halves(X)
        given = FORMATS[name](X)
        plain = fitted_to_halves(type(detector))
        assert same(detector.fit(given), plain)
        np.testing.assert_array_equal(
            detector.score_samples(given), plain.score_samples(X)
        )

    def test_missing_values(self, detector, table):
        X, y = table
        X[np.random.RandomState(0).rand(*X.shape) < 0.1] = np.nan
        scores = detector.fit(X).score_samples(X)
        assert np.isfinite(scores).all()
        assert roc_auc_score(y, scores) > 0.7
        X[:, 2] = np.nan
        assert np.isfinite(detector.score_samples(X)).all()

    def test_missing_values_only_when_scoring(self, detector, X):
        detector = fitted(type(detector))
        for value in (X[:3].copy(), np.full((1, 5), np.nan)):
            value[0, 0] = np.nan
            assert np.isfinite(detector.score_samples(value)).all()

    @pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
    def test_frames(self, detector, X, library):
        frame = named_frame(X, library)
        detector.fit(frame)
        names = [f"x{i}" for i in range(5)]
        assert detector.feature_names_in_.tolist() == names
        np.testing.assert_array_equal(
            detector.score_samples(frame), fitted(type(detector)).score_samples(X)
        )
        with pytest.raises(ValueError, match="in the same order"):
            detector.predict(frame[names[::-1]])
        with pytest.raises(ValueError, match="unseen at fit time"):
            detector.predict(named_frame(np.c_[X, X[:, 0]], library))
        with pytest.raises(ValueError, match="seen at fit time, yet now missing"):
            detector.predict(frame[names[:3]])

    def test_number_of_columns(self, detector, X):
        detector = fitted(type(detector))
        assert detector.n_features_in_ == 5
        with pytest.raises(ValueError, match="expecting 5 features"):
            detector.predict(X[:, :4])

    @pytest.mark.parametrize(
        "shape", [(1, 5), (2, 5), (3, 1), (33, 5), (200, 1), (1, 1), (65, 70)]
    )
    def test_small_tables(self, detector, shape):
        X = np.random.RandomState(0).randn(*shape)
        if "batch_size" in detector.get_params():
            detector.set_params(batch_size=32)
        scores = detector.fit(X).score_samples(X)
        assert scores.shape == shape[:1]
        assert np.isfinite(scores).all()
        assert np.isfinite(detector.offset_)
        assert set(detector.predict(X)) <= {-1, 1}

    def test_equal_rows(self, detector):
        X = np.ones((20, 3))
        detector.fit(X)
        assert np.unique(detector.score_samples(X)).size == 1
        assert (detector.predict(X) == 1).all()

    @pytest.mark.parametrize(
        ("constant", "changes"),
        [
            (0.1, [0.2, 1.0, 1e3, 1e6, 1e300]),
            (0.0, [1e-6, 1.0, 10.0, 1e6]),
            (1e9, [1e9 + 1, 1e9 + 100, 2e9, 1e12]),
            (-3.0, [-3.001, -4.0, -1e7]),
        ],
    )
    def test_constant_feature_that_changes(self, detector, X, constant, changes):
        if isinstance(detector, IsolationForest):
            pytest.skip("a constant feature splits no tree")
        table = with_constant(X, constant)
        detector = fitted_with_constant(type(detector), constant)
        scores = detector.score_samples(table)
        new = np.repeat(table[[np.argmax(scores)]], 1 + len(changes), axis=0)
        new[1:, -1] = changes
        found = detector.score_samples(new)
        assert found[0] == scores.max()
        assert np.isfinite(found).all()
        assert found[1] < scores.min()
        assert (np.diff(found) < 0).all()
        assert detector.predict(new).tolist() == [1] + [-1] * len(changes)
        np.testing.assert_array_equal(detector.score_samples(sp.csr_matrix(new)), found)

    @pytest.mark.parametrize("constant", [0.0, 0.1, 1e9])
    def test_constant_feature_that_does_not_change(self, detector, X, constant):
        if isinstance(detector, IsolationForest):
            pytest.skip("has no term for constant features")
        table = with_constant(X, constant)
        detector = fitted_with_constant(type(detector), constant)
        own = -detector._anomaly_scores(detector._validate(table, reset=False))
        np.testing.assert_array_equal(detector.score_samples(table), own)
        table[::2, -1] = constant + 1.0
        scores = detector.score_samples(table)
        np.testing.assert_array_equal(scores[1::2], own[1::2])
        assert (scores[::2] < own.min()).all()

    def test_integers(self, detector, X):
        whole = np.round(X * 10).astype(int)
        assert same(
            clone(detector).fit(whole), clone(detector).fit(whole.astype(float))
        )


@pytest.mark.parametrize("preprocessor", ["auto", None, StandardScaler()], ids=str)
@pytest.mark.parametrize("cls", CLASSES)
def test_the_most_extreme_row_is_an_outlier(cls, preprocessor):
    X = np.random.RandomState(0).randn(100, 4)
    detector = make_detector(cls, **QUICK)
    if "preprocessor" in detector.get_params():
        detector.set_params(preprocessor=preprocessor)
    detector.fit(X)
    far = np.zeros((8, 4))
    far[:4, 1] = 1e25, 1e40, 1e300, np.finfo(np.float64).max
    far[4:, 2] = -far[:4, 1]
    assert np.isfinite(detector.score_samples(far)).all()
    assert detector.predict(far).tolist() == [-1] * 8


@pytest.mark.parametrize("cls", CLASSES)
def test_dates_beside_numbers_say_what_to_do(cls):
    frame = named_frame(np.random.RandomState(0).randn(30, 2))
    frame["when"] = pd.date_range("2026-01-01", periods=30, freq="h")
    with pytest.raises(TypeError, match="Make numbers of them first"):
        make_detector(cls, **QUICK).fit(frame)


def test_a_score_that_is_no_number_is_that_of_an_outlier(monkeypatch):
    X = np.random.RandomState(0).randn(100, 4)
    detector = make_detector(ModuleDetector, **QUICK).fit(X)
    module = detector.net_.module_
    monkeypatch.setattr(module, "anomaly_scores", lambda Z: Z[..., 0] * np.nan)
    assert np.isfinite(detector.score_samples(X)).all()
    assert (detector.predict(X) == -1).all()


@pytest.mark.parametrize("cls", CLASSES)
def test_the_tag_says_who_takes_sequences(cls):
    X = np.random.RandomState(0).randn(30, 6, 2)
    detector = make_detector(cls, **QUICK)
    try:
        takes = detector.fit(X).score_samples(X).shape == (30,)
    except ValueError as error:
        takes = "reads tables" not in str(error)
    assert detector.__sklearn_tags__().input_tags.three_d_array == takes


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    ("place", "spread"), [(1e9, 1.0), (1.7e18, 1e6)], ids=["counter", "nanoseconds"]
)
def test_spread_small_beside_the_size(cls, place, spread):
    X = np.random.RandomState(0).randn(200, 3)
    X[:, -1] = place + spread * X[:, -1]
    detector = make_detector(cls, **QUICK).fit(X)
    most_normal = X[[np.argmax(detector.score_samples(X))]]
    far = np.repeat(most_normal, 3, axis=0)
    far[1:, -1] += 1e4 * spread, -1e4 * spread
    assert detector.predict(far).tolist() == [1, -1, -1]


class TestTransformers:
    """Detectors with `transform` as feature extractors."""

    @pytest.fixture(params=[c for c in CLASSES if hasattr(c, "transform")])
    def extractor(self, request):
        return make_detector(request.param, **QUICK)

    def test_feature_union(self, extractor, table):
        X, y = table
        union = FeatureUnion([("scaled", StandardScaler()), ("code", extractor)]).fit(X)
        Z = union.transform(X)
        code = extractor.fit(X).transform(X)
        np.testing.assert_array_equal(Z[:, 5:], code)
        names = union.get_feature_names_out()
        assert len(names) == Z.shape[1]
        assert names[5] == f"code__{type(extractor).__name__.lower()}0"

    def test_stacking(self, extractor, table):
        X, y = table
        member = make_pipeline(extractor, LogisticRegression())
        stack = StackingClassifier([("a", member), ("b", LogisticRegression())], cv=3)
        assert set(stack.fit(X, y).predict(X)) <= {-1, 1}
        assert member.fit(X, y).score(X, y) >= 0.9

    @pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
    def test_set_output(self, extractor, table, library):
        frame = named_frame(table[0], library)
        name = "pandas" if library is pd else "polars"
        plain = clone(extractor).fit(frame).transform(frame)
        Z = extractor.set_output(transform=name).fit(frame).transform(frame)
        assert isinstance(Z, library.DataFrame)
        assert list(Z.columns) == list(extractor.get_feature_names_out())
        np.testing.assert_array_equal(Z.to_numpy(), plain)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output_of_the_step_before(cls, library, table):
    X, _ = table
    before = ColumnTransformer([("scale", StandardScaler(), ["x0", "x3"])])
    before.set_output(transform=library)
    frame = named_frame(X, pd if library == "pandas" else pl)
    pipeline = make_pipeline(before, make_detector(cls, **QUICK)).fit(frame)
    assert pipeline[-1].feature_names_in_.tolist() == ["scale__x0", "scale__x3"]
    assert pipeline.decision_function(frame).shape == (len(X),)
