"""Diffusion time estimation."""

import math
from numbers import Integral

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_deepod._nn import normal_like
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._diffusion._base import BaseDenseDetector
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# Shares of the variance that the first and the last step of the diffusion add.
_FIRST_STEP, _LAST_STEP = 1e-4, 1e-2


class DiffusionTimeEstimation(BaseDenseDetector):
    """Outlier detection by the time for which a row seems to have diffused.

    Noise is added to the training rows, more of it the later the time, and a network
    learns to tell the time from the noisy row. A row is anomalous when it looks like
    one that noise has carried far away.

    Read more in the :ref:`User Guide <diffusion-time-estimation>`.

    Parameters
    ----------
    variant : {"categorical", "inverse_gamma"}, default="categorical"
        "categorical" tells the time by its bin, one of `n_bins`, and scores by the
        expected time. "inverse_gamma" tells the parameter of the inverse gamma
        distribution that the variance of the noise has given the row, and scores by
        the noise that it stands for.
    n_timesteps : int, default=300
        Number of times; the variance of the noise is 0.0001 at the first, 0.78 at the
        300th and tends to 1.
    n_bins : int, default=7
        Number of bins of equal width, for ``variant="categorical"``; at least 2, at
        most `n_timesteps`.
    hidden_layer_sizes : tuple of int, default=(128, 128, 128)
        Units of the hidden layers; () makes the network linear.
    max_steps : int or None, default=1000
        Upper bound on the optimizer steps of a training, which keeps its cost
        independent of the number of rows. None sets no bound.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    ScoreMatching : Estimates the noise itself, not its amount.
    ContractionMatching : Without noise.

    Notes
    -----
    The method of [1]_: DTE-C and DTE-IG. At time t of T the row x becomes
    ``x + sigma_t * noise``, with ``sigma_t ** 2 = 1 - (1 - b_1) ... (1 - b_t)`` and
    b_1, ..., b_T evenly spaced from 0.0001 to 0.01; t is drawn evenly. The row itself
    is not shrunk.

    "categorical" minimises the cross-entropy of the bins; the score is the mean of
    their centres under the predicted probabilities, in time steps. The authors' code
    takes a softmax of the network's outputs and hands it on to a loss that takes
    another one, which keeps all probabilities close together; here there is one.

    "inverse_gamma" is for the posterior of the variance around a single training row:
    inverse gamma with shape ``a = d / 2 - 1`` and scale b, with d features. The
    network's output o sets ``b = a * (o ** 2 + sigma_1 ** 2)``. Maximising the
    likelihood of the variances drawn over b then no longer depends on a, which is not
    positive for one or two features, nor does the order of the posterior's modes
    ``b / (a + 1)`` or means ``b / (a - 1)``. The score is ``sqrt(b / a)``, the
    standard deviation of the noise.

    If not `novelty`, trimming leaves out the rows that score highest without noise:
    what a noisy row loses depends on its noise more than on the row.

    References
    ----------
    .. [1] V. Livernoche, V. Jain, Y. Hezaveh, S. Ravanbakhsh (2024). On diffusion
       modeling for anomaly detection. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import DiffusionTimeEstimation
    >>> X = load_iris().data
    >>> detector = DiffusionTimeEstimation(random_state=0).fit(X)
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
        n_outputs = self.n_bins if categorical else 1
        stack = self._stack(math.prod(input_shape), n_outputs, generator)
        n_bins = self.n_bins if categorical else None
        module = DiffusionTimeNetwork(stack, self.n_timesteps, n_bins)
        if not categorical:
            module.start_low()
        return module

    def _losses(self, module, X, generator, labels=None):
        time = torch.randint(self.n_timesteps, X.shape[:2], generator=generator)
        time = time.to(X.device)
        variance = module.variance[time]
        deviation = variance.sqrt().view(*variance.shape, *[1] * (X.ndim - 2))
        noisy = X + deviation * normal_like(X, generator)
        if self.variant == "categorical":
            bins = time * self.n_bins // self.n_timesteps
            outputs = module(noisy, generator).flatten(0, 1)
            losses = F.cross_entropy(outputs, bins.flatten(), reduction="none")
            losses = losses.view(bins.shape)
        else:
            expected = module.noise_variance(noisy, generator)
            losses = expected / variance - expected.log()
        yield LossStep(module, losses, self._exempt_from_trimming(module, X))


class DiffusionTimeNetwork(nn.Module):
    """Dense layers that read a noisy row, and the variance of the noise at each time.

    Parameters
    ----------
    stack : DenseStack
        The layers.
    n_timesteps : int
        Number of times.
    n_bins : int or None
        Number of bins of the times, whose probabilities are estimated; None estimates
        the variance of the noise.
    """

    def __init__(self, stack, n_timesteps, n_bins):
        super().__init__()
        self.stack = stack
        self.n_timesteps = n_timesteps
        self.n_bins = n_bins
        added = torch.linspace(
            _FIRST_STEP, _LAST_STEP, n_timesteps, dtype=torch.float64
        )
        self.register_buffer("variance", 1 - torch.cumprod(1 - added, 0).float())

    def start_low(self):
        """Let the estimated variance begin near the smallest one.

        The loss grows with the estimate over the variance drawn, to ten thousand times
        where it began at 1.
        """
        last = self.stack.layers[-1]
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.fill_(self.variance[0].sqrt())

    def forward(self, X, generator=None):
        """Outputs of shape (n_members, n_rows, n_outputs)."""
        return self.stack(X, generator)

    def anomaly_scores(self, X):
        """Mean time or standard deviation of the noise, (n_members, n_rows)."""
        if self.n_bins is None:
            return self.noise_variance(X).sqrt()
        probability = torch.softmax(self(X), dim=2)
        width = self.n_timesteps / self.n_bins
        centers = width * (torch.arange(self.n_bins, device=X.device) + 0.5)
        return (probability * centers).sum(dim=2)

    def noise_variance(self, X, generator=None):
        """Variance (n_members, n_rows) that stands for the posterior."""
        # No posterior of the variance is below its smallest value.
        return self(X, generator).squeeze(2).square() + self.variance[0]
