"""Denoising score matching at several noise levels."""

import math
from numbers import Real

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn import functional as F

from sklearn_deepod._nn import normal_like
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._diffusion._base import BaseDenseDetector

# Standard deviation, as a share of the largest value, below which a feature counts as
# constant: rounding errors of float32 stay below it.
_CONSTANT = 1e-6


class ScoreMatching(BaseDenseDetector):
    """Outlier detection by the gradient of the log-density (denoising score matching).

    Noise is added to the training rows, and a network learns to predict the noise from
    the noisy row. Up to a factor, the best prediction is the gradient of the noisy
    rows' log-density, also called the score. A row is anomalous where the gradient is
    long, that is, where a small move of the row changes the density much.

    Read more in the :ref:`User Guide <score-matching>`.

    Parameters
    ----------
    noise_levels : array-like of float, default=(0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
        Standard deviations of the noise, in units of the standard deviation of each
        feature over the training rows. One network learns all levels, and the score
        combines them.
    {parameters}

    Attributes
    ----------
    noise_scale_ : ndarray of shape (n_features,)
        Standard deviation of each preprocessed feature, the unit of `noise_levels`.
    {attributes}

    See Also
    --------
    DiffusionTimeEstimation : Estimates only the amount of noise.
    ContractionMatching : Needs no noise.

    Notes
    -----
    With x a training row, s the noise level and e standard normal noise, the network g
    minimises ``|g(x + s * e, s) - e| ** 2``, and ``-g(z, s) / s`` estimates the
    gradient at z [1]_. The level of each row in a batch is drawn at random; the loss
    already includes the weight ``s ** 2`` that makes the levels comparable [2]_. The
    anomaly score is the root mean square of ``g(x, s)``, without noise, over features
    and levels: the length of the gradient, with the same weights. Multiscale score
    matching [3]_ goes on to learn a density of the lengths at the different levels;
    here they are averaged.

    As in [4]_, ``g(z, s) = (s * z - sqrt(1 + s ** 2) * f(z / sqrt(1 + s ** 2), s)) /
    (1 + s ** 2)``: the first term is exact for independent normal features, and the
    layers f learn the rest.

    If not `novelty`, trimming leaves out the rows that score highest without noise,
    since the loss of a noisy row depends on its noise more than on the row.

    References
    ----------
    .. [1] P. Vincent (2011). A connection between score matching and denoising
       autoencoders. Neural Computation 23(7), 1661-1674.
    .. [2] Y. Song, S. Ermon (2019). Generative modeling by estimating gradients of the
       data distribution. NeurIPS.
    .. [3] A. Mahmood, J. Oliva, M. Styner (2021). Multiscale score matching for
       out-of-distribution detection. ICLR.
    .. [4] T. Karras, M. Aittala, T. Aila, S. Laine (2022). Elucidating the design space
       of diffusion-based generative models. NeurIPS.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import ScoreMatching
    >>> X = load_iris().data
    >>> detector = ScoreMatching(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    >>> detector.log_density_gradient(X[:3], noise_level=0.5).shape
    (3, 4)
    """

    _parameter_constraints: dict = {
        **BaseDenseDetector._parameter_constraints,
        "noise_levels": ["array-like"],
    }

    def __init__(
        self, *, noise_levels=(0.05, 0.1, 0.2, 0.5, 1.0, 2.0), max_steps=500, **shared
    ):
        super().__init__(max_steps=max_steps, **shared)
        self.noise_levels = noise_levels

    @property
    def noise_scale_(self):
        """Standard deviation of each preprocessed feature."""
        return self.net_.module_.scale.cpu().numpy()

    def log_density_gradient(self, X, noise_level=None):
        """Estimate the gradient of the log-density of noisy rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Points at which to take the gradient. No noise is added to them.
        noise_level : float, default=None
            One of the fitted noise levels; None means the lowest.

        Returns
        -------
        ndarray of the shape of `X`
            Derivatives by the preprocessed features, averaged over the members.

        Raises
        ------
        ValueError
            If `noise_level` is not a fitted one.
        """
        check_is_fitted(self)
        levels = self.net_.module_.levels.cpu().numpy()
        level = np.argmin(levels)
        if noise_level is not None:
            level = np.argmin(np.abs(levels - noise_level))
            if not np.isclose(levels[level], noise_level):
                raise ValueError(
                    f"noise_level={noise_level} was not fitted. Take one of "
                    f"{levels.tolist()}, or fit with it among noise_levels."
                )
        X = self._validate(X, reset=False)
        return self._apply(X, lambda m, Z: m.gradient(Z, int(level)).mean(dim=0))

    def _build_module(self, input_shape, generator):
        levels = check_noise_levels(self.noise_levels)
        n_features = math.prod(input_shape)
        stack = self._stack(n_features + len(levels), n_features, generator)
        return NoiseNetwork(stack, levels, n_features)

    def _initialize(self, module, X, generator):
        module.set_scale(X[0])

    def _losses(self, module, X, generator, labels=None):
        X = X.flatten(2)
        level = torch.randint(len(module.levels), X.shape[:2], generator=generator)
        level = level.to(X.device)
        noise = normal_like(X, generator)
        noisy = module.standardise(X) + module.levels[level].unsqueeze(2) * noise
        losses = (module(noisy, level, generator) - noise).square().mean(dim=2)
        yield LossStep(module, losses, self._exempt_from_trimming(module, X))


def check_noise_levels(noise_levels):
    """Validate noise levels and return them as a float32 tensor."""
    levels = list(noise_levels)
    valid = all(isinstance(s, Real) and 0 < s < math.inf for s in levels)
    if not levels or not valid or len(set(levels)) < len(levels):
        raise ValueError(
            "noise_levels must hold distinct positive numbers, at least one, got "
            f"{noise_levels!r}. For example: (0.1, 0.3, 1.0)."
        )
    return torch.tensor(levels, dtype=torch.float32)


class NoiseNetwork(nn.Module):
    """Predicts the noise from a noisy row and its noise level.

    Parameters
    ----------
    stack : DenseStack
        Layers that map a row and its one-hot encoded level to a row.
    levels : torch.Tensor of shape (n_levels,)
        The noise levels.
    n_features : int
        Number of features.
    """

    def __init__(self, stack, levels, n_features):
        super().__init__()
        self.stack = stack
        self.register_buffer("levels", levels)
        self.register_buffer("center", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))

    def set_scale(self, X):
        """Set mean and standard deviation from training rows."""
        X = X.flatten(1)
        std, mean = torch.std_mean(X, dim=0, correction=0)
        constant = std <= _CONSTANT * X.abs().amax(dim=0)
        self.center.copy_(mean)
        self.scale.copy_(torch.where(constant, 1.0, std))

    def standardise(self, X):
        """Flat rows in units of the features' standard deviation."""
        return (X - self.center) / self.scale

    def forward(self, Z, level, generator=None):
        """Predict the noise in standardised rows `Z` at levels of index `level`."""
        sigma = self.levels[level].unsqueeze(2)
        shrunk = (1 + sigma.square()).rsqrt()
        encoded = F.one_hot(level, len(self.levels)).to(Z.dtype)
        outputs = self.stack(torch.cat([shrunk * Z, encoded], dim=2), generator)
        return shrunk * (sigma * shrunk * Z - outputs)

    def noise_at(self, Z, level):
        """Predict the noise in all rows at one level."""
        index = torch.full(Z.shape[:2], level, device=Z.device)
        return self(Z, index)

    def anomaly_scores(self, X):
        """Root mean square of the predicted noise, (n_members, n_rows)."""
        Z = self.standardise(X.flatten(2))
        squares = sum(
            self.noise_at(Z, level).square().mean(dim=2)
            for level in range(len(self.levels))
        )
        return (squares / len(self.levels)).sqrt()

    def gradient(self, X, level):
        """Gradient of the log-density of noisy rows at `X`, by the features."""
        noise = self.noise_at(self.standardise(X.flatten(2)), level)
        return (-noise / (self.levels[level] * self.scale)).view_as(X)
