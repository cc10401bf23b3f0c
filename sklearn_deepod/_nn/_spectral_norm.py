"""Spectral normalisation of any module."""

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from sklearn_deepod._determinism import one_blas_thread
from sklearn_deepod._nn._dense import BatchedLinear

# Power iterations on the first weights; later each training step adds one.
_FIRST_ITERATIONS = 10
_SMALLEST = 1e-12
_NORMALISED = (BatchedLinear, nn.Linear, nn.Conv1d, nn.Conv2d)


class SpectralNorm(nn.Module):
    """A module each of whose weight matrices has 1 as largest singular value.

    In training the singular value is estimated by power iteration and divides the
    weights on their way into the module. When the training ends, the weights
    themselves are divided by the exact value, so that scoring costs nothing more.

    Parameters
    ----------
    module : torch.nn.Module
        Dense and convolutional layers are normalised, each member on its own.
    generator : torch.Generator
        Source of the first vectors of the power iteration.
    """

    def __init__(self, module, generator):
        super().__init__()
        self.module = module
        self._layers = {}
        self.register_buffer("divided", torch.tensor(False))
        for name, layer in module.named_modules():
            if isinstance(layer, _NORMALISED):
                holds_members = isinstance(layer, BatchedLinear)
                matrix = _matrices(layer.weight.detach(), holds_members)
                vector = torch.randn(*matrix.shape[:2], 1, generator=generator)
                for _ in range(_FIRST_ITERATIONS):
                    vector, _ = _iterate(matrix, vector)
                self.register_buffer(f"vector{len(self._layers)}", vector)
                self._layers[f"{name}.weight".lstrip(".")] = holds_members

    def forward(self, X, *args):
        """Apply the module with normalised weights."""
        if not self.training:
            return self.module(X, *args)
        self.divided.fill_(False)
        weights = {}
        for i, (name, holds_members) in enumerate(self._layers.items()):
            weight = self.module.get_parameter(name)
            matrix = _matrices(weight, holds_members)
            left = getattr(self, f"vector{i}")
            with torch.no_grad():
                new, right = _iterate(matrix, left)
                left.copy_(new)
            size = (new.transpose(1, 2) @ matrix @ right).clamp_min(_SMALLEST)
            weights[name] = (matrix / size).view_as(weight)
        return functional_call(self.module, weights, (X, *args))

    def train(self, mode=True):
        """Switch the mode; leaving training divides the weights for good."""
        if self.training and not mode and not self.divided:
            self._divide()
            self.divided.fill_(True)
        return super().train(mode)

    @torch.no_grad()
    def _divide(self):
        for name, holds_members in self._layers.items():
            weight = self.module.get_parameter(name)
            matrix = _matrices(weight, holds_members)
            size = torch.from_numpy(spectral_norm(matrix.cpu().numpy()))
            weight.copy_((matrix / size.to(weight.device)).view_as(weight))


@one_blas_thread()
def spectral_norm(matrices):
    """Largest singular value of each matrix, of shape (n, 1, 1)."""
    if not np.isfinite(matrices).all():
        return np.ones((len(matrices), 1, 1), matrices.dtype)
    largest = np.linalg.svd(matrices, compute_uv=False)[:, :1, None]
    return np.maximum(largest, _SMALLEST)


def _matrices(weight, holds_members):
    """Weights as (n, rows, columns), a matrix for each member that they hold."""
    return weight if holds_members else weight.flatten(1).unsqueeze(0)


def _iterate(matrix, left):
    right = F.normalize(matrix.transpose(1, 2) @ left, dim=1)
    return F.normalize(matrix @ right, dim=1), right
