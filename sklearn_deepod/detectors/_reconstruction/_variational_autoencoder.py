"""Variational autoencoder."""

from numbers import Integral, Real

import torch

from sklearn_deepod._nn import (
    DenseVariationalNetwork,
    VariationalNetwork,
    split_missing,
)
from sklearn_deepod._nn._variational import BOUNDS
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._reconstruction._autoencoder import (
    SCORE_FUNCTIONS,
    AutoEncoder,
)
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions


class VariationalAutoEncoder(AutoEncoder):
    """Outlier detection by a variational autoencoder.

    The encoder predicts a normal distribution of codes, a code is drawn from it, and
    the decoder predicts the distribution of the row. Training maximises the evidence
    lower bound: rows should be likely given their codes, and codes close to a standard
    normal distribution.

    Read more in the :ref:`User Guide <variational-autoencoder>`.

    Parameters
    ----------
    likelihood : {"gaussian", "bernoulli"}, default="gaussian"
        Distribution of a cell given the code. "bernoulli" is for values in [0, 1], such
        as pixels: use ``preprocessor=MinMaxScaler()``, or None if they already are.
    variance : {"feature", "shared"}, default="feature"
        Whether each cell has its own variance in the Gaussian likelihood or all cells
        share one. Variances are estimated by maximum likelihood.
    beta : float, default=1.0
        Weight of the divergence from the prior.
    beta_warm_up : int, default=50
        Number of steps over which the weight rises from 0 to `beta`, so that codes
        become informative before they are regularised.
    n_samples : int, default=8
        Number of codes drawn for each row by "negative_elbo" and
        "reconstruction_probability"; 0 uses the mean code. The draws are made in `fit`
        and kept, so that a row has the same score in each call.
    score_function : str, default="auto"
        "negative_elbo" is the negative evidence lower bound,
        "reconstruction_probability" the negative expected log-likelihood of [2]_.
        "auto", "whitened", "whitened_residual", "squared_error", "relative_error" and
        "multiscale_error" are those of `AutoEncoder`, at the mean code.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    AutoEncoder : Has no distribution of codes.

    Notes
    -----
    With x the row, z its code and q the encoder's distribution, the bound of [1]_ is
    ``E_q log p(x | z) - beta KL(q(z | x) || N(0, 1))``. If `mask_rate` or `noise` is
    above 0, the encoder reads the corrupted row, and the bound is the denoising one of
    [3]_. With a shared variance, a linear decoder and a linear encoder, the model is
    probabilistic principal component analysis.

    References
    ----------
    .. [1] D. P. Kingma, M. Welling (2014). Auto-encoding variational Bayes. ICLR.
    .. [2] J. An, S. Cho (2015). Variational autoencoder based anomaly detection using
       reconstruction probability. Special lecture on IE, SNU data mining center.
    .. [3] D. J. Im, S. Ahn, R. Memisevic, Y. Bengio (2017). Denoising criterion for
       variational auto-encoding framework. AAAI.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import VariationalAutoEncoder
    >>> X = load_iris().data
    >>> detector = VariationalAutoEncoder(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **AutoEncoder._parameter_constraints,
        "likelihood": [StrOptions({"gaussian", "bernoulli"})],
        "variance": [StrOptions({"feature", "shared"})],
        "beta": [Interval(Real, 0, None, closed="left")],
        "beta_warm_up": [Interval(Integral, 0, None, closed="left")],
        "n_samples": [Interval(Integral, 0, None, closed="left")],
        "score_function": [StrOptions({"auto", *SCORE_FUNCTIONS, *BOUNDS})],
    }

    _module_class, _dense_class = VariationalNetwork, DenseVariationalNetwork

    def __init__(
        self,
        *,
        likelihood="gaussian",
        variance="feature",
        beta=1.0,
        beta_warm_up=50,
        n_samples=8,
        latent_size=16,
        score_function="auto",
        **shared,
    ):
        super().__init__(
            latent_size=latent_size, score_function=score_function, **shared
        )
        self.likelihood = likelihood
        self.variance = variance
        self.beta = beta
        self.beta_warm_up = beta_warm_up
        self.n_samples = n_samples

    def _module_settings(self):
        return {
            "likelihood": self.likelihood,
            "variance": self.variance,
            "n_samples": self.n_samples,
            "beta": self.beta,
        }

    def _initialize(self, module, X, generator):
        super()._initialize(module, X, generator)
        if self.likelihood == "bernoulli":
            values = X[~torch.isnan(X)]
            if values.min() < -1e-6 or values.max() > 1 + 1e-6:
                raise ValueError(
                    "likelihood='bernoulli' needs values in [0, 1], but prepared rows "
                    f"reach from {values.min():.3g} to {values.max():.3g}. Set "
                    "preprocessor=MinMaxScaler(), or likelihood='gaussian'."
                )

    def _losses(self, module, X, generator, labels=None):
        target, present = split_missing(module.read(X))
        inputs, seen = self._corrupted(module, target, present, generator)
        beta = self.beta
        if module.training and self.beta_warm_up:
            beta = beta * min(1.0, module.n_steps.item() / self.beta_warm_up)
        losses = module.training_losses(inputs, seen, target, present, beta, generator)
        yield LossStep(module, losses)
        if module.training:
            module.n_steps += 1

    def _fit_score_statistics(self, module, X, sample_weight, support_fraction):
        super()._fit_score_statistics(module, X, sample_weight, support_fraction)
        if self.likelihood == "gaussian":
            module.fit_variance(module.read(X), sample_weight)
