"""OutlierReplacer: what takes the place of rows and cells."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from sklearn_deepod._stats import median_and_scale
from sklearn_deepod.treatment import OutlierRepairer, OutlierReplacer, _replacer
from tests.treatment.test_base import Counting, make_rows

FOREST = IsolationForest(n_estimators=30, contamination=0.15, random_state=0)
STRATEGIES = ["nan", "median", "clip", "nearest", "constant"]


def replaced(X, strategy, level, **params):
    replacer = OutlierReplacer(Counting(), strategy=strategy, level=level, **params)
    return replacer.fit_transform(X)


def nearest_rows(X, wrong, level):
    """For each flagged row the nearest other one, by loops."""
    inliers = X[~wrong.any(axis=1)]
    low, high = inliers.min(axis=0), inliers.max(axis=0)
    _, scale = median_and_scale(inliers)
    found = []
    for i in np.flatnonzero(wrong.any(axis=1)):
        counts = ~wrong[i] if level == "cell" else np.ones(X.shape[1], dtype=bool)
        steps = (inliers - np.clip(X[i], low, high)) / scale
        found.append(inliers[(steps[:, counts] ** 2).sum(axis=1).argmin()])
    return np.array(found)


class TestStrategies:
    """Values by hand; the planted cells are those that the detector flags."""

    @pytest.fixture
    def rows(self):
        return make_rows()

    @pytest.mark.parametrize("level", ["cell", "row"])
    @pytest.mark.parametrize("strategy", STRATEGIES)
    def test_values(self, rows, strategy, level):
        X, wrong = rows
        flagged = wrong.any(axis=1)
        inliers = X[~flagged]
        out = replaced(X, strategy, level, fill_value=-1.5)
        concerned = (
            wrong if level == "cell" else np.broadcast_to(flagged[:, None], X.shape)
        )
        if strategy == "nearest":
            new = np.zeros_like(X)
            new[flagged] = nearest_rows(X, wrong, level)
        else:
            new = {
                "nan": np.full(X.shape, np.nan),
                "median": np.broadcast_to(np.median(inliers, axis=0), X.shape),
                "clip": np.clip(X, inliers.min(axis=0), inliers.max(axis=0)),
                "constant": np.full(X.shape, -1.5),
            }[strategy]
        np.testing.assert_array_equal(out, np.where(concerned, new, X))

    def test_quantile_range(self, rows):
        X, wrong = rows
        inliers = X[~wrong.any(axis=1)]
        out = replaced(X, "clip", "row", quantile_range=(25.0, 75.0))
        low, high = np.percentile(inliers, [25, 75], axis=0)
        flagged = wrong.any(axis=1)
        np.testing.assert_array_equal(out[flagged], np.clip(X[flagged], low, high))
        np.testing.assert_array_equal(out[~flagged], X[~flagged])

    @pytest.mark.parametrize("strategy", STRATEGIES)
    def test_same_cells_as_repaired(self, rows, strategy):
        X, _ = rows
        repaired = OutlierRepairer(FOREST, max_cells=2).fit(X).repair_report_
        replacer = OutlierReplacer(
            FOREST, strategy=strategy, fill_value=1e3, max_cells=2
        )
        report = replacer.fit(X).repair_report_
        cells = set(zip(repaired["row"], repaired["feature"], strict=True))
        mine = set(zip(report["row"], report["feature"], strict=True))
        if strategy == "clip":  # cells within the range stay
            assert len(mine) > 0
            assert mine <= cells
        else:
            assert mine == cells

    @pytest.mark.parametrize("strategy", STRATEGIES)
    def test_missing_cells_of_whole_rows(self, rows, strategy):
        X, wrong = rows
        i = np.flatnonzero(wrong.any(axis=1))[0]
        j = np.flatnonzero(~wrong[i])[0]
        X[i, j] = np.nan
        out = replaced(X, strategy, "row", fill_value=0.0)
        assert np.isnan(out[i, j]) == (strategy in ("nan", "clip"))

    def test_nearest_row_with_missing_cells(self, rows):
        X, wrong = rows
        flagged = wrong.any(axis=1)
        X[~flagged, 2] = np.where(np.arange((~flagged).sum()) % 2, np.nan, 7.0 / 2)
        out = replaced(X, "nearest", "row")
        np.testing.assert_array_equal(out[flagged, 2], 3.5)

    @pytest.mark.parametrize("level", ["cell", "row"])
    def test_nearest_in_parts(self, rows, level, monkeypatch):
        X, _ = rows
        whole = replaced(X, "nearest", level)
        monkeypatch.setattr(_replacer, "DISTANCES", 1)
        np.testing.assert_array_equal(replaced(X, "nearest", level), whole)

    def test_before_an_imputer(self, rows):
        X, wrong = rows
        imputed = make_pipeline(
            OutlierReplacer(Counting()), SimpleImputer(strategy="median")
        ).fit_transform(X)
        expected = X.copy()
        expected[wrong] = np.nan
        np.testing.assert_array_equal(
            imputed, SimpleImputer(strategy="median").fit_transform(expected)
        )


class TestFillValue:
    """Constants that a column cannot hold are refused."""

    def test_none(self):
        with pytest.raises(ValueError, match="needs a number as fill_value"):
            OutlierReplacer(FOREST, strategy="constant").fit(make_rows()[0])

    @pytest.mark.parametrize(
        ("dtype", "value", "fits"),
        [
            (np.float32, 0.5, True),
            (np.int64, -3, True),
            (np.int64, 0.5, False),
            (np.uint8, -1, False),
            (np.uint8, 256, False),
            (bool, 1, True),
            (bool, 2, False),
        ],
    )
    def test_types(self, dtype, value, fits):
        X = (np.abs(make_rows()[0]) * 5).astype(dtype)
        replacer = OutlierReplacer(
            FOREST, strategy="constant", level="row", fill_value=value
        )
        if fits:
            out = replacer.fit_transform(X)
            assert out.dtype == dtype
            flagged = replacer.detector_.predict(X) == -1
            assert (out[flagged] == value).all()
        else:
            with pytest.raises(ValueError, match=r"\[0, 1, 2, 3\] .* cannot hold"):
                replacer.fit(X)

    @pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
    def test_frames_name_the_column(self, library):
        X, _ = make_rows()
        frame = library.DataFrame({"a": X[:, 0], "b": np.round(X[:, 1]).astype(int)})
        with pytest.raises(ValueError, match=r"\['b'\] of integers"):
            OutlierReplacer(FOREST, strategy="constant", fill_value=0.5).fit(frame)


class TestErrors:
    """Messages say what to do."""

    @pytest.mark.parametrize(
        "params",
        [
            {"strategy": "mean"},
            {"level": "column"},
            {"fill_value": np.nan},
            {"fill_value": "0"},
            {"quantile_range": 5.0},
        ],
    )
    def test_parameters(self, params):
        with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter"):
            OutlierReplacer(FOREST, **params).fit(make_rows()[0])

    @pytest.mark.parametrize("bounds", [(-1, 50), (60, 40), (0, 101), (5,)])
    def test_quantile_range(self, bounds):
        replacer = OutlierReplacer(FOREST, strategy="clip", quantile_range=bounds)
        with pytest.raises(ValueError, match="not a pair of percentiles"):
            replacer.fit(make_rows()[0])
