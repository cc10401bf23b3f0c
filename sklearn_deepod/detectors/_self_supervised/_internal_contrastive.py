"""Internal contrastive learning."""

import math
from numbers import Integral, Real

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_deepod._nn import BatchedLinear, BatchedNorm, RangeExcess
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._self_supervised._base import (
    BaseTableDetector,
    in_parts,
    leaky_relu,
)
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# Maximum number of cells in the windows of a row, which bounds the memory.
_WINDOW_CELLS = 2**17


class InternalContrastive(BaseTableDetector):
    """Internal contrastive learning (ICL).

    One network encodes windows of consecutive features of a row, another one encodes
    the rest of the row for each window; they learn to match the two. A row is anomalous
    when its windows and rests do not match.

    Read more in the :ref:`User Guide <internal-contrastive>`.

    Parameters
    ----------
    window_size : int or "auto", default="auto"
        Number of features in a window. "auto" means 2 for fewer than 40 features, 10
        for up to 160 and ``n_features - 150`` for more, and always leaves at least one
        feature outside the window.
    max_windows : int, default=40
        Maximum number of windows of a row, evenly spaced where there could be more.
        Tables of more than 3,000 features get fewer.
    latent_size : int, default=32
        Units of the outputs of both networks; the sizes of the hidden layers are
        multiples of it.
    temperature : float, default=0.1
        Divisor of the cosines; a low one emphasises the most similar other windows.
    {parameters}

    Attributes
    ----------
    feature_order_ : ndarray of shape (n_estimators, n_inputs)
        Order in which each member reads the preprocessed features. A single feature
        gets a second one that is always 0.
    {attributes}

    See Also
    --------
    MaskedCellModel : Reconstructs masked rows.
    DecomposedRepresentation : Faster; encodes rows as mixtures of fixed vectors.

    Notes
    -----
    With ``f_i`` the unit vector of the rest of window `i` and ``g_j`` that of window
    `j`, the loss of a row is the mean over `i` of ``log(sum_j exp(f_i g_j /
    temperature)) - f_i g_i / temperature`` [1]_, which involves no other rows. It is
    the score as well. After the first layer (for ``f`` also the second), each window is
    normalised by the moments of its units over the batch, or, for scoring, by their
    running means.

    Since the loss is bounded, far rows would score like others. Where a feature lies
    outside the range of the training rows by more than twice its width, the bound times
    ``log(1 + excess)`` is added; the excess is the distance beyond that, in widths.

    The authors train until the loss falls below a bound, with batches of 3,000 rows.
    Here the length of the training is fixed; in return the learning rate is five times
    as high, and the networks are about a sixth as wide. The number of feature orders is
    fixed as well. The authors' code also divides outputs by their norm over the
    windows, which was less accurate and is left out.

    References
    ----------
    .. [1] T. Shenkar, L. Wolf (2022). Anomaly detection for tabular data with internal
       contrastive learning. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import InternalContrastive
    >>> detector = InternalContrastive(random_state=0).fit(load_iris().data)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **BaseTableDetector._parameter_constraints,
        "window_size": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "max_windows": [Interval(Integral, 2, None, closed="left")],
        "latent_size": [Interval(Integral, 4, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        window_size="auto",
        max_windows=40,
        latent_size=32,
        temperature=0.1,
        n_estimators=8,
        max_steps=300,
        lr=5e-3,
        **shared,
    ):
        super().__init__(
            n_estimators=n_estimators, max_steps=max_steps, lr=lr, **shared
        )
        self.window_size = window_size
        self.max_windows = max_windows
        self.latent_size = latent_size
        self.temperature = temperature

    @property
    def feature_order_(self):
        """Order in which each member reads the preprocessed features."""
        return self.net_.module_.order.cpu().numpy()

    def _build_module(self, input_shape, generator):
        n_inputs = max(2, input_shape[0])
        size = self.window_size
        if size == "auto":
            size = window_size_for(n_inputs)
        elif size >= n_inputs:
            raise ValueError(
                f"window_size={size} leaves nothing beside a window in rows of "
                f"{input_shape[0]} features. Give at most {n_inputs - 1}, or 'auto'."
            )
        n_windows = min(self.max_windows, max(2, _WINDOW_CELLS // n_inputs))
        windows, rests = window_features(n_inputs, size, n_windows)
        return ContrastiveNetwork(
            self.n_estimators,
            windows,
            rests,
            self.latent_size,
            self.temperature,
            generator,
        )

    def _losses(self, module, X, generator, labels=None):
        # Training normalises by the moments of the whole batch: do not split it.
        losses = module.losses(X) if module.training else in_parts(module.losses, X)
        yield LossStep(module, losses)

    def _fit_score_statistics(self, module, X, sample_weight, support_fraction):
        module.excess.fit(module.padded(X[0]))


def window_size_for(n_features):
    """Window size in the paper for this number of features."""
    if n_features < 40:
        return min(2, n_features - 1)
    return 10 if n_features <= 160 else n_features - 150


def window_features(n_features, size, n_windows):
    """Indices of the features in evenly spaced windows, and of the other features.

    Parameters
    ----------
    n_features, size : int
        Number of features of a row and of a window.
    n_windows : int
        Maximum number of windows.

    Returns
    -------
    windows : torch.Tensor of shape (n_windows, size)
    rests : torch.Tensor of shape (n_windows, n_features - size)
    """
    last = n_features - size
    start = torch.linspace(0, last, min(n_windows, last + 1)).round().long()
    around = (start.unsqueeze(1) + torch.arange(n_features)) % n_features
    return around[:, :size], around[:, size:].sort(dim=1).values


def contrastive_losses(rests, windows, temperature):
    """Mean cross-entropy (n_members, n) of matching rests and windows of each row.

    The i-th of the unit vectors `rests` (n_members, n, n_windows, latent_size) belongs
    to the i-th of `windows`; `temperature` divides their cosines.
    """
    logits = rests @ windows.transpose(2, 3) / temperature
    matched = logits.diagonal(dim1=2, dim2=3)
    return (logits.logsumexp(dim=3) - matched).mean(dim=2)


class ContrastiveNetwork(nn.Module):
    """Unit vectors of windows of features, and of the rest of the row for each.

    Parameters
    ----------
    n_members : int
        Number of members.
    windows, rests : torch.Tensor of shape (n_windows, ...)
        Indices of the features in each window, and of the others.
    latent_size, temperature
        As in `InternalContrastive`.
    generator : torch.Generator
        Source of the feature orders and the initial weights.
    """

    def __init__(self, n_members, windows, rests, latent_size, temperature, generator):
        super().__init__()
        self.temperature = temperature
        self.n_inputs = windows.shape[1] + rests.shape[1]
        order = torch.rand(n_members, self.n_inputs, generator=generator)
        self.register_buffer("order", order.argsort(dim=1))
        self.register_buffer("windows", windows, persistent=False)
        self.register_buffer("rests", rests, persistent=False)
        self.excess = RangeExcess(self.n_inputs)
        size = latent_size
        self.rest_encoder = WindowEncoder(
            n_members,
            len(windows),
            (rests.shape[1], size, 2 * size, size),
            (torch.tanh, leaky_relu, leaky_relu),
            generator,
            n_normalised=2,
        )
        self.window_encoder = WindowEncoder(
            n_members,
            len(windows),
            (windows.shape[1], size // 4, size // 2, size),
            (leaky_relu,) * 3,
            generator,
            n_normalised=1,
        )

    def padded(self, X):
        """Rows with a second feature, which is 0, where they have only one."""
        return F.pad(X, (0, self.n_inputs - X.shape[-1]))

    def losses(self, X):
        """Contrastive losses of rows, (n_members, n)."""
        return contrastive_losses(*self(X), self.temperature)

    def anomaly_scores(self, X):
        """Contrastive losses, unbounded for far rows; see `RangeExcess`."""
        # The highest loss, as cosines lie between -1 and 1.
        bound = math.log(len(self.windows)) + 2 / self.temperature
        return in_parts(self.losses, X) + bound * self.excess(self.padded(X))

    def forward(self, X):
        """Vectors of the rests and of the windows, for rows (n_members, n, ...)."""
        X = self.padded(X)
        X = X.gather(2, self.order.unsqueeze(1).expand(X.shape))
        return (
            self.rest_encoder(X[:, :, self.rests]),
            self.window_encoder(X[:, :, self.windows]),
        )


class WindowEncoder(nn.Module):
    """Dense layers shared by all windows, with a normalisation for each window.

    Parameters
    ----------
    n_members, n_windows : int
        Number of members and of windows.
    sizes, generator
        As in `DenseStack`.
    activations : sequence of callable
        Activation of each layer.
    n_normalised : int
        Number of layers that are normalised after their activation.
    """

    def __init__(
        self, n_members, n_windows, sizes, activations, generator, *, n_normalised
    ):
        super().__init__()
        pairs = zip(sizes[:-1], sizes[1:], strict=True)
        self.layers = nn.ModuleList(
            BatchedLinear(n_members, m, n, generator) for m, n in pairs
        )
        self.activations = activations
        self.norms = nn.ModuleList(
            BatchedNorm(n_members, n_windows, "window") for _ in range(n_normalised)
        )

    def forward(self, h):
        """Map (n_members, n, n_windows, n_inputs) to unit vectors."""
        n_rows, n_windows = h.shape[1:3]
        for i, layer in enumerate(self.layers):
            h = layer(h.flatten(1, 2)).unflatten(1, (n_rows, n_windows))
            h = self.activations[i](h)
            if i < len(self.norms):
                h = self.norms[i](h)
        return F.normalize(h, dim=3)
