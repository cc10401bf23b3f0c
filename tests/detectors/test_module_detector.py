"""ModuleDetector: any torch module, with a loss and a score."""

import math

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from torch import nn

from sklearn_deepod import ModuleDetector
from tests.conftest import QUICK, Bottleneck, RebuildingLoss


def build_linear(input_shape):
    n = math.prod(input_shape)
    return nn.Sequential(nn.Linear(n, 2), nn.Linear(2, n))


class Plain(Bottleneck):
    """Without dropout, else the same."""

    def __init__(self, input_shape):
        super().__init__(input_shape)
        self.layers[2] = nn.Identity()


def build_nothing(input_shape):
    return "a module"


def distance_to_centre(module, X):
    return X.square().sum(dim=1)


def total_loss(module, X):
    return RebuildingLoss()(module, X).mean()


def loss_of_cells(module, X):
    return (module(X) - X).square()


class Gaussian(nn.Module):
    """A normal density with independent features."""

    def __init__(self, input_shape):
        super().__init__()
        self.mean = nn.Parameter(torch.ones(input_shape))
        self.log_std = nn.Parameter(torch.zeros(input_shape))


def negative_log_likelihood(module, X):
    z = (X - module.mean) * torch.exp(-module.log_std)
    return (0.5 * z.square() + module.log_std + 0.5 * math.log(2 * math.pi)).sum(dim=1)


def detector_of(module, loss=None, **params):
    return ModuleDetector(
        module=module, loss=loss or RebuildingLoss(), **QUICK | params
    )


@pytest.mark.parametrize(
    "module",
    [Bottleneck, build_linear, nn.Sequential(nn.Linear(5, 2), nn.Linear(2, 5))],
    ids=["class", "function", "instance"],
)
def test_kinds_of_module(module, table):
    X, y = table
    detector = detector_of(module, max_steps=150, lr=0.01).fit(X)
    assert roc_auc_score(y, detector.score_samples(X)) > 0.9
    again = clone(detector).fit(X)
    np.testing.assert_array_equal(again.score_samples(X), detector.score_samples(X))


def test_an_instance_is_copied(table):
    module = build_linear((5,))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    detector = detector_of(module, n_estimators=3).fit(table[0])
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])
    members = detector.net_.module_.members
    assert all(member is not module for member in members)
    assert len({member[0].weight.data_ptr() for member in members}) == 3


def test_an_instance_gives_the_initial_weights(table):
    module = build_linear((5,))
    detector = detector_of(module, lr=1e-12, max_steps=1, weight_decay=0.0)
    detector.fit(table[0])
    for member in detector.net_.module_.members:
        torch.testing.assert_close(member[0].weight, module[0].weight)


def test_members(table):
    X, _ = table
    detector = detector_of(Bottleneck, n_estimators=3).fit(X)
    prepared = torch.from_numpy(detector.preprocessor_.transform(X)).float()
    members = detector.net_.module_.members
    assert len(members) == 3
    with torch.no_grad():
        scores = [RebuildingLoss()(member, prepared).numpy() for member in members]
    assert not np.allclose(scores[0], scores[1])
    np.testing.assert_allclose(
        detector.score_samples(X), -np.mean(scores, axis=0), rtol=1e-5
    )


def test_dropout_is_on_in_training_only(table):
    X, _ = table
    detector = detector_of(Bottleneck).fit(X)
    np.testing.assert_array_equal(detector.score_samples(X), detector.score_samples(X))
    np.testing.assert_array_equal(
        detector.score_samples(X), clone(detector).fit(X).score_samples(X)
    )
    assert not np.array_equal(
        detector_of(Plain).fit(X).score_samples(X), detector.score_samples(X)
    )


def test_score_function(table):
    X, _ = table
    detector = detector_of(
        Bottleneck, score_function=distance_to_centre, preprocessor=None
    ).fit(X)
    np.testing.assert_allclose(
        detector.score_samples(X), -np.square(X).sum(axis=1), rtol=1e-5
    )
    assert detector.history_[-1]["train_loss"] < np.square(X).sum(axis=1).mean()


@pytest.mark.parametrize("loss", [total_loss, loss_of_cells])
def test_loss_of_the_wrong_shape(loss, table):
    detector = detector_of(build_linear, loss)
    with pytest.raises(ValueError, match=r"loss\(module, X\) must give one value"):
        detector.fit(table[0])
    with pytest.raises(NotFittedError):
        detector.predict(table[0])


def test_score_of_the_wrong_shape(table):
    detector = detector_of(build_linear, score_function=loss_of_cells)
    with pytest.raises(ValueError, match="score_function.* must give one value"):
        detector.fit(table[0])
    with pytest.raises(NotFittedError):
        detector.predict(table[0])


def test_module_that_is_none(table):
    with pytest.raises(TypeError, match="must build a torch.nn.Module .* gave str"):
        detector_of(build_nothing).fit(table[0])


@pytest.mark.parametrize("name", ["module", "loss", "score_function"])
def test_parameters_that_cannot_be_called(name, table):
    detector = detector_of(build_linear).set_params(**{name: "mse"})
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        detector.fit(table[0])


def test_negative_losses_with_early_stopping():
    rng = np.random.RandomState(0)
    X = 0.01 * rng.randn(300, 3) + [0.0, 0.5, -0.5]
    detector = detector_of(
        Gaussian,
        negative_log_likelihood,
        preprocessor=None,
        early_stopping=True,
        n_iter_no_change=5,
        tol=1e-3,
        novelty=True,
        n_estimators=1,
        batch_size=64,
        lr=0.05,
        lr_schedule="constant",
        weight_decay=0.0,
        max_epochs=400,
        max_steps=None,
    ).fit(X)
    losses = np.array([epoch["valid_loss"] for epoch in detector.history_])
    assert losses[0] > 0 > losses.min()
    assert detector.n_iter_ < 400
    best = losses.min()
    assert losses[-1] > best
    member = detector.net_.module_.members[0]
    np.testing.assert_allclose(member.mean.detach(), [0.0, 0.5, -0.5], atol=0.02)
    # The density at the centre is high, so its negative logarithm is below zero.
    assert detector.score_samples([[0.0, 0.5, -0.5]])[0] > 0
    assert detector.predict([[0.0, 0.5, -0.5], [0.3, 0.5, -0.5]]).tolist() == [1, -1]
