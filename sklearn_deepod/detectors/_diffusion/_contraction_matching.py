"""Time-conditioned contraction matching."""

import math
from numbers import Integral

import torch
from torch import nn

from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._diffusion._base import BaseDenseDetector
from sklearn_deepod.utils._sklearn_compat import Interval

# Ratio of the highest to the lowest frequency at which the time is encoded, about;
# that of sinusoidal position encodings.
_LONGEST_PERIOD = 1e4


class ContractionMatching(BaseDenseDetector):
    """Outlier detection by a learned contraction (TCCM).

    A network learns the velocity that moves each training row to the origin. It is
    accurate only where there are training rows: a row is anomalous when the predicted
    velocity is wrong.

    Read more in the :ref:`User Guide <contraction-matching>`.

    Parameters
    ----------
    n_frequencies : int, default=64
        Number of frequencies whose sines and cosines encode the time.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    AutoEncoder : More accurate on most tables.
    ScoreMatching : Learns the direction in which the density grows.

    Notes
    -----
    The method is that of [1]_. With f the network and t a time drawn uniformly from
    [0, 1], the loss of a row x is ``|f(x, t) + x| ** 2`` (equation 4), averaged over
    the features; the anomaly score is ``|f(x, 1) + x|`` (equation 5). Both use the
    preprocessed features, so the origin is the centre of the preprocessor.

    A network that learned ``f(x, t) = -x`` everywhere would detect nothing: the method
    relies on learning it near the training rows first, so the length of the training
    matters. The authors choose it for each data set, from 1 to 5,000 epochs; here it is
    the same for all. Layers, learning rate and frequencies are those of their code.

    References
    ----------
    .. [1] Z. Li, Q. Huang, Y. Zhu, L. Yang, M. M. Amiri, N. van Stein, M. van Leeuwen
       (2025). Scalable, explainable and provably robust anomaly detection with one-step
       flow matching. NeurIPS.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import ContractionMatching
    >>> X = load_iris().data
    >>> detector = ContractionMatching(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **BaseDenseDetector._parameter_constraints,
        "n_frequencies": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        n_frequencies=64,
        hidden_layer_sizes=(256, 256),
        max_steps=300,
        lr=5e-3,
        **shared,
    ):
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes, max_steps=max_steps, lr=lr, **shared
        )
        self.n_frequencies = n_frequencies

    def _build_module(self, input_shape, generator):
        n_features = math.prod(input_shape)
        n_inputs = n_features + 2 * self.n_frequencies
        stack = self._stack(n_inputs, n_features, generator)
        return VelocityNetwork(stack, self.n_frequencies)

    def _losses(self, module, X, generator, labels=None):
        X = X.flatten(2)
        time = torch.ones(*X.shape[:2], 1)
        if module.training:
            time = torch.rand(time.shape, generator=generator)
        errors = module(X, time.to(X.device), generator) + X
        yield LossStep(module, errors.square().mean(dim=2))


class VelocityNetwork(nn.Module):
    """Dense layers that read a row and the time.

    Parameters
    ----------
    stack : DenseStack
        Layers that map a row and its ``2 * n_frequencies`` encoded times to a row.
    n_frequencies : int
        Number of frequencies, which fall geometrically from 1.
    """

    def __init__(self, stack, n_frequencies):
        super().__init__()
        self.stack = stack
        share = torch.arange(n_frequencies) / n_frequencies
        self.register_buffer("frequencies", _LONGEST_PERIOD**-share)

    def anomaly_scores(self, X):
        """Errors of the velocities at time 1, (n_members, n_rows)."""
        X = X.flatten(2)
        time = torch.ones(*X.shape[:2], 1, device=X.device)
        return torch.linalg.vector_norm(self(X, time) + X, dim=2)

    def forward(self, X, time, generator=None):
        """Velocities of rows (n_members, n_rows, n_features) at times (..., 1)."""
        phase = time * self.frequencies
        return self.stack(torch.cat([X, phase.sin(), phase.cos()], dim=2), generator)
