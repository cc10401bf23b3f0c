"""GANomaly: a second encoder after an adversarially trained autoencoder."""

import math
from numbers import Real

import torch
from torch import nn

from sklearn_deepod._nn import Discriminator, discriminator_losses
from sklearn_deepod._stats import make_whitening
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._adversarial._base import BaseGAN
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions


class GANomaly(BaseGAN):
    """Outlier detection by an encoder, a decoder and a second encoder (GANomaly).

    An autoencoder rebuilds each row, and a second encoder reads what was rebuilt. A
    discriminator keeps rebuilt rows close to real ones. A row is anomalous when the
    code of what was rebuilt lies far from its own code.

    Read more in the :ref:`User Guide <ganomaly>`.

    Parameters
    ----------
    adversarial_weight : float, default=1.0
        Weight of the distance between the discriminator's features of a row and of
        what was rebuilt.
    contextual_weight : float, default=50.0
        Weight of the mean absolute residual.
    encoder_weight : float, default=1.0
        Weight of the squared distance between the two codes.
    score_function : {"latent", "whitened"}, default="latent"
        "latent" is the published score, the mean absolute difference of the two codes.
        "whitened" is the Mahalanobis distance of the code and the residual together.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    AutoEncoder : Without adversary; trains faster and is more accurate on tables.
    AnoGAN : Searches for the closest row that a generator can make.
    ALAD : Generator and encoder that three discriminators hold together.

    Notes
    -----
    With x the row, z its code, x' what the decoder makes of it, z' the second
    encoder's code of x', and f the discriminator's last hidden layer, the two encoders
    and the decoder minimise ``w_adv mean (f(x) - f(x'))^2 + w_con mean |x - x'| +
    w_enc mean (z - z')^2`` of [1]_; the score is ``mean |z - z'|``. The discriminator
    minimises the cross-entropy of real against rebuilt rows. Its layers are spectrally
    normalised [2]_, which is not in [1]_. Means are taken, not sums, so that weights
    need not follow the size of a row.

    If not `novelty`, trimming leaves out the rows that are rebuilt worst, in the
    discriminator's steps too.

    References
    ----------
    .. [1] S. Akcay, A. Atapour-Abarghouei, T. P. Breckon (2018). GANomaly:
       semi-supervised anomaly detection via adversarial training. ACCV.
    .. [2] T. Miyato, T. Kataoka, M. Koyama, Y. Yoshida (2018). Spectral normalization
       for generative adversarial networks. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import GANomaly
    >>> X = load_iris().data
    >>> detector = GANomaly(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **BaseGAN._parameter_constraints,
        "adversarial_weight": [Interval(Real, 0, None, closed="left")],
        "contextual_weight": [Interval(Real, 0, None, closed="left")],
        "encoder_weight": [Interval(Real, 0, None, closed="left")],
        "score_function": [StrOptions({"latent", "whitened"})],
    }

    def __init__(
        self,
        *,
        adversarial_weight=1.0,
        contextual_weight=50.0,
        encoder_weight=1.0,
        score_function="latent",
        **shared,
    ):
        super().__init__(**shared)
        self.adversarial_weight = adversarial_weight
        self.contextual_weight = contextual_weight
        self.encoder_weight = encoder_weight
        self.score_function = score_function

    def _build_module(self, input_shape, generator):
        return GANomalyNetwork(
            self._spec(),
            self.n_estimators,
            input_shape,
            self.latent_size,
            self.score_function == "whitened",
            generator,
        )

    def _losses(self, module, X, generator, labels=None):
        code, rebuilt, code_again = module(X, generator)
        contextual = (rebuilt - X).abs().flatten(2).mean(dim=2)
        between_codes = (code_again - code).square().mean(dim=2)
        losses = (
            self.contextual_weight * contextual + self.encoder_weight * between_codes
        )
        if not module.training:
            yield LossStep(module, losses)
            return
        exempt = self._exempt_from_trimming(contextual)
        discriminator = module.discriminator
        losses_of_discriminator = discriminator_losses(
            discriminator, (X,), (rebuilt.detach(),), generator
        )
        yield LossStep(discriminator, losses_of_discriminator, exempt)
        # Once more, by the discriminator as it is after its step.
        _, features = discriminator(torch.cat([X, rebuilt], dim=1), generator=generator)
        real, fake = features.chunk(2, dim=1)
        adversarial = (fake - real).square().mean(dim=2)
        losses = losses + self.adversarial_weight * adversarial
        yield LossStep(module.generator, losses, exempt)

    def _generated(self, module, X, generator):
        return module(X)[1]


class GANomalyNetwork(nn.Module):
    """The networks of GANomaly.

    Parameters
    ----------
    network : BaseNetwork
        The spec of encoders, decoder and discriminator.
    n_members : int
        Number of members.
    input_shape : tuple of int
        Shape of a row.
    latent_size : int
        Units of the code and of the discriminator's last hidden layer.
    whitens : bool
        Whether there is a `whitening` of code and residual.
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(
        self, network, n_members, input_shape, latent_size, whitens, generator
    ):
        super().__init__()
        self.latent_size = latent_size
        shapes = n_members, input_shape, latent_size
        self.generator = nn.ModuleDict(
            {
                "encoder": network.encoder(*shapes, generator=generator),
                "decoder": network.decoder(
                    n_members, latent_size, input_shape, generator=generator
                ),
                "encoder_again": network.encoder(*shapes, generator=generator),
            }
        )
        self.discriminator = Discriminator(network, *shapes, generator)
        self.whitening = None
        if whitens:
            self.whitening = make_whitening(
                n_members, latent_size + math.prod(input_shape)
            )

    def forward(self, X, generator=None):
        """Code, rebuilt row and the code of the rebuilt row."""
        code = self.generator["encoder"](X, generator)
        rebuilt = self.generator["decoder"](code, generator)
        return code, rebuilt, self.generator["encoder_again"](rebuilt, generator)

    def feature_blocks(self, X):
        """Codes and residuals."""
        code, rebuilt, _ = self(X)
        return [code, (rebuilt - X).flatten(2)]

    def anomaly_scores(self, X):
        """Whitened distances or differences of the codes, (n_members, n_rows)."""
        if self.whitening is not None:
            return self.whitening(torch.cat(self.feature_blocks(X), dim=2))
        code, _, code_again = self(X)
        return (code_again - code).abs().mean(dim=2)
