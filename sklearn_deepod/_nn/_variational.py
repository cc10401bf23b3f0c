"""Variational autoencoders."""

import math

import torch
from torch.nn import functional as F

from sklearn_deepod._nn._dense import normal_like
from sklearn_deepod._nn._masked_autoencoder import (
    DenseMaskedAutoencoder,
    MaskedAutoencoder,
    split_missing,
)

# Bound on the absolute log-variance of a code, whose exponential stays moderate.
_LARGEST_LOG_VARIANCE = 10.0
# Keeps the likelihood finite where a cell is reconstructed exactly.
_LEAST_VARIANCE = 1e-6
#: Score functions from the evidence lower bound.
BOUNDS = ("negative_elbo", "reconstruction_probability")


class _Variational:
    """Posterior, likelihood and evidence lower bound, for either autoencoder.

    Parameters
    ----------
    likelihood : {"gaussian", "bernoulli"}
        Distribution of a row given its code.
    variance : {"shared", "feature"}
        Whether Gaussian cells share one variance.
    n_samples : int
        Number of codes drawn for each row in scoring; 0 uses the posterior mean.
    beta : float
        Weight of the divergence in the negative evidence lower bound.
    *args, **kwargs
        As for `MaskedAutoencoder`.
    """

    _outputs_per_code = 2  # mean and log-variance
    _encoder_settings: dict = {}

    def __init__(
        self, *args, likelihood, variance, n_samples, beta, generator, **kwargs
    ):
        super().__init__(*args, generator=generator, **kwargs)
        self.beta = beta
        n_members, latent_size = kwargs["n_members"], kwargs["latent_size"]
        self.likelihood = likelihood
        n_variances = self.n_inputs if variance == "feature" else 1
        self.register_buffer("variance", torch.ones(n_members, 1, n_variances))
        # Drawn once, so that scores do not differ between calls.
        draws = torch.randn(n_samples, n_members, 1, latent_size, generator=generator)
        self.register_buffer("draws", draws)
        self.register_buffer("n_steps", torch.zeros(()))

    def posterior(self, X, seen, generator=None):
        """Description, mean and log-variance of the code."""
        hidden, code = self.encode(X, seen, generator)
        mean, log_variance = code.chunk(2, dim=2)
        bound = _LARGEST_LOG_VARIANCE
        log_variance = log_variance.clamp(-bound, bound)
        if not isinstance(self, DenseMaskedAutoencoder):
            hidden = torch.relu(mean)
        return hidden, mean, log_variance

    def decode(self, code, generator=None):
        """Mean of flat rows given their codes; logits for the Bernoulli likelihood."""
        rebuilt = self.decoder.forward(code, generator)
        return rebuilt if rebuilt.ndim == 3 else rebuilt.flatten(2)

    def encode_decode(self, X, seen, generator=None):
        """Description, mean code and reconstruction from it."""
        hidden, mean, _ = self.posterior(X, seen, generator)
        rebuilt = self.decode(mean, generator)
        if self.likelihood == "bernoulli":
            rebuilt = torch.sigmoid(rebuilt)
        return hidden, mean, rebuilt.view_as(X)

    def divergence(self, mean, log_variance):
        """Kullback-Leibler divergence of the posterior from the prior, for each row."""
        terms = mean.square() + log_variance.exp() - 1.0 - log_variance
        return 0.5 * terms.sum(dim=2)

    def negative_log_likelihood(self, rebuilt, X, present=None):
        """Negative log-likelihood of each row, summed over its present cells."""
        X = X if X.ndim == 3 else X.flatten(2)
        if self.likelihood == "bernoulli":
            cells = F.binary_cross_entropy_with_logits(rebuilt, X, reduction="none")
        else:
            variance = self.variance
            cells = 0.5 * ((rebuilt - X).square() / variance + torch.log(variance))
            cells = cells + 0.5 * math.log(2 * math.pi)
        if present is not None:
            cells = cells * (present if present.ndim == 3 else present.flatten(2))
        return cells.sum(dim=2)

    def update_variance(self, squares, share):
        """Move the variance towards mean squared errors (n_members, 1, n_cells)."""
        if self.variance.shape[2] == 1:
            squares = squares.mean(dim=2, keepdim=True)
        self.variance.lerp_(squares.clamp_min(_LEAST_VARIANCE), share)

    def fit_variance(self, X, sample_weight):
        """Set the variance to the mean squared errors of the training rows."""
        X, present = split_missing(X)
        _, codes, _ = self._kept_codes(X, present)
        X = X if X.ndim == 3 else X.flatten(2)
        weight = torch.as_tensor(sample_weight, dtype=X.dtype, device=X.device)
        weight = (weight / weight.sum()).view(1, -1, 1)
        if present is None:
            present = torch.ones_like(X)
        weight = weight * present.view_as(X)
        squares = sum((self.decode(code) - X).square() for code in codes) / len(codes)
        total = weight.sum(dim=1, keepdim=True).clamp_min(1e-9)
        self.update_variance((weight * squares).sum(dim=1, keepdim=True) / total, 1.0)

    def _kept_codes(self, X, present):
        """Posterior, and the codes of the kept draws."""
        _, mean, log_variance = self.posterior(X, present)
        deviation = (0.5 * log_variance).exp()
        codes = [mean + deviation * draw for draw in self.draws] or [mean]
        return mean, codes, log_variance

    def bounds(self, X, present=None):
        """Expected negative log-likelihood over the kept draws, and divergence."""
        mean, codes, log_variance = self._kept_codes(X, present)
        expected = sum(
            self.negative_log_likelihood(self.decode(code), X, present)
            for code in codes
        )
        return expected / len(codes), self.divergence(mean, log_variance)

    def anomaly_scores(self, X):
        """Anomaly scores (n_members, n_rows) by `score_function`.

        In addition to those of `MaskedAutoencoder`: "negative_elbo", the negative
        evidence lower bound, and "reconstruction_probability", its first term.
        """
        if self.score_function not in BOUNDS:
            return super().anomaly_scores(X)
        likelihood, divergence = self.bounds(*split_missing(X))
        if self.score_function == "reconstruction_probability":
            return likelihood
        return likelihood + self.beta * divergence

    def training_losses(self, X, seen, target, present, beta, generator):
        """Negative evidence lower bound per cell of each row, for one draw."""
        _, mean, log_variance = self.posterior(X, seen, generator)
        code = mean + (0.5 * log_variance).exp() * normal_like(mean, generator)
        rebuilt = self.decode(code, generator)
        if self.training and self.likelihood == "gaussian":
            with torch.no_grad():
                errors = rebuilt - (target if target.ndim == 3 else target.flatten(2))
                # Maximum-likelihood variance, averaged over recent batches.
                share = max(0.05, 1.0 / (1.0 + self.n_steps.item()))
                self.update_variance(errors.square().mean(dim=1, keepdim=True), share)
        loss = self.negative_log_likelihood(rebuilt, target, present)
        return (loss + beta * self.divergence(mean, log_variance)) / self.n_inputs


class VariationalNetwork(_Variational, MaskedAutoencoder):
    """Variational autoencoder of any network."""


class DenseVariationalNetwork(_Variational, DenseMaskedAutoencoder):
    """Variational autoencoder of dense layers."""
