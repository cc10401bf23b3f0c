"""Tails of known distributions, and streams."""

import copy

import numpy as np
import pytest
from scipy import stats

from sklearn_deepod.threshold import PeaksOverThreshold, _peaks_over_threshold

LAWS = {"norm": stats.norm, "expon": stats.expon, "t": stats.t(3)}
every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


def within_factor_two(law, cut_of, rate, n_draws=30):
    """Share of draws of 10,000 scores whose cut meets the rate within a factor 2."""
    rates = [
        law.sf(cut_of(law.rvs(size=10_000, random_state=seed)))
        for seed in range(n_draws)
    ]
    return np.mean([rate / 2 <= found <= 2 * rate for found in rates])


@every_law
def test_meets_the_rate_where_the_quantile_does_not(law):
    def tail(rate):
        return lambda scores: PeaksOverThreshold(rate=rate).fit(scores).threshold_

    assert within_factor_two(law, tail(1e-3), 1e-3) >= 0.95
    by_quantile = within_factor_two(law, lambda s: np.quantile(s, 1 - 1e-4), 1e-4)
    assert by_quantile < 0.7
    assert within_factor_two(law, tail(1e-4), 1e-4) > by_quantile


@every_law
def test_the_cut_is_the_quantile_of_the_fitted_tail(law):
    rule = PeaksOverThreshold().fit(law.rvs(size=5000, random_state=0))
    share = rule.rate * 5000 / rule.n_peaks_
    formula = rule.scale_ / rule.shape_ * (share**-rule.shape_ - 1)
    assert rule.threshold_ == pytest.approx(rule.initial_threshold_ + formula)
    assert rule.n_peaks_ == 250
    assert rule.n_samples_seen_ == 5000


def test_recovers_the_shape():
    scores = stats.genpareto.rvs(0.3, size=20_000, random_state=0)
    rule = PeaksOverThreshold(level=0.5, max_peaks=None).fit(scores)
    assert rule.shape_ == pytest.approx(0.3, abs=0.05)
    assert len(rule.peaks_) == 10_000


def test_rate_must_be_in_the_tail():
    with pytest.raises(ValueError, match=r"rate=0.1 is not below 1 - level=0.05"):
        PeaksOverThreshold(rate=0.1).fit(np.random.RandomState(0).rand(1000))


def test_needs_peaks():
    with pytest.raises(ValueError, match=r"at least 10 scores above .* got 5 of 100"):
        PeaksOverThreshold().fit(np.arange(100.0))
    # fewer scores need a lower level
    assert PeaksOverThreshold(level=0.8).fit(np.arange(100.0)).n_peaks_ == 20


class TestUpdate:
    @pytest.fixture
    def start(self):
        return stats.expon.rvs(size=2000, random_state=0)

    @pytest.fixture
    def stream(self):
        scores = stats.expon.rvs(size=8000, random_state=1)
        scores[::1000] = 50.0
        return scores

    def test_ends_near_a_fit_to_everything_but_alarms(self, start, stream):
        rule = PeaksOverThreshold(max_peaks=None).fit(start)
        labels = rule.update(stream)
        assert (labels[::1000] == -1).all()
        assert np.mean(labels == -1) < 0.005
        learned = stream[labels == 1]
        assert rule.n_samples_seen_ == 2000 + len(learned)
        peaks = np.r_[start, learned] - rule.initial_threshold_
        np.testing.assert_allclose(rule.peaks_, peaks[peaks > 0])
        assert rule.n_peaks_ == len(rule.peaks_)
        # As if the alarms had never been: an exponential tail, cut near ln 1000.
        assert rule.shape_ == pytest.approx(0.0, abs=0.15)
        assert rule.threshold_ == pytest.approx(np.log(1000), abs=0.7)

    def test_piece_by_piece_labels_as_at_once(self, start, stream):
        whole = PeaksOverThreshold().fit(start)
        parts = PeaksOverThreshold().fit(start)
        labels = np.concatenate([parts.update(p) for p in np.split(stream, 80)])
        assert np.mean(labels == whole.update(stream)) > 0.999
        assert parts.n_samples_seen_ == whole.n_samples_seen_
        assert parts.threshold_ == pytest.approx(whole.threshold_, rel=0.02)

    def test_a_long_stream_keeps_its_rate_and_little_memory(self, start):
        rule = PeaksOverThreshold(max_peaks=500).fit(start)
        stream = stats.expon.rvs(size=40_000, random_state=2)
        alarms = rule.update(stream)[20_000:] == -1
        assert 0.5e-3 < np.mean(alarms) < 2e-3
        assert len(rule.peaks_) == 500
        assert rule.n_peaks_ == pytest.approx(0.05 * 42_000, rel=0.25)

    def test_nothing_new(self, start):
        rule = PeaksOverThreshold().fit(start)
        before = rule.threshold_
        assert rule.update([]).shape == (0,)
        assert rule.threshold_ == before

    def test_an_interrupted_update_learns_nothing(self, start, stream, monkeypatch):
        rule = PeaksOverThreshold().fit(start)
        before, labels = dict(vars(rule)), copy.deepcopy(rule).update(stream)

        def interrupted(*args):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(_peaks_over_threshold, "_fit_below", interrupted)
            with pytest.raises(KeyboardInterrupt):
                rule.update(stream)
        assert vars(rule) == before
        np.testing.assert_array_equal(rule.update(stream), labels)

    def test_bad_scores(self, start):
        rule = PeaksOverThreshold().fit(start)
        with pytest.raises(ValueError, match="contains NaN"):
            rule.update([1.0, np.nan])
