"""Masked cell modeling."""

import math
from numbers import Integral, Real

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._self_supervised._base import (
    BaseEncodingDetector,
    in_parts,
    unbiased_stack,
)
from sklearn_deepod.utils._sklearn_compat import Interval

# Of the diversity loss, as in the paper.
_TEMPERATURE = 0.1
# Hidden layers of a mask generator are as wide as the table, and so would cost the
# square of its width.
_MOST_GENERATOR_UNITS = 128


class MaskedCellModel(BaseEncodingDetector):
    """Masked cell modeling (MCM).

    Several networks learn to mask different parts of a row, and an autoencoder learns
    to reconstruct the whole row from the rest. A row is anomalous when its
    reconstruction error is large.

    Read more in the :ref:`User Guide <masked-cell-model>`.

    Parameters
    ----------
    n_masks : int, default=15
        Number of mask generators of each member.
    diversity_weight : float, default=5.0
        Weight of the diversity loss, which makes the masks of a row differ.
    hidden_layer_sizes : tuple of int, default=(128, 128)
        Units of the encoder's hidden layers; the decoder has them in reverse.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    AutoEncoder : Masks cells at random, and scores by whitened residuals.
    InternalContrastive : Learns which parts of a row belong together.

    Notes
    -----
    A mask generator [1]_ maps the row to a logit for each cell, by two hidden layers of
    as many units as there are cells (at most 128); the mask is the sigmoid of the
    logits and multiplies the row. With ``x_k`` the reconstruction under mask ``k``, the
    score is the mean of the norms ``|x_k - x|`` over the masks. The loss adds
    `diversity_weight` times ``sum_k log(sum_j exp(cos(m_k, m_j) / 0.1)) / (K log K)``,
    over ``j`` other than ``k``, for ``K`` masks ``m``. No layer has biases; the
    autoencoder's hidden layers have a leaky rectifier of slope 0.2.

    As in the authors' code but unlike the paper, the norm is not squared, and masks are
    compared before the sigmoid. The divisor is that of the paper; the code's has
    ``K - 1`` for ``K``, and so is zero for two masks. Learning rate and
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
    >>> detector = MaskedCellModel(n_masks=5, random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **BaseEncodingDetector._parameter_constraints,
        "n_masks": [Interval(Integral, 1, None, closed="left")],
        "diversity_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        n_masks=15,
        diversity_weight=5.0,
        n_estimators=2,
        hidden_layer_sizes=(128, 128),
        **shared,
    ):
        super().__init__(
            n_estimators=n_estimators, hidden_layer_sizes=hidden_layer_sizes, **shared
        )
        self.n_masks = n_masks
        self.diversity_weight = diversity_weight

    def _build_module(self, input_shape, generator):
        return MaskingNetwork(
            self.n_estimators,
            self._encoder_sizes(input_shape),
            self.n_masks,
            generator,
        )

    def _losses(self, module, X, generator, labels=None):
        logits, errors = module(X)
        yield LossStep(
            module, errors + self.diversity_weight * diversity_losses(logits)
        )


class MaskingNetwork(nn.Module):
    """Mask generators, and an autoencoder of masked rows.

    Parameters
    ----------
    n_members, n_masks : int
        Number of members, and of masks of each.
    sizes : tuple of int
        Sizes of the encoder's layers, from the features to the code.
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(self, n_members, sizes, n_masks, generator):
        super().__init__()
        self.n_masks = n_masks
        n_inputs = sizes[0]
        n_units = min(n_inputs, _MOST_GENERATOR_UNITS)
        self.generators = unbiased_stack(
            n_members * n_masks,
            (n_inputs, n_units, n_units, n_inputs),
            generator,
            activation="relu",
        )
        self.encoder = unbiased_stack(n_members, sizes, generator)
        self.decoder = unbiased_stack(n_members, sizes[::-1], generator)

    def forward(self, X):
        """Logits of the masks (n_members, n_masks, n, n_inputs), and errors."""
        logits = self.generators(X.repeat_interleave(self.n_masks, dim=0))
        logits = logits.unflatten(0, (-1, self.n_masks))
        return logits, self.errors(X, torch.sigmoid(logits))

    def anomaly_scores(self, X):
        """Errors of the reconstructions, (n_members, n)."""
        return in_parts(lambda x: self(x)[1], X)

    def errors(self, X, masks):
        """Mean norm of the residuals over the masks, (n_members, n)."""
        X = X.unsqueeze(1)
        rebuilt = self.decoder(self.encoder((masks * X).flatten(1, 2)))
        residual = rebuilt.view_as(masks) - X
        return torch.linalg.vector_norm(residual, dim=3).mean(dim=1)


def diversity_losses(masks):
    """Similarity of the masks (n_members, n_masks, n, n_inputs) of each row."""
    n_masks = masks.shape[1]
    if n_masks == 1:
        return masks.new_zeros(masks.shape[0], masks.shape[2])
    unit = F.normalize(masks, dim=3).transpose(1, 2)
    cosines = unit @ unit.transpose(2, 3)
    itself = torch.eye(n_masks, dtype=torch.bool, device=masks.device)
    exponents = (cosines / _TEMPERATURE).masked_fill(itself, -torch.inf)
    return exponents.logsumexp(dim=3).sum(dim=2) / (n_masks * math.log(n_masks))
