"""Spectral normalisation of any module."""

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from sklearn_deepod._determinism import one_blas_thread
from sklearn_deepod._nn._dense import BatchedLinear

# Power iterations on the initial weights, when the training begins; each of its steps
# adds one.
_FIRST_ITERATIONS = 10
# Avoids a division by zero where all weights are 0.
_SMALLEST = 1e-12
_NORMALISED = (BatchedLinear, nn.Linear, nn.Conv1d, nn.Conv2d)


class SpectralNorm(nn.Module):
    """A module whose weight matrices have a largest singular value of 1.

    In training, the singular value is estimated by power iteration, and the module uses
    the weights divided by it. When the training ends, the weights themselves are
    divided by the exact value, so that scoring has no extra cost.

    Parameters
    ----------
    module : torch.nn.Module
        Its dense and convolutional layers are normalised, separately for each member.
    generator : torch.Generator
        Source of the initial vectors of the power iteration.
    """

    def __init__(self, module, generator):
        super().__init__()
        self.module = module
        self._layers = {}
        self.register_buffer("begun", torch.tensor(False))
        self.register_buffer("divided", torch.tensor(False))
        for name, layer in module.named_modules():
            if isinstance(layer, _NORMALISED):
                holds_members = isinstance(layer, BatchedLinear)
                matrix = _matrices(layer.weight.detach(), holds_members)
                vector = torch.randn(*matrix.shape[:2], 1, generator=generator)
                self.register_buffer(f"vector{len(self._layers)}", vector)
                self._layers[f"{name}.weight".lstrip(".")] = holds_members

    def forward(self, X, *args):
        """Apply the module with normalised weights."""
        if not self.training:
            return self.module(X, *args)
        self.divided.fill_(False)
        n_iterations = 1 if self.begun else 1 + _FIRST_ITERATIONS
        self.begun.fill_(True)
        weights = {}
        for i, (name, holds_members) in enumerate(self._layers.items()):
            weight = self.module.get_parameter(name)
            matrix = _matrices(weight, holds_members)
            left = getattr(self, f"vector{i}")
            with torch.no_grad():
                for _ in range(n_iterations):
                    new, right = _iterate(matrix, left)
                    left.copy_(new)
            size = (new.transpose(1, 2) @ matrix @ right).clamp_min(_SMALLEST)
            weights[name] = (matrix / size).view_as(weight)
        return functional_call(self.module, weights, (X, *args))

    def train(self, mode=True):
        """Switch the mode; the end of the training divides the weights for good."""
        if self.training and not mode and not self.divided:
            self._divide()
            self.divided.fill_(True)
        return super().train(mode)

    @torch.no_grad()
    def _divide(self):
        """Divide the weights by their exact singular values."""
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
    """Reshape weights to (n, rows, columns), with a matrix for each member."""
    return weight if holds_members else weight.flatten(1).unsqueeze(0)


def _iterate(matrix, left):
    """One power iteration: left and right singular vectors."""
    right = F.normalize(matrix.transpose(1, 2) @ left, dim=1)
    return F.normalize(matrix @ right, dim=1), right
