"""AnoGAN: the distance to the closest row that a generator can make."""

import math
from numbers import Integral, Real

import torch
from torch import nn

from sklearn_deepod._nn import Discriminator, discriminator_losses, real_loss
from sklearn_deepod._stats import make_whitening
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._adversarial._base import BaseGAN, SamplingMixin
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# Of the discriminator's logits. With 1, gaps between clusters that are narrow beside
# the spread of the data cost the generator too little to leave them empty.
_GAIN = 10.0
# Adam's in the search.
_BETAS = (0.9, 0.999)
_EPS = 1e-8


class AnoGAN(SamplingMixin, BaseGAN):
    """Outlier detection by the closest row that a generator can make (AnoGAN).

    A generator learns to make rows of noise that a discriminator cannot tell from
    training rows. For each row that is scored, the noise is searched whose row lies
    closest to it; the distance that is left is the score. The search starts from the
    guess of an encoder, trained beside the generator, as in f-AnoGAN.

    Read more in the :ref:`User Guide <anogan>`.

    Parameters
    ----------
    discrimination_weight : float, default=0.1
        Share of the discriminator's features in the distance; the rest is the residual.
    n_search_steps : int, default=10
        Gradient steps of the search for each row. 0 scores at the encoder's guess, as
        f-AnoGAN does.
    search_lr : float, default=0.05
        Size of the search's steps; noise has a standard deviation of 1.
    score_function : {"distance", "whitened"}, default="distance"
        "distance" is the published score, what the search minimises. "whitened" is the
        Mahalanobis distance of the residual and the difference of the discriminator's
        features together, at the noise found.
    latent_size : int, default=8
        Units of the code.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    ALAD : Without a search, thanks to an encoder that is part of the game.
    GANomaly : With a reconstruction loss.
    AutoEncoder : Without adversary; trains faster and is more accurate on tables.

    Notes
    -----
    Discriminator and generator play the game of [1]_ with the generator's loss that
    does not saturate: each minimises a cross-entropy. The distance of a row x from the
    generated row G(z) is that of [2]_, ``(1 - w) sum |x - G(z)| +
    w sum |f(x) - f(G(z))|``, with f the discriminator's last hidden layer. The encoder
    E minimises ``mean (x - G(E(x)))^2 + mean (f(x) - f(G(E(x))))^2`` of [3]_, and
    E(x) is where the search starts. The search takes steps of Adam with a state of its
    own for each row and keeps the closest z seen, so that no row ends farther away
    than it began. The discriminator's layers are spectrally normalised [4]_.

    If not `novelty`, trimming leaves out the rows that are rebuilt worst.

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
    >>> detector.sample(3, random_state=0).shape
    (3, 4)
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
        return AnoGANNetwork(
            self._spec(),
            self.n_estimators,
            input_shape,
            self.latent_size,
            self.score_function == "whitened",
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
        _, features = discriminator(torch.cat([X, rebuilt], dim=1), generator=generator)
        real, fake = features.chunk(2, dim=1)
        losses = _squared(rebuilt - X) + _squared(fake - real)
        yield LossStep(module.encoder, losses, exempt)


def _squared(difference):
    """Mean square of each row."""
    return difference.square().flatten(2).mean(dim=2)


class AnoGANNetwork(nn.Module):
    """The networks of AnoGAN.

    Parameters
    ----------
    network : BaseNetwork
        The spec of generator, encoder and discriminator.
    n_members : int
        Number of members.
    input_shape : tuple of int
        Shape of a row.
    latent_size : int
        Size of the noise and of the discriminator's last hidden layer.
    whitens : bool
        Whether there is a `whitening` of residual and features.
    generator : torch.Generator
        Source of the initial weights.
    n_search_steps, search_lr, discrimination_weight : int, float, float
        See `AnoGAN`.
    """

    def __init__(
        self,
        network,
        n_members,
        input_shape,
        latent_size,
        whitens,
        generator,
        *,
        n_search_steps,
        search_lr,
        discrimination_weight,
    ):
        super().__init__()
        self.latent_size = latent_size
        self.n_search_steps = n_search_steps
        self.search_lr = search_lr
        self.discrimination_weight = discrimination_weight
        self.generator = network.decoder(
            n_members, latent_size, input_shape, generator=generator
        )
        self.encoder = network.encoder(
            n_members, input_shape, latent_size, generator=generator
        )
        self.discriminator = Discriminator(
            network, n_members, input_shape, latent_size, generator, gain=_GAIN
        )
        self.whitening = None
        if whitens:
            self.whitening = make_whitening(
                n_members, latent_size + math.prod(input_shape)
            )

    def decode(self, code, generator=None):
        """Row made of each code."""
        return self.generator(code, generator)

    def forward(self, X, generator=None):
        """Rows rebuilt at the encoder's guess."""
        return self.decode(self.encoder(X, generator), generator)

    def feature_blocks(self, X):
        """Residuals and differences of discriminator features at the closest code."""
        made = self.decode(self.search(X)[0])
        differences = self.discriminator(made)[1] - self.discriminator(X)[1]
        return [(made - X).flatten(2), differences]

    def anomaly_scores(self, X):
        """Whitened distances or those at the closest code, (n_members, n_rows)."""
        if self.whitening is not None:
            return self.whitening(torch.cat(self.feature_blocks(X), dim=2))
        return self.search(X)[1]

    def search(self, X):
        """The closest code found for each row, and its distance."""
        # What was made under inference mode takes no part in gradients: copy it.
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
                    lowest = distance  # also where it is not a number: that must show
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
        made = self.decode(code)
        residual = (made - X).abs().flatten(2).sum(dim=2)
        mismatch = (self.discriminator(made)[1] - features).abs().sum(dim=2)
        share = self.discrimination_weight
        return (1 - share) * residual + share * mismatch
