"""Where rows lie among reference rows, in several views."""

import torch
from torch import nn

from sklearn_deepod.networks._nearest_references import NearestReferences

# Where the squashed inputs are cut off, in standard deviations.
_LARGEST_INPUT = 10.0
# Standard deviation below which a feature is constant.
_CONSTANT = 1e-6
# Least spacing of a reference, in units of the median: copies have none.
_LEAST_SPACING = 1e-3


class NeighborViews(nn.Module):
    """Where rows lie among references: in the inputs, and in learned features.

    Parameters
    ----------
    n_members, n_inputs, n_features : int
        Members, inputs of a row, and learned features of each member.
    n_places : int
        Number of places for references.
    """

    def __init__(self, n_members, n_inputs, n_features, n_places):
        super().__init__()
        self.inputs = NearestReferences(1, n_places, n_inputs)
        self.learned = NearestReferences(n_members, n_places, n_features)
        self.nearby = NearestReferences(1, n_places, n_inputs)
        self.register_buffer("center", torch.zeros(n_inputs))
        self.register_buffer("scale", torch.ones(n_inputs))
        self.register_buffer("unit", torch.ones(n_members, 1))
        self.register_buffer("spacing", torch.ones(self.learned.rows.shape[:2]))
        self.register_buffer("evidence", torch.zeros_like(self.nearby.count))
        self.register_buffer("bandwidth", torch.ones(()))

    def set_input_units(self, inputs, count):
        """Take mean and standard deviation of inputs (1, n_rows, n_inputs)."""
        share = (count / count.sum()).to(inputs).unsqueeze(1)
        center = (share * inputs[0]).sum(dim=0)
        variance = (share * (inputs[0] - center).square()).sum(dim=0)
        self.center.copy_(center)
        self.scale.copy_(torch.where(variance > _CONSTANT**2, variance.sqrt(), 1.0))

    def set_learned_units(self, distances):
        """Take the references' distances (n_members, n_rows, n_neighbors)."""
        self.unit.copy_(_positive_median(distances[..., 0]))
        spacing = distances.mean(dim=2)
        floor = _LEAST_SPACING * _positive_median(spacing)
        self.spacing[:, : spacing.shape[1]] = torch.maximum(spacing, floor)

    def set_bandwidth(self, distances):
        """Take the distances (1, n_rows, n_neighbors) of the rows nearby."""
        self.bandwidth.copy_(_positive_median(distances[..., -1])[0, 0])

    def standardise(self, inputs):
        """Inputs in standard deviations, cut off far out."""
        z = (inputs - self.center) / self.scale
        return z.clamp(-_LARGEST_INPUT, _LARGEST_INPUT)

    def measures(self, inputs, features, n_neighbors):
        """The three views of rows, from standardised inputs: (n_rows, 3)."""
        in_inputs, _ = self.inputs(inputs, n_neighbors)
        distances, places = self.learned(features, n_neighbors)
        member = torch.arange(len(places), device=places.device).view(-1, 1, 1)
        around = self.spacing[member, places].mean(dim=2)
        return torch.stack(
            [
                in_inputs[0, :, -1],
                (distances[..., 0] / self.unit).mean(dim=0),
                (distances[..., -1] / around).mean(dim=0),
            ],
            dim=1,
        )

    def evidence_nearby(self, inputs, n_nearby):
        """Weight and weighted evidence of the rows nearby: (n_rows, 2)."""
        squares, places = self.nearby.search(inputs, n_nearby)
        weight = torch.exp(-squares[0] / (2 * self.bandwidth.square()))
        weight = weight * self.nearby.count[places[0]]
        weighted = weight * self.evidence[places[0]]
        return torch.stack([weight.sum(dim=1), weighted.sum(dim=1)], dim=1)


def _positive_median(values):
    """Median of each member's values (n_members, n_rows), or 1 where it is 0."""
    median = values.median(dim=1, keepdim=True).values
    return torch.where(median > 0, median, 1.0)
