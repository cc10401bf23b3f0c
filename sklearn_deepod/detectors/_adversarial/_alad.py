"""ALAD: a generator and an encoder coupled by three discriminators."""

import torch
from torch import nn

from sklearn_deepod._nn import Discriminator, discriminator_losses, fake_loss, real_loss
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._adversarial._base import (
    BaseGAN,
    GANNetwork,
    SamplingMixin,
)
from sklearn_deepod.networks import Dense
from sklearn_deepod.utils._sklearn_compat import StrOptions


class ALAD(SamplingMixin, BaseGAN):
    """Outlier detection by adversarially learned inference (ALAD).

    A generator maps codes to rows and an encoder maps rows to codes. Three
    discriminators make generated rows with their codes look like real rows with theirs,
    and each of the two networks the inverse of the other. A row is anomalous when the
    discriminator of pairs of rows distinguishes it from its reconstruction.

    Read more in the :ref:`User Guide <alad>`.

    Parameters
    ----------
    latent_cycle : bool, default=True
        Whether a discriminator of pairs of codes makes the encoder the inverse of the
        generator on codes too.
    score_function : {"features", "whitened"}, default="features"
        "features" is the published score: the sum of the absolute differences of the
        discriminator's last hidden layer between the pair of the row with itself and
        the pair of the row with its reconstruction. "whitened" is the Mahalanobis
        distance of these differences and the residual together.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    AnoGAN : Searches for the code of each row instead of encoding it.
    GANomaly : Has a reconstruction loss.
    AutoEncoder : Not adversarial; faster to train and more accurate on tables.

    Notes
    -----
    With x a row, z normal noise, G the generator and E the encoder, the discriminators
    of [1]_ distinguish (x, E(x)) from (G(z), z), (x, x) from (x, G(E(x))), and, if
    `latent_cycle`, (z, z) from (z, E(G(z))). They minimise the cross-entropy; G and E
    minimise it with the labels swapped, which does not saturate. The score is the L1
    distance between the last hidden layers of the second discriminator for (x, x) and
    for (x, G(E(x))). All layers of the discriminators are spectrally normalised [2]_.

    If not `novelty`, trimming leaves out the rows with the largest reconstruction
    error.

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
    >>> detector = ALAD(max_steps=100, random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
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
        return self._new_network(
            ALADNetwork, input_shape, generator, latent_cycle=self.latent_cycle
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
        # Of the real pairs, only this one depends on a network that is trained here.
        generator_steps.append(fake_loss(discriminators["xz"](X, code, generator)[0]))
        yield LossStep(module.generator, sum(generator_steps), exempt)


def _without_gradient(pair):
    """Detach the real and the generated parts of a pair."""
    return [[part.detach() for part in parts] for parts in pair]


class ALADNetwork(GANNetwork):
    """Encoder, generator and discriminators; see `GANNetwork`.

    `latent_cycle` adds the discriminator of pairs of codes.
    """

    def __init__(self, network, sizes, *, latent_cycle, generator, **shared):
        super().__init__(sizes, **shared)
        n_members, input_shape, latent_size = sizes
        # Channels come first in images and last in sequences.
        axis = 0 if len(input_shape) == 3 else len(input_shape) - 1
        self.channel_axis = 2 + axis
        two_rows = list(input_shape)
        two_rows[axis] *= 2
        self.generator = nn.ModuleDict(
            {
                "encoder": network.encoder(*sizes, generator=generator),
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

    def encode(self, X, generator=None):
        """Code of each row."""
        return self.generator["encoder"](X, generator)

    def decode(self, code, generator=None):
        """Row generated from each code."""
        return self.generator["decoder"](code, generator)

    def forward(self, X):
        """Reconstructions."""
        return self.decode(self.encode(X))

    def pair(self, X, Y):
        """Concatenate two rows along their channels."""
        return torch.cat([X, Y], dim=self.channel_axis)

    def difference(self, X, rebuilt):
        """Difference of discriminator features between (X, rebuilt) and (X, X)."""
        discriminator = self.discriminators["xx"]
        rebuilt_pair = discriminator(self.pair(X, rebuilt))[1]
        return rebuilt_pair - discriminator(self.pair(X, X))[1]

    def feature_blocks(self, X):
        """Differences of discriminator features, and residuals."""
        rebuilt = self(X)
        return [self.difference(X, rebuilt), (rebuilt - X).flatten(2)]

    def published_scores(self, X):
        """Sums of the absolute differences, (n_members, n_rows)."""
        return self.difference(X, self(X)).abs().sum(dim=2)
