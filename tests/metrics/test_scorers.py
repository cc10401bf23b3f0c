"""Scorers by name, in the tools of scikit-learn that take them."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
    cross_validate,
)
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from sklearn_deepod.metrics import (
    get_outlier_scorer,
    get_outlier_scorer_names,
    outlier_scorers,
    precision_at_n_score,
)
from sklearn_deepod.utils._sklearn_compat import InvalidParameterError
from tests.metrics.common import DETECTORS, FOREST, GivenScores, make_data, name_of

LABEL_FREE = {"consensus", "excess_mass", "neg_mass_volume", "rank_stability"}
LABELLED = sorted({*get_outlier_scorer_names()} - LABEL_FREE)
# Folds keep the share of outliers.
FOLDS = StratifiedKFold(3)


class TestOrientation:
    @pytest.mark.parametrize("name", LABELLED)
    def test_higher_is_better(self, name):
        X, y = make_data(n_features=1)
        X[:, 0] = np.where(y == -1, -1.0, 1.0)
        detector = GivenScores().fit(X)
        scorer = get_outlier_scorer(name)
        assert scorer(detector, X, y) > scorer(detector, -X, y)

    @pytest.mark.parametrize("detector", DETECTORS, ids=name_of)
    def test_any_detector_agrees_with_scikit_learn(self, detector):
        X, y = make_data()
        detector = detector.fit(X)
        anomaly, outlier = -detector.score_samples(X), y == -1
        expected = {
            "f1": f1_score(outlier, detector.predict(X) == -1),
            "roc_auc": roc_auc_score(outlier, anomaly),
            "average_precision": average_precision_score(outlier, anomaly),
            "precision_at_n": precision_at_n_score(y, -anomaly),
        }
        for name, value in expected.items():
            assert get_outlier_scorer(name)(detector, X, y) == value

    @pytest.mark.parametrize("name", LABELLED)
    def test_coding_makes_no_difference(self, name):
        X, y = make_data()
        detector = FOREST.fit(X)
        zeros_and_ones = (y == -1).astype(int)
        scorer = get_outlier_scorer(name, pos_label=1)
        assert scorer(detector, X, zeros_and_ones) == get_outlier_scorer(name)(
            detector, X, y
        )
        with pytest.raises(ValueError, match="pass pos_label=-1"):
            scorer(detector, X, y)

    def test_rate_is_negated(self):
        X, y = make_data()
        scorer = get_outlier_scorer("neg_false_alarm_rate", per=len(y))
        detector = GivenScores(offset=np.inf).fit(X)  # flags all
        assert scorer(detector, X, y) == -np.sum(y == 1)


class TestSearch:
    @pytest.mark.parametrize("name", get_outlier_scorer_names())
    def test_single(self, name):
        X, y = make_data()
        cv = TimeSeriesSplit(2) if name.startswith(("range", "vus")) else FOLDS
        search = GridSearchCV(
            make_pipeline(StandardScaler(), FOREST),
            {"isolationforest__n_estimators": [1, 20]},
            scoring=get_outlier_scorer(name),
            cv=cv,
            error_score="raise",
        ).fit(X, y)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert np.isfinite(search.score(X, y))

    @pytest.mark.parametrize("pos_label", [-1, 1])
    def test_several(self, pos_label):
        X, y = make_data()
        y = y if pos_label == -1 else (y == -1).astype(int)
        names = ("roc_auc", "f1", "excess_mass")
        search = GridSearchCV(
            FOREST,
            {"n_estimators": [1, 20]},
            scoring=outlier_scorers(*names, pos_label=pos_label),
            refit="roc_auc",
            cv=FOLDS,
            error_score="raise",
        ).fit(X, y)
        assert search.best_params_ == {"n_estimators": 20}
        for name in names:
            single = cross_val_score(
                search.best_estimator_,
                X,
                y,
                scoring=get_outlier_scorer(name, **_coding(name, pos_label)),
                cv=FOLDS,
            )
            assert search.cv_results_[f"mean_test_{name}"][1] == single.mean()

    def test_rows_are_scored_once_for_several(self):
        X, y = make_data()
        scoring = outlier_scorers("roc_auc", "average_precision", "precision_at_n")
        results = cross_validate(
            GivenScores(), X, y, scoring=scoring, cv=FOLDS, return_estimator=True
        )
        assert [detector.n_calls_ for detector in results["estimator"]] == [1, 1, 1]

    @pytest.mark.parametrize(
        "name", ["accuracy", "f1", "neg_false_alarm_rate", "roc_auc"]
    )
    def test_weight_is_a_repeated_row(self, name):
        X, y = make_data()
        weight = np.random.RandomState(0).randint(1, 4, size=len(y))
        detector, scorer = FOREST.fit(X), get_outlier_scorer(name)
        repeated = scorer(detector, np.repeat(X, weight, axis=0), np.repeat(y, weight))
        assert scorer(detector, X, y, sample_weight=weight) == pytest.approx(repeated)

    @pytest.mark.filterwarnings("ignore:The scoring:UserWarning")
    def test_weights_in_a_search(self):
        X, y = make_data()
        search = GridSearchCV(
            FOREST,
            {"n_estimators": [10]},
            scoring=outlier_scorers("roc_auc", "precision_at_n", "rank_stability"),
            refit="roc_auc",
            cv=FOLDS,
            error_score="raise",
        ).fit(X, y, sample_weight=np.ones(len(y)))
        assert search.best_score_ > 0.5

    def test_metadata_routing(self):
        X, y = make_data()
        with sklearn.config_context(enable_metadata_routing=True):
            scoring = outlier_scorers("roc_auc", "excess_mass")
            scoring["roc_auc"].set_score_request(sample_weight=True)
            scores = cross_validate(
                OneClassSVM().set_fit_request(sample_weight=False),
                X,
                y,
                scoring=scoring,
                cv=FOLDS,
                params={"sample_weight": np.ones(len(y))},
            )
        assert np.isfinite(scores["test_roc_auc"]).all()

    def test_fold_without_outliers_says_what_to_do(self):
        X, y = make_data()
        order = np.argsort(y)
        with pytest.raises(ValueError, match="holds no outlier.*StratifiedKFold"):
            GridSearchCV(
                FOREST,
                {"n_estimators": [1]},
                scoring=get_outlier_scorer("roc_auc"),
                error_score="raise",
            ).fit(X[order], y[order])


def _coding(name, pos_label):
    return {} if name in LABEL_FREE else {"pos_label": pos_label}


class TestErrors:
    @pytest.mark.parametrize("name", LABELLED)
    @pytest.mark.parametrize("multimetric", [False, True])
    def test_detector_that_cannot_judge_new_rows(self, name, multimetric):
        X, y = make_data()
        scoring = get_outlier_scorer(name)
        scoring = {"a": scoring, "b": scoring} if multimetric else scoring
        with pytest.raises(AttributeError, match="novelty=True"):
            cross_validate(
                LocalOutlierFactor(),
                X,
                y,
                scoring=scoring,
                cv=FOLDS,
                error_score="raise",
            )

    @pytest.mark.parametrize("multimetric", [False, True])
    def test_labels_left_out(self, multimetric):
        X, _ = make_data()
        scoring = get_outlier_scorer("f1")
        scoring = {"a": scoring, "b": scoring} if multimetric else scoring
        with pytest.raises(ValueError, match="'f1' compares with labels.* excess_mass"):
            cross_validate(FOREST, X, scoring=scoring, error_score="raise")

    def test_name(self):
        with pytest.raises(InvalidParameterError, match="'name' .* must be a str"):
            get_outlier_scorer("AUC")
        with pytest.raises(InvalidParameterError, match="'name'"):
            outlier_scorers("roc_auc", "AUC")

    def test_no_names(self):
        with pytest.raises(ValueError, match="at least one name of accuracy"):
            outlier_scorers()

    def test_pos_label(self):
        with pytest.raises(InvalidParameterError, match="pos_label"):
            outlier_scorers("f1", pos_label=0)

    def test_parameter_of_another_measure(self):
        with pytest.raises(TypeError, match="'roc_auc' has no parameter 'n'; .* none"):
            get_outlier_scorer("roc_auc", n=3)
        with pytest.raises(TypeError, match="it has max_features, n_draws"):
            get_outlier_scorer("excess_mass", n=3)


class TestObjects:
    @pytest.mark.parametrize("name", get_outlier_scorer_names())
    def test_pickle_and_clone(self, name):
        X, y = make_data(n_samples=60)
        detector = FOREST.fit(X)
        scorer = get_outlier_scorer(name)
        expected = scorer(detector, X, y)
        assert pickle.loads(pickle.dumps(scorer))(detector, X, y) == expected
        search = clone(GridSearchCV(FOREST, {}, scoring=scorer))
        assert search.scoring(detector, X, y) == expected

    def test_repr_can_be_typed(self):
        scorer = get_outlier_scorer("precision_at_n", pos_label=1, n=5)
        assert repr(scorer) == "get_outlier_scorer('precision_at_n', pos_label=1, n=5)"

    def test_parameters_reach_the_measure(self):
        X, y = make_data()
        detector = IsolationForest(random_state=0).fit(X)
        scores = detector.score_samples(X)
        scorer = get_outlier_scorer("precision_at_n", n=7)
        assert scorer(detector, X, y) == precision_at_n_score(y, scores, n=7)
        assert get_outlier_scorer("excess_mass", n_draws=3).n_draws == 3
