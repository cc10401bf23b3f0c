"""The variational autoencoder against probabilistic PCA and closed forms."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import MinMaxScaler

from sklearn_deepod import VariationalAutoEncoder
from tests.conftest import QUICK, make_table

#: A linear Gaussian model: what probabilistic PCA fits in closed form.
LINEAR = {
    "hidden_layer_sizes": (),
    "activation": "identity",
    "latent_size": 2,
    "mask_rate": 0.0,
    "preprocessor": None,
    "score_function": "negative_elbo",
    "n_samples": 64,
    "n_estimators": 1,
    "novelty": True,
    "max_steps": 2000,
    "batch_size": 128,
    "lr": 1e-2,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def factors():
    """Two strong factors, noise of different sizes."""
    rng = np.random.RandomState(0)
    loadings = rng.randn(2, 6) * [[2.0], [1.0]]
    noise = rng.randn(2000, 6) * [0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    return rng.randn(2000, 2) @ loadings + noise


@pytest.mark.parametrize(
    ("variance", "reference"),
    [("shared", PCA(n_components=2)), ("feature", FactorAnalysis(n_components=2))],
)
def test_linear_model_reaches_the_likelihood_of(variance, reference, factors):
    X = factors - factors.mean(axis=0)
    detector = VariationalAutoEncoder(variance=variance, **LINEAR).fit(X)
    bound = detector.score_samples(X).mean()
    likelihood = reference.fit(X).score(X)
    # The bound lies below the likelihood, and at its best touches it.
    assert bound <= likelihood + 0.01 * abs(likelihood)
    assert bound == pytest.approx(likelihood, rel=0.03)


def fitted(**params):
    X, y = make_table()
    detector = VariationalAutoEncoder(**(QUICK | params)).fit(X)
    return detector, X, y


def parts(detector, X):
    """Prepared rows, and mean and log-variance of their codes."""
    Z = detector._for_members(detector._preprocess(X.copy()))
    with torch.no_grad():
        _, mean, log_variance = detector.net_.module_.posterior(Z, None)
    return Z, mean, log_variance


@pytest.mark.parametrize("n_samples", [0, 3])
def test_bound_is_the_textbooks(n_samples):
    params = {"n_samples": n_samples, "beta": 0.5, "novelty": True}
    detector, X, _ = fitted(score_function="negative_elbo", **params)
    Z, mean, log_variance = parts(detector, X)
    module = detector.net_.module_
    draws = module.draws if n_samples else torch.zeros(1, *module.draws.shape[1:])
    likelihood = 0.0
    for draw in draws:
        code = mean + torch.exp(0.5 * log_variance) * draw
        with torch.no_grad():
            normal = torch.distributions.Normal(
                module.decoder(code), module.variance.sqrt().expand_as(Z)
            )
        likelihood = likelihood + normal.log_prob(Z).sum(dim=2) / len(draws)
    divergence = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, torch.exp(0.5 * log_variance)),
        torch.distributions.Normal(torch.zeros(()), torch.ones(())),
    ).sum(dim=2)
    expected = (likelihood - 0.5 * divergence).mean(dim=0)
    np.testing.assert_allclose(detector.score_samples(X), expected, rtol=1e-4)
    detector, _, _ = fitted(score_function="reconstruction_probability", **params)
    np.testing.assert_allclose(
        detector.score_samples(X), likelihood.mean(dim=0), rtol=1e-4
    )


@pytest.mark.parametrize("variance", ["feature", "shared"])
def test_variance_is_the_mean_square_of_the_errors(variance):
    detector, X, _ = fitted(variance=variance, novelty=True, n_samples=4)
    Z, mean, log_variance = parts(detector, X)
    module = detector.net_.module_
    with torch.no_grad():
        codes = mean + torch.exp(0.5 * log_variance) * module.draws
        errors = torch.stack([module.decoder(code) - Z for code in codes])
    axes = (0, 2) if variance == "feature" else (0, 2, 3)
    expected = errors.square().mean(dim=axes)
    np.testing.assert_allclose(module.variance[:, 0].squeeze(), expected, rtol=1e-4)


def test_scores_are_the_same_at_each_call_and_differ_between_seeds():
    detector, X, _ = fitted(score_function="negative_elbo", n_samples=1)
    scores = detector.score_samples(X)
    np.testing.assert_array_equal(scores, detector.score_samples(X))
    np.testing.assert_array_equal(scores[:7], detector.score_samples(X[:7]))
    other, *_ = fitted(score_function="negative_elbo", n_samples=1, random_state=1)
    assert not np.array_equal(scores, other.score_samples(X))


@pytest.mark.parametrize(
    "score_function", ["auto", "negative_elbo", "reconstruction_probability"]
)
def test_outliers_score_low(score_function):
    detector, X, y = fitted(score_function=score_function, max_steps=150)
    assert roc_auc_score(y, detector.score_samples(X)) > 0.9


def test_divergence_weighs_more_with_beta():
    def divergence(beta):
        detector, X, _ = fitted(beta=beta, max_steps=200)
        _, mean, log_variance = parts(detector, X)
        return detector.net_.module_.divergence(mean, log_variance).mean()

    assert divergence(10.0) < 0.5 * divergence(0.1)


def test_weight_of_the_divergence_warms_up():
    detector, X, _ = fitted(beta_warm_up=20, max_steps=10, novelty=True)
    assert detector.net_.module_.n_steps == 10
    at_once, *_ = fitted(beta_warm_up=0, max_steps=10, novelty=True)
    assert not np.array_equal(detector.score_samples(X), at_once.score_samples(X))


class TestBernoulli:
    def test_images_of_another_digit(self):
        X, y = load_digits(return_X_y=True)
        detector = VariationalAutoEncoder(
            likelihood="bernoulli",
            preprocessor=MinMaxScaler(clip=True),
            score_function="negative_elbo",
            novelty=True,
            random_state=0,
        ).fit(X[y == 0])
        scores = detector.score_samples(X[y != 8])
        assert roc_auc_score(y[y != 8] == 0, scores) > 0.95
        rebuilt = detector.reconstruct(X[:5])
        assert rebuilt.min() >= 0
        assert rebuilt.max() <= 16

    def test_values_must_be_shares(self):
        with pytest.raises(ValueError, match=r"values in \[0, 1\].*MinMaxScaler"):
            fitted(likelihood="bernoulli")


def test_missing_cells_add_nothing():
    detector, X, _ = fitted(score_function="reconstruction_probability", n_samples=0)
    X = X[:1].copy()
    X[0, 2] = np.nan
    Z = detector._for_members(detector._preprocess(X.copy()))
    seen = (~torch.isnan(Z)).float()
    values = torch.nan_to_num(Z)
    with torch.no_grad():
        _, mean, _ = detector.net_.module_.posterior(values, seen)
        normal = torch.distributions.Normal(
            detector.net_.module_.decoder(mean), detector.net_.module_.variance.sqrt()
        )
    expected = (normal.log_prob(values) * seen).sum(dim=2).mean(dim=0)
    np.testing.assert_allclose(detector.score_samples(X), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("network", "shape"), [("conv", (1, 8, 8)), ("gru", (6, 2)), ("tcn", (6, 2))]
)
@pytest.mark.parametrize("score_function", ["auto", "whitened", "negative_elbo"])
def test_other_networks(network, shape, score_function):
    X = np.random.RandomState(0).randn(40, *shape)
    detector = VariationalAutoEncoder(
        network=network, score_function=score_function, **QUICK
    ).fit(X)
    assert np.isfinite(detector.score_samples(X)).all()
    assert detector.reconstruct(X).shape == X.shape
    assert detector.transform(X).shape == (40, 2 * 16)
