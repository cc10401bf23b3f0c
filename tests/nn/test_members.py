"""Copies of a module, each on its own batch."""

import pytest
import torch
from torch import nn

from sklearn_deepod._nn import Members


def make_members(n_members=3):
    members = Members([nn.Linear(2, 4) for _ in range(n_members)])
    for i, member in enumerate(members.members):
        nn.init.constant_(member.weight, i + 1.0)
        nn.init.constant_(member.bias, -i)
    return members


def test_each_member_gets_its_own_batch():
    members = make_members()
    X = torch.arange(30.0).view(3, 5, 2)
    found = members.map(lambda member, x: member(x), X)
    assert found.shape == (3, 5, 4)
    for i in range(3):
        expected = X[i].sum(dim=1, keepdim=True).expand(5, 4) * (i + 1) - i
        torch.testing.assert_close(found[i], expected)


def test_function_may_return_one_value_per_row():
    X = torch.ones(3, 5, 2)
    found = make_members().map(lambda member, x: member(x).sum(dim=1), X)
    assert found.tolist() == [[8.0] * 5, [12.0] * 5, [16.0] * 5]


def test_members_train_on_their_own_batches():
    members = make_members()
    X = torch.ones(3, 5, 2)
    members.map(lambda member, x: member(x).sum(dim=1), X)[1].sum().backward()
    has_gradient = [bool(m.weight.grad.any()) for m in members.members]
    assert has_gradient == [False, True, False]


def test_parameters_are_registered():
    assert len(list(make_members().parameters())) == 6
    assert len(make_members().state_dict()) == 6


@pytest.mark.parametrize("n_batches", [2, 4])
def test_wrong_number_of_batches_raises(n_batches):
    with pytest.raises(ValueError, match="zip"):
        make_members().map(lambda member, x: member(x), torch.ones(n_batches, 5, 2))
