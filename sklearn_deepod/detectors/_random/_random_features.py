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

    Rectified units with random weights, which are not trained, read one to four of the
    features each and bend at a random training row. A row is anomalous when its units
    lie far from those of the training rows, measured by a Mahalanobis distance that
    knows how they vary together.

    Read more in the :ref:`User Guide <random-features>`.

    Parameters
    ----------
    n_components : int, default=200
        Random features of each member.
    n_estimators : int, default=4
        Number of members, each with its own random features; the score is the mean of
        theirs.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    AutoEncoder : Trains such a layer, and looks at what it cannot rebuild as well.
    sklearn.covariance.EllipticEnvelope : The distance of the features as they are.

    Notes
    -----
    The features are those of a hidden layer that is left as drawn [1]_. With units that
    read few inputs and bend where the rows are, the distance sees pairs and triples of
    features, not only their covariance. The covariance is shrunk towards the identity
    by a share of 0.001 (0.1 if not `novelty`) of its mean eigenvalue, and, in the first
    fit on rows that may hold outliers, computed from the 60 % closest rows by the
    concentration steps of [2]_. Images and sequences are read as flat rows, and missing
    values as the median.

    References
    ----------
    .. [1] A. Rahimi, B. Recht (2008). Weighted sums of random kitchen sinks: replacing
       minimization with randomization in learning. NeurIPS.
    .. [2] P. J. Rousseeuw, K. Van Driessen (1999). A fast algorithm for the minimum
       covariance determinant estimator. Technometrics 41(3), 212-223.

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
    """Rectified units and the distance of their values.

    Parameters
    ----------
    layer : BatchedLinear
        The units before they are rectified.
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
