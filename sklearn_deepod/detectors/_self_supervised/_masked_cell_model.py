"""Masked cell modelling."""

import math
from numbers import Integral, Real

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_deepod._nn import DenseStack
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._self_supervised._base import (
    BaseTableDetector,
    in_parts,
    leaky_relu,
)
from sklearn_deepod.networks._base import check_sizes
from sklearn_deepod.utils._sklearn_compat import Interval

_TEMPERATURE = 0.1
# A generator's hidden layers are as wide as the table; its cost would be quadratic.
_MOST_GENERATOR_UNITS = 128


class MaskedCellModel(BaseTableDetector):
    """Masked cell modelling (MCM).

    Several networks learn to hide parts of a row, each in another way, and an
    autoencoder to rebuild the whole row from what is left. A row is anomalous when it
    is rebuilt badly.

    Read more in the :ref:`User Guide <masked-cell-model>`.

    Parameters
    ----------
    n_masks : int, default=15
        Number of mask generators of each member.
    diversity_weight : float, default=5.0
        Weight of the diversity loss, which drives the masks of a row apart.
    hidden_layer_sizes : tuple of int, default=(128, 128)
        Units of the autoencoder's hidden layers; the decoder has them in reverse.
    latent_size : int, default=64
        Units of the code.
    n_estimators : int, default=2
        Number of members, trained together; the score is the mean of theirs.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    AutoEncoder : Hides cells at random, and scores by whitened residuals.
    InternalContrastive : Tells which part of the row belongs to which.

    Notes
    -----
    The method of [1]_. A mask generator maps the row to one logit a cell by two hidden
    layers of as many units (at most 128); the mask, its sigmoid, multiplies the row.
    With ``x_k`` rebuilt from the row under mask ``k``, the score is the mean of the
    lengths ``|x_k - x|`` over the masks. The loss adds `diversity_weight` times
    ``sum_k log(sum_j exp(cos(m_k, m_j) / 0.1)) / (K log K)``, over ``j`` other than
    ``k``, for ``K`` masks ``m``. No layer has additive terms; the autoencoder's hidden
    layers are bent by a leaky rectifier of slope 0.2.

    As in the authors' code and unlike in the paper, the length is not squared, and
    masks are compared before the sigmoid. The code's divisor has ``K - 1`` for ``K``
    and so is zero for two masks; the paper's is taken. Learning rate and
    `diversity_weight`, which [1]_ chooses for each data set, are fixed, and the
    autoencoder is half as wide.

    References
    ----------
    .. [1] J. Yin, Y. Qiao, Z. Zhou, X. Wang, J. Yang (2024). MCM: masked cell modeling
       for anomaly detection in tabular data. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import MaskedCellModel
    >>> X = load_iris().data
    >>> detector = MaskedCellModel(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **BaseTableDetector._parameter_constraints,
        "n_masks": [Interval(Integral, 1, None, closed="left")],
        "diversity_weight": [Interval(Real, 0, None, closed="left")],
        "hidden_layer_sizes": ["array-like"],
        "latent_size": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        n_masks=15,
        diversity_weight=5.0,
        hidden_layer_sizes=(128, 128),
        latent_size=64,
        n_estimators=2,
        **shared,
    ):
        super().__init__(n_estimators=n_estimators, **shared)
        self.n_masks = n_masks
        self.diversity_weight = diversity_weight
        self.hidden_layer_sizes = hidden_layer_sizes
        self.latent_size = latent_size

    def _build_module(self, input_shape, generator):
        return MaskingNetwork(
            self.n_estimators,
            input_shape[0],
            self.n_masks,
            check_sizes("hidden_layer_sizes", self.hidden_layer_sizes),
            self.latent_size,
            generator,
        )

    def _losses(self, module, X, generator, labels=None):
        logits, errors = module(X)
        yield LossStep(
            module, errors + self.diversity_weight * diversity_losses(logits)
        )


class MaskingNetwork(nn.Module):
    """Generators of masks, and an autoencoder of masked rows.

    Parameters
    ----------
    n_members, n_inputs, n_masks : int
        Members, features of a row, and masks of each member.
    hidden_layer_sizes : tuple of int
        Units of the encoder's hidden layers.
    latent_size : int
        Units of the code.
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(
        self, n_members, n_inputs, n_masks, hidden_layer_sizes, latent_size, generator
    ):
        super().__init__()
        self.n_masks = n_masks

        def stack(n_stacks, sizes, activation):
            return DenseStack(
                n_stacks,
                sizes,
                activation,
                0.0,
                generator,
                activate_last=False,
                bias=False,
            )

        n_units = min(n_inputs, _MOST_GENERATOR_UNITS)
        sizes = (n_inputs, n_units, n_units, n_inputs)
        self.generators = stack(n_members * n_masks, sizes, "relu")
        hidden = hidden_layer_sizes
        sizes = (n_inputs, *hidden, latent_size)
        self.encoder = stack(n_members, sizes, leaky_relu)
        sizes = (latent_size, *hidden[::-1], n_inputs)
        self.decoder = stack(n_members, sizes, leaky_relu)

    def forward(self, X):
        """Masks (n_members, n_masks, n, n_inputs) before their sigmoid, and errors."""
        logits = self.generators(X.repeat_interleave(self.n_masks, dim=0))
        logits = logits.unflatten(0, (-1, self.n_masks))
        return logits, self.errors(X, torch.sigmoid(logits))

    def anomaly_scores(self, X):
        """Errors of the reconstructions, (n_members, n)."""
        return in_parts(lambda x: self(x)[1], X)

    def errors(self, X, masks):
        """Mean length of the residuals under some masks, (n_members, n)."""
        X = X.unsqueeze(1)
        rebuilt = self.decoder(self.encoder((masks * X).flatten(1, 2)))
        residual = rebuilt.view_as(masks) - X
        return torch.linalg.vector_norm(residual, dim=3).mean(dim=1)


def diversity_losses(masks):
    """How alike the masks of each row are.

    Parameters
    ----------
    masks : torch.Tensor of shape (n_members, n_masks, n, n_inputs)
        The masks.

    Returns
    -------
    torch.Tensor of shape (n_members, n)
    """
    n_masks = masks.shape[1]
    if n_masks == 1:
        return masks.new_zeros(masks.shape[0], masks.shape[2])
    unit = F.normalize(masks, dim=3).transpose(1, 2)
    cosines = unit @ unit.transpose(2, 3)
    itself = torch.eye(n_masks, dtype=torch.bool, device=masks.device)
    exponents = (cosines / _TEMPERATURE).masked_fill(itself, -torch.inf)
    return exponents.logsumexp(dim=3).sum(dim=2) / (n_masks * math.log(n_masks))
