"""Decomposed representation learning."""

from numbers import Integral, Real

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._self_supervised._base import (
    BaseEncodingDetector,
    unbiased_stack,
)
from sklearn_deepod.utils._sklearn_compat import Interval


class DecomposedRepresentation(BaseEncodingDetector):
    """Decomposed representation learning (DRL).

    A network learns to encode every training row as a weighted mean of a few fixed,
    orthogonal vectors. A row is anomalous when its code lies far from the weighted
    mean.

    Read more in the :ref:`User Guide <decomposed-representation>`.

    Parameters
    ----------
    n_basis_vectors : int, default=5
        Number of fixed vectors, at most `latent_size`.
    hidden_layer_sizes : tuple of int, default=(128,)
        Units of the hidden layers, in the encoder and in the network that predicts the
        weights.
    latent_size : int, default=128
        Units of the code, and length of the fixed vectors.
    separation_weight : float, default=0.06
        Weight of the separation loss, which makes the weights of different rows differ.
    alignment_weight : float, default=0.1
        Weight of the alignment loss, which keeps the code informative about the row.
    {parameters}

    Attributes
    ----------
    basis_ : ndarray of shape (n_estimators, n_basis_vectors, latent_size)
        Fixed vectors of each member: orthogonal, of norm 1.
    {attributes}

    See Also
    --------
    DeepSVDD : Maps rows close to one point.
    MaskedCellModel : Scores by the reconstruction error.

    Notes
    -----
    With the code ``h(x)``, the weights ``w(x)`` (a softmax), the fixed vectors ``B``
    and a linear map ``g`` back to the row, the loss of a row is ``|h - wB|^2 +
    separation_weight * s + alignment_weight * (1 - cos(g(h), x))`` [1]_, where ``s`` is
    the mean cosine between its weights and those of the other rows in the batch; its
    score is ``|h - wB|^2``. As in [1]_, layers have no biases, since constant codes and
    weights would have zero loss; hidden layers and the code have a leaky rectifier of
    slope 0.2; and the vectors are random and are not trained.

    The authors choose the learning rate for each data set; here it is the default of
    all detectors. All rows of a batch enter the separation loss, instead of a random
    80 % in the authors' code.

    References
    ----------
    .. [1] H. Ye, H. Zhao, W. Hu, D. Gong (2025). DRL: decomposed representation
       learning for tabular anomaly detection. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import DecomposedRepresentation
    >>> X = load_iris().data
    >>> detector = DecomposedRepresentation(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **BaseEncodingDetector._parameter_constraints,
        "n_basis_vectors": [Interval(Integral, 1, None, closed="left")],
        "separation_weight": [Interval(Real, 0, None, closed="left")],
        "alignment_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        n_basis_vectors=5,
        latent_size=128,
        separation_weight=0.06,
        alignment_weight=0.1,
        **shared,
    ):
        super().__init__(latent_size=latent_size, **shared)
        self.n_basis_vectors = n_basis_vectors
        self.separation_weight = separation_weight
        self.alignment_weight = alignment_weight

    @property
    def basis_(self):
        """Fixed vectors of each member."""
        return self.net_.module_.basis.cpu().numpy()

    def _build_module(self, input_shape, generator):
        if self.n_basis_vectors > self.latent_size:
            raise ValueError(
                f"n_basis_vectors={self.n_basis_vectors} orthogonal vectors do not fit "
                f"into latent_size={self.latent_size} dimensions. Lower the first or "
                "raise the second."
            )
        return DecompositionNetwork(
            self.n_estimators,
            self._encoder_sizes(input_shape),
            self.n_basis_vectors,
            generator,
        )

    def _losses(self, module, X, generator, labels=None):
        code, weights = module(X)
        losses = module.distances(code, weights)
        losses = losses + self.separation_weight * mean_cosine(weights)
        alignment = 1 - F.cosine_similarity(module.decoder(code), X, dim=2)
        yield LossStep(module, losses + self.alignment_weight * alignment)


class DecompositionNetwork(nn.Module):
    """Codes of rows, and weights of the fixed vectors that approximate them.

    Parameters
    ----------
    n_members, n_basis_vectors : int
        Number of members, and of fixed vectors of each.
    sizes : tuple of int
        Sizes of the encoder's layers, from the features to the code.
    generator : torch.Generator
        Source of the fixed vectors and the initial weights.
    """

    def __init__(self, n_members, sizes, n_basis_vectors, generator):
        super().__init__()
        n_inputs, *hidden, latent_size = sizes
        columns = torch.randn(
            n_members, latent_size, n_basis_vectors, generator=generator
        )
        basis = torch.linalg.qr(columns).Q.transpose(1, 2).contiguous()
        self.register_buffer("basis", basis)
        self.encoder = unbiased_stack(n_members, sizes, generator, activate_last=True)
        to_weights = n_inputs, *hidden, n_basis_vectors
        self.weigher = unbiased_stack(n_members, to_weights, generator)
        self.decoder = unbiased_stack(n_members, (latent_size, n_inputs), generator)

    def forward(self, X):
        """Codes (n_members, n, latent_size) and weights of the fixed vectors."""
        return self.encoder(X), self.weigher(X).softmax(dim=2)

    def anomaly_scores(self, X):
        """Squared distances of the codes, (n_members, n)."""
        return self.distances(*self(X))

    def distances(self, code, weights):
        """Squared distances of codes from the weighted means, (n_members, n)."""
        return (code - torch.bmm(weights, self.basis)).square().sum(dim=2)


def mean_cosine(weights):
    """Mean cosine between each row of (n_members, n, size) and the other rows."""
    unit = F.normalize(weights, dim=2)
    total = (unit * unit.sum(dim=1, keepdim=True)).sum(dim=2)
    return (total - unit.square().sum(dim=2)) / max(1, weights.shape[1] - 1)
