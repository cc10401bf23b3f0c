"""Base of the detectors that map rows close to one point."""

from abc import ABCMeta, abstractmethod
from numbers import Integral

import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from sklearn_deepod._stats import make_whitening
from sklearn_deepod.base._network import BaseNetworkDetector
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions
from sklearn_deepod.utils._warnings import warn

# Smallest absolute value of a component of the centre, as in the authors' code: zero
# weights would map every row to a component of 0.
_LEAST_COMPONENT = 0.1
# Shrinkage of the outputs' covariance.
_SHRINKAGE = 0.1
# Rate of the moving average by which the centre follows the codes in pre-training.
_RATE = 0.1
# Range of the distances, as a share of the largest, below which they count as equal.
_COLLAPSED = 1e-5


class BaseHypersphere(BaseNetworkDetector, metaclass=ABCMeta):
    """Base of the detectors that score by the distance to a centre.

    Parameters
    ----------
    pretrain_steps : int, default=0
        Number of steps at the beginning of a training in which the network is trained
        as the encoder of an autoencoder; the centre is computed after them. They count
        towards `max_steps`.
    score_function : {"whitened", "distance"}, default="whitened"
        "distance" is the squared Euclidean distance of the outputs from the centre;
        "whitened" is the Mahalanobis distance, which takes into account how the outputs
        of the training rows vary. The distances of each member are divided by their
        mean over the training rows.
    {parameters}

    Attributes
    ----------
    center_ : ndarray of shape (n_estimators, latent_size)
        Centre of each member.
    {attributes}
    """

    _parameter_constraints: dict = {
        **BaseNetworkDetector._parameter_constraints,
        "pretrain_steps": [Interval(Integral, 0, None, closed="left")],
        "score_function": [StrOptions({"whitened", "distance"})],
    }

    @abstractmethod
    def __init__(self, *, pretrain_steps=0, score_function="whitened", **shared):
        super().__init__(**shared)
        self.pretrain_steps = pretrain_steps
        self.score_function = score_function

    @property
    def center_(self):
        """Centre of each member."""
        return self.net_.module_.center.squeeze(1).cpu().numpy()

    def _build_module(self, input_shape, generator):
        if self.pretrain_steps and self.early_stopping:
            raise ValueError(
                "pretrain_steps and early_stopping cannot be combined: the losses "
                "before and after the end of the pre-training do not compare. Set "
                "pretrain_steps=0 or early_stopping=False."
            )
        spec, n_members = self._spec(), self.n_estimators
        encoder = spec.encoder(
            n_members, input_shape, self.latent_size, generator=generator, bias=False
        )
        decoder = None
        if self.pretrain_steps:
            decoder = spec.decoder(
                n_members, self.latent_size, input_shape, generator=generator
            )
        return Hypersphere(
            encoder,
            decoder,
            n_members,
            self.latent_size,
            whitens=self.score_function == "whitened",
            soft=self._has_soft_boundary(),
        )

    def _has_soft_boundary(self):
        """Whether scores are distances from the sphere instead of its centre."""
        return False

    def _initialize(self, module, X, generator):
        with torch.no_grad():
            module.follow(module(X, generator), 1.0)

    def _pretraining_losses(self, module, X, generator):
        """Reconstruction errors during pre-training, None after it."""
        if not module.training:
            return None
        module.step += 1
        if module.step > self.pretrain_steps:
            return None
        outputs = module(X, generator)
        module.follow(outputs.detach(), _RATE)
        rebuilt = module.decoder.forward(outputs, generator)
        return (rebuilt - X).square().flatten(2).mean(dim=2)

    def _fit_score_statistics(self, module, X, sample_weight, support_fraction):
        outputs = module(X)
        distances = module.distances_of(outputs)
        extent = distances.amax(dim=1) - distances.amin(dim=1)
        collapsed = extent <= _COLLAPSED * distances.amax(dim=1)
        if X.shape[1] > 1 and collapsed.any():
            warn(
                f"In {int(collapsed.sum())} of {len(collapsed)} members all training "
                "rows have the same distance from the centre, so scores carry little "
                "information. Lower `max_steps` or `lr`, or scale the features "
                "(preprocessor='auto').",
                ConvergenceWarning,
            )
        if module.whitening is not None:
            whitening = module.whitening
            whitening.fit(
                outputs,
                sample_weight,
                shrinkage=_SHRINKAGE,
                support_fraction=support_fraction,
            )
            whitening.center(module.center.squeeze(1))
            distances = whitening(outputs)
        weight = torch.as_tensor(sample_weight, dtype=torch.float64)
        mean = distances.cpu().double() @ (weight / weight.sum())
        module.scale.copy_(mean.clamp_min(1e-30).unsqueeze(1))


class Hypersphere(nn.Module):
    """An encoder without biases, and the centre that it maps rows close to.

    Parameters
    ----------
    encoder : torch.nn.Module
        Maps rows to outputs (n_members, n, n_outputs).
    decoder : torch.nn.Module or None
        Maps outputs to rows, for the pre-training.
    n_members, n_outputs : int
        Number of members, and of outputs of each.
    whitens : bool
        Whether scores are Mahalanobis distances of the outputs.
    soft : bool
        Whether the squared radius is subtracted from squared distances.
    """

    def __init__(self, encoder, decoder, n_members, n_outputs, *, whitens, soft):
        super().__init__()
        self.soft = soft
        self.encoder = encoder
        self.decoder = decoder
        self.whitening = make_whitening(n_members, n_outputs) if whitens else None
        for name in ("mean", "center"):
            self.register_buffer(name, torch.zeros(n_members, 1, n_outputs))
        for name in ("scale", "radius"):
            self.register_buffer(name, torch.zeros(n_members, 1))
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))

    def follow(self, outputs, rate):
        """Move the centre towards the mean of `outputs`, but no component to 0."""
        self.mean.lerp_(outputs.mean(dim=1, keepdim=True), rate)
        least = torch.where(self.mean < 0, -_LEAST_COMPONENT, _LEAST_COMPONENT)
        near = self.mean.abs() < _LEAST_COMPONENT
        self.center.copy_(torch.where(near, least, self.mean))

    def forward(self, X, generator=None):
        """Outputs of the encoder."""
        return self.encoder.forward(X, generator)

    def distances_of(self, outputs):
        """Squared distances from the centre, of shape (n_members, n)."""
        return (outputs - self.center).square().sum(dim=2)

    def anomaly_scores(self, X):
        """Distances relative to their mean over the training rows, (n_members, n)."""
        outputs = self(X)
        if self.whitening is not None:
            return self.whitening(outputs) / self.scale
        distances = self.distances_of(outputs)
        if self.soft:
            distances = distances - self.radius.square()
        return distances / self.scale
