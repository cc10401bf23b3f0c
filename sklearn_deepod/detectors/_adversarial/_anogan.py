"""AnoGAN: the distance to the closest row that a generator can produce."""

from numbers import Integral, Real

import torch

from sklearn_deepod._nn import (
    Discriminator,
    discriminator_losses,
    feature_matching_losses,
    real_loss,
)
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._adversarial._base import (
    BaseGAN,
    GANNetwork,
    SamplingMixin,
)
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# Factor of the discriminator's logits. With 1, rows in gaps between clusters that are
# narrow relative to the range of the data cost the generator too little to avoid them.
_GAIN = 10.0
# Adam's defaults, for the search.
_BETAS = (0.9, 0.999)
_EPS = 1e-8


class AnoGAN(SamplingMixin, BaseGAN):
    """Outlier detection by the closest row that a generator can produce (AnoGAN).

    A generator learns to map noise to rows that a discriminator cannot distinguish from
    training rows. To score a row, a search finds the noise whose generated row lies
    closest to it; the remaining distance is the score. The search starts at the output
    of an encoder that is trained along with the generator, as in f-AnoGAN.

    Read more in the :ref:`User Guide <anogan>`.

    Parameters
    ----------
    discrimination_weight : float, default=0.1
        Weight of the discriminator's features in the distance; the residual has the
        rest.
    n_search_steps : int, default=10
        Gradient steps of the search for each row. 0 scores at the encoder's output, as
        f-AnoGAN does.
    search_lr : float, default=0.05
        Step size of the search; noise has a standard deviation of 1.
    score_function : {"distance", "whitened"}, default="distance"
        "distance" is the published score, which the search minimises. "whitened" is
        the Mahalanobis distance of the residual and the difference of the
        discriminator's features together, at the noise found.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    ALAD : Trains the encoder against a discriminator too, and needs no search.
    GANomaly : Has a reconstruction loss.
    AutoEncoder : Not adversarial; faster to train and more accurate on tables.

    Notes
    -----
    Discriminator and generator play the game of [1]_ with the non-saturating loss of
    the generator: each minimises a cross-entropy. The distance of a row x from the
    generated row G(z) is that of [2]_, ``(1 - w) sum |x - G(z)| +
    w sum |f(x) - f(G(z))|``, with f the discriminator's last hidden layer. The encoder
    E minimises ``mean (x - G(E(x)))^2 + mean (f(x) - f(G(E(x))))^2`` of [3]_, and the
    search starts at E(x). It takes steps of Adam, with a separate state for each row,
    and keeps the closest z visited, so that no row ends farther away than it began. The
    discriminator's layers are spectrally normalised [4]_.

    If not `novelty`, trimming leaves out the rows with the largest reconstruction
    error.

    References
    ----------
    .. [1] I. Goodfellow et al. (2014). Generative adversarial nets. NeurIPS.
    .. [2] T. Schlegl, P. Seeböck, S. M. Waldstein, U. Schmidt-Erfurth, G. Langs (2017).
       Unsupervised anomaly detection with generative adversarial networks to guide
       marker discovery. IPMI.
    .. [3] T. Schlegl, P. Seeböck, S. M. Waldstein, G. Langs, U. Schmidt-Erfurth (2019).
       f-AnoGAN: fast unsupervised anomaly detection with generative adversarial
       networks. Medical Image Analysis 54, 30-44.
    .. [4] T. Miyato, T. Kataoka, M. Koyama, Y. Yoshida (2018). Spectral normalization
       for generative adversarial networks. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import AnoGAN
    >>> X = load_iris().data
    >>> detector = AnoGAN(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **BaseGAN._parameter_constraints,
        "discrimination_weight": [Interval(Real, 0, 1, closed="both")],
        "n_search_steps": [Interval(Integral, 0, None, closed="left")],
        "search_lr": [Interval(Real, 0, None, closed="neither")],
        "score_function": [StrOptions({"distance", "whitened"})],
    }

    def __init__(
        self,
        *,
        discrimination_weight=0.1,
        n_search_steps=10,
        search_lr=0.05,
        score_function="distance",
        latent_size=8,
        **shared,
    ):
        super().__init__(latent_size=latent_size, **shared)
        self.discrimination_weight = discrimination_weight
        self.n_search_steps = n_search_steps
        self.search_lr = search_lr
        self.score_function = score_function

    def _build_module(self, input_shape, generator):
        return self._new_network(
            AnoGANNetwork,
            input_shape,
            generator,
            n_search_steps=self.n_search_steps,
            search_lr=self.search_lr,
            discrimination_weight=self.discrimination_weight,
        )

    def _losses(self, module, X, generator, labels=None):
        errors = _squared(module(X, generator) - X)
        if not module.training:
            yield LossStep(module, errors)
            return
        exempt = self._exempt_from_trimming(errors)
        discriminator = module.discriminator
        noise = self._noise(X, generator)
        made = module.decode(noise, generator)
        losses = discriminator_losses(discriminator, (X,), (made.detach(),), generator)
        yield LossStep(discriminator, losses, exempt)
        logits, _ = discriminator(made, generator=generator)
        yield LossStep(module.generator, real_loss(logits), exempt)
        rebuilt = module(X, generator)
        matching = feature_matching_losses(discriminator, X, rebuilt, generator)
        yield LossStep(module.encoder, _squared(rebuilt - X) + matching, exempt)


def _squared(difference):
    """Mean square of each row."""
    return difference.square().flatten(2).mean(dim=2)


class AnoGANNetwork(GANNetwork):
    """Generator, encoder and discriminator; see `GANNetwork`.

    `n_search_steps`, `search_lr` and `discrimination_weight` are those of `AnoGAN`.
    """

    def __init__(
        self,
        network,
        sizes,
        *,
        n_search_steps,
        search_lr,
        discrimination_weight,
        generator,
        **shared,
    ):
        super().__init__(sizes, **shared)
        n_members, input_shape, latent_size = sizes
        self.n_search_steps = n_search_steps
        self.search_lr = search_lr
        self.discrimination_weight = discrimination_weight
        self.generator = network.decoder(
            n_members, latent_size, input_shape, generator=generator
        )
        self.encoder = network.encoder(*sizes, generator=generator)
        self.discriminator = Discriminator(network, *sizes, generator, gain=_GAIN)

    def decode(self, code, generator=None):
        """Row generated from each code."""
        return self.generator(code, generator)

    def forward(self, X, generator=None):
        """Reconstructions from the encoder's codes."""
        return self.decode(self.encoder(X, generator), generator)

    def feature_blocks(self, X):
        """Residuals and differences of discriminator features at the closest code."""
        made = self.decode(self.search(X)[0])
        differences = self.discriminator(made)[1] - self.discriminator(X)[1]
        return [(made - X).flatten(2), differences]

    def published_scores(self, X):
        """Distances at the closest code, (n_members, n_rows)."""
        return self.search(X)[1]

    def search(self, X):
        """The closest code found for each row, and its distance."""
        # Tensors created in inference mode cannot enter a gradient: copy them.
        with torch.inference_mode(False), torch.enable_grad():
            X = X.clone()
            features = self.discriminator(X)[1].detach()
            code = closest = self.encoder(X).detach()
            mean = square = 0.0
            for step in range(self.n_search_steps + 1):
                code = code.requires_grad_()
                distance = self._distance(X, features, code)
                (slope,) = torch.autograd.grad(distance.sum(), code)
                code, distance = code.detach(), distance.detach()
                if step == 0:
                    lowest = distance  # keeps a NaN, which must not be hidden
                closer = distance < lowest
                lowest = torch.where(closer, distance, lowest)
                closest = torch.where(closer.unsqueeze(2), code, closest)
                mean = _BETAS[0] * mean + (1 - _BETAS[0]) * slope
                square = _BETAS[1] * square + (1 - _BETAS[1]) * slope.square()
                scale = (square / (1 - _BETAS[1] ** (step + 1))).sqrt() + _EPS
                rate = self.search_lr / (1 - _BETAS[0] ** (step + 1))
                code = code - rate * mean / scale
        return closest, lowest

    def _distance(self, X, features, code):
        """Weighted L1 distance of rows, with their features, from generated rows."""
        made = self.decode(code)
        residual = (made - X).abs().flatten(2).sum(dim=2)
        mismatch = (self.discriminator(made)[1] - features).abs().sum(dim=2)
        share = self.discrimination_weight
        return (1 - share) * residual + share * mismatch
