"""Base of the adversarially trained detectors and of their networks."""

import math
from abc import ABCMeta, abstractmethod
from numbers import Real

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted
from torch import nn

from sklearn_deepod._determinism import make_streams
from sklearn_deepod._stats import make_whitening
from sklearn_deepod.base._network import BaseNetworkDetector
from sklearn_deepod.preprocessing._preprocess import check_restores, restore
from sklearn_deepod.utils._sklearn_compat import Interval
from sklearn_deepod.utils._warnings import warn

# A first moment of 0.5, as in DCGAN, instead of Adam's 0.9 steadies the game.
_BETAS = (0.5, 0.999)
_WITH_BETAS = ("adam", "adamw", torch.optim.Adam, torch.optim.AdamW)
# Variation of the generated rows, as a share of that of the training rows, below which
# the generator counts as collapsed.
_LEAST_VARIATION = 0.1


class BaseGAN(BaseNetworkDetector, metaclass=ABCMeta):
    """Base of the detectors that train a generator against discriminators.

    Subclasses implement `_build_module`, `_losses` and `_generated`. The names of the
    discriminators in the module begin with "discriminator".

    Parameters
    ----------
    discriminator_lr : float or None, default=None
        Peak learning rate of the discriminators; None means twice `lr`.
    {parameters}
    """

    _parameter_constraints: dict = {
        **BaseNetworkDetector._parameter_constraints,
        "discriminator_lr": [Interval(Real, 0, None, closed="neither"), None],
    }

    @abstractmethod
    def __init__(
        self,
        *,
        discriminator_lr=None,
        activation="leaky_relu",
        max_steps=300,
        **shared,
    ):
        super().__init__(activation=activation, max_steps=max_steps, **shared)
        self.discriminator_lr = discriminator_lr

    def _new_network(self, kind, input_shape, generator, **settings):
        """Build a `GANNetwork` of this `kind`, with the `settings` of its own."""
        return kind(
            self._spec(),
            (self.n_estimators, input_shape, self.latent_size),
            whitens=self.score_function == "whitened",
            generator=generator,
            **settings,
        )

    @abstractmethod
    def _generated(self, module, X, generator):
        """Generate as many rows (n_members, n_rows, ...) as there are in `X`."""

    def _exempt_from_trimming(self, errors):
        """Mark the rows exempt from trimming: all but the worst reconstructed ones.

        The discriminator's losses are no measure: they are highest for rows that
        generated rows resemble.
        """
        kept = max(1, round(errors.shape[1] * (1 - self.trim_fraction)))
        index = errors.detach().topk(kept, dim=1, largest=False).indices
        return torch.zeros_like(errors, dtype=torch.bool).scatter_(1, index, True)

    def _optimizer_settings(self):
        rate = self.discriminator_lr
        rate = 2 * self.lr if rate is None else rate
        settings = {"optimizer__param_groups": [("discriminator*", {"lr": rate})]}
        if self.optimizer in _WITH_BETAS:
            settings["optimizer__betas"] = _BETAS
        return settings

    def _fit_score_statistics(self, module, X, sample_weight, support_fraction):
        self._check_variation(module, X, sample_weight)
        if module.whitening is not None:
            module.fit_whitening(
                X,
                sample_weight,
                shrinkage=self._shrinkage,
                support_fraction=support_fraction,
            )

    def _check_variation(self, module, X, sample_weight):
        """Warn where generated rows vary much less than the training rows."""
        weight = torch.from_numpy(sample_weight).to(X.device, X.dtype)
        expected = _variation(X, weight)
        generated = self._generated(module, X, self._streams["noise"])
        found = _variation(generated, weight)
        n_collapsed = int((found < _LEAST_VARIATION * expected).sum())
        if n_collapsed:
            warn(
                f"The generator of {n_collapsed} of {self._n_members} members has "
                "collapsed: its rows vary less than a tenth as much as the training "
                "rows. Train longer (max_steps), lower discriminator_lr, or raise "
                "batch_size.",
                ConvergenceWarning,
            )


class SamplingMixin:
    """For detectors whose generator maps noise to rows."""

    def _noise(self, X, generator):
        noise = torch.randn(*X.shape[:2], self.latent_size, generator=generator)
        return noise.to(X.device)

    def _generated(self, module, X, generator):
        return module.decode(self._noise(X, generator))

    def sample(self, n_samples=1, random_state=None):
        """Generate rows like the training rows, in the units of the features.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows; the members generate them in turn.
        random_state : int, RandomState instance or None, default=None
            Seed of the noise.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            The rows; missing values are not generated.

        Raises
        ------
        AttributeError
            If `preprocessor` is a transformer without ``inverse_transform``.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_deepod import AnoGAN
        >>> detector = AnoGAN(random_state=0).fit(load_iris().data)
        >>> detector.sample(3, random_state=0).shape
        (3, 4)
        """
        check_is_fitted(self)
        check_restores(self.preprocessor_)
        generator = make_streams(random_state)["noise"]
        n_each = -(-n_samples // self._n_members)
        module = self._module
        code = torch.randn(
            self._n_members, n_each, module.latent_size, generator=generator
        )
        with torch.inference_mode():
            rows = module.decode(code.to(self.device_))
        rows = rows.transpose(0, 1).flatten(0, 1)[:n_samples].cpu().numpy()
        return restore(self.preprocessor_, rows.astype(np.float64), self._row_shape)


class GANNetwork(nn.Module, metaclass=ABCMeta):
    """Base of the networks that an adversarially trained detector holds.

    Parameters
    ----------
    sizes : tuple
        Number of members, shape of a row, and units of the code (and of the last hidden
        layers of the discriminators).
    whitens : bool
        Whether rows are scored by their whitened `feature_blocks`.
    """

    def __init__(self, sizes, *, whitens):
        super().__init__()
        n_members, input_shape, self.latent_size = sizes
        self.whitening = None
        if whitens:
            n_features = self.latent_size + math.prod(input_shape)
            self.whitening = make_whitening(n_members, n_features)

    @abstractmethod
    def feature_blocks(self, X):
        """Features to whiten, in blocks (n_members, n_rows, n_features)."""

    @abstractmethod
    def published_scores(self, X):
        """Scores (n_members, n_rows) as the paper defines them."""

    def fit_whitening(self, X, sample_weight, **settings):
        """Learn from training rows how the features vary together."""
        sizes = [block.shape[2] for block in self.feature_blocks(X[:, :1])]
        features = torch.cat(self.feature_blocks(X), dim=2)
        self.whitening.fit(features, sample_weight, sizes=sizes, **settings)

    def anomaly_scores(self, X):
        """Mahalanobis distances of the features, or published scores."""
        if self.whitening is None:
            return self.published_scores(X)
        return self.whitening(torch.cat(self.feature_blocks(X), dim=2))


def _variation(X, weight):
    """Mean absolute deviation from the mean, summed over cells, for each member."""
    X = X.flatten(2)
    weight = (weight / weight.sum()).view(1, -1, 1)
    deviation = (X - (weight * X).sum(dim=1, keepdim=True)).abs()
    return (weight * deviation).sum(dim=(1, 2))
