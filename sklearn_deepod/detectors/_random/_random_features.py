"""Mahalanobis distance of random features."""

import math
from numbers import Integral

import torch
from torch import nn

from sklearn_deepod._nn import BatchedLinear, read_few_inputs
from sklearn_deepod._stats import make_whitening
from sklearn_deepod.detectors._random._base import BaseUntrainedDetector
from sklearn_deepod.utils._sklearn_compat import Interval


class RandomFeatures(BaseUntrainedDetector):
    """Outlier detection by the Mahalanobis distance of random features.

    Each random feature is a rectified unit that reads one to four features with random
    weights and has its kink at a random training row; nothing is trained. A row is
    anomalous when its random features lie far from those of the training rows, by a
    Mahalanobis distance, which takes into account how these vary together.

    Read more in the :ref:`User Guide <random-features>`.

    Parameters
    ----------
    n_components : int, default=200
        Number of random features of each member.
    n_estimators : int, default=4
        Number of members, each with its own random features, whose scores are averaged.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    AutoEncoder : Trains such a layer, and scores by its reconstruction error too.
    sklearn.covariance.EllipticEnvelope : Mahalanobis distance of the features.

    Notes
    -----
    Random features are the units of an untrained hidden layer [1]_. Since each unit
    reads few inputs and has its kink among the rows, the distance captures interactions
    of up to four features and not just their covariance. The covariance is estimated as
    in `AutoEncoder`: shrunk, and trimmed in the first fit if not `novelty`. Images and
    sequences are flattened, and missing values are replaced by the median.

    References
    ----------
    .. [1] A. Rahimi, B. Recht (2008). Weighted sums of random kitchen sinks: replacing
       minimization with randomization in learning. NeurIPS.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import RandomFeatures
    >>> X = load_iris().data
    >>> detector = RandomFeatures(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **BaseUntrainedDetector._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, *, n_components=200, n_estimators=4, **shared):
        super().__init__(**shared)
        self.n_components = n_components
        self.n_estimators = n_estimators

    def _build_module(self, input_shape, generator):
        layer = BatchedLinear(
            self.n_estimators, math.prod(input_shape), self.n_components, generator
        )
        return WhitenedLayer(layer)

    def _initialize(self, module, X, generator):
        read_few_inputs(module.layer, X.flatten(2).cpu(), generator)

    def _fit_score_statistics(self, module, X, sample_weight, support_fraction):
        features = module.features(X)
        module.whitening.fit(
            features,
            sample_weight,
            shrinkage=self._shrinkage,
            support_fraction=support_fraction,
        )


class WhitenedLayer(nn.Module):
    """Rectified units and the Mahalanobis distance of their values.

    Parameters
    ----------
    layer : BatchedLinear
        The units before rectification.
    """

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        n_members, _, n_units = layer.weight.shape
        self.whitening = make_whitening(n_members, n_units)

    def features(self, X):
        """Map (n_members, n, ...) to (n_members, n, n_units)."""
        return torch.relu(self.layer.forward(X.flatten(2)))

    def anomaly_scores(self, X):
        """Distances of shape (n_members, n)."""
        return self.whitening(self.features(X))
