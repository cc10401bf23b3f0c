"""Deep SVDD: its centre, radii and scores in closed form."""

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score

from sklearn_deepod import DeepSVDD
from tests.conftest import QUICK, make_table


def fitted(**params):
    X, y = make_table()
    return DeepSVDD(**(QUICK | params)).fit(X), X, y


def outputs_of(detector, X):
    Z = detector._for_members(detector._preprocess(X.copy()))
    with torch.no_grad():
        return detector.net_.module_(Z).double().numpy()


@pytest.mark.parametrize("latent_size", [1, 8])
@pytest.mark.parametrize("pretrain_steps", [0, 5])
def test_no_component_of_the_centre_is_near_zero(latent_size, pretrain_steps):
    detector, *_ = fitted(latent_size=latent_size, pretrain_steps=pretrain_steps)
    assert detector.center_.shape == (2, latent_size)
    assert np.abs(detector.center_).min() >= 0.1 - 1e-6


def test_centre_of_rows_that_are_mapped_to_zero_is_not_zero():
    detector = DeepSVDD(**QUICK).fit(np.zeros((20, 3)))
    assert np.abs(detector.center_).min() >= 0.1 - 1e-6


def test_a_collapsed_network_is_reported():
    detector, X, _ = fitted(novelty=True)
    module = detector.net_.module_
    with torch.no_grad():
        for parameter in module.encoder.parameters():
            parameter.zero_()
        Z = detector._preprocess(X.copy())
        batch = detector._for_members(Z)
        with pytest.warns(
            ConvergenceWarning, match="2 of 2 members.*Lower `max_steps`"
        ):
            detector._fit_score_statistics(module, batch, np.ones(len(Z)), 1.0)


@pytest.mark.parametrize("network", ["dense", "conv", "lstm", "gru", "tcn"])
def test_no_additive_terms(network):
    shape = {"dense": (5,), "conv": (1, 8, 8)}.get(network, (6, 2))
    X = np.random.RandomState(0).randn(40, *shape)
    detector = DeepSVDD(network=network, **QUICK).fit(X)
    encoder = detector.net_.module_.encoder
    assert not [name for name, _ in encoder.named_parameters() if "bias" in name]
    with torch.no_grad():
        assert (encoder(torch.zeros(2, 3, *shape)) == 0).all()


@pytest.mark.parametrize("objective", ["one-class", "soft-boundary"])
def test_radii_shrink(objective):
    radii = [
        fitted(
            objective=objective,
            max_steps=steps,
            novelty=True,
            score_function="distance",
        )[0].radius_
        for steps in (1, 60, 300)
    ]
    assert (radii[1] < radii[0]).all()
    assert (radii[2] < radii[1]).all()


@pytest.mark.parametrize("objective", ["one-class", "soft-boundary"])
def test_distance_is_scored_in_closed_form(objective):
    detector, X, _ = fitted(
        objective=objective, score_function="distance", novelty=True, nu=0.2
    )
    center = detector.center_[:, None].astype(np.float64)
    squared = np.square(outputs_of(detector, X) - center).sum(axis=2)
    scale = squared.mean(axis=1, keepdims=True)
    radius = np.quantile(np.sqrt(squared), 0.8, axis=1, method="averaged_inverted_cdf")
    np.testing.assert_allclose(detector.radius_, radius, rtol=1e-5)
    if objective == "soft-boundary":
        squared = squared - np.square(radius)[:, None]
    expected = -(squared / scale).mean(axis=0)
    np.testing.assert_allclose(
        detector.score_samples(X), expected, rtol=1e-3, atol=1e-5
    )


def test_whitened_distance_is_that_from_the_centre():
    detector, X, _ = fitted(novelty=True, latent_size=4)
    outputs = outputs_of(detector, X)
    total = 0.0
    for rows, center in zip(outputs, detector.center_, strict=True):
        covariance = np.cov(rows.T, bias=True)
        covariance += 0.1 * np.trace(covariance) / 4 * np.eye(4)
        inverse = np.linalg.inv(covariance)
        d = rows - center
        distances = np.sqrt(np.einsum("ij,jk,ik->i", d, inverse, d))
        total = total + distances / distances.mean()
    np.testing.assert_allclose(detector.score_samples(X), -total / 2, rtol=1e-3)


@pytest.mark.parametrize("nu", [0.05, 0.3])
def test_a_share_nu_lies_outside_of_the_sphere(nu):
    detector, X, _ = fitted(
        objective="soft-boundary", nu=nu, novelty=True, score_function="distance"
    )
    distances = np.linalg.norm(
        outputs_of(detector, X) - detector.center_[:, None], axis=2
    )
    outside = (distances > detector.radius_[:, None] * (1 + 1e-6)).mean(axis=1)
    np.testing.assert_allclose(outside, nu, atol=0.011)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"score_function": "distance"},
        {"objective": "soft-boundary"},
        {"pretrain_steps": 60},
    ],
)
def test_outliers_score_low(params):
    detector, X, y = fitted(max_steps=150, **params)
    assert roc_auc_score(y, detector.score_samples(X)) > 0.9


def test_pretraining_learns_to_rebuild_and_moves_the_centre():
    detector, X, _ = fitted(pretrain_steps=300, max_steps=300, novelty=True)
    module = detector.net_.module_
    Z = detector._for_members(detector._preprocess(X.copy()))
    with torch.no_grad():
        errors = (module.decoder(module(Z)) - Z).square().mean()
    assert errors < 0.3 * Z.square().mean()
    outputs = outputs_of(detector, X).mean(axis=1)
    far = np.abs(outputs) > 0.3
    np.testing.assert_allclose(detector.center_[far], outputs[far], atol=0.15)


def test_pretraining_and_early_stopping_exclude_each_other():
    with pytest.raises(ValueError, match="pretrain_steps and early_stopping"):
        fitted(pretrain_steps=5, early_stopping=True)
