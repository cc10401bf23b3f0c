"""Errors of reconstructed images before and after smoothing."""

import numpy as np
import torch
from torch import nn

from sklearn_deepod._determinism import BatchInvariantMatmul
from sklearn_deepod._stats import weighted_quantile

# Standard deviation of the Gaussian kernel, as a share of the shorter side. With shares
# of 0.03 to 0.05, the ROC AUC on MNIST and on scikit-learn's digits differs by less
# than 0.1 points.
_BANDWIDTH = 0.04
# Bandwidth in pixels below which the kernel is the identity in float32.
_LEAST_BANDWIDTH = 1e-3
# Avoids a division by zero where most images are reconstructed exactly.
_LEAST_UNIT = 1e-12


class MultiscaleError(nn.Module):
    """The larger of an image's mean squared residual before and after smoothing.

    Smoothing averages out errors that no network can avoid, such as noise in single
    pixels and edges that are off by a pixel, but not errors of whole regions. Each of
    the two errors is divided by its median over the training images.

    Parameters
    ----------
    n_members : int
        Number of members.
    image_shape : tuple of int
        (channels, height, width).
    """

    def __init__(self, n_members, image_shape):
        super().__init__()
        self.image_shape = tuple(image_shape)
        height, width = self.image_shape[1:]
        bandwidth = max(_BANDWIDTH * min(height, width), _LEAST_BANDWIDTH)
        for name, size in (("along_height", height), ("along_width", width)):
            self.register_buffer(name, averages(size, bandwidth), persistent=False)
        self.register_buffer("unit", torch.ones(2, n_members, 1))

    def smooth(self, images):
        """Gaussian averages of images (..., height, width)."""
        flat = images.flatten(0, -3)
        # Expanded without a copy: matmul would copy it for each image.
        along_height = self.along_height.expand(len(flat), -1, -1)
        return torch.bmm(along_height, flat @ self.along_width.mT).view_as(images)

    def errors(self, residual):
        """Mean squared residuals (2, n_members, n_rows), before and after smoothing."""
        smoothed = self.smooth(residual.unflatten(2, self.image_shape)).flatten(2)
        return torch.stack([r.square().mean(dim=2) for r in (residual, smoothed)])

    def fit(self, residual, sample_weight):
        """Learn the median of each error.

        Takes flat residuals (n_members, n_rows, n_cells) of the training images, and
        their weights (n_rows,).
        """
        with BatchInvariantMatmul():
            errors = self.errors(residual)
        columns = errors.flatten(0, 1).mT.cpu().numpy()
        unit = torch.from_numpy(weighted_quantile(columns, 0.5, sample_weight))
        self.unit.copy_(unit.view_as(self.unit).clamp_min(_LEAST_UNIT))

    def forward(self, residual):
        """Errors (n_members, n_rows) of flat residuals."""
        return (self.errors(residual) / self.unit).amax(dim=0)


def averages(size, bandwidth):
    """Matrix of Gaussian weights between `size` pixels in a line; rows sum to 1."""
    position = np.arange(size)
    distance = (position[:, None] - position) / bandwidth
    weight = np.exp(-0.5 * distance**2)
    return torch.from_numpy(weight / weight.sum(axis=1, keepdims=True)).float()
