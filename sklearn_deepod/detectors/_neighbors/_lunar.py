"""LUNAR: a network that reads the distances of the nearest neighbours."""

import math
from numbers import Integral, Real

import torch
from torch import nn

from sklearn_deepod._nn import ACTIVATIONS, DenseStack, artificial_outliers
from sklearn_deepod._training import LossStep, arrays_of, load_arrays
from sklearn_deepod.base import BaseDeepDetector
from sklearn_deepod.base._scoring import SCORE_ROWS
from sklearn_deepod.detectors._neighbors._reference_index import ReferenceIndex
from sklearn_deepod.networks._base import check_sizes
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# Bounds on the references and on the numbers that they hold, which bound the time: with
# 8,192 references, 20,000 rows of 5,000 features took more than 200 seconds.
_MOST_REFERENCES, _MOST_CELLS = 2**13, 2**23
# Number of artificial outliers from which batches are drawn.
_N_NEGATIVES = 2**12
# Bound on values relative to those of the references, whose squares stay finite.
_LARGEST = 1e9


class LUNAR(BaseDeepDetector):
    """Learnable unified neighbourhood-based anomaly ranking.

    A network reads the distances of a row from its nearest training rows, and learns to
    distinguish training rows from artificial outliers. It thus learns the weights of
    the distances, which other nearest-neighbour methods fix.

    Read more in the :ref:`User Guide <lunar>`.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of nearest training rows whose distances the network reads.
    negative_samples : {"mixed", "uniform", "subspace"}, default="mixed"
        Kind of artificial outliers: "uniform" ones are uniformly distributed over the
        bounding box of the training rows, "subspace" ones are training rows with normal
        noise in some features, and "mixed" uses both.
    epsilon : float, default=0.1
        Standard deviation of the noise, and the margin of the box on each side, as
        shares of each feature's range.
    max_references : int or "auto", default="auto"
        Maximum number of training rows among which neighbours are sought. A sample of a
        larger table keeps the cost of scoring a row constant. "auto" takes 8,192, and
        fewer if rows have more than 1,024 features, so that they hold 2^23 numbers.
    hidden_layer_sizes : tuple of int, default=(64,)
        Units of the network's hidden layers.
    activation : str, default="relu"
        Activation of the hidden layers: "identity", "relu", "leaky_relu", "elu",
        "gelu", "silu", "tanh" or "logistic".
    {parameters}

    Attributes
    ----------
    references_ : References
        The training rows among which neighbours are sought.
    {attributes}

    See Also
    --------
    sklearn.neighbors.LocalOutlierFactor : Combines such distances by a fixed formula.

    Notes
    -----
    As in [1]_, the loss is the squared error of the network's output after a sigmoid,
    with the target 0 for training rows and 1 for artificial outliers. The score is the
    output before the sigmoid, which ranks rows in the same way but does not saturate.
    Distances are Euclidean distances of the preprocessed features (images and sequences
    are flattened, missing values replaced by the median), divided by their mean over
    the training rows. The network of [1]_ has three hidden layers of 256 units with
    tanh; fewer units rank rows better, and unbounded units still distinguish rows far
    from the training rows (see the user guide).

    One reference at distance zero is always excluded, so a training row is never its
    own neighbour, and scores the same on its own as among the training rows. A row of
    weight 2 counts as two neighbours; weights are rounded to integers for this.
    `partial_fit` and `warm_start` keep the references of the first fit.

    References
    ----------
    .. [1] A. Goodge, B. Hooi, S.-K. Ng, W. S. Ng (2022). LUNAR: unifying local outlier
       detection methods via graph neural networks. AAAI.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import LUNAR
    >>> X, _ = load_iris(return_X_y=True)
    >>> detector = LUNAR(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **BaseDeepDetector._parameter_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "negative_samples": [StrOptions({"mixed", "uniform", "subspace"})],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "max_references": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "hidden_layer_sizes": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
    }

    def __init__(
        self,
        *,
        n_neighbors=5,
        negative_samples="mixed",
        epsilon=0.1,
        max_references="auto",
        hidden_layer_sizes=(64,),
        activation="relu",
        **shared,
    ):
        super().__init__(**shared)
        self.n_neighbors = n_neighbors
        self.negative_samples = negative_samples
        self.epsilon = epsilon
        self.max_references = max_references
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation

    def _fit_preprocessor(self, rows, *, narrow=False):
        super()._fit_preprocessor(rows, narrow=narrow)
        self._keep_references(rows)

    def _keep_references(self, rows):
        """Store a sample of the rows, and generate artificial outliers from it."""
        n_references = self.max_references
        if n_references == "auto":
            n_features = math.prod(rows.shape)
            n_references = min(_MOST_REFERENCES, max(1, _MOST_CELLS // n_features))
        index, count = rows.sample_counts(n_references)
        Z = super()._preprocess(rows.rows(index)).flatten(1)
        self.references_ = References(*Z.shape, self.n_neighbors).fill(Z, count)
        stream = self._streams["noise"]
        uniforms = torch.rand(_N_NEGATIVES, generator=stream, dtype=torch.float64)
        made = artificial_outliers(
            Z[rows.subset(index, count).draw(uniforms.numpy())],
            Z.amin(dim=0),
            Z.amax(dim=0),
            stream,
            kind=self.negative_samples,
            epsilon=self.epsilon,
        )
        self._negatives = self.references_(made)

    def _preprocess(self, X):
        return self.references_(super()._preprocess(X).flatten(1))

    def _build_module(self, input_shape, generator):
        hidden = check_sizes("hidden_layer_sizes", self.hidden_layer_sizes)
        sizes = self.n_neighbors, *hidden, 1
        return DistanceNetwork(self.n_estimators, sizes, self.activation, generator)

    def _initialize(self, module, X, generator):
        module.negatives.copy_(self._negatives)
        del self._negatives
        mean = X[0].cpu().double().mean().item()
        module.mean.fill_(mean or 1.0)

    def _losses(self, module, X, generator, labels=None):
        if module.training:
            drawn = torch.randint(_N_NEGATIVES, X.shape[:2], generator=generator)
            negatives = module.negatives[drawn.to(X.device)]
        else:
            negatives = self._for_members(module.negatives)
        losses = torch.sigmoid(module.anomaly_scores(X)).square()
        missed = torch.sigmoid(-module.anomaly_scores(negatives)).square()
        # A constant in each batch, so that trimming goes by the rows' own losses.
        yield LossStep(module, losses + missed.mean(dim=1, keepdim=True))


class DistanceNetwork(nn.Module):
    """Dense layers that score rows by the distances of their neighbours.

    Parameters
    ----------
    n_members, sizes, activation, generator
        As in `DenseStack`.
    """

    def __init__(self, n_members, sizes, activation, generator):
        super().__init__()
        self.layers = DenseStack(
            n_members, sizes, activation, 0.0, generator, activate_last=False
        )
        self.register_buffer("negatives", torch.zeros(_N_NEGATIVES, sizes[0]))
        self.register_buffer("mean", torch.ones(()))

    def anomaly_scores(self, distances):
        """Scores (n_members, n) of distances (n_members, n, n_neighbors)."""
        relative = (distances / self.mean).clamp_max(_LARGEST)
        return self.layers.forward(relative).squeeze(2)


class References(nn.Module):
    """Training rows among which neighbours are sought, with their numbers of copies.

    Parameters
    ----------
    n_references, n_features : int
        Number of rows and of features.
    n_neighbors : int
        Number of distances for each query row.
    """

    def __init__(self, n_references, n_features, n_neighbors):
        super().__init__()
        self.n_references = n_references
        self.n_features = n_features
        self.n_neighbors = n_neighbors
        self.register_buffer("center", torch.zeros(n_features))
        self.register_buffer("unit", torch.ones(()))
        self.nearest = ReferenceIndex(1, n_references, n_features, exact=True)

    def fill(self, rows, count):
        """Store reference rows (n_references, n_features), with `count` copies each."""
        self.center.copy_(rows.cpu().double().mean(dim=0))
        size = (rows - self.center).abs().max()
        self.unit.copy_(torch.where(size > 0, size, 1.0))
        self.nearest.fill(self._scaled(rows), torch.from_numpy(count).float())
        return self

    def __getstate__(self):
        """Plain arrays, which do not need torch to be read."""
        sizes = self.n_references, self.n_features, self.n_neighbors
        return sizes, arrays_of(self)

    def __setstate__(self, state):
        """Rebuild the module from the state of `__getstate__`."""
        sizes, arrays = state
        self.__init__(*sizes)
        load_arrays(self, arrays)

    def _scaled(self, X):
        """Center and scale rows so that squares stay finite; adds a member's axis."""
        return ((X - self.center) / self.unit).clamp(-_LARGEST, _LARGEST).unsqueeze(0)

    def forward(self, X):
        """Distances (n_samples, n_neighbors) of rows; see `ReferenceIndex`."""
        parts = self._scaled(X).split(SCORE_ROWS, dim=1)
        found = [self.nearest(part, self.n_neighbors)[0][0] for part in parts]
        return torch.cat(found) * self.unit
