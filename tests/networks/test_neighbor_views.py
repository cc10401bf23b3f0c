"""Views of rows among references, in closed form on a line."""

import math

import pytest
import torch

from sklearn_deepod.networks import NeighborViews


def on_a_line(*values, n_members=1):
    """Rows of one feature, the same for all members."""
    return torch.tensor(values).view(1, -1, 1).repeat(n_members, 1, 1)


@pytest.fixture
def views():
    """Two members; references at 0, 1, 2 and 10, for inputs and learned features."""
    views = NeighborViews(2, 1, 1, n_places=4)
    rows, count = on_a_line(0.0, 1.0, 2.0, 10.0), torch.ones(4)
    views.inputs.fill(rows, count)
    views.learned.fill(rows.repeat(2, 1, 1), count)
    views.set_learned_units(views.learned(rows.repeat(2, 1, 1), 2)[0])
    return views


def test_units_of_learned_features(views):
    # Nearest neighbours at 1, 1, 1 and 8; means of two: 1.5, 1, 1.5 and 8.5.
    assert views.unit.flatten().tolist() == [1.0, 1.0]
    assert views.spacing[0, :4].tolist() == [1.5, 1.0, 1.5, 8.5]


def test_the_three_measures(views):
    measures = views.measures(on_a_line(4.0), on_a_line(5.0, n_members=2), 2)
    # Inputs: 2 and 3 away. Learned: 3 away (from 2), then 4, where spacings are 1.5, 1.
    assert measures[0].tolist() == pytest.approx([3.0, 3.0, 4 / 1.25])


def test_learned_measures_are_means_of_the_members(views):
    features = torch.tensor([[[5.0]], [[14.0]]])
    measures = views.measures(on_a_line(4.0), features, 1)
    assert measures[0, 1].item() == pytest.approx((3.0 + 4.0) / 2)


def test_copies_have_a_spacing():
    views = NeighborViews(1, 1, 1, n_places=6)
    rows = on_a_line(0.0, 0.0, 0.0, 5.0, 6.0, 8.0)
    views.learned.fill(rows, torch.ones(6))
    views.set_learned_units(views.learned(rows, 2)[0])
    assert (views.spacing > 0).all()
    assert torch.isfinite(views.spacing).all()


def test_inputs_are_standardised_by_weight():
    views = NeighborViews(1, 2, 1, n_places=4)
    inputs = torch.tensor([[[0.0, 7.0], [4.0, 7.0]]])
    views.set_input_units(inputs, torch.tensor([3.0, 1.0]))
    assert views.center.tolist() == [1.0, 7.0]
    # The second feature is constant, and keeps its unit.
    assert views.scale.tolist() == pytest.approx([math.sqrt(3), 1.0])
    far = views.standardise(torch.tensor([[[1e9, -1e9]]]))
    assert far.flatten().tolist() == [10.0, -10.0]


def test_evidence_nearby_is_weighted_by_a_gaussian_kernel():
    views = NeighborViews(1, 1, 1, n_places=3)
    views.nearby.fill(on_a_line(0.0, 2.0, 6.0), torch.tensor([1.0, 2.0, 1.0]))
    views.set_bandwidth(torch.tensor([[[2.0], [2.0], [4.0]]]))
    views.evidence[:3] = torch.tensor([5.0, 1.0, 9.0])
    weight, weighted = views.evidence_nearby(on_a_line(2.0), 2)[0].tolist()
    kernel = math.exp(-((2 / 2) ** 2) / 2)
    assert weight == pytest.approx(2 + kernel)
    assert weighted == pytest.approx(2 * 1.0 + kernel * 5.0)


def test_places_without_a_reference_have_no_weight():
    views = NeighborViews(1, 1, 1, n_places=3)
    views.nearby.fill(on_a_line(0.0, 1.0, 2.0), torch.ones(3))
    weight, _ = views.evidence_nearby(on_a_line(1.0), 40)[0].tolist()
    assert weight == pytest.approx(1 + 2 * math.exp(-0.5))
