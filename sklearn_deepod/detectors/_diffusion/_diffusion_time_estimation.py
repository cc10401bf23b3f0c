"""Diffusion time estimation."""

import math
from numbers import Integral

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_deepod._nn import RangeExcess, normal_like
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._diffusion._base import BaseDenseDetector
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# Variance that the first and the last step of the diffusion add, as in the paper.
_FIRST_STEP, _LAST_STEP = 1e-4, 1e-2
# Standard deviations that normal noise hardly ever exceeds.
_REACH = 4.0


class DiffusionTimeEstimation(BaseDenseDetector):
    """Outlier detection by the estimated diffusion time of a row (DTE).

    Noise is added to the training rows, more noise at later times, and a network learns
    to estimate the time from the noisy row. A row is anomalous when it looks like a
    training row with much noise.

    Read more in the :ref:`User Guide <diffusion-time-estimation>`.

    Parameters
    ----------
    variant : {"categorical", "inverse_gamma"}, default="categorical"
        "categorical" predicts which of `n_bins` bins holds the time, and scores by the
        expected time. "inverse_gamma" predicts the scale of the inverse gamma
        distribution of the noise variance given the row, and scores by the standard
        deviation of the noise.
    n_timesteps : int, default=300
        Number of times. The variance of the noise is 0.0001 at the first one, 0.78 at
        the 300th, and tends to 1.
    n_bins : int, default=7
        Number of bins of equal width if ``variant="categorical"``, from 2 to
        `n_timesteps`.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    ScoreMatching : Estimates the noise itself instead of its amount.
    ContractionMatching : Needs no noise.

    Notes
    -----
    The two variants are DTE-C and DTE-IG of [1]_. At time t of T the row x becomes
    ``x + sigma_t * noise``, with ``sigma_t ** 2 = 1 - (1 - b_1) ... (1 - b_t)`` and
    b_1, ..., b_T evenly spaced from 0.0001 to 0.01; t is drawn uniformly. The row
    itself is not shrunk.

    "categorical" minimises the cross-entropy of the bins; the score is the mean of
    their centres under the predicted probabilities, in time steps. The authors' code
    applies a softmax to the network's outputs and passes the result to a loss that
    applies another one, which keeps all probabilities close together; here there is
    only one. Since the expected time is bounded, far rows would all score alike. Where
    a feature lies outside the range of the noisy training rows by more than twice its
    width, ``n_timesteps * log(1 + excess)`` is added; the excess is the distance beyond
    that, in widths.

    "inverse_gamma" models the posterior of the variance around a single training row:
    inverse gamma with shape ``a = d / 2 - 1`` and scale b, for d features. The
    network's output o sets ``b = a * (o ** 2 + sigma_1 ** 2)``. The maximum of the
    likelihood over b then does not depend on a, which is not positive for one or two
    features; nor does the order of the posterior's modes ``b / (a + 1)`` or means
    ``b / (a - 1)``. The score is ``sqrt(b / a)``, the standard deviation of the noise.

    If not `novelty`, trimming leaves out the rows that score highest without noise,
    since the loss of a noisy row depends on its noise more than on the row.

    References
    ----------
    .. [1] V. Livernoche, V. Jain, Y. Hezaveh, S. Ravanbakhsh (2024). On diffusion
       modeling for anomaly detection. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import DiffusionTimeEstimation
    >>> X = load_iris().data
    >>> detector = DiffusionTimeEstimation(max_steps=100, random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **BaseDenseDetector._parameter_constraints,
        "variant": [StrOptions({"categorical", "inverse_gamma"})],
        "n_timesteps": [Interval(Integral, 2, None, closed="left")],
        "n_bins": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        *,
        variant="categorical",
        n_timesteps=300,
        n_bins=7,
        hidden_layer_sizes=(128, 128, 128),
        max_steps=1000,
        **shared,
    ):
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes, max_steps=max_steps, **shared
        )
        self.variant = variant
        self.n_timesteps = n_timesteps
        self.n_bins = n_bins

    def _build_module(self, input_shape, generator):
        categorical = self.variant == "categorical"
        if categorical and self.n_bins > self.n_timesteps:
            raise ValueError(
                f"n_bins={self.n_bins} is more than n_timesteps={self.n_timesteps}, so "
                "some bins would hold no time. Lower n_bins or raise n_timesteps."
            )
        n_inputs, n_outputs = math.prod(input_shape), self.n_bins if categorical else 1
        stack = self._stack(n_inputs, n_outputs, generator)
        if categorical:
            return TimeNetwork(stack, self.n_timesteps, n_inputs)
        return VarianceNetwork(stack, self.n_timesteps)

    def _losses(self, module, X, generator, labels=None):
        time = torch.randint(self.n_timesteps, X.shape[:2], generator=generator)
        time = time.to(X.device)
        variance = module.variance[time]
        deviation = variance.sqrt().view(*variance.shape, *[1] * (X.ndim - 2))
        noisy = X + deviation * normal_like(X, generator)
        losses = module.losses(noisy, time, generator)
        yield LossStep(module, losses, self._exempt_from_trimming(module, X))

    def _fit_score_statistics(self, module, X, sample_weight, support_fraction):
        module.fit_range(X[0])


class DiffusedNetwork(nn.Module):
    """Dense layers that read a noisy row, and the variance of the noise at each time.

    Parameters
    ----------
    stack : DenseStack
        The layers.
    n_timesteps : int
        Number of times.
    """

    def __init__(self, stack, n_timesteps):
        super().__init__()
        self.stack = stack
        added = torch.linspace(
            _FIRST_STEP, _LAST_STEP, n_timesteps, dtype=torch.float64
        )
        self.register_buffer("variance", 1 - torch.cumprod(1 - added, 0).float())

    def forward(self, X, generator=None):
        """Outputs of shape (n_members, n_rows, n_outputs)."""
        return self.stack(X, generator)

    def fit_range(self, X):
        """Learn the range of the training rows where the score is bounded."""


class TimeNetwork(DiffusedNetwork):
    """Predicts the bin of the time; `n_inputs` is the number of cells of a row."""

    def __init__(self, stack, n_timesteps, n_inputs):
        super().__init__(stack, n_timesteps)
        self.n_bins = stack.layers[-1].weight.shape[2]
        self.excess = RangeExcess(n_inputs)

    def losses(self, noisy, time, generator):
        """Cross-entropies of the bins that hold the times."""
        bins = time * self.n_bins // len(self.variance)
        outputs = self(noisy, generator).flatten(0, 1)
        losses = F.cross_entropy(outputs, bins.flatten(), reduction="none")
        return losses.view(bins.shape)

    def fit_range(self, X):
        """Learn the range of the noisy training rows."""
        self.excess.fit(X, _REACH * float(self.variance[-1].sqrt()))

    def anomaly_scores(self, X):
        """Expected times, (n_members, n_rows); see `RangeExcess`."""
        n_timesteps = len(self.variance)
        probability = torch.softmax(self(X), dim=2)
        width = n_timesteps / self.n_bins
        centers = width * (torch.arange(self.n_bins, device=X.device) + 0.5)
        expected = (probability * centers).sum(dim=2)
        return expected + n_timesteps * self.excess(X.flatten(2))


class VarianceNetwork(DiffusedNetwork):
    """Predicts the variance of the noise.

    The predictions begin near the smallest variance: the loss grows with their ratio to
    the variance drawn, which would be up to ten thousand if they began at 1.
    """

    def __init__(self, stack, n_timesteps):
        super().__init__(stack, n_timesteps)
        last = stack.layers[-1]
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.fill_(self.variance[0].sqrt())

    def losses(self, noisy, time, generator):
        """Negative log-likelihoods of the variances drawn, up to constants."""
        variance = self.variance[time]
        expected = self.noise_variance(noisy, generator)
        return expected / variance - expected.log()

    def anomaly_scores(self, X):
        """Standard deviations of the noise, (n_members, n_rows)."""
        return self.noise_variance(X).sqrt()

    def noise_variance(self, X, generator=None):
        """Scale of the posterior over its shape, (n_members, n_rows)."""
        # No variance that the posterior knows is below the smallest one.
        return self(X, generator).squeeze(2).square() + self.variance[0]
