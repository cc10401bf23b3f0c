"""The networks and the score components of DeepOutlierDetector as one module."""

import numpy as np
import torch
from torch import nn

from sklearn_deepod._training import arrays_of
from sklearn_deepod.detectors._neighbors._score_components import (
    InputNeighbors,
    LearnedNeighbors,
    Marginals,
    NeighborSmoothing,
    NetworkDistance,
    RobustCovariance,
)
from sklearn_deepod.preprocessing._robust_asinh_scaler import asinh

# A row's score is the mean of so many of its components, the highest ones. On ADBench,
# KEEL, macrOData and mixed tables, means of two and of four were within 0.2 points.
N_LARGEST = 3


class ComponentScorer(nn.Module):
    """The networks and the score components, to be applied to prepared rows.

    Parameters
    ----------
    networks : torch.nn.Module
        The trained autoencoders.
    read : torch.Tensor
        Ones for the cells of a prepared row that the networks read, else zeros.
    n_neighbors : int
        See `DeepOutlierDetector`.
    novelty : bool
        Whether all training rows are normal, which decides on the components.
    """

    def __init__(self, networks, read, n_neighbors, novelty):
        super().__init__()
        self.networks = networks
        self.register_buffer("read", read)
        if novelty:
            components = [
                InputNeighbors(tuple(sorted({1, n_neighbors}))),
                Marginals(["frequency"]),
                LearnedNeighbors(n_neighbors),
            ]
        else:
            components = [
                InputNeighbors((n_neighbors,)),
                Marginals(["frequency", "tail"]),
                NetworkDistance(),
                RobustCovariance(read.numel()),
            ]
        self.components = nn.ModuleList(components)
        self.smoothing = None if novelty else NeighborSmoothing()

    def values(self, Z):
        """Squashed inputs (n_rows, n_inputs); missing ones are at the median."""
        return asinh(torch.nan_to_num(Z[0].flatten(1), nan=0.0))

    def learned(self, Z):
        """What the networks learned of the rows, whitened."""
        return self.networks.whitened_features(Z * self.read)

    def distance_and_values(self, Z):
        """The networks' distance, and the squashed inputs, in columns."""
        distance = self.networks.distances(Z * self.read).mean(dim=0)
        return torch.cat([distance.unsqueeze(1), self.values(Z)], dim=1)

    def scores(self, Z):
        """Scores by each component, in columns."""
        return self._scores(self.values(Z), Z)

    def scores_and_sums(self, Z):
        """Scores by each component, and the sums that `NeighborSmoothing` gives."""
        values = self.values(Z)
        return torch.cat([self._scores(values, Z), self.smoothing(values)], dim=1)

    def sums(self, Z):
        """Sums that `NeighborSmoothing` gives."""
        return self.smoothing(self.values(Z))

    def _scores(self, values, Z):
        features = self.learned(Z)
        scores = [component(values, features) for component in self.components]
        return torch.cat(scores, dim=1)

    def arrays(self):
        """All that was learned, but for the networks."""
        arrays = arrays_of(self)
        return {k: v for k, v in arrays.items() if not k.startswith("networks.")}


def mean_of_largest(components):
    """A row's score: the mean of its highest calibrated components."""
    return np.sort(components, axis=1)[:, -N_LARGEST:].mean(axis=1)


def smoothed(scores, sums):
    """Mean of a row's score and those nearby, by what `NeighborSmoothing` gives."""
    weight, weighted = sums.T
    return (scores + weighted) / (1.0 + weight)


def contributions(components, weight):
    """Share of each component in the scores of the rows, weighted."""
    order = np.argsort(-components, axis=1)[:, :N_LARGEST]
    parts = np.zeros_like(components)
    largest = np.take_along_axis(components, order, axis=1)
    np.put_along_axis(parts, order, np.maximum(largest, 0.0), axis=1)
    sums = weight @ parts
    return sums / (sums.sum() or 1.0)
