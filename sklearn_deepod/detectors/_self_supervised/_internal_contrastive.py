"""Internal contrastive learning."""

from numbers import Integral, Real

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_deepod._nn import BatchedLinear, BatchedNorm
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._self_supervised._base import (
    BaseTableDetector,
    in_parts,
    leaky_relu,
)
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# Cells that the windows of one row may hold together, beyond two windows.
_WINDOW_CELLS = 2**17


class InternalContrastive(BaseTableDetector):
    """Internal contrastive learning (ICL).

    From each row, windows of consecutive features are cut out. One network reads the
    windows and another what is left of the row beside each; they learn to tell which
    belongs to which. A row is anomalous when that does not succeed.

    Read more in the :ref:`User Guide <internal-contrastive>`.

    Parameters
    ----------
    window_size : int or "auto", default="auto"
        Features in a window. "auto" takes 2 in tables of fewer than 40 features, 10 up
        to 160 features and ``n_features - 150`` beyond, and always leaves one feature
        beside the window.
    max_windows : int, default=40
        Bound on the windows of a row; where there are more, some at equal distances are
        taken. Tables of more than 3,000 features get fewer.
    latent_size : int, default=32
        Units of the two networks' outputs; their hidden layers follow it.
    temperature : float, default=0.1
        What the cosines are divided by: a low one weighs the closest other windows
        more.
    n_estimators : int, default=8
        Number of members, trained together; the score is the mean of theirs.
    max_steps : int or None, default=300
        Upper bound on the optimizer steps of a training, which keeps its cost
        independent of the number of rows. None sets no bound.
    lr : float, default=5e-3
        Learning rate at its highest.
    {parameters}

    Attributes
    ----------
    feature_order_ : ndarray of shape (n_estimators, n_inputs)
        Order in which each member reads the prepared features.
    {attributes}

    See Also
    --------
    MaskedCellModel : Rebuilds rows of which parts are hidden.
    DecomposedRepresentation : Faster; maps rows to mixtures of fixed vectors.

    Notes
    -----
    The method of [1]_. With ``f_i`` the unit vector for what is left beside window `i`
    and ``g_j`` the one for window `j`, the loss of a row is the mean over `i` of
    ``log(sum_j exp(f_i g_j / temperature)) - f_i g_i / temperature``: other rows have
    no part in it. It is the score as well. After its first (and, for ``f``, second)
    layer each window is normalised by the moments of its units over the batch, in
    scoring by their running mean over the training.

    Instead of training until the loss falls below a bound, with batches of 3,000 rows,
    the length of the training is fixed; the learning rate is five times as high for
    that, and the networks are about a sixth as wide. The number of feature orders is
    fixed, too. The authors' code also divides outputs by their norm over the windows,
    which was less accurate and is left out.

    A table of one feature gets a second one that is always 0.

    References
    ----------
    .. [1] T. Shenkar, L. Wolf (2022). Anomaly detection for tabular data with internal
       contrastive learning. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import InternalContrastive
    >>> X = load_iris().data
    >>> detector = InternalContrastive(random_state=0).fit(X)
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
        """Order in which each member reads the prepared features."""
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
        if module.training:  # The moments are those of the whole batch.
            losses = contrastive_losses(*module(X), module.temperature)
        else:
            losses = module.anomaly_scores(X)
        yield LossStep(module, losses)


def window_size_for(n_features):
    """The size of the windows that the paper takes for so many features."""
    if n_features < 40:
        return min(2, n_features - 1)
    return 10 if n_features <= 160 else n_features - 150


def window_features(n_features, size, n_windows):
    """Features of windows at equal distances, and the other features for each.

    Parameters
    ----------
    n_features, size : int
        Features of a row and of a window.
    n_windows : int
        Bound on the number of windows.

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
    """Mean cross-entropy with which the windows of each row are told apart.

    Parameters
    ----------
    rests, windows : torch.Tensor of shape (n_members, n, n_windows, latent_size)
        Unit vectors; the i-th of the one belongs to the i-th of the other.
    temperature : float
        What cosines are divided by.

    Returns
    -------
    torch.Tensor of shape (n_members, n)
    """
    logits = rests @ windows.transpose(2, 3) / temperature
    matched = logits.diagonal(dim1=2, dim2=3)
    return (logits.logsumexp(dim=3) - matched).mean(dim=2)


class ContrastiveNetwork(nn.Module):
    """Unit vectors for windows of features and for what is left beside them.

    Parameters
    ----------
    n_members : int
        Number of members.
    windows, rests : torch.Tensor of shape (n_windows, ...)
        Places of the features in each window, and of the others.
    latent_size : int
        Units of the outputs.
    temperature : float
        See `InternalContrastive`.
    generator : torch.Generator
        Source of the orders of the features and the initial weights.
    """

    def __init__(self, n_members, windows, rests, latent_size, temperature, generator):
        super().__init__()
        self.temperature = temperature
        self.n_inputs = windows.shape[1] + rests.shape[1]
        order = torch.rand(n_members, self.n_inputs, generator=generator)
        self.register_buffer("order", order.argsort(dim=1))
        self.register_buffer("windows", windows, persistent=False)
        self.register_buffer("rests", rests, persistent=False)
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

    def anomaly_scores(self, X):
        """Mean contrastive losses of the windows, (n_members, n)."""
        return in_parts(lambda x: contrastive_losses(*self(x), self.temperature), X)

    def forward(self, X):
        """Vectors of what is left and of the windows, for rows (n_members, n, ...)."""
        X = F.pad(X, (0, self.n_inputs - X.shape[2]))
        X = X.gather(2, self.order.unsqueeze(1).expand(X.shape))
        return (
            self.rest_encoder(X[:, :, self.rests]),
            self.window_encoder(X[:, :, self.windows]),
        )


class WindowEncoder(nn.Module):
    """Dense layers that read every window alike but for its normalisation.

    Parameters
    ----------
    n_members, n_windows : int
        Members and windows.
    sizes : sequence of int
        Input size, hidden sizes, output size.
    activations : sequence of callable
        One for each layer.
    generator : torch.Generator
        Source of the initial weights.
    n_normalised : int
        Number of layers that are normalised, after their activation.
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
