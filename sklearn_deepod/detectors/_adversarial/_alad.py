"""ALAD: a generator and an encoder that three discriminators hold together."""

import math

import torch
from torch import nn

from sklearn_deepod._nn import Discriminator, discriminator_losses, fake_loss, real_loss
from sklearn_deepod._stats import make_whitening
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._adversarial._base import BaseGAN, SamplingMixin
from sklearn_deepod.networks import Dense
from sklearn_deepod.utils._sklearn_compat import StrOptions


class ALAD(SamplingMixin, BaseGAN):
    """Outlier detection by adversarially learned inference (ALAD).

    A generator makes rows of codes and an encoder codes of rows. Three discriminators
    see to it that generated rows with their codes look like real ones with theirs, and
    that each is the inverse of the other. A row is anomalous when the discriminator of
    pairs of rows sees that it is not what generator and encoder rebuild of it.

    Read more in the :ref:`User Guide <alad>`.

    Parameters
    ----------
    latent_cycle : bool, default=True
        Whether there is a discriminator of pairs of codes, which makes the encoder the
        inverse of the generator on codes too.
    score_function : {"features", "whitened"}, default="features"
        "features" is the published score: the sum of absolute differences between the
        last hidden layer of the discriminator for the pair of the row and itself, and
        for that of the row and what was rebuilt. "whitened" is the Mahalanobis
        distance of these differences and the residual together.
    discriminator_lr : float or None, default=2e-3
        Learning rate of the discriminators at its highest; None takes twice `lr`.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    AnoGAN : With a search for the code of each row in place of an encoder.
    GANomaly : With a reconstruction loss.
    AutoEncoder : Without adversary; trains faster and is more accurate on tables.

    Notes
    -----
    With x a row, z normal noise, G the generator and E the encoder, the discriminators
    of [1]_ tell (x, E(x)) from (G(z), z), (x, x) from (x, G(E(x))), and, if
    `latent_cycle`, (z, z) from (z, E(G(z))). They minimise the cross-entropy; G and E
    minimise the one with the answers exchanged, which does not saturate. The score is
    the L1 distance between the second one's last hidden layers for (x, x) and for
    (x, G(E(x))). All discriminators' layers are spectrally normalised [2]_.

    If not `novelty`, trimming leaves out the rows that are rebuilt worst.

    References
    ----------
    .. [1] H. Zenati, M. Romain, C.-S. Foo, B. Lecouat, V. Chandrasekhar (2018).
       Adversarially learned anomaly detection. ICDM.
    .. [2] T. Miyato, T. Kataoka, M. Koyama, Y. Yoshida (2018). Spectral normalization
       for generative adversarial networks. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import ALAD
    >>> X = load_iris().data
    >>> detector = ALAD(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    >>> detector.sample(3, random_state=0).shape
    (3, 4)
    """

    _parameter_constraints: dict = {
        **BaseGAN._parameter_constraints,
        "latent_cycle": ["boolean"],
        "score_function": [StrOptions({"features", "whitened"})],
    }

    def __init__(
        self,
        *,
        latent_cycle=True,
        score_function="features",
        discriminator_lr=2e-3,
        **shared,
    ):
        super().__init__(discriminator_lr=discriminator_lr, **shared)
        self.latent_cycle = latent_cycle
        self.score_function = score_function

    def _build_module(self, input_shape, generator):
        return ALADNetwork(
            self._spec(),
            self.n_estimators,
            input_shape,
            self.latent_size,
            self.latent_cycle,
            self.score_function == "whitened",
            generator,
        )

    def _losses(self, module, X, generator, labels=None):
        code = module.encode(X, generator)
        rebuilt = module.decode(code, generator)
        errors = (rebuilt - X).square().flatten(2).mean(dim=2)
        if not module.training:
            yield LossStep(module, errors)
            return
        exempt = self._exempt_from_trimming(errors)
        noise = self._noise(X, generator)
        made = module.decode(noise, generator)
        discriminators = module.discriminators
        pairs = {
            "xz": ((X, code), (made, noise)),
            "xx": ((module.pair(X, X),), (module.pair(X, rebuilt),)),
        }
        if self.latent_cycle:
            again = module.encode(made, generator)
            pairs["zz"] = (
                (torch.cat([noise, noise], dim=2),),
                (torch.cat([noise, again], dim=2),),
            )
        discriminator_steps = [
            discriminator_losses(
                discriminators[name], *_without_gradient(pair), generator
            )
            for name, pair in pairs.items()
        ]
        yield LossStep(discriminators, sum(discriminator_steps), exempt)
        generator_steps = [
            real_loss(discriminators[name](*fake, generator=generator)[0])
            for name, (_, fake) in pairs.items()
        ]
        # Only here is the real pair made by a network as well.
        generator_steps.append(fake_loss(discriminators["xz"](X, code, generator)[0]))
        yield LossStep(module.generator, sum(generator_steps), exempt)


def _without_gradient(pair):
    return [[part.detach() for part in parts] for parts in pair]


class ALADNetwork(nn.Module):
    """The networks of ALAD.

    Parameters
    ----------
    network : BaseNetwork
        The spec of encoder, generator and discriminators of rows.
    n_members : int
        Number of members.
    input_shape : tuple of int
        Shape of a row.
    latent_size : int
        Units of the code and of the discriminators' last hidden layers.
    latent_cycle : bool
        Whether there is a discriminator of pairs of codes.
    whitens : bool
        Whether there is a `whitening` of features and residual.
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(
        self,
        network,
        n_members,
        input_shape,
        latent_size,
        latent_cycle,
        whitens,
        generator,
    ):
        super().__init__()
        self.latent_size = latent_size
        # Images have their channels first, sequences last.
        axis = 0 if len(input_shape) == 3 else len(input_shape) - 1
        self.channel_axis = 2 + axis
        two_rows = list(input_shape)
        two_rows[axis] *= 2
        self.generator = nn.ModuleDict(
            {
                "encoder": network.encoder(
                    n_members, input_shape, latent_size, generator=generator
                ),
                "decoder": network.decoder(
                    n_members, latent_size, input_shape, generator=generator
                ),
            }
        )
        shapes = {"xz": (network, input_shape), "xx": (network, tuple(two_rows))}
        if latent_cycle:
            flat = network if isinstance(network, Dense) else Dense()
            shapes["zz"] = flat, (2 * latent_size,)
        self.discriminators = nn.ModuleDict(
            {
                name: Discriminator(
                    spec,
                    n_members,
                    shape,
                    latent_size,
                    generator,
                    code_size=latent_size if name == "xz" else 0,
                )
                for name, (spec, shape) in shapes.items()
            }
        )
        self.whitening = None
        if whitens:
            self.whitening = make_whitening(
                n_members, latent_size + math.prod(input_shape)
            )

    def encode(self, X, generator=None):
        """Code of each row."""
        return self.generator["encoder"](X, generator)

    def decode(self, code, generator=None):
        """Row made of each code."""
        return self.generator["decoder"](code, generator)

    def forward(self, X):
        """Rebuilt rows."""
        return self.decode(self.encode(X))

    def pair(self, X, Y):
        """Two rows as one with twice the channels."""
        return torch.cat([X, Y], dim=self.channel_axis)

    def difference(self, X, rebuilt):
        """What the discriminator of pairs of rows sees in the rebuilt rows."""
        discriminator = self.discriminators["xx"]
        rebuilt_pair = discriminator(self.pair(X, rebuilt))[1]
        return rebuilt_pair - discriminator(self.pair(X, X))[1]

    def feature_blocks(self, X):
        """Differences of discriminator features, and residuals."""
        rebuilt = self(X)
        return [self.difference(X, rebuilt), (rebuilt - X).flatten(2)]

    def anomaly_scores(self, X):
        """Whitened distances or sizes of the differences, (n_members, n_rows)."""
        if self.whitening is not None:
            return self.whitening(torch.cat(self.feature_blocks(X), dim=2))
        return self.difference(X, self(X)).abs().sum(dim=2)
