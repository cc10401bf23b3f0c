"""What holds for every rule."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator

from sklearn_deepod import threshold
from sklearn_deepod.threshold import (
    BaseThreshold,
    CostThreshold,
    FBetaThreshold,
    PeaksOverThreshold,
)

RULES = [
    rule()
    for rule in map(threshold.__dict__.get, threshold.__all__)
    if issubclass(rule, BaseThreshold) and rule is not BaseThreshold
]
LABELLED = (CostThreshold, FBetaThreshold)
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda r: type(r).__name__)


def make_scores(n_samples=400, seed=0):
    """Scores of which every tenth is an outlier's, and their labels."""
    rng = np.random.RandomState(seed)
    y = np.ones(n_samples, dtype=int)
    y[::10] = -1
    return np.where(y == 1, rng.gamma(4.0, size=n_samples), 12 + rng.rand(n_samples)), y


def fitted(rule, scores, y, sample_weight=None):
    rule = clone(rule)
    if "random_state" in rule.get_params():
        rule.set_params(random_state=0)
    return rule.fit(scores, y, sample_weight)


def test_all_rules_are_here():
    kinds = "Cost FBeta IQR MAD MixtureGap Otsu PeaksOver Quantile StandardDeviation"
    names = {f"{kind}Threshold" for kind in [*kinds.split(), "TailExcess"]}
    assert {type(rule).__name__ for rule in RULES} == names


@every_rule
def test_is_an_estimator_of_one_dimensional_input(rule):
    tags = rule.__sklearn_tags__()
    assert tags.input_tags.one_d_array
    assert not tags.input_tags.two_d_array
    assert tags.target_tags.required == isinstance(rule, LABELLED)
    # scikit-learn's checks know tables only
    with pytest.warns(SkipTestWarning, match="one_d_array=True"):
        check_estimator(rule)


@every_rule
def test_cuts_between_inliers_and_outliers(rule):
    scores, y = make_scores()
    rule = fitted(rule, scores, y)
    assert isinstance(rule.threshold_, float)
    assert np.mean(scores[y == 1] > rule.threshold_) < 0.15
    # Rules of the tail of normal rows are moved by a tenth of outliers.
    if not isinstance(rule, PeaksOverThreshold | threshold.StandardDeviationThreshold):
        assert np.mean(scores[y == -1] > rule.threshold_) > 0.9


@every_rule
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_follows_the_unit_of_the_scores(rule, scale):
    scores, y = make_scores()
    cut = fitted(rule, scores, y).threshold_
    assert fitted(rule, 5 + scale * scores, y).threshold_ == pytest.approx(
        5 + scale * cut, rel=1e-4
    )


@every_rule
def test_whole_weights_equal_repetition(rule):
    scores, y = make_scores()
    weight = np.random.RandomState(1).randint(0, 4, size=len(scores))
    weighted = fitted(rule, scores, y, weight)
    repeated = fitted(rule, np.repeat(scores, weight), np.repeat(y, weight))
    assert weighted.threshold_ == pytest.approx(repeated.threshold_, rel=1e-12)


@every_rule
def test_fractional_weights(rule):
    scores, y = make_scores()
    weight = np.random.RandomState(1).rand(len(scores))
    if rule._takes_weights:
        assert np.isfinite(fitted(rule, scores, y, weight).threshold_)
    else:
        with pytest.raises(ValueError, match="takes whole sample weights only"):
            fitted(rule, scores, y, weight)


@every_rule
def test_bad_scores(rule):
    scores, y = make_scores()
    for bad, message in [(np.nan, "NaN"), (np.inf, "infinity")]:
        scores[3] = bad
        with pytest.raises(ValueError, match=f"anomaly_scores contains {message}"):
            fitted(rule, scores, y)
    with pytest.raises(ValueError, match="1d array"):
        fitted(rule, np.ones((4, 2)), y[:4])
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        fitted(rule, [], [])


@every_rule
def test_labels_of_another_number(rule):
    scores, y = make_scores()
    with pytest.raises(ValueError, match="y has 399 labels for 400 anomaly_scores"):
        fitted(rule, scores, y[:-1])
    with pytest.raises(ValueError, match="y has 399 labels for 400 anomaly_scores"):
        fitted(rule, scores, y[:-1], np.ones(400))


@every_rule
def test_negative_weights(rule):
    scores, y = make_scores()
    with pytest.raises(ValueError, match="[Nn]egative"):
        fitted(rule, scores, y, np.r_[-1.0, np.ones(399)])


@every_rule
@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("share", [0.0025, 0.04, 0.4, 1.0])
def test_scores_at_the_end_of_the_range(rule, share):
    """As they stand for scores that are not finite."""
    scores, y = make_scores()
    highest = np.arange(400) < round(share * 400)
    scores[highest], y[highest] = np.finfo(np.float64).max, -1
    y[-1] = 1
    if share == 1.0 and isinstance(rule, PeaksOverThreshold):
        return  # has no tail to fit
    rule = fitted(rule, scores, y)
    assert np.isfinite(rule.threshold_)
    assert (rule.threshold_ < scores[0]) or share > 0.0025
    assert rule.threshold_ >= scores.min() or isinstance(rule, LABELLED)


@every_rule
def test_failed_fit_keeps_the_old_one(rule):
    scores, y = make_scores()
    rule = fitted(rule, scores, y)
    before = dict(vars(rule))
    with pytest.raises(ValueError, match="NaN"):
        rule.fit(np.r_[scores[:20], np.nan])
    if rule._min_scores > 1 or isinstance(rule, LABELLED):
        n = 20 if isinstance(rule, PeaksOverThreshold) else 1  # one has no peaks
        with pytest.raises(ValueError, match="needs"):
            rule.fit(scores[:n])
    assert vars(rule) == before


@every_rule
def test_too_few_scores(rule):
    if rule._min_scores > 1:
        n = rule._min_scores
        with pytest.raises(ValueError, match=rf"at least {n} scores, got {n - 1}\. "):
            fitted(rule, np.arange(n - 1.0), np.ones(n - 1))
        with pytest.raises(ValueError, match=f"at least {n} scores, got 1"):
            fitted(rule, np.arange(20.0), np.ones(20), np.eye(20)[0])


@every_rule
def test_equal_scores_are_all_inliers(rule):
    scores = np.full(30, 0.1)
    if isinstance(rule, PeaksOverThreshold):
        with pytest.raises(ValueError, match="got 0 of 30 scores"):
            fitted(rule, scores, None)
    else:  # a single outlier among the labels asks for no alarm either
        y = np.r_[-1, np.ones(29)]
        rule = CostThreshold(missed=1.0) if isinstance(rule, LABELLED) else rule
        assert not np.any(scores > fitted(rule, scores, y).threshold_)
