"""The share that is cut off."""

import numpy as np
import pytest

from sklearn_deepod import ZScore
from sklearn_deepod.threshold import QuantileThreshold


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_cuts_off_the_share_as_contamination_does(share):
    X = np.random.RandomState(0).randn(300, 4)
    detector = ZScore(contamination=share).fit(X)
    scores = -detector.score_samples(X)
    cut = QuantileThreshold(contamination=share).fit(scores).threshold_
    assert np.sum(scores > cut) == round(share * 300)
    assert cut == -detector.offset_


@pytest.mark.parametrize("share", [0.0, 0.51, -0.1, 1])
def test_impossible_share(share):
    with pytest.raises(ValueError, match=r"'contamination' .* range \(0.0, 0.5\]"):
        QuantileThreshold(contamination=share).fit(np.arange(10.0))
