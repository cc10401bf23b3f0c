"""OutlierRepairer: deviating cells, what they become, and tables with known errors."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.covariance import EllipticEnvelope
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler
from sklearn.svm import OneClassSVM

from sklearn_deepod import AutoEncoder, ModifiedZScore, VariationalAutoEncoder, ZScore
from sklearn_deepod._stats import median_and_scale
from sklearn_deepod.treatment import OutlierRepairer, _cells
from tests.conftest import QUICK
from tests.treatment.test_base import Counting, make_rows

FOREST = IsolationForest(n_estimators=30, contamination=0.15, random_state=0)


def swapped(value, rng):
    """The value with two neighbouring digits in each other's place."""
    text = [*f"{value:.4g}"]
    digits = [i for i, c in enumerate(text) if c.isdigit()]
    pairs = [
        (a, b)
        for a, b in zip(digits[:-1], digits[1:], strict=True)
        if text[a] != text[b]
    ]
    if not pairs:
        return value
    a, b = pairs[rng.randint(len(pairs))]
    text[a], text[b] = text[b], text[a]
    return float("".join(text))


def corrupted(X, factor, seed):
    """The table with 5 % of its cells wrong in one of three ways.

    A third are in another unit, a third have two digits swapped, and a third come from
    a sensor that is stuck at the highest value.
    """
    rng = np.random.RandomState(seed)
    dirty = X.copy()
    cells = rng.permutation(X.size)[: round(0.05 * X.size)]
    for number, cell in enumerate(cells):
        i, j = np.unravel_index(cell, X.shape)
        if number % 3 == 0:
            dirty[i, j] *= factor if rng.rand() < 0.5 else 1 / factor
        elif number % 3 == 1:
            dirty[i, j] = swapped(dirty[i, j], rng)
        else:
            dirty[i, j] = X[:, j].max()
    return dirty


def distance(A, X):
    """Root mean square distance to the truth, in standard deviations."""
    return np.sqrt(np.mean(((A - X) / X.std(axis=0)) ** 2))


class Reach(OutlierMixin, BaseEstimator):
    """The distance from the origin, ended at `saturation`, is the anomaly score."""

    def __init__(self, *, limit=3.0, saturation=np.inf):
        self.limit = limit
        self.saturation = saturation

    def fit(self, X, y=None):
        self.n_scored_ = []
        return self

    def score_samples(self, X):
        self.n_scored_.append(len(X))
        return -np.minimum(np.linalg.norm(X, axis=1), self.saturation)

    def predict(self, X):
        return np.where(np.linalg.norm(X, axis=1) > self.limit, -1, 1)


class Projection(OutlierMixin, BaseEstimator):
    """PCA with `reconstruct`; reads no missing values."""

    def fit(self, X, y=None):
        self.pca_ = PCA(2).fit(X[np.abs(X).max(axis=1) < 20])
        return self

    def reconstruct(self, X):
        return self.pca_.inverse_transform(self.pca_.transform(X))

    def score_samples(self, X):
        return -np.linalg.norm(X - self.reconstruct(X), axis=1)

    def predict(self, X):
        return np.where(self.score_samples(X) < -2.0, -1, 1)


class TestTablesWithErrors:
    """A table of 10 or 13 features with 5 % of its cells corrupted."""

    @pytest.mark.parametrize("seed", [0, 1])
    @pytest.mark.parametrize("factor", [1000, 10])
    @pytest.mark.parametrize("table", ["wine", "breast cancer"])
    @pytest.mark.parametrize(
        "detector",
        [
            IsolationForest(contamination=0.3, random_state=0),
            AutoEncoder(contamination=0.3, random_state=0),
            EllipticEnvelope(contamination=0.3, random_state=0),
        ],
        ids=lambda d: type(d).__name__,
    )
    def test_distance_to_the_truth_is_halved(self, detector, table, factor, seed):
        if table == "wine":
            X = load_wine().data
        else:
            X = load_breast_cancer().data[:, :10]
        dirty = corrupted(X, factor, seed)
        wrong = dirty != X
        assert 0.04 < wrong.mean() < 0.051
        assert wrong.any(axis=1).mean() > 0.35
        repairer = OutlierRepairer(detector)
        out = repairer.fit_transform(dirty)
        flagged = repairer.detector_.predict(dirty) == -1
        assert out[~flagged].tobytes() == dirty[~flagged].tobytes()
        assert distance(out, X) < 0.25 * distance(dirty, X)
        changed = out != dirty
        assert changed[~wrong].mean() < 0.03
        assert wrong[changed].mean() > 0.5

    def test_two_in_a_row_find_more(self):
        X = load_breast_cancer().data[:, :10]
        dirty = corrupted(X, 10, 0)
        repairer = OutlierRepairer(AutoEncoder(random_state=0))
        once = clone(repairer).fit_transform(dirty)
        twice = make_pipeline(clone(repairer), clone(repairer)).fit_transform(dirty)
        assert distance(twice, X) < 0.7 * distance(once, X)

    @pytest.mark.parametrize(
        "detector",
        [
            make_pipeline(RobustScaler(), LocalOutlierFactor(novelty=True)),
            make_pipeline(RobustScaler(), OneClassSVM(nu=0.3)),
            ModifiedZScore(),
        ],
        ids=["LocalOutlierFactor", "OneClassSVM", "ModifiedZScore"],
    )
    def test_other_detectors(self, detector):
        X = load_wine().data
        dirty = corrupted(X, 10, 0)
        out = OutlierRepairer(detector).fit_transform(dirty)
        assert distance(out, X) < 0.5 * distance(dirty, X)

    def test_new_rows(self):
        X = load_breast_cancer().data[:, :10]
        dirty = corrupted(X, 10, 0)
        repairer = OutlierRepairer(AutoEncoder(contamination=0.3, random_state=0))
        repairer.fit(dirty[:300])
        out = repairer.transform(dirty[300:])
        assert distance(out, X[300:]) < 0.25 * distance(dirty[300:], X[300:])


class TestGuiltyCells:
    """Which cells are changed."""

    @pytest.mark.parametrize("detector", [FOREST, ModifiedZScore()])
    @pytest.mark.parametrize("min_change", [0.0, 2.0])
    @pytest.mark.parametrize("max_cells", [1, 3])
    def test_against_loops(self, detector, min_change, max_cells):
        X, _ = make_rows(90)
        X[::20, 1] = -12.0  # some rows have two wrong cells
        repairer = OutlierRepairer(
            detector, min_change=min_change, max_cells=max_cells
        ).fit(X)
        detector = clone(detector).fit(X)
        inliers = X[detector.predict(X) == 1]
        low, high = inliers.min(axis=0), inliers.max(axis=0)
        center, scale = median_and_scale(inliers)
        imputer = KNNImputer(n_neighbors=10).fit((inliers - center) / scale)

        def filled(row, cells):
            shown = (np.clip(row, low, high) - center) / scale
            shown[cells] = np.nan
            predicted = imputer.transform([shown])[0] * scale + center
            row = row.copy()
            row[cells] = predicted[cells]
            return row

        def score(row):
            return detector.score_samples([row])[0]

        out = repairer.transform(X)
        n_changed = 0
        for before, after in zip(X, out, strict=True):
            row, deviating = before, []
            while detector.predict([row])[0] == -1 and len(deviating) < max_cells:
                trials = {
                    j: filled(before, [*deviating, j])
                    for j in range(4)
                    if j not in deviating
                }
                trials = {
                    j: trial
                    for j, trial in trials.items()
                    if abs(trial[j] - before[j]) >= min_change * scale[j]
                }
                best = max(trials, key=lambda j: score(trials[j]), default=None)
                if best is None or score(trials[best]) < score(row) - 1e-9:
                    break
                deviating.append(best)
                row = trials[best]
            np.testing.assert_allclose(after, row, rtol=1e-9)
            n_changed += len(deviating)
        assert n_changed > 5

    def test_z_scores_say_the_same(self):
        X, _ = make_rows()
        X[::20, 1] = -12.0
        detector = ZScore(contamination=0.1).fit(X)
        repairer = OutlierRepairer(detector, max_cells=1.0, min_change=0.0).fit(X)
        far = np.abs(detector.z_scores(X)) > -detector.offset_
        np.testing.assert_array_equal(repairer.transform(X) != X, far)

    def test_planted_cells(self):
        X, wrong = make_rows()
        for detector in (FOREST, AutoEncoder(**QUICK), EllipticEnvelope()):
            changed = OutlierRepairer(detector).fit_transform(X) != X
            assert (changed & wrong).sum() >= 0.9 * wrong.sum()
            assert (changed & ~wrong).sum() <= 0.01 * X.size

    def test_max_cells(self):
        rng = np.random.RandomState(0)
        X = rng.uniform(-1, 1, size=(60, 6))
        X[0] = 20.0
        for max_cells, expected in ((1, 1), (2, 2), (0.5, 3), (0.1, 1), (9, 6)):
            repairer = OutlierRepairer(Reach(), max_cells=max_cells).fit(X)
            assert (repairer.transform(X)[0] != X[0]).sum() == expected
        # With all six replaced the row is an inlier, with fewer it is not.
        assert repairer.detector_.predict(repairer.transform(X))[0] == 1

    def test_stops_as_soon_as_the_row_is_no_outlier(self):
        rng = np.random.RandomState(0)
        X = rng.uniform(-1, 1, size=(60, 6))
        X[0, :3] = 20.0, 30.0, 2.5
        out = OutlierRepairer(Reach(limit=3.3), max_cells=1.0).fit_transform(X)
        np.testing.assert_array_equal(np.flatnonzero(out[0] != X[0]), [0, 1])

    def test_min_change(self):
        X, _ = make_rows()
        _, scale = median_and_scale(X)
        for min_change in (0.0, 3.0, 1e6):
            repairer = OutlierRepairer(FOREST, min_change=min_change).fit(X)
            report = repairer.repair_report_
            steps = np.abs(report["new"] - report["old"])
            inlier_scale = repairer._inliers.scale[report["feature"]]
            assert (steps >= min_change * inlier_scale).all()
            assert bool(len(steps)) == (min_change < 1e6)
        assert (OutlierRepairer(FOREST).fit(X)._inliers.scale <= 1.5 * scale).all()

    def test_detector_that_calls_all_far_rows_alike(self):
        # No single replacement changes the score, so the largest steps come first.
        rng = np.random.RandomState(0)
        X = rng.uniform(-1, 1, size=(60, 4))
        X[0, 1], X[0, 3] = 300.0, -900.0
        detector = Reach(limit=3.0, saturation=10.0)
        out = OutlierRepairer(detector).fit_transform(X)
        np.testing.assert_array_equal(np.flatnonzero(out[0] != X[0]), [1, 3])
        one = OutlierRepairer(detector, max_cells=1).fit_transform(X)
        np.testing.assert_array_equal(np.flatnonzero(one[0] != X[0]), [3])

    def test_constant_feature(self):
        X = np.random.RandomState(0).uniform(-1, 1, size=(60, 3))
        X[:, 1] = 0.1
        X[0, 1] = 0.1 + 1e-3
        detector = Counting(limit=np.nextafter(0.1, 1))
        X[:, [0, 2]] = np.minimum(X[:, [0, 2]], 0.05)
        out = OutlierRepairer(detector).fit_transform(X)
        assert out[0, 1] == 0.1
        np.testing.assert_array_equal(out[0, [0, 2]], X[0, [0, 2]])

    def test_in_parts_or_at_once(self, monkeypatch):
        X, _ = make_rows()
        whole = OutlierRepairer(Reach(limit=6.0)).fit(X)
        monkeypatch.setattr(_cells, "TRIAL_CELLS", 40)
        parts = OutlierRepairer(Reach(limit=6.0)).fit(X)
        np.testing.assert_allclose(parts.transform(X), whole.transform(X), rtol=1e-12)
        assert max(parts.detector_.n_scored_) <= 2 * 4  # rows at once x features
        assert max(whole.detector_.n_scored_) > 2 * 4


class TestNewValues:
    """What deviating cells become."""

    def test_imputer(self):
        X, wrong = make_rows()
        inliers = X[~wrong.any(axis=1)]
        for strategy, expected in (
            ("median", np.median(inliers, axis=0)),
            ("mean", inliers.mean(axis=0)),
        ):
            repairer = OutlierRepairer(
                Counting(), imputer=SimpleImputer(strategy=strategy)
            )
            out = repairer.fit_transform(X)
            np.testing.assert_allclose(
                out[wrong], np.broadcast_to(expected, X.shape)[wrong], rtol=1e-12
            )
            assert repairer.imputer_.strategy == strategy
            assert not hasattr(repairer.imputer, "statistics_")

    def test_default_is_the_mean_of_ten_neighbours(self):
        X, wrong = make_rows()
        inliers = X[~wrong.any(axis=1)]
        _, scale = median_and_scale(inliers)
        repairer = OutlierRepairer(Counting()).fit(X)
        assert isinstance(repairer.imputer_, KNNImputer)
        out = repairer.transform(X)
        for i, j in zip(*np.nonzero(wrong), strict=True):
            others = np.arange(4) != j
            steps = ((inliers - X[i]) / scale)[:, others]
            nearest = np.argsort((steps**2).sum(axis=1))[:10]
            np.testing.assert_allclose(out[i, j], inliers[nearest, j].mean())

    def test_neighbours_are_sought_among_few(self, monkeypatch):
        monkeypatch.setattr(_cells, "REFERENCE_ROWS", 25)
        X, wrong = make_rows()
        repairer = OutlierRepairer(Counting()).fit(X)
        assert len(repairer.imputer_._fit_X) == 25
        assert not (repairer.transform(X) == X)[wrong].any()

    def test_units_do_not_matter(self):
        X, _ = make_rows()
        units = np.array([1.0, 1000.0, 0.01, 1.0])
        detector = make_pipeline(StandardScaler(), FOREST)
        plain = OutlierRepairer(detector).fit_transform(X)
        scaled = OutlierRepairer(detector).fit_transform(X * units)
        np.testing.assert_allclose(scaled, plain * units, rtol=1e-9)

    @pytest.mark.parametrize("cls", [AutoEncoder, VariationalAutoEncoder])
    def test_reconstruction(self, cls):
        X, _ = make_rows()
        repairer = OutlierRepairer(cls(**QUICK)).fit(X)
        assert repairer.imputer_ is None
        inliers = X[repairer.detector_.predict(X) == 1]
        low, high = inliers.min(axis=0), inliers.max(axis=0)
        out = repairer.transform(X)
        changed = out != X
        assert changed.any()
        rows = changed.any(axis=1)
        hidden = np.where(changed, np.nan, np.clip(X, low, high))[rows]
        rebuilt = np.clip(repairer.detector_.reconstruct(hidden), low, high)
        np.testing.assert_allclose(
            out[changed], rebuilt[changed[rows]], rtol=1e-5, atol=1e-6
        )

    def test_reconstruction_that_reads_no_missing_values(self):
        X, wrong = make_rows(300)
        truth = X.copy()
        truth[wrong] = np.nan
        repairer = OutlierRepairer(Projection()).fit(X)
        out = repairer.transform(X)
        changed = out != X
        assert (changed & wrong).sum() >= 0.9 * wrong.sum()
        # Five steps towards the value that is its own reconstruction.
        rebuilt = repairer.detector_.reconstruct(out)
        gap = np.abs(out - rebuilt)[changed]
        from_median = np.abs(repairer._inliers.median - rebuilt)[changed]
        assert np.median(gap) < 0.5 * np.median(from_median)

    def test_an_imputer_comes_before_the_reconstruction(self):
        X, _ = make_rows()
        imputer = SimpleImputer(strategy="median")
        repairer = OutlierRepairer(AutoEncoder(**QUICK), imputer=imputer).fit(X)
        report = repairer.repair_report_
        np.testing.assert_allclose(
            report["new"], repairer._inliers.median[report["feature"]]
        )

    def test_within_the_range_of_inliers(self):
        X, wrong = make_rows()
        inliers = X[~wrong.any(axis=1)]

        class Far(SimpleImputer):
            def transform(self, X):
                return super().transform(X) + 100.0

        out = OutlierRepairer(Counting(), imputer=Far()).fit_transform(X)
        highest = np.broadcast_to(inliers.max(axis=0), X.shape)
        np.testing.assert_array_equal(out[wrong], highest[wrong])

    def test_one_feature(self):
        X = np.r_[np.random.RandomState(0).randn(50), 40.0].reshape(-1, 1)
        out = OutlierRepairer(Counting(), imputer=None).fit_transform(X)
        np.testing.assert_allclose(out[-1, 0], X[:-1].mean())


class TestErrors:
    """Messages say what to do."""

    def test_imputer_that_adds_columns(self):
        X, _ = make_rows()
        X[1::10, 1] = np.nan
        imputer = SimpleImputer(add_indicator=True)
        with pytest.raises(ValueError, match="Use an imputer that keeps all columns"):
            OutlierRepairer(FOREST, imputer=imputer).fit(X)

    def test_imputer_that_does_not_impute(self):
        X, _ = make_rows()
        with pytest.raises(ValueError, match="does not impute each missing cell"):
            OutlierRepairer(FOREST, imputer=StandardScaler()).fit(X)

    @pytest.mark.parametrize("imputer", ["median", 3])
    def test_no_imputer(self, imputer):
        with pytest.raises(ValueError, match="The 'imputer' parameter"):
            OutlierRepairer(FOREST, imputer=imputer).fit(make_rows()[0])
