"""OutlierDropper: what is kept, and pipelines of imbalanced-learn."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KernelDensity, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_deepod import AutoEncoder, ModifiedZScore
from sklearn_deepod.treatment import OutlierDropper
from tests.conftest import QUICK
from tests.treatment.test_base import Counting, make_rows

FOREST = IsolationForest(n_estimators=30, contamination=0.1, random_state=0)


@pytest.fixture
def rows():
    X, wrong = make_rows()
    return X, wrong.any(axis=1)


class TestKept:
    """Rows and targets that come back."""

    @pytest.mark.parametrize(
        "detector",
        [
            FOREST,
            LocalOutlierFactor(),
            LocalOutlierFactor(novelty=True),
            ModifiedZScore(),
            AutoEncoder(**QUICK),
            make_pipeline(StandardScaler(), FOREST),
            make_pipeline(StandardScaler(), LocalOutlierFactor()),
        ],
        ids=lambda d: type(d).__name__,
    )
    def test_any_detector(self, rows, detector):
        X, _ = rows
        y = np.arange(len(X))
        dropper = OutlierDropper(detector)
        X_kept, y_kept = dropper.fit_resample(X, y)
        alone = clone(detector)
        if hasattr(alone, "predict"):
            labels = alone.fit(X).predict(X)
        else:
            labels = alone.fit_predict(X)
        kept = np.flatnonzero(labels == 1)
        assert 0 < len(kept) < len(X)
        np.testing.assert_array_equal(dropper.kept_indices_, kept)
        np.testing.assert_array_equal(dropper.dropped_indices_, np.setdiff1d(y, kept))
        np.testing.assert_array_equal(y_kept, kept)
        assert X_kept.tobytes() == X[kept].tobytes()

    @pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "coo_array"])
    def test_sparse(self, rows, kind):
        X, _ = rows
        X = np.where(np.abs(X) < 0.5, 0.0, X)
        given = getattr(sp, kind)(X)
        X_kept, _ = OutlierDropper(FOREST).fit_resample(given)
        expected, _ = OutlierDropper(FOREST).fit_resample(X)
        assert type(X_kept) is type(given)
        np.testing.assert_array_equal(X_kept.toarray(), expected)

    @pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
    def test_frames_of_any_columns(self, rows, library):
        X, wrong = rows
        frame = library.DataFrame(
            {"number": X.max(axis=1), "kind": np.where(wrong, "odd", "usual")}
        )
        y = library.Series("target", X[:, 1]) if library is pl else pd.Series(X[:, 1])
        if library is pd:
            frame.index = y.index = np.arange(len(X))[::-1]
        detector = make_pipeline(
            ColumnTransformer(
                [("kind", OneHotEncoder(sparse_output=False), ["kind"])],
                remainder="passthrough",
            ),
            FOREST,
        )
        dropper = OutlierDropper(detector)
        X_kept, y_kept = dropper.fit_resample(frame, y)
        assert type(X_kept) is type(frame)
        assert type(y_kept) is type(y)
        kept = dropper.kept_indices_
        expected = frame.iloc[kept] if library is pd else frame[kept]
        assert X_kept.equals(expected)
        assert y_kept.to_numpy().tolist() == X[kept, 1].tolist()
        assert dropper.feature_names_in_.tolist() == ["number", "kind"]

    def test_targets_of_any_kind(self, rows):
        X, _ = rows
        kept = OutlierDropper(FOREST).fit(X).kept_indices_
        for y in (
            np.where(X[:, 0] > 0, "yes", "no"),
            X[:, 0] * np.pi,
            X[:, :2],
            np.array([None] * len(X)),
        ):
            _, y_kept = OutlierDropper(FOREST).fit_resample(X, y)
            np.testing.assert_array_equal(y_kept, y[kept])
        _, y_kept = OutlierDropper(FOREST).fit_resample(X, X[:, 0].tolist())
        assert y_kept == X[kept, 0].tolist()
        X_kept, y_kept = OutlierDropper(FOREST).fit_resample(X)
        assert y_kept is None
        assert len(X_kept) == len(kept)

    def test_rows_with_more_axes(self):
        rng = np.random.RandomState(0)
        X = rng.randn(60, 8, 2)
        X[7] += 30
        dropper = OutlierDropper(AutoEncoder(network="lstm", **QUICK))
        X_kept, _ = dropper.fit_resample(X)
        assert 7 in dropper.dropped_indices_
        np.testing.assert_array_equal(X_kept, X[dropper.kept_indices_])

    def test_missing_values(self, rows):
        X, _ = rows
        X[3, 0] = np.nan
        X_kept, _ = OutlierDropper(FOREST).fit_resample(X)
        assert np.isnan(X_kept).sum() == 1


class TestPipelines:
    """Training rows are dropped, rows to predict are not."""

    @pytest.fixture
    def imblearn(self):
        return pytest.importorskip("imblearn.pipeline")

    def test_training_only(self, imblearn, rows):
        X, _ = rows
        y = (X[:, 0] + X[:, 1] > 0).astype(int)
        pipeline = imblearn.make_pipeline(
            StandardScaler(), OutlierDropper(FOREST), LogisticRegression()
        ).fit(X, y)
        assert pipeline.predict(X).shape == y.shape
        scaler = StandardScaler().fit(X)
        X_kept, y_kept = OutlierDropper(FOREST).fit_resample(scaler.transform(X), y)
        alone = LogisticRegression().fit(X_kept, y_kept)
        np.testing.assert_array_equal(pipeline[-1].coef_, alone.coef_)
        np.testing.assert_array_equal(
            pipeline.predict_proba(X), alone.predict_proba(scaler.transform(X))
        )
        assert pipeline[1].dropped_indices_.size == 15

    def test_regression(self, imblearn, rows):
        X, outlier = rows
        y = X[:, 1].copy()
        X[outlier, 0] = 60.0
        X[:, 0] = np.where(outlier, X[:, 0], y)
        model = imblearn.make_pipeline(
            OutlierDropper(Counting(limit=20)), LinearRegression()
        )
        clean = ~outlier
        dropped = model.fit(X[:, :1], y).score(X[clean, :1], y[clean])
        assert dropped == pytest.approx(1.0)
        assert LinearRegression().fit(X[:, :1], y).score(X[clean, :1], y[clean]) < 0.5

    def test_search(self, imblearn, rows):
        X, _ = rows
        y = (X[:, 0] > 0).astype(int)
        search = GridSearchCV(
            imblearn.make_pipeline(OutlierDropper(FOREST), LogisticRegression()),
            {"outlierdropper__detector__contamination": [0.02, 0.2]},
            cv=3,
        ).fit(X, y)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert np.isfinite(cross_val_score(search.best_estimator_, X, y)).all()

    def test_metadata_through_a_pipeline(self, imblearn, rows):
        X, outlier = rows
        weight = np.arange(len(X)) + 1.0
        with sklearn.config_context(enable_metadata_routing=True):
            pipeline = imblearn.make_pipeline(
                OutlierDropper(Counting().set_fit_request(sample_weight=True)),
                LogisticRegression().set_fit_request(sample_weight=False),
            ).fit(X, np.arange(len(X)) % 2, sample_weight=weight)
        assert pipeline[0].detector_.sample_weight_ is weight
        np.testing.assert_array_equal(
            pipeline[0].kept_indices_, np.flatnonzero(~outlier)
        )

    def test_weights_by_hand(self, rows):
        X, _ = rows
        y, weight = X[:, 0], np.arange(len(X)) + 1.0
        dropper = OutlierDropper(Counting())
        X_kept, y_kept = dropper.fit_resample(X, y, sample_weight=weight)
        assert dropper.detector_.sample_weight_ is weight
        kept = weight[dropper.kept_indices_]
        model = LinearRegression().fit(X_kept, y_kept, sample_weight=kept)
        zeros = weight.copy()
        zeros[dropper.dropped_indices_] = 0
        expected = LinearRegression().fit(X, y, sample_weight=zeros)
        np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-12)


class TestErrors:
    """Messages say what to do."""

    @pytest.mark.parametrize("detector", [KernelDensity(), StandardScaler()])
    def test_no_labels(self, rows, detector):
        with pytest.raises(TypeError, match="cannot label rows: an outlier detector"):
            OutlierDropper(detector).fit(rows[0])

    def test_no_estimator(self, rows):
        with pytest.raises(TypeError, match="Cannot clone object"):
            OutlierDropper("forest").fit(rows[0])

    def test_lengths(self, rows):
        X, _ = rows
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            OutlierDropper(FOREST).fit_resample(X, np.zeros(len(X) - 1))

    def test_all_but_one(self):
        class Last(BaseEstimator):
            def fit_predict(self, X, y=None):
                return np.r_[np.full(len(X) - 1, -1), 1]

        X, y = OutlierDropper(Last()).fit_resample(np.eye(4), [1, 2, 3, 4])
        assert y == [4]
        assert X.tolist() == [[0, 0, 0, 1]]
