"""Decomposed representation learning."""

from numbers import Integral, Real

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_deepod._nn import DenseStack
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._self_supervised._base import (
    BaseTableDetector,
    leaky_relu,
)
from sklearn_deepod.networks._base import check_sizes
from sklearn_deepod.utils._sklearn_compat import Interval


class DecomposedRepresentation(BaseTableDetector):
    """Decomposed representation learning (DRL).

    A network learns to map every training row to a weighted mean of a few fixed,
    orthogonal vectors. A row is anomalous when its code lies far from the mean that
    its own weights give.

    Read more in the :ref:`User Guide <decomposed-representation>`.

    Parameters
    ----------
    n_basis_vectors : int, default=5
        Number of the fixed vectors, at most `latent_size`.
    hidden_layer_sizes : tuple of int, default=(128,)
        Units of the hidden layers of the encoder, and of the network that gives the
        weights.
    latent_size : int, default=128
        Units of the code, and length of the fixed vectors.
    separation_weight : float, default=0.06
        Weight of the separation loss, which drives the weights of different rows apart.
    alignment_weight : float, default=0.1
        Weight of the alignment loss, which asks that the code still tells the row.
    {parameters}

    Attributes
    ----------
    basis_ : ndarray of shape (n_estimators, n_basis_vectors, latent_size)
        The fixed vectors of each member: orthogonal, of length 1.
    {attributes}

    See Also
    --------
    DeepSVDD : Maps rows close to one point.
    MaskedCellModel : Scores by what is rebuilt badly.

    Notes
    -----
    The method of [1]_: with the code ``h(x)``, the weights ``w(x)`` (a softmax), the
    fixed vectors ``B`` and a linear map ``g`` back, a row's loss is ``|h - wB|^2 +
    separation_weight * s + alignment_weight * (1 - cos(g(h), x))``, where ``s`` is the
    mean cosine of its weights and those of the other rows in the batch; its score is
    ``|h - wB|^2``. As there, layers have no additive terms, or constant codes and
    weights would have no loss, hidden layers and the code are bent by a leaky
    rectifier of slope 0.2, and the vectors are neither learned nor taken from data.

    The learning rate of [1]_ is chosen for each data set; here it is the default of
    all detectors. All rows of a batch enter the separation loss, not a random 80 % as
    in the authors' code.

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
        **BaseTableDetector._parameter_constraints,
        "n_basis_vectors": [Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": ["array-like"],
        "latent_size": [Interval(Integral, 1, None, closed="left")],
        "separation_weight": [Interval(Real, 0, None, closed="left")],
        "alignment_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        n_basis_vectors=5,
        hidden_layer_sizes=(128,),
        latent_size=128,
        separation_weight=0.06,
        alignment_weight=0.1,
        **shared,
    ):
        super().__init__(**shared)
        self.n_basis_vectors = n_basis_vectors
        self.hidden_layer_sizes = hidden_layer_sizes
        self.latent_size = latent_size
        self.separation_weight = separation_weight
        self.alignment_weight = alignment_weight

    @property
    def basis_(self):
        """The fixed vectors of each member."""
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
            input_shape[0],
            check_sizes("hidden_layer_sizes", self.hidden_layer_sizes),
            self.latent_size,
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
    """Codes of rows, and weights of fixed vectors that should give the codes.

    Parameters
    ----------
    n_members, n_inputs : int
        Members, and features of a row.
    hidden_layer_sizes : tuple of int
        Units of the hidden layers.
    latent_size, n_basis_vectors : int
        Length and number of the fixed vectors.
    generator : torch.Generator
        Source of the fixed vectors and the initial weights.
    """

    def __init__(
        self,
        n_members,
        n_inputs,
        hidden_layer_sizes,
        latent_size,
        n_basis_vectors,
        generator,
    ):
        super().__init__()
        columns = torch.randn(
            n_members, latent_size, n_basis_vectors, generator=generator
        )
        basis = torch.linalg.qr(columns).Q.transpose(1, 2).contiguous()
        self.register_buffer("basis", basis)

        def stack(*sizes, activate_last=False):
            return DenseStack(
                n_members,
                sizes,
                leaky_relu,
                0.0,
                generator,
                activate_last=activate_last,
                bias=False,
            )

        hidden = hidden_layer_sizes
        self.encoder = stack(n_inputs, *hidden, latent_size, activate_last=True)
        self.weigher = stack(n_inputs, *hidden, n_basis_vectors)
        self.decoder = stack(latent_size, n_inputs)

    def forward(self, X):
        """Codes (n_members, n, latent_size) and weights of the fixed vectors."""
        return self.encoder(X), self.weigher(X).softmax(dim=2)

    def anomaly_scores(self, X):
        """Distances of the codes, (n_members, n)."""
        return self.distances(*self(X))

    def distances(self, code, weights):
        """Squared distances of codes from the weighted means, (n_members, n)."""
        return (code - torch.bmm(weights, self.basis)).square().sum(dim=2)


def mean_cosine(weights):
    """Mean cosine of each row of (n_members, n, size) and the other rows."""
    unit = F.normalize(weights, dim=2)
    total = (unit * unit.sum(dim=1, keepdim=True)).sum(dim=2)
    return (total - unit.square().sum(dim=2)) / max(1, weights.shape[1] - 1)
