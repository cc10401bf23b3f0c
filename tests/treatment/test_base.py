"""What holds for all treatments, around any detector."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, RobustScaler, StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_deepod import AutoEncoder, ModifiedZScore, ZScore
from sklearn_deepod.treatment import OutlierDropper, OutlierRepairer, OutlierReplacer
from tests.conftest import QUICK

FOREST = IsolationForest(n_estimators=10, contamination=0.1, random_state=0)
DETECTORS = [
    FOREST,
    LocalOutlierFactor(novelty=True),
    OneClassSVM(nu=0.1),
    EllipticEnvelope(random_state=0),
    AutoEncoder(**QUICK),
    ModifiedZScore(),
    make_pipeline(StandardScaler(), FOREST),
]
TRANSFORMERS = [
    OutlierRepairer(FOREST),
    OutlierReplacer(FOREST),
    OutlierReplacer(FOREST, strategy="median", level="row"),
    OutlierReplacer(FOREST, strategy="clip"),
    OutlierReplacer(FOREST, strategy="nearest"),
    OutlierReplacer(FOREST, strategy="constant", fill_value=0.0),
]


def id_of(transformer):
    return f"{type(transformer).__name__}-{getattr(transformer, 'strategy', 'repair')}"


every_transformer = pytest.mark.parametrize("transformer", TRANSFORMERS, ids=id_of)


def name_of(detector):
    last = detector[-1] if hasattr(detector, "steps") else detector
    return f"{type(detector).__name__}-{type(last).__name__}"


every_detector = pytest.mark.parametrize("detector", DETECTORS, ids=name_of)


def make_rows(n_samples=150, seed=0):
    """Correlated rows of four features, in which every tenth has one far-off cell."""
    rng = np.random.RandomState(seed)
    X = rng.randn(n_samples, 2) @ rng.randn(2, 4) + 0.2 * rng.randn(n_samples, 4)
    wrong = np.zeros(X.shape, dtype=bool)
    rows = np.arange(0, n_samples, 10)
    wrong[rows, rng.randint(4, size=len(rows))] = True
    X[wrong] = 25.0 + rng.rand(len(rows))
    return X, wrong


def same_cells(a, b):
    return (a == b) | (np.isnan(a) & np.isnan(b))


class Counting(OutlierMixin, BaseEstimator):
    """Flags rows with a cell above `limit`; keeps what `fit` was given."""

    def __init__(self, *, limit=5.0):
        self.limit = limit

    def fit(self, X, y=None, sample_weight=None):
        self.fitted_on_ = X
        self.sample_weight_ = sample_weight
        return self

    def score_samples(self, X):
        return -np.nanmax(np.asarray(X, dtype=float), axis=1)

    def predict(self, X):
        return np.where(self.score_samples(X) < -self.limit, -1, 1)


class TestChecks:
    """scikit-learn's checks of estimators."""

    @parametrize_with_checks(
        [
            OutlierRepairer(FOREST),
            OutlierRepairer(ZScore()),
            OutlierRepairer(AutoEncoder(**QUICK)),
            OutlierReplacer(ZScore()),
            OutlierReplacer(OneClassSVM(nu=0.2), strategy="nearest", level="row"),
            OutlierDropper(ZScore()),
        ]
    )
    def test_scikit_learn_checks(self, estimator, check):
        check(estimator)

    @pytest.mark.parametrize("cls", [OutlierDropper, OutlierRepairer, OutlierReplacer])
    @pytest.mark.parametrize(
        "check", [check_param_validation, check_dataframe_column_names_consistency]
    )
    def test_more_checks(self, check, cls):
        check(cls.__name__, cls(FOREST))


class TestOnlyFlaggedRows:
    """Rows that the detector does not flag are never touched."""

    @every_detector
    @pytest.mark.parametrize("transformer", TRANSFORMERS[:4:2])
    def test_any_detector(self, detector, transformer):
        X, _ = make_rows()
        before = X.copy()
        transformer = clone(transformer).set_params(detector=detector)
        out = transformer.fit_transform(X)
        np.testing.assert_array_equal(X, before)
        flagged = transformer.detector_.predict(X) == -1
        np.testing.assert_array_equal(flagged, clone(detector).fit(X).predict(X) == -1)
        assert 0 < flagged.sum() < len(X)
        np.testing.assert_array_equal(out[~flagged], X[~flagged])
        assert (out[flagged] != X[flagged]).any()
        np.testing.assert_array_equal(transformer.transform(X), out)

    @every_transformer
    def test_bit_for_bit(self, transformer):
        X, _ = make_rows()
        X[1, 0], X[2, 1] = -0.0, np.nextafter(0.1, 1)
        out = clone(transformer).fit_transform(X)
        flagged = clone(FOREST).fit(X).predict(X) == -1
        assert out[~flagged].tobytes() == X[~flagged].tobytes()

    @every_transformer
    def test_report(self, transformer):
        X, _ = make_rows()
        transformer = clone(transformer).fit(X)
        new, _ = make_rows(60, seed=1)
        for rows, report in (
            (X, transformer.repair_report_),
            (new, transformer.repair_report(new)),
        ):
            out = transformer.transform(rows)
            i, j = np.nonzero(~same_cells(out, rows))
            assert len(i)
            assert report["row"].tolist() == i.tolist()
            assert report["feature"].tolist() == j.tolist()
            np.testing.assert_array_equal(report["old"], rows[i, j])
            np.testing.assert_array_equal(report["new"], out[i, j])
        assert pd.DataFrame(report).shape == (len(i), 4)

    def test_nothing_flagged(self):
        X, wrong = make_rows()
        X[wrong] = 0.0
        for transformer in TRANSFORMERS:
            transformer = clone(transformer).set_params(detector=Counting(limit=1e9))
            np.testing.assert_array_equal(transformer.fit_transform(X), X)
            assert len(transformer.repair_report_["row"]) == 0

    @every_transformer
    def test_learns_from_other_rows_only(self, transformer):
        X, wrong = make_rows()
        transformer = clone(transformer).set_params(detector=Counting())
        out = transformer.fit_transform(X)
        X[wrong] = 1e6  # another size of the errors changes nothing
        again = clone(transformer).fit_transform(X)
        np.testing.assert_array_equal(out, again)


class TestFrames:
    """Kinds, columns, indices and types of tables."""

    @every_transformer
    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_same_as_arrays(self, transformer, library):
        X, _ = make_rows()
        names = ["a", "b", "c", "d"]
        if library == "pandas":
            index = np.random.RandomState(0).randint(50, size=len(X))  # with repeats
            frame = pd.DataFrame(X, columns=names, index=index)
            frame["a"] = frame["a"].astype(np.float32)
        else:
            frame = pl.DataFrame(X, schema=names)
            frame = frame.with_columns(pl.col("a").cast(pl.Float32))
        before = frame.copy() if library == "pandas" else frame.clone()
        X[:, 0] = X[:, 0].astype(np.float32)
        transformer = clone(transformer)
        out = transformer.fit_transform(frame)
        assert type(out) is type(frame)
        assert frame.equals(before)
        assert list(out.columns) == names
        assert list(out.dtypes) == list(frame.dtypes)
        expected = clone(transformer).fit_transform(X)
        expected[:, 0] = expected[:, 0].astype(np.float32)
        np.testing.assert_array_equal(np.asarray(out, dtype=float), expected)
        if library == "pandas":
            assert out.index.equals(frame.index)
        assert transformer.repair_report_["feature"].dtype == object
        assert set(transformer.repair_report_["feature"]) <= set(names)
        with pytest.raises(ValueError, match="in the same order"):
            transformer.transform(frame[names[::-1]])

    @pytest.mark.parametrize("transformer", TRANSFORMERS[:2])
    def test_set_output(self, transformer):
        X, _ = make_rows()
        frames = {
            "pandas": pd.DataFrame(X, columns=list("abcd")),
            "polars": pl.DataFrame(X, schema=list("abcd")),
        }
        expected = clone(transformer).fit_transform(X)
        for given in (X, *frames.values()):
            for output, frame in frames.items():
                fitted = clone(transformer).set_output(transform=output)
                out = fitted.fit_transform(given)
                assert type(out) is type(frame)
                np.testing.assert_array_equal(np.asarray(out), expected)
                names = fitted.get_feature_names_out().tolist()
                assert list(out.columns) == names
                assert names == (
                    ["x0", "x1", "x2", "x3"] if given is X else list("abcd")
                )

    def test_integers_are_rounded(self):
        X, _ = make_rows()
        whole = np.round(X * 4).astype(np.int16)
        out = OutlierRepairer(FOREST).fit_transform(whole)
        assert out.dtype == np.int16
        as_floats = OutlierRepairer(FOREST).fit_transform(whole.astype(float))
        changed = out != whole
        assert changed.any()
        np.testing.assert_allclose(out, as_floats, atol=0.5)
        assert (as_floats[changed] != np.round(as_floats[changed])).any()

    def test_unsigned_integers_do_not_wrap(self):
        X, _ = make_rows()
        whole = np.clip(np.round(np.abs(X) * 10), 0, 255).astype(np.uint8)
        out = OutlierReplacer(FOREST, strategy="median").fit_transform(whole)
        inliers = whole[clone(FOREST).fit(whole).predict(whole) == 1]
        assert out.dtype == np.uint8
        assert out[out != whole].max() <= np.median(inliers, axis=0).max()

    def test_types_of_pandas(self):
        X, wrong = make_rows()
        whole = np.round(X * 4)
        frame = pd.DataFrame(
            {
                "int": whole[:, 0].astype(int),
                "bool": X[:, 1] > 0,
                "Int": pd.array(whole[:, 2].astype(int), dtype="Int32"),
                "Float": pd.array(X[:, 3], dtype="Float64"),
            }
        )
        wrong[:, 1] = False
        repaired = OutlierRepairer(Counting(limit=20)).fit_transform(frame)
        assert list(repaired.dtypes) == list(frame.dtypes)
        changed = (repaired != frame).to_numpy()
        assert (changed == wrong)[:, [0, 2, 3]].all()
        missing = OutlierReplacer(Counting(limit=20)).fit_transform(frame)
        kinds = [np.float64, np.float64, frame.dtypes["Int"], frame.dtypes["Float"]]
        assert list(missing.dtypes) == kinds
        np.testing.assert_array_equal(missing.isna().to_numpy(), wrong)
        kept = OutlierReplacer(Counting(limit=1e9)).fit_transform(frame)
        assert list(kept.dtypes) == kinds  # types do not depend on what is flagged

    def test_types_of_polars(self):
        X, wrong = make_rows()
        frame = pl.DataFrame(
            {
                "int": np.round(X[:, 0] * 4).astype(int),
                "float": X[:, 1],
                "small": np.round(X[:, 2] * 4).astype(np.int8),
                "bool": X[:, 3] > 0,
            }
        )
        wrong[:, 3] = False
        for transformer in (OutlierRepairer(Counting(limit=20)), TRANSFORMERS[1]):
            transformer = clone(transformer).set_params(detector=Counting(limit=20))
            out = transformer.fit_transform(frame)
            assert out.dtypes == frame.dtypes
            differs = [(~out[c].eq_missing(frame[c])).to_numpy() for c in frame.columns]
            np.testing.assert_array_equal(np.column_stack(differs), wrong)
        assert sum(out.null_count().row(0)) == wrong.sum()

    def test_arrays_of_integers_become_floats_for_missing_values(self):
        X, _ = make_rows()
        whole = np.round(X * 4).astype(int)
        for limit in (20, 1e9):
            out = OutlierReplacer(Counting(limit=limit)).fit_transform(whole)
            assert out.dtype == np.float64
            assert np.isnan(out).any() == (limit == 20)

    def test_column_that_cannot_be_changed(self):
        X, _ = make_rows()
        frame = pd.DataFrame(X, columns=list("abcd"))
        frame["a"] = (frame["a"] > 0).astype(int).astype("category")
        with pytest.raises(TypeError, match=r"'a' has the type category.*ColumnTrans"):
            OutlierRepairer(FOREST).fit(frame)

    def test_detector_that_needs_names(self):
        X, _ = make_rows()
        frame = pd.DataFrame(X, columns=list("abcd"))
        detector = make_pipeline(
            ColumnTransformer([("scaled", StandardScaler(), ["a", "b", "c", "d"])]),
            FOREST,
        )
        scaled = make_pipeline(StandardScaler(), FOREST)
        np.testing.assert_array_equal(
            OutlierRepairer(detector).fit_transform(frame).to_numpy(),
            OutlierRepairer(scaled).fit_transform(X),
        )

    def test_names_at_fit_only(self):
        X, _ = make_rows()
        repairer = OutlierRepairer(FOREST).fit(pd.DataFrame(X, columns=list("abcd")))
        with pytest.warns(UserWarning, match="valid feature names"):
            out = repairer.transform(X)
        np.testing.assert_array_equal(out, OutlierRepairer(FOREST).fit_transform(X))

    def test_columns_named_by_numbers(self):
        X, _ = make_rows()
        frame = pd.DataFrame(X)
        repairer = OutlierRepairer(FOREST)
        out = repairer.fit_transform(frame)
        assert out.columns.equals(frame.columns)
        assert set(repairer.repair_report_["feature"]) <= set(range(4))
        np.testing.assert_array_equal(
            out.to_numpy(), OutlierRepairer(FOREST).fit_transform(X)
        )

    def test_single_precision_and_lists(self):
        X = make_rows()[0].astype(np.float32)
        out = OutlierRepairer(FOREST).fit_transform(X)
        assert out.dtype == np.float32
        assert (out != X).any()
        listed = OutlierRepairer(FOREST).fit_transform(X.tolist())
        assert isinstance(listed, np.ndarray)
        np.testing.assert_allclose(listed, out, rtol=1e-6)


class TestMissingValues:
    """NaN in the table."""

    @every_transformer
    @pytest.mark.parametrize("detector", [FOREST, AutoEncoder(**QUICK)], ids=name_of)
    def test_they_are_never_deviating(self, transformer, detector):
        X, _ = make_rows()
        X[np.random.RandomState(1).rand(*X.shape) < 0.1] = np.nan
        transformer = clone(transformer).set_params(detector=detector)
        if isinstance(transformer, OutlierReplacer):
            transformer.set_params(level="cell")
        out = transformer.fit_transform(X)
        assert np.isnan(out[np.isnan(X)]).all()
        assert not same_cells(out, X).all()
        assert get_tags(transformer).input_tags.allow_nan

    def test_detector_that_does_not_take_them(self):
        X, _ = make_rows()
        X[3, 2] = np.nan
        repairer = OutlierRepairer(OneClassSVM())
        assert not get_tags(repairer).input_tags.allow_nan
        with pytest.raises(ValueError, match="OneClassSVM does not accept missing"):
            repairer.fit(X)
        imputed = OutlierRepairer(make_pipeline(SimpleImputer(), OneClassSVM(nu=0.1)))
        assert np.isnan(imputed.fit_transform(X)).sum() == 1

    def test_column_without_values(self):
        X, _ = make_rows()
        X[::10, 2], X[1::10, 2] = 30.0, np.nan
        X = X[(np.arange(len(X)) % 10) < 2]
        with pytest.raises(ValueError, match=r"missing in column\(s\) \[2\]"):
            OutlierRepairer(Counting()).fit(X)

    def test_row_without_values(self):
        X, _ = make_rows()
        X[10] = np.nan
        detector = make_pipeline(
            SimpleImputer(strategy="constant", fill_value=30), FOREST
        )
        for transformer in TRANSFORMERS:
            transformer = clone(transformer).set_params(detector=detector)
            out = transformer.fit_transform(X)
            assert transformer.detector_.predict(X)[10] == -1
            replaced = getattr(transformer, "level", "cell") == "row"
            assert np.isnan(out[10]).all() != replaced


class TestTogether:
    """With the rest of scikit-learn."""

    @every_detector
    def test_pickle(self, detector):
        X, _ = make_rows()
        fitted = OutlierRepairer(detector).fit(X)
        copied = pickle.loads(pickle.dumps(fitted))
        np.testing.assert_array_equal(copied.transform(X), fitted.transform(X))
        assert copied.repair_report_.keys() == fitted.repair_report_.keys()

    def test_clone_and_parameters(self):
        repairer = OutlierRepairer(IsolationForest(), max_cells=2)
        repairer.set_params(detector__n_estimators=7)
        copied = clone(repairer)
        assert copied.detector is not repairer.detector
        assert copied.get_params()["detector__n_estimators"] == 7
        copied.fit(make_rows()[0])
        assert copied.detector_ is not copied.detector
        assert len(copied.detector_.estimators_) == 7

    def test_search_in_a_pipeline(self):
        X, _ = make_rows()
        y = (X[:, 0] > 0).astype(int)
        search = GridSearchCV(
            make_pipeline(
                RobustScaler(), OutlierRepairer(FOREST), LogisticRegression()
            ),
            {
                "outlierrepairer__detector__contamination": [0.05, 0.1],
                "outlierrepairer__max_cells": [1, 0.5],
            },
            cv=3,
        ).fit(X, y)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        best = search.best_estimator_[1]
        wanted = search.best_params_["outlierrepairer__detector__contamination"]
        assert best.detector_.contamination == wanted

    @pytest.mark.parametrize("cls", [OutlierDropper, OutlierRepairer, OutlierReplacer])
    def test_frozen_detectors_are_not_fitted(self, cls):
        X, _ = make_rows()
        detector = Counting(limit=20.0).fit(X[:30])
        treatment = cls(FrozenEstimator(detector)).fit(X)
        assert treatment.detector_.fitted_on_ is detector.fitted_on_
        assert len(detector.fitted_on_) == 30
        with pytest.raises(NotFittedError):
            cls(FrozenEstimator(IsolationForest())).fit(X)

    def test_frozen_on_arrays_and_given_frames(self, recwarn):
        X, _ = make_rows()
        frame = pd.DataFrame(X, columns=list("abcd"))
        frozen = FrozenEstimator(clone(FOREST).fit(X))
        out = OutlierRepairer(frozen).fit_transform(frame)
        np.testing.assert_array_equal(
            out.to_numpy(), OutlierRepairer(frozen).fit_transform(X)
        )
        assert not [w for w in recwarn if "feature names" in str(w.message)]

    @pytest.mark.parametrize("cls", [OutlierDropper, OutlierRepairer, OutlierReplacer])
    def test_metadata(self, cls):
        X, _ = make_rows()
        weight = np.arange(len(X)) + 1.0
        direct = cls(Counting()).fit(X, sample_weight=weight)
        assert direct.detector_.sample_weight_ is weight
        with sklearn.config_context(enable_metadata_routing=True):
            detector = Counting().set_fit_request(sample_weight=True)
            routed = cls(detector).fit(X, sample_weight=weight)
            assert routed.detector_.sample_weight_ is weight
            with pytest.raises(UnsetMetadataPassedError):
                cls(Counting()).fit(X, sample_weight=weight)

    def test_metadata_through_a_pipeline(self):
        X, _ = make_rows()
        weight = np.arange(len(X)) + 1.0
        with sklearn.config_context(enable_metadata_routing=True):
            detector = Counting().set_fit_request(sample_weight=True)
            pipeline = make_pipeline(
                OutlierRepairer(detector), FunctionTransformer()
            ).fit(X, sample_weight=weight)
        assert pipeline[0].detector_.sample_weight_ is weight


class TestErrors:
    """Messages say what to do."""

    @pytest.mark.parametrize("cls", [OutlierRepairer, OutlierReplacer])
    def test_sparse(self, cls):
        X, _ = make_rows()
        with pytest.raises(TypeError, match="dense data is required"):
            cls(FOREST).fit(sp.csr_matrix(X))
        with pytest.raises(TypeError, match="dense data is required"):
            cls(FOREST).fit(X).transform(sp.csr_matrix(X))

    @pytest.mark.parametrize("cls", [OutlierRepairer, OutlierReplacer])
    def test_detectors_that_label_no_new_rows(self, cls):
        X, _ = make_rows()
        with pytest.raises(TypeError, match="novelty=True"):
            cls(LocalOutlierFactor()).fit(X)
        with pytest.raises(TypeError, match=r"KernelDensity.*ThresholdedDetector"):
            cls(KernelDensity()).fit(X)
        for nothing in (None, "forest", LogisticRegression()):
            with pytest.raises(TypeError, match="cannot score new rows"):
                cls(nothing).fit(X)

    @pytest.mark.parametrize("cls", [OutlierDropper, OutlierRepairer, OutlierReplacer])
    def test_all_rows_flagged(self, cls):
        X, _ = make_rows()
        with pytest.raises(ValueError, match="flags all rows.*lower contamination"):
            cls(Counting(limit=-1e9)).fit(X)

    @pytest.mark.parametrize("cls", [OutlierDropper, OutlierRepairer, OutlierReplacer])
    def test_labels_of_another_kind(self, cls):
        class ZeroOne(Counting):
            def predict(self, X):
                return (super().predict(X) == -1).astype(int)

        with pytest.raises(ValueError, match=r"labels of ZeroOne.* \[0 1\].* as -1"):
            cls(ZeroOne()).fit(make_rows()[0])

    def test_not_fitted(self):
        X, _ = make_rows()
        for method in ("transform", "repair_report"):
            with pytest.raises(NotFittedError):
                getattr(OutlierRepairer(FOREST), method)(X)

    def test_number_of_columns(self):
        X, _ = make_rows()
        with pytest.raises(ValueError, match="expecting 4 features"):
            OutlierRepairer(FOREST).fit(X).transform(X[:, :3])

    @pytest.mark.parametrize("cls", [OutlierDropper, OutlierRepairer, OutlierReplacer])
    def test_parameters_of_the_detector(self, cls):
        with pytest.raises(ValueError, match="'n_estimators' parameter of Isolation"):
            cls(IsolationForest(n_estimators=0)).fit(make_rows()[0])

    @pytest.mark.parametrize(
        "params",
        [{"max_cells": 0}, {"max_cells": 1.5}, {"min_change": -1.0}],
    )
    @pytest.mark.parametrize("cls", [OutlierRepairer, OutlierReplacer])
    def test_parameters(self, cls, params):
        with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter"):
            cls(FOREST, **params).fit(make_rows()[0])
