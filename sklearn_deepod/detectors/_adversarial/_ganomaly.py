"""GANomaly: an adversarially trained autoencoder and a second encoder."""

from numbers import Real

from torch import nn

from sklearn_deepod._nn import (
    Discriminator,
    discriminator_losses,
    feature_matching_losses,
)
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._adversarial._base import BaseGAN, GANNetwork
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions


class GANomaly(BaseGAN):
    """Outlier detection by an encoder, a decoder and a second encoder (GANomaly).

    An autoencoder reconstructs each row, and a second encoder encodes the
    reconstruction. A discriminator keeps reconstructions close to real rows. A row is
    anomalous when the code of its reconstruction lies far from its own code.

    Read more in the :ref:`User Guide <ganomaly>`.

    Parameters
    ----------
    adversarial_weight : float, default=1.0
        Weight of the squared distance between the discriminator's features of a row and
        of its reconstruction.
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
    AutoEncoder : Not adversarial; faster to train and more accurate on tables.
    AnoGAN : Searches for the generated row closest to each row.
    ALAD : Couples a generator and an encoder by three discriminators.

    Notes
    -----
    With x a row, z its code, x' its reconstruction, z' the second encoder's code of x',
    and f the discriminator's last hidden layer, the two encoders and the decoder
    minimise ``w_adv mean (f(x) - f(x'))^2 + w_con mean |x - x'| + w_enc mean
    (z - z')^2`` [1]_; the score is ``mean |z - z'|``. The discriminator minimises the
    cross-entropy of real against reconstructed rows. Its layers are spectrally
    normalised [2]_, which [1]_ does not do. Errors are averaged, not summed, so that
    the weights need not depend on the size of a row.

    If not `novelty`, trimming leaves out the rows with the largest reconstruction
    error, in the discriminator's steps too.

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
        return self._new_network(GANomalyNetwork, input_shape, generator)

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
        # The discriminator has made its step: evaluate it anew.
        adversarial = feature_matching_losses(discriminator, X, rebuilt, generator)
        losses = losses + self.adversarial_weight * adversarial
        yield LossStep(module.generator, losses, exempt)

    def _generated(self, module, X, generator):
        return module(X)[1]


class GANomalyNetwork(GANNetwork):
    """Encoder, decoder, second encoder and discriminator; see `GANNetwork`."""

    def __init__(self, network, sizes, *, generator, **shared):
        super().__init__(sizes, **shared)
        n_members, input_shape, latent_size = sizes
        self.generator = nn.ModuleDict(
            {
                "encoder": network.encoder(*sizes, generator=generator),
                "decoder": network.decoder(
                    n_members, latent_size, input_shape, generator=generator
                ),
                "encoder_again": network.encoder(*sizes, generator=generator),
            }
        )
        self.discriminator = Discriminator(network, *sizes, generator)

    def forward(self, X, generator=None):
        """Code, reconstruction and the code of the reconstruction."""
        code = self.generator["encoder"](X, generator)
        rebuilt = self.generator["decoder"](code, generator)
        return code, rebuilt, self.generator["encoder_again"](rebuilt, generator)

    def feature_blocks(self, X):
        """Codes and residuals."""
        code, rebuilt, _ = self(X)
        return [code, (rebuilt - X).flatten(2)]

    def published_scores(self, X):
        """Mean absolute differences of the two codes, (n_members, n_rows)."""
        code, _, code_again = self(X)
        return (code_again - code).abs().mean(dim=2)
