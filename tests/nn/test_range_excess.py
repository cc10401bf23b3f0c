"""RangeExcess: exact values, and where it is 0."""

import numpy as np
import pytest
import torch

from sklearn_deepod import DiffusionTimeEstimation, InternalContrastive
from sklearn_deepod._nn import RangeExcess
from tests.conftest import QUICK, make_table


def fitted(rows, **params):
    excess = RangeExcess(len(rows[0]))
    excess.fit(torch.tensor(rows), **params)
    return excess


def test_grows_with_the_logarithm_beyond_two_widths():
    excess = fitted([[0.0, -1.0], [10.0, 1.0]])
    X = torch.tensor([[[5.0, 0.0], [30.0, 5.0], [-20.0, -5.0], [50.0, 0.0], [0.0, 15]]])
    expected = torch.log1p(torch.tensor([[0.0, 0.0, 0.0, 2.0, 5.0]]))
    torch.testing.assert_close(excess(X), expected)


def test_noise_widens_the_range():
    excess = fitted([[0.0], [10.0]], reach=5.0)
    X = torch.tensor([[[-45.0], [55.0], [75.0]]])
    assert excess(X).expm1().round(decimals=5).tolist() == [[0.0, 0.0, 1.0]]


def test_nothing_exceeds_before_the_fit():
    assert (RangeExcess(2)(torch.full((1, 3, 2), 1e30)) == 0).all()


def test_constant_features_and_all_but_empty_ranges_stay_finite():
    excess = fitted([[1.0, 0.0], [1.0, 1e-38]])
    found = excess(torch.tensor([[[1.0, 0.0], [4.0, 0.0], [1.0, 1e14]]]))
    assert found[0, 0] == 0
    assert found[0, 1] == pytest.approx(np.log(2.0))
    assert torch.isfinite(found).all()


def test_members_and_axes_do_not_matter():
    rows = torch.randn(30, 6, generator=torch.Generator().manual_seed(0))
    X = 20 * torch.randn(2, 8, 6, generator=torch.Generator().manual_seed(1))
    flat, shaped = RangeExcess(6), RangeExcess(6)
    flat.fit(rows)
    shaped.fit(rows.view(30, 3, 2).expand(2, 30, 3, 2))
    assert (flat(X) > 0).any()
    assert torch.equal(flat(X), shaped(X))


@pytest.mark.parametrize("cls", [DiffusionTimeEstimation, InternalContrastive])
def test_of_bounded_scores_only_far_rows_are_raised(cls):
    X, _ = make_table(60)
    detector = cls(novelty=True, preprocessor=None, **QUICK).fit(X)
    far = X[:3].copy()
    far[:, 1] = [1e2, 1e4, 1e8]
    rows = np.vstack([X, far])
    found = -detector.score_samples(rows)
    module = detector.net_.module_
    low, high = module.excess.low.clone(), module.excess.high.clone()
    module.excess.low.fill_(-torch.inf)
    module.excess.high.fill_(torch.inf)
    plain = -detector.score_samples(rows)
    np.testing.assert_array_equal(found[:60], plain[:60])
    widths = (high - low) / 5
    beyond = ((torch.from_numpy(far[:, 1]) - high[1]) / widths[1]).numpy()
    bound = 300 if cls is DiffusionTimeEstimation else np.log(4) + 2 / 0.1
    np.testing.assert_allclose(
        found[60:] - plain[60:], bound * np.log1p(beyond), rtol=1e-4
    )
