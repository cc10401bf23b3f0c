"""Isolation forest on random representations."""

import math
from numbers import Integral, Real

import torch
from sklearn.ensemble import IsolationForest
from torch import nn

from sklearn_deepod._nn import ACTIVATIONS
from sklearn_deepod._stats import repeated_rows, weighted_mean_and_std
from sklearn_deepod.detectors._random._base import BaseUntrainedDetector
from sklearn_deepod.detectors._random._isolation_trees import IsolationTrees
from sklearn_deepod.networks._base import check_sizes
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# Bounds the memory: trees are stored as tensors of one size.
_MOST_SAMPLES = 2**12
# Representations and rows whose hidden layers are computed together, which also bounds
# the memory.
_CHUNK = 10
_ROWS = 256


class DeepIsolationForest(BaseUntrainedDetector):
    """Isolation forest on the outputs of random networks.

    Networks with random weights, which are not trained, map the rows to
    representations, and isolation trees are grown on each of these. Their axis-parallel
    splits are curved in the space of the features. A row is anomalous when few splits
    isolate it, and when it lies far from the splits.

    Read more in the :ref:`User Guide <deep-isolation-forest>`.

    Parameters
    ----------
    n_representations : int, default=50
        Number of networks.
    n_estimators : int, default=6
        Number of trees on each representation.
    max_samples : int, default=256
        Number of rows on which each tree is grown, at most 4,096.
    hidden_layer_sizes : tuple of int, default=(500, 100)
        Units of the networks' hidden layers.
    representation_size : int, default=20
        Number of outputs of each network.
    activation : str, default="tanh"
        Activation of the hidden layers: "identity", "relu", "leaky_relu", "elu",
        "gelu", "silu", "tanh" or "logistic".
    weight_scale : float or None, default=0.25
        Standard deviation of a unit's weights, times the square root of its number of
        inputs: the larger, the less linear the representations. None draws weights with
        a standard deviation of 1, as published for features in [0, 1].
    score_function : {"deviation", "depth"}, default="deviation"
        "depth" is the score of isolation forests, which depends on the depth of a row's
        leaves. "deviation" multiplies it by the row's mean distance from the thresholds
        on its paths.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    RandomFeatures : Mahalanobis distance of random features instead of trees.
    sklearn.ensemble.IsolationForest : The forest grown on each representation.

    Notes
    -----
    As in [1]_, the networks have no biases and share their weights, except for a factor
    of each input and each output of a layer; their outputs are standardised by the
    training rows and passed through tanh; and the trees are those of
    `sklearn.ensemble.IsolationForest`, grown on a sample of the rows. Images and
    sequences are flattened, and missing values are replaced by the median.

    With the default `preprocessor`, features are not in [0, 1] as in [1]_. Weights with
    a standard deviation of 1 would saturate the hidden layers and hide how large a
    value is, hence `weight_scale`. ``preprocessor=MinMaxScaler()`` with
    ``weight_scale=None`` is the setting of [1]_.

    References
    ----------
    .. [1] H. Xu, G. Pang, Y. Wang, Y. Wang (2023). Deep isolation forest for anomaly
       detection. IEEE Transactions on Knowledge and Data Engineering 35(12).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import DeepIsolationForest
    >>> X = load_iris().data
    >>> detector = DeepIsolationForest(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **BaseUntrainedDetector._parameter_constraints,
        "n_representations": [Interval(Integral, 1, None, closed="left")],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 2, _MOST_SAMPLES, closed="both")],
        "hidden_layer_sizes": ["array-like"],
        "representation_size": [Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "weight_scale": [Interval(Real, 0, None, closed="neither"), None],
        "score_function": [StrOptions({"deviation", "depth"})],
    }

    def __init__(
        self,
        *,
        n_representations=50,
        n_estimators=6,
        max_samples=256,
        hidden_layer_sizes=(500, 100),
        representation_size=20,
        activation="tanh",
        weight_scale=0.25,
        score_function="deviation",
        **shared,
    ):
        super().__init__(**shared)
        self.n_representations = n_representations
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.hidden_layer_sizes = hidden_layer_sizes
        self.representation_size = representation_size
        self.activation = activation
        self.weight_scale = weight_scale
        self.score_function = score_function

    _members_parameter = "n_representations"

    def _build_module(self, input_shape, generator):
        hidden = check_sizes("hidden_layer_sizes", self.hidden_layer_sizes)
        sizes = math.prod(input_shape), *hidden, self.representation_size
        return DeepForest(
            RandomNetworks(
                self.n_representations,
                sizes,
                self.activation,
                self.weight_scale,
                generator,
            ),
            IsolationTrees(self.n_representations, self.n_estimators, self.max_samples),
            self.score_function,
        )

    def _fit_score_statistics(self, module, X, sample_weight, support_fraction):
        representations = module.networks.fit(X, sample_weight)
        representations = representations[:, repeated_rows(sample_weight)]
        n_members, n_rows, _ = representations.shape
        stream = self._streams["weights"]
        seeds = torch.randint(2**31 - 1, (n_members,), generator=stream).tolist()
        forests = [
            IsolationForest(
                n_estimators=self.n_estimators,
                max_samples=min(self.max_samples, n_rows),
                random_state=seed,
            ).fit(Z)
            for Z, seed in zip(representations, seeds, strict=True)
        ]
        module.trees.load(forests)


class DeepForest(nn.Module):
    """Random networks and the trees on their outputs.

    Parameters
    ----------
    networks : RandomNetworks
        The networks.
    trees : IsolationTrees
        The trees.
    score_function : str
        As in `DeepIsolationForest`.
    """

    def __init__(self, networks, trees, score_function):
        super().__init__()
        self.score_function = score_function
        self.networks = networks
        self.trees = trees

    def forward(self, X):
        """Path lengths and deviations; see `IsolationTrees`."""
        return self.trees(self.networks(X))

    def anomaly_scores(self, X):
        """Scores of shape (n_members, n) by `score_function`."""
        length, deviation = self(X)
        scores = torch.exp2(-length)
        return scores if self.score_function == "depth" else scores * deviation


class RandomNetworks(nn.Module):
    """Networks that share weights, each with its own factors.

    Parameters
    ----------
    n_members, sizes, activation, generator
        As in `DenseStack`; a member is one network.
    scale : float or None
        As `weight_scale` in `DeepIsolationForest`.
    """

    def __init__(self, n_members, sizes, activation, scale, generator):
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        self.n_layers = len(sizes) - 1
        for i in range(self.n_layers):
            n_in, n_out = sizes[i], sizes[i + 1]
            weight = torch.randn(n_in, n_out, generator=generator)
            if scale is not None:
                weight *= scale * n_in**-0.5
            self.register_buffer(f"weight{i}", weight)
            for name, size in (("before", n_in), ("after", n_out)):
                factors = torch.randn(n_members, 1, size, generator=generator)
                self.register_buffer(f"{name}{i}", factors)
        for name in ("mean", "std"):
            self.register_buffer(name, torch.ones(n_members, 1, sizes[-1]))

    def fit(self, X, sample_weight):
        """Learn to standardise outputs, and return the rows' representations."""
        parts = [self._outputs(part) for part in X.split(_ROWS, dim=1)]
        outputs = torch.cat(parts, dim=1)
        for i, values in enumerate(outputs.cpu().double().numpy()):
            mean, std = weighted_mean_and_std(values, sample_weight)
            std[std <= 1e-6 * abs(mean) + 1e-30] = 1.0  # rounding errors only
            self.mean[i, 0] = torch.from_numpy(mean).float()
            self.std[i, 0] = torch.from_numpy(std).float()
        return self._standardised(outputs).cpu().numpy()

    def forward(self, X):
        """Map (n_members, n, ...) to representations (n_members, n, n_outputs)."""
        return self._standardised(self._outputs(X))

    def _standardised(self, outputs):
        return torch.tanh((outputs - self.mean) / self.std)

    def _outputs(self, X):
        X = X.flatten(2)
        members = range(0, len(X), _CHUNK)
        return torch.cat([self._of_some(X, slice(i, i + _CHUNK)) for i in members])

    def _of_some(self, X, members):
        h = X[members]
        for i in range(self.n_layers):
            before, after, weight = (
                getattr(self, f"{name}{i}") for name in ("before", "after", "weight")
            )
            h = ((h * before[members]) @ weight) * after[members]
            if i < self.n_layers - 1:
                h = self.activation(h)
        return h
