"""Masked autoencoder with whitened scores."""

import math
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch.nn import functional as F

from sklearn_deepod.base import BaseDeepDetector
from sklearn_deepod.networks import (
    ACTIVATIONS,
    MaskedAutoencoder,
    split_missing,
    uniform_like,
)
from sklearn_deepod.scoring import fit_whitening

# Shrinkage of the covariance, as a share of its mean eigenvalue: little where all
# training rows are normal, much where outliers may be among them.
_RIDGE_CLEAN = 1e-3
_RIDGE_DIRTY = 0.1


class AutoEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseDeepDetector):
    """Outlier detection by an autoencoder that fills in masked cells.

    In training, random cells of each row are hidden and the network rebuilds the whole
    row from the others. A row is anomalous when its reconstruction error and its first
    hidden layer lie far from those of the training rows, measured by a Mahalanobis
    distance that knows how errors vary together.

    Images and sequences are taken too, as flat rows scaled by channel.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(64,)
        Units of the encoder's hidden layers.
    latent_size : int, default=64
        Units of the code.
    decoder_layer_sizes : tuple of int, default=()
        Units of the decoder's hidden layers; () makes it linear.
    activation : str, default="relu"
        Activation of hidden layers and code: "identity", "relu", "leaky_relu", "elu",
        "gelu", "silu", "tanh" or "logistic".
    dropout : float, default=0.0
        Share of units left out in training.
    mask_rate : float, default=0.7
        Each training row hides a share of its cells, drawn between 0 and this. Greater
        than 0, the network also reads which cells it sees. 0 gives a plain autoencoder.
    noise : float, default=0.0
        Standard deviation of Gaussian noise on the prepared inputs in training.
    score_function : str, default="whitened"
        "whitened" is the Mahalanobis distance of the first hidden layer and the
        residual together, "whitened_residual" that of the residual alone, and
        "squared_error" the mean squared residual.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    ModuleDetector : The same around a torch module of your own.
    sklearn.ensemble.IsolationForest : What this takes the place of.

    Notes
    -----
    Masked inputs follow the denoising autoencoder of [1]_. Each unit of the first layer
    starts out reading one to four inputs, with its hinge at a random training row. The
    covariance is shrunk towards the identity by a ridge of 0.001 (0.1 if not `novelty`)
    of its mean eigenvalue, and, in the first training on rows that may hold outliers,
    computed from the 60 % closest rows by the concentration steps of [2]_. Missing
    cells are hidden cells: they add nothing to the loss and the residual.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol (2008). Extracting and
       composing robust features with denoising autoencoders. ICML.
    .. [2] P. J. Rousseeuw, K. Van Driessen (1999). A fast algorithm for the minimum
       covariance determinant estimator. Technometrics 41(3), 212-223.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import AutoEncoder
    >>> X = load_iris().data
    >>> detector = AutoEncoder(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **BaseDeepDetector._parameter_constraints,
        "hidden_layer_sizes": ["array-like"],
        "latent_size": [Interval(Integral, 1, None, closed="left")],
        "decoder_layer_sizes": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "mask_rate": [Interval(Real, 0, 1, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "score_function": [
            StrOptions({"whitened", "whitened_residual", "squared_error"})
        ],
    }

    _accepts_missing = True

    def __init__(
        self,
        *,
        hidden_layer_sizes=(64,),
        latent_size=64,
        decoder_layer_sizes=(),
        activation="relu",
        dropout=0.0,
        mask_rate=0.7,
        noise=0.0,
        score_function="whitened",
        **shared,
    ):
        super().__init__(**shared)
        self.hidden_layer_sizes = hidden_layer_sizes
        self.latent_size = latent_size
        self.decoder_layer_sizes = decoder_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.mask_rate = mask_rate
        self.noise = noise
        self.score_function = score_function

    def transform(self, X):
        """Encode the rows: the codes of all members, side by side.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to encode.

        Returns
        -------
        ndarray of shape (n_samples, n_estimators * latent_size)
            The codes.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        return self._apply(X, lambda m, Z: m(Z)[1].transpose(0, 1).flatten(1))

    def reconstruct(self, X):
        """Rebuild the rows in the units of the features.

        Missing cells are filled in; the members' reconstructions are averaged.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to rebuild.

        Returns
        -------
        ndarray of the shape of `X`
            The reconstructions.

        Raises
        ------
        AttributeError
            If `preprocessor` is a transformer without ``inverse_transform``.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        if self.preprocessor_ is not None and not hasattr(
            self.preprocessor_, "inverse_transform"
        ):
            raise AttributeError(
                f"{type(self.preprocessor_).__name__} has no inverse_transform, so the "
                "reconstruction has no way back to the features' units."
            )
        rebuilt = self._apply(X, lambda m, Z: m(Z)[2].mean(dim=0))
        rebuilt = rebuilt.reshape(-1, *self._input_shape)
        if self.preprocessor_ is None:
            return rebuilt
        return self.preprocessor_.inverse_transform(rebuilt)

    @property
    def _n_features_out(self):
        return self.n_estimators * self.latent_size

    def _sizes(self, name):
        sizes = tuple(getattr(self, name))
        if not all(isinstance(size, Integral) and size > 0 for size in sizes):
            raise ValueError(f"{name} must hold positive integers, got {sizes}.")
        return sizes

    def _build_module(self, input_shape, generator):
        return MaskedAutoencoder(
            self.n_estimators,
            math.prod(input_shape),
            self._sizes("hidden_layer_sizes"),
            self.latent_size,
            self._sizes("decoder_layer_sizes"),
            self.activation,
            self.dropout,
            self.mask_rate > 0,
            self.score_function == "whitened",
            generator,
        )

    def _initialize(self, module, X, generator):
        if self.activation != "identity":
            module.read_few_inputs(torch.nan_to_num(X.flatten(1)).cpu(), generator)

    def _losses(self, module, X, generator):
        target, present = split_missing(X.flatten(2))
        inputs, seen = target, present
        if module.training and self.noise:
            noise = torch.randn(target.shape, generator=generator).to(X.device)
            inputs = inputs + self.noise * noise
        if module.training and self.mask_rate:
            rate = self.mask_rate * uniform_like(target[:, :, :1], generator)
            shown = (uniform_like(target, generator) >= rate).to(X.dtype)
            seen = shown if seen is None else shown * seen
        _, _, rebuilt = module.encode_decode(inputs, seen, generator)
        if present is not None:
            rebuilt = rebuilt * present
        yield module, F.mse_loss(rebuilt, target, reduction="none").mean(dim=2)

    def _scores(self, module, X):
        features = module.features(X)
        if self.score_function == "squared_error":
            return features.square().mean(dim=2)
        return module.distances(features)

    def _calibrate(self, module, X, sample_weight, keep):
        if self.score_function == "squared_error":
            return
        features = module.features(self._for_members(X)).cpu().numpy()
        n_residuals = module.n_inputs
        sizes = np.array([features.shape[2] - n_residuals, n_residuals])
        scale = np.concatenate(
            [
                np.full(k, _root_mean_square(block))
                for k, block in zip(
                    sizes, np.split(features, sizes[:1], axis=2), strict=True
                )
            ]
        ).astype(np.float32)
        ridge = _RIDGE_CLEAN if self.novelty else _RIDGE_DIRTY
        mean, matrix = fit_whitening(
            features / scale, sample_weight, ridge=ridge, keep=keep
        )
        # The blocks' scales are folded in, so that scoring is one product.
        module.set_whitening(mean * scale, matrix / scale[:, None])


def _root_mean_square(block):
    mean = np.square(block, dtype=np.float64).mean() if block.size else 1.0
    return max(np.sqrt(mean), 1e-9)
