"""Networks and score components of DeepOutlierDetector in one module."""

import math

import numpy as np
import torch
from torch import nn

from sklearn_deepod._stats import RobustZScores, TailProbabilities
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

# A row's score is the mean of this number of its highest components. On ADBench, KEEL,
# macrOData and mixed tables, means of two and of four were within 0.2 points.
N_LARGEST = 3
# Rows that a score is smoothed over; fewer where the references are a small sample.
N_NEARBY, _NEARBY_SHARE = 16, 1 / 64


class ComponentScorer(nn.Module):
    """Networks and score components, which are applied to preprocessed rows.

    Parameters
    ----------
    networks : torch.nn.Module
        The trained autoencoders.
    read : torch.Tensor
        Ones for the cells of a preprocessed row that the networks read, else zeros.
    n_neighbors : int
        As in `DeepOutlierDetector`.
    novelty : bool
        Whether all training rows are normal, which determines the components.
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
        """Inputs (n_rows, n_inputs) under asinh; missing ones are at the median."""
        return asinh(torch.nan_to_num(Z[0].flatten(1), nan=0.0))

    def learned(self, Z):
        """Learned features of the rows, whitened."""
        return self.networks.whitened_features(Z * self.read)

    def distance_and_values(self, Z):
        """The networks' distance and the inputs under asinh, in columns."""
        distance = self.networks.distances(Z * self.read).mean(dim=0)
        return torch.cat([distance.unsqueeze(1), self.values(Z)], dim=1)

    def scores(self, Z):
        """Scores of each component, in columns."""
        return self._scores(self.values(Z), Z)

    def columns(self, Z):
        """Scores of each component, and the sums where scores are smoothed."""
        values = self.values(Z)
        scores = self._scores(values, Z)
        if self.smoothing is None:
            return scores
        return torch.cat([scores, self.smoothing(values)], dim=1)

    def sums(self, Z):
        """Sums of `NeighborSmoothing`."""
        return self.smoothing(self.values(Z))

    def _scores(self, values, Z):
        features = self.learned(Z)
        scores = [component(values, features) for component in self.components]
        return torch.cat(scores, dim=1)

    @property
    def names(self):
        """Names of the components; some give several scores."""
        return [name for component in self.components for name in component.names]

    def fit(self, fitting):
        """Fit the components, one after the other, on `FittingRows`."""
        for component in self.components:
            component.fit(fitting)
        return self

    def fit_smoothing(self, fitting, scores, n_rows):
        """Keep the scores of training rows, of which there are `n_rows` in all."""
        n_nearby = N_NEARBY
        if fitting.n_references < n_rows:
            n_nearby = math.ceil(_NEARBY_SHARE * fitting.n_references)
        self.smoothing.fit(fitting, scores, min(n_nearby, N_NEARBY))

    def arrays(self):
        """State as plain arrays, without the networks."""
        arrays = arrays_of(self)
        return {k: v for k, v in arrays.items() if not k.startswith("networks.")}


class ScoreCombination:
    """How a row's components, and the scores of rows nearby, become its score.

    If `novelty`, components are compared as tail probabilities among the training rows,
    else as robust z-scores; a row's score is the mean of the highest.

    Parameters
    ----------
    measures : ndarray of shape (n_rows, n_components)
        The components of training rows, each in a unit of its own.
    sample_weight : ndarray of shape (n_rows,)
        Weights of these rows.
    novelty : bool
        Whether all training rows are normal.
    """

    def __init__(self, measures, sample_weight, novelty):
        kind = TailProbabilities if novelty else RobustZScores
        self.units = kind(measures, sample_weight)
        self._n_components = measures.shape[1]
        self._smoothing = None

    def components(self, measures):
        """Components in one unit."""
        return self.units.of(measures)

    def fit_smoothing(self, scores, sums, sample_weight):
        """Learn how smoothed scores compare with the rows' own; gives the higher.

        Parameters
        ----------
        scores : ndarray of shape (n_rows,)
            Means of the highest components of the training rows.
        sums : ndarray of shape (n_rows, 2)
            What `NeighborSmoothing` gives for these rows.
        sample_weight : ndarray of shape (n_rows,)
            Their weights.
        """
        both = _own_and_smoothed(scores, sums)
        self._smoothing = RobustZScores(both, sample_weight)
        return self._higher(both)

    def scores(self, columns):
        """Scores of rows by the columns that `ComponentScorer.columns` gives."""
        measures, sums = np.split(columns, [self._n_components], axis=1)
        scores = mean_of_largest(self.components(measures))
        if self._smoothing is None:
            return scores
        return self._higher(_own_and_smoothed(scores, sums))

    def _higher(self, both):
        """Own scores, or means of them and smoothed ones where those are higher.

        Both as robust z-scores; what is returned is on the components' scale before
        they are squashed, so that a threshold sees the tail as it is.
        """
        own, smooth = self._smoothing.z_scores(both).T
        center, scale = self._smoothing.units[:, 0]
        return np.sinh(center + scale * np.maximum(own, (own + smooth) / 2))


def mean_of_largest(components):
    """Score of each row: the mean of its highest calibrated components."""
    return np.sort(components, axis=1)[:, -N_LARGEST:].mean(axis=1)


def _own_and_smoothed(scores, sums):
    """Scores, and weighted means of a row's score and those nearby, in columns."""
    weight, weighted = sums.T
    return np.stack([scores, (scores + weighted) / (1.0 + weight)], axis=1)


def contributions(components, weight):
    """Share of each component in the weighted sum of the rows' scores."""
    order = np.argsort(-components, axis=1)[:, :N_LARGEST]
    parts = np.zeros_like(components)
    largest = np.take_along_axis(components, order, axis=1)
    np.put_along_axis(parts, order, np.maximum(largest, 0.0), axis=1)
    sums = weight @ parts
    return (sums / (sums.sum() or 1.0)).tolist()
