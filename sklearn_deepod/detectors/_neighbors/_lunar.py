"""LUNAR: a network on the distances of the nearest neighbours."""

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

# Artificial outliers that batches draw from.
_N_NEGATIVES = 2**12
# Size, in units of the references', beyond which none is greater: squares stay finite.
_LARGEST = 1e9


class LUNAR(BaseDeepDetector):
    """Learnable unified neighbourhood-based anomaly ranking.

    A network reads the distances of a row from its nearest training rows, and learns to
    tell training rows from artificial outliers. So it learns how the distances are to
    be weighed, where other methods of nearest neighbours fix it.

    Read more in the :ref:`User Guide <lunar>`.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of nearest training rows whose distances the network reads.
    negative_samples : {"mixed", "uniform", "subspace"}, default="mixed"
        The artificial outliers: "uniform" ones are spread evenly over the box that
        holds the training rows; "subspace" ones are training rows that normal noise has
        moved in some features; "mixed" takes both.
    epsilon : float, default=0.1
        Standard deviation of that noise, and by how much the box is made wider on each
        side, as a share of each feature's range.
    max_references : int, default=8192
        Number of training rows, at most, among which neighbours are sought. Of a larger
        table it is a sample, so that the cost of scoring a row does not grow with it.
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
    sklearn.neighbors.LocalOutlierFactor : Weighs the same distances in a fixed way.

    Notes
    -----
    The method of [1]_: the loss is the squared error of the network's sigmoid from 0
    for training rows and from 1 for artificial outliers. The score is what the sigmoid
    is taken of, which orders rows in the same way but does not run into 1. Distances
    are Euclidean ones of prepared features (flat ones, for images and sequences;
    missing values are the median), divided by their mean over the training rows. In
    [1]_ the network has three hidden layers of 256 units with tanh; fewer units learn
    to order rows better, and units without an upper bound go on telling rows apart far
    from the training rows (see the user guide for figures).

    A training row is not its own neighbour. To score it in the same way whether it
    comes back in the training table or on its own, a neighbour at distance zero is left
    out once, whoever asks. A row of weight 2 is a neighbour twice; weights are rounded
    to whole numbers for this. `partial_fit` and `warm_start` keep the references of the
    first fit.

    References
    ----------
    .. [1] A. Goodge, B. Hooi, S.-K. Ng, W. S. Ng (2022). LUNAR: unifying local outlier
       detection methods via graph neural networks. AAAI.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import LUNAR
    >>> X = load_iris().data
    >>> detector = LUNAR(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **BaseDeepDetector._parameter_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "negative_samples": [StrOptions({"mixed", "uniform", "subspace"})],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "max_references": [Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
    }

    def __init__(
        self,
        *,
        n_neighbors=5,
        negative_samples="mixed",
        epsilon=0.1,
        max_references=8192,
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
        """Keep a sample of the rows, and make artificial outliers among them."""
        index, count = rows.sample_counts(self.max_references)
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
        # The same for all rows of a batch, so that trimming looks at the rows' own.
        yield LossStep(module, losses + missed.mean(dim=1, keepdim=True))


class DistanceNetwork(nn.Module):
    """Scores rows by the distances of their neighbours.

    Parameters
    ----------
    n_members : int
        Number of members.
    sizes : sequence of int
        Number of neighbours, hidden sizes, 1.
    activation : str
        A key of ACTIVATIONS.
    generator : torch.Generator
        Source of the initial weights.
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
    """Training rows among which neighbours are sought, each of them several times over.

    Parameters
    ----------
    n_references, n_features : int
        Number of rows, and of their features.
    n_neighbors : int
        Number of distances asked for.
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
        """Take the reference rows.

        Parameters
        ----------
        rows : torch.Tensor of shape (n_references, n_features)
            The rows.
        count : ndarray of shape (n_references,)
            How often each is there.
        """
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
        """Build it anew from what `__getstate__` gave."""
        sizes, arrays = state
        self.__init__(*sizes)
        load_arrays(self, arrays)

    def _scaled(self, X):
        """Rows about 0 and of a size at which squares stay finite: (1, n_rows, ...)."""
        return ((X - self.center) / self.unit).clamp(-_LARGEST, _LARGEST).unsqueeze(0)

    def forward(self, X):
        """Increasing distances of the nearest references, one at zero left out.

        Where there are fewer references than asked for, the last distance is repeated.

        Parameters
        ----------
        X : torch.Tensor of shape (n_samples, n_features)
            Any rows.

        Returns
        -------
        torch.Tensor of shape (n_samples, n_neighbors)
        """
        parts = self._scaled(X).split(SCORE_ROWS, dim=1)
        found = [self.nearest(part, self.n_neighbors)[0][0] for part in parts]
        return torch.cat(found) * self.unit
