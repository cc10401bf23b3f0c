"""Deviation networks."""

from numbers import Integral, Real

import torch
from torch import nn

from sklearn_deepod._nn import BatchedLinear, artificial_outliers
from sklearn_deepod._training import LossStep
from sklearn_deepod.base._network import BaseNetworkDetector
from sklearn_deepod.base._semi_supervised import SemiSupervisedMixin
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions


class DevNet(SemiSupervisedMixin, BaseNetworkDetector):
    """Deviation network, which learns scores from a few known outliers.

    A network maps each row to a number. It learns to map unlabelled rows and known
    inliers to the mean of a normal distribution, and known outliers to several standard
    deviations above it.

    Read more in the :ref:`User Guide <dev-net>`.

    Parameters
    ----------
    margin : float, default=5.0
        Deviation that known outliers should reach, in standard deviations.
    n_reference_scores : int, default=5000
        Number of draws from a standard normal distribution whose mean and standard
        deviation standardise the network's output.
    score_function : {"absolute", "deviation"}, default="absolute"
        "deviation" is the standardised output; "absolute" is its absolute value, so
        that rows below the mean are anomalous too.
    outliers : {"auto", "artificial"}, default="auto"
        "auto" learns from the known outliers, or from artificial ones if there are
        none. "artificial" always learns from artificial outliers, and accepts and
        ignores any `y`. These are uniformly distributed over the range of the training
        rows, or training rows with noise in some features.
    hidden_layer_sizes : tuple of int, default=()
        Units of the hidden layers of ``network="dense"`` before the last one.
    latent_size : int, default=64
        Units of the last hidden layer, which is rectified.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    DeepSAD : Learns from the same labels to map rows close to or far from a point.

    Notes
    -----
    In [1]_ the score is the deviation. Training moves normal rows to the mean from both
    sides, so outliers of other kinds than the known ones may lie below it. If only a
    few outliers are known, the default detects many more of the others (see the user
    guide for figures).

    Known outliers make up at least half of the rows drawn, however few they are, and
    labelled rows are exempt from trimming if not `novelty`. Artificial outliers, those
    of `LUNAR`, are only a makeshift. Missing values are replaced by the median.

    References
    ----------
    .. [1] G. Pang, C. Shen, A. van den Hengel (2019). Deep anomaly detection with
       deviation networks. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.metrics import roc_auc_score
    >>> from sklearn_deepod import DevNet
    >>> X, benign = load_breast_cancer(return_X_y=True)
    >>> y = np.zeros(len(X), dtype=int)
    >>> y[np.flatnonzero(benign == 0)[:10]] = -1
    >>> rows = (benign == 1) | (y == -1)
    >>> detector = DevNet(novelty=True, random_state=0).fit(X[rows], y[rows])
    >>> roc_auc_score(benign, detector.score_samples(X)) > 0.97
    True
    """

    _parameter_constraints: dict = {
        **BaseNetworkDetector._parameter_constraints,
        "margin": [Interval(Real, 0, None, closed="neither")],
        "n_reference_scores": [Interval(Integral, 2, None, closed="left")],
        "score_function": [StrOptions({"absolute", "deviation"})],
        "outliers": [StrOptions({"auto", "artificial"})],
    }

    _outlier_share = 0.5

    def __init__(
        self,
        *,
        margin=5.0,
        n_reference_scores=5000,
        score_function="absolute",
        outliers="auto",
        hidden_layer_sizes=(),
        **shared,
    ):
        super().__init__(hidden_layer_sizes=hidden_layer_sizes, **shared)
        self.margin = margin
        self.n_reference_scores = n_reference_scores
        self.score_function = score_function
        self.outliers = outliers

    def _trimmed_share(self):
        # Only unlabelled rows are trimmed: half of a batch where outliers are known.
        unlabelled = 1.0 if self._makes_outliers else 1 - self._outlier_share
        return self.trim_fraction * unlabelled

    def _reads_labels(self):
        return self.outliers == "auto"

    def _begin(self, rows, *, goes_on=False):
        super()._begin(rows, goes_on=goes_on)
        if not goes_on:
            self._makes_outliers = not (rows.labels == -1).any()

    def _build_module(self, input_shape, generator):
        n_members = self.n_estimators
        encoder = self._spec().encoder(
            n_members, input_shape, self.latent_size, generator=generator
        )
        head = BatchedLinear(n_members, self.latent_size, 1, generator)
        shape = n_members, self.n_reference_scores
        reference = torch.randn(shape, generator=generator)
        absolute = self.score_function == "absolute"
        return DeviationNetwork(encoder, head, reference, input_shape, absolute)

    def _initialize(self, module, X, generator):
        module.low.copy_(X[0].amin(dim=0))
        module.high.copy_(X[0].amax(dim=0))

    def _losses(self, module, X, generator, labels=None):
        deviation = module(X, generator)
        losses = self._too_low(deviation).where(labels == -1, deviation.abs())
        if self._makes_outliers:
            made = module.outliers_like(X, generator)
            missed = self._too_low(module(made, generator))
            # A constant in each batch, so that trimming goes by the rows' own losses.
            losses = losses + missed.mean(dim=1, keepdim=True)
        yield LossStep(module, losses, labels != 0)

    def _too_low(self, deviation):
        """Hinge loss of deviations below the margin."""
        return (self.margin - deviation).clamp_min(0.0)


class DeviationNetwork(nn.Module):
    """An encoder, a linear head, and the moments that standardise its output.

    Parameters
    ----------
    encoder : torch.nn.Module
        Maps rows to codes (n_members, n, n_outputs).
    head : BatchedLinear
        Maps rectified codes to one number.
    reference : torch.Tensor of shape (n_members, n_reference_scores)
        The reference scores.
    input_shape : tuple of int
        Shape of a row.
    absolute : bool
        Whether absolute deviations are scored.
    """

    def __init__(self, encoder, head, reference, input_shape, absolute):
        super().__init__()
        self.absolute = absolute
        self.encoder = encoder
        self.head = head
        std, mean = torch.std_mean(reference, dim=1, correction=0, keepdim=True)
        self.register_buffer("reference_mean", mean)
        self.register_buffer("reference_std", std)
        self.register_buffer("low", torch.zeros(input_shape))
        self.register_buffer("high", torch.zeros(input_shape))

    def forward(self, X, generator=None):
        """Deviations of shape (n_members, n)."""
        code = torch.relu(self.encoder(X, generator))
        score = self.head.forward(code).squeeze(2)
        return (score - self.reference_mean) / self.reference_std

    def anomaly_scores(self, X):
        """Deviations or their absolute values, (n_members, n)."""
        deviation = self(X)
        return deviation.abs() if self.absolute else deviation

    def outliers_like(self, X, generator):
        """Generate artificial outliers from training rows `X`, in their shape."""
        low, high = self.low.flatten(), self.high.flatten()
        return artificial_outliers(X.flatten(2), low, high, generator).view(X.shape)
