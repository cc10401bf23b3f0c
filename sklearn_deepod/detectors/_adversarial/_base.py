"""What the detectors by adversarial training share."""

from abc import ABCMeta, abstractmethod
from numbers import Real

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod._determinism import make_streams
from sklearn_deepod.base._network import BaseNetworkDetector
from sklearn_deepod.preprocessing._preprocess import check_restores, restore
from sklearn_deepod.utils._sklearn_compat import Interval
from sklearn_deepod.utils._warnings import warn

_BETAS = (0.5, 0.999)
_WITH_BETAS = ("adam", "adamw", torch.optim.Adam, torch.optim.AdamW)
# Spread of generated rows, as a share of the training rows', below which the generator
# counts as collapsed.
_LEAST_SPREAD = 0.1


class BaseGAN(BaseNetworkDetector, metaclass=ABCMeta):
    """Base of the detectors that train a generator against discriminators.

    Discriminators are submodules whose names begin with "discriminator".

    Parameters
    ----------
    discriminator_lr : float or None, default=None
        Learning rate of the discriminators at its highest; None takes twice `lr`.
    activation : str, default="leaky_relu"
        Activation of the hidden layers of ``network="dense"``: "identity", "relu",
        "leaky_relu", "elu", "gelu", "silu", "tanh" or "logistic".
    max_steps : int or None, default=300
        Upper bound on the optimizer steps of a training, which keeps its cost
        independent of the number of rows. None sets no bound.
    {parameters}

    Attributes
    ----------
    {attributes}
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

    @abstractmethod
    def _generated(self, module, X, generator):
        """Generated rows (n_members, n_rows, ...), as many as there are rows `X`."""

    def _exempt_from_trimming(self, errors):
        """Mark the rows exempt from trimming: all but the worst reconstructed.

        The discriminator's own losses say nothing about a row: the highest are those
        of rows that generated ones resemble.
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
        self._check_spread(module, X, sample_weight)
        if module.whitening is not None:
            sizes = [block.shape[2] for block in module.feature_blocks(X[:, :1])]
            module.whitening.fit(
                torch.cat(module.feature_blocks(X), dim=2),
                sample_weight,
                shrinkage=self._shrinkage,
                support_fraction=support_fraction,
                sizes=sizes,
            )

    def _check_spread(self, module, X, sample_weight):
        weight = torch.from_numpy(sample_weight).to(X.device, X.dtype)
        expected = _spread(X, weight)
        found = _spread(self._generated(module, X, self._streams["noise"]), weight)
        n_collapsed = int((found < _LEAST_SPREAD * expected).sum())
        if n_collapsed:
            warn(
                f"The generator of {n_collapsed} of {self._n_members} members has "
                "collapsed: its rows vary less than a tenth as much as the training "
                "rows. Train longer (max_steps), lower discriminator_lr, or raise "
                "batch_size.",
                ConvergenceWarning,
            )


class SamplingMixin:
    """For detectors whose generator makes rows of noise."""

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
            Number of rows; members take turns in making them.
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


def _spread(X, weight):
    """Mean absolute deviation from the mean, summed over cells, of each member."""
    X = X.flatten(2)
    weight = (weight / weight.sum()).view(1, -1, 1)
    deviation = (X - (weight * X).sum(dim=1, keepdim=True)).abs()
    return (weight * deviation).sum(dim=(1, 2))
