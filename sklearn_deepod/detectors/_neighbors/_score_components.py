"""Score components of DeepOutlierDetector, before they are calibrated."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from sklearn_deepod._determinism import TrainingRows
from sklearn_deepod._stats import make_whitening
from sklearn_deepod.detectors._neighbors._feature_tables import feature_tables
from sklearn_deepod.detectors._neighbors._reference_index import ReferenceIndex

# Maximum number of rows and cells from which the covariance of the inputs is computed.
_COVARIANCE_ROWS, _COVARIANCE_CELLS = 2**12, 2**20
# Share of these rows that determines the covariance. On two of ADBench, KEEL and
# macrOData, 0.75 and 0.9 were no better.
_SUPPORT_FRACTION = 0.6
# Shrinkage of the covariance, and of features with few values: the closest rows may
# hold a single one of these, which would put all others infinitely far away. On mixed
# tables with a rare category the lowest average precision is 0.95 with these values,
# and 0.93 with 0.01 for all; with 0.1 for all, the mean ROC AUC on KEEL falls by 0.6.
_SHRINKAGE, _SHRINKAGE_OF_FEW_VALUES, _FEW_VALUES = 0.01, 0.1, 12
# Smallest distance of neighbours, relative to the median: those of copies are at 0.
_LEAST_SPACING = 1e-3
# The bandwidth of the smoothing is the median distance of the fifth neighbours, but at
# least so much that not even copies lie within it, as distances are rounded.
_N_BANDWIDTH, _LEAST_BANDWIDTH = 5, 1e-8


@dataclass(frozen=True)
class FittingRows:
    """The rows on which components are fitted.

    Attributes
    ----------
    rows : TrainingRows
        A sample of the training rows.
    values : torch.Tensor of shape (n_rows, n_inputs)
        Their inputs under asinh.
    inliers : ndarray of int
        Increasing indices of the rows among which neighbours are sought.
    features : callable
        ``features(index)`` returns the learned features of some of `rows`, of shape
        (n_members, n_index, n_features).
    n_references : int
        Maximum number of references.
    """

    rows: TrainingRows
    values: torch.Tensor
    inliers: np.ndarray
    features: Callable
    n_references: int

    def references(self, among=None):
        """Indices of references among some of the rows, and the count of each."""
        among = np.arange(len(self.rows)) if among is None else among
        subset = self.rows.subset(among, self.rows.weight[among])
        index, count = subset.sample_counts(self.n_references)
        return among[index], torch.from_numpy(count).float().to(self.values.device)


class ScoreComponent(nn.Module):
    """Base of the score components.

    Subclasses set `names`, one for each score, and implement `fit`, which takes
    `FittingRows`, and `forward`, which maps inputs under asinh (n_rows, n_inputs) and
    learned features (n_members, n_rows, n_features) to scores (n_rows, n_names), higher
    for outliers. The fitted state is in buffers.
    """

    names: tuple = ()

    def fit(self, fitting):
        """Learn from the training rows; does nothing by default."""


class NetworkDistance(ScoreComponent):
    """Norm of the whitened features: the Mahalanobis distance of the networks."""

    names = ("network",)

    def forward(self, values, features):
        """Mean of the members' distances."""
        return torch.linalg.vector_norm(features, dim=2).mean(dim=0).unsqueeze(1)


class RobustCovariance(ScoreComponent):
    """Mahalanobis distance of the inputs under a trimmed and shrunk covariance.

    Features with few values are shrunk more than others.

    Parameters
    ----------
    n_inputs : int
        Number of inputs of a row.
    """

    names = ("covariance",)

    def __init__(self, n_inputs):
        super().__init__()
        self.whitening = make_whitening(1, n_inputs)

    def fit(self, fitting):
        """Estimate location and covariance of the closest rows."""
        most = max(
            2**8, min(_COVARIANCE_ROWS, _COVARIANCE_CELLS // len(fitting.values.T))
        )
        index, weight = fitting.rows.sample(most)
        values = fitting.values[index].cpu()
        self.whitening.fit(
            values.unsqueeze(0),
            weight,
            shrinkage=_shrinkage(values),
            support_fraction=_SUPPORT_FRACTION,
        )

    def forward(self, values, features):
        """Distance of each row."""
        return self.whitening(values.unsqueeze(0)).mT


class InputNeighbors(ScoreComponent):
    """Distances of neighbours in the inputs.

    Parameters
    ----------
    ranks : tuple of int
        Ranks of the neighbours; the nearest one has rank 1.
    """

    def __init__(self, ranks):
        super().__init__()
        self.ranks = ranks
        self.names = tuple(f"input_neighbor_{rank}" for rank in ranks)
        self.references = ReferenceIndex(1, 1, 1)

    def fit(self, fitting):
        """Store references among the inliers."""
        index, count = fitting.references(fitting.inliers)
        self.references.hold(fitting.values[index].unsqueeze(0), count)

    def forward(self, values, features):
        """Distances, a column for each rank."""
        distances, _ = self.references(values.unsqueeze(0), max(self.ranks))
        return distances[0, :, [rank - 1 for rank in self.ranks]]


class LearnedNeighbors(ScoreComponent):
    """Distance of the nearest neighbour, and density, in the learned features.

    The density score is the ratio of the mean distance of a row's neighbours to the
    mean distance of their neighbours, similar to the local outlier factor. The features
    of all members are concatenated.

    Parameters
    ----------
    n_neighbors : int
        Number of neighbours in the density score.
    """

    names = ("learned_distance", "learned_density")

    def __init__(self, n_neighbors):
        super().__init__()
        self.n_neighbors = n_neighbors
        self.references = ReferenceIndex(1, 1, 1)
        self.register_buffer("spacing", torch.ones(1))

    def fit(self, fitting):
        """Store references among the inliers, with their neighbours' mean distance."""
        index, count = fitting.references(fitting.inliers)
        rows = _joined(fitting.features(index))
        self.references.hold(rows, count)
        spacing = _distances(self.references, rows, self.n_neighbors).mean(dim=1)
        median = _median(spacing, count)
        floor = _LEAST_SPACING * torch.where(median > 0, median, 1.0)
        self.spacing = spacing.clamp_min(floor)

    def forward(self, values, features):
        """Distance of the nearest neighbour, and ratio of mean distances."""
        distances, indices = self.references(_joined(features), self.n_neighbors)
        around = self.spacing[indices[0]].mean(dim=1)
        distances = distances[0]
        return torch.stack([distances[:, 0], distances.mean(dim=1) / around], dim=1)


class Marginals(ScoreComponent):
    """Scores of the values of single features.

    "frequency" is higher for rarer values, and "tail" for more extreme ones; see
    `feature_tables`. Each is a mean over the highest features of a row. Cells of the
    tables have equal width, so that the cell of a value is computed without a search.

    Parameters
    ----------
    names : sequence of str
        "frequency", "tail" or both.
    """

    # Number of features in the mean, chosen on ADBench, KEEL, macrOData and mixed
    # tables.
    n_largest = {"frequency": 1, "tail": 3}

    def __init__(self, names):
        super().__init__()
        self.names = tuple(names)
        for name in ("frequency", "tail", "low", "high", "cells_per_unit", "scale"):
            self.register_buffer(name, torch.ones(1, 1))

    def fit(self, fitting):
        """Compute the tables."""
        tables = feature_tables(fitting.values.cpu().numpy(), fitting.rows.weight)
        for name, table in tables.items():
            setattr(self, name, torch.from_numpy(table).to(fitting.values))

    def forward(self, values, features):
        """Look up the values."""
        columns = values.T.contiguous()
        cell = ((columns - self.low) * self.cells_per_unit).floor_().add_(1.0)
        cell = cell.clamp_(0.0, self.frequency.shape[1] - 1.0).long()
        means = []
        for name in self.names:
            scores = getattr(self, name).gather(1, cell)
            if name == "tail":
                beyond = torch.maximum(columns - self.high, self.low - columns)
                scores = scores + torch.log1p(beyond.clamp_min_(0.0) / self.scale)
            largest = min(self.n_largest[name], len(scores))
            means.append(_mean_of_largest(scores, largest))
        return torch.stack(means, dim=1)


class NeighborSmoothing(nn.Module):
    """Weighted sums of the training scores around a row."""

    def __init__(self):
        super().__init__()
        self.nearby = ReferenceIndex(1, 1, 1)
        self.register_buffer("scores", torch.zeros(1))
        self.register_buffer("bandwidth", torch.ones(()))
        self.register_buffer("n_nearby", torch.ones((), dtype=torch.int64))

    def fit(self, fitting, scores, n_nearby):
        """Store a sample of all rows with their scores."""
        index, count = fitting.references()
        rows = fitting.values[index].unsqueeze(0)
        self.nearby.hold(rows, count)
        distances = _distances(self.nearby, rows, _N_BANDWIDTH)[:, -1]
        # Where most rows have copies this is 0, and no row is smoothed: rows that
        # differ in a category carry no information about each other.
        self.bandwidth = _median(distances, count).clamp_min(_LEAST_BANDWIDTH)
        self.scores = torch.zeros_like(self.nearby.count)
        self.scores[: len(index)] = torch.from_numpy(scores[index]).to(rows)
        self.n_nearby.fill_(n_nearby)

    def forward(self, values):
        """Sum of Gaussian weights, and weighted sum of scores: (n_rows, 2)."""
        squares, indices = self.nearby.search(values.unsqueeze(0), int(self.n_nearby))
        weight = torch.exp(-squares[0] / (2 * self.bandwidth.square()))
        # Each copy of a reference is a neighbour.
        count = self.nearby.count[indices[0]]
        left = self.n_nearby - (count.cumsum(dim=1) - count)
        weight = weight * torch.minimum(count, left.clamp_min(0.0))
        weighted = weight * self.scores[indices[0]]
        return torch.stack([weight.sum(dim=1), weighted.sum(dim=1)], dim=1)


def _shrinkage(values):
    """Shrinkage of each feature, by the number of its values."""
    n_changes = (values.sort(dim=0).values.diff(dim=0) != 0).sum(dim=0)
    shrinkage = torch.full(n_changes.shape, _SHRINKAGE)
    return shrinkage.masked_fill(n_changes < _FEW_VALUES, _SHRINKAGE_OF_FEW_VALUES)


def _mean_of_largest(table, n_largest):
    """Mean of each column's largest entries."""
    if n_largest == 1:
        return table.amax(dim=0)  # faster than topk
    return table.topk(n_largest, dim=0).values.mean(dim=0)


def _joined(features):
    """Concatenate the features (n_members, n_rows, n_features) of all members."""
    return features.transpose(0, 1).flatten(1).unsqueeze(0)


def _median(values, count):
    """Lower median of values that are repeated `count` times."""
    values, order = values.sort()
    cumulated = count[order].cumsum(dim=0)
    return values[torch.searchsorted(cumulated, cumulated[-1] / 2)]


def _distances(references, rows, n_neighbors):
    """Distances (n_rows, n_neighbors) from the neighbours of rows (1, n_rows, n)."""
    parts = [references(part, n_neighbors)[0][0] for part in rows.split(2**8, dim=1)]
    return torch.cat(parts)
