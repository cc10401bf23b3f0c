"""Masked autoencoder with whitened scores."""

from numbers import Real

import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch.nn import functional as F

from sklearn_deepod._nn import (
    DenseMaskedAutoencoder,
    MaskedAutoencoder,
    normal_like,
    read_few_inputs,
    split_missing,
    uniform_like,
)
from sklearn_deepod._training import LossStep
from sklearn_deepod.base._network import BaseNetworkDetector
from sklearn_deepod.networks import Dense
from sklearn_deepod.preprocessing._preprocess import check_restores, restore
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

SCORE_FUNCTIONS = (
    "whitened",
    "whitened_residual",
    "squared_error",
    "relative_error",
    "multiscale_error",
)


class AutoEncoder(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseNetworkDetector
):
    """Outlier detection by an autoencoder that is trained on masked rows.

    In training, random cells of each row are masked, and the network reconstructs the
    whole row from the others. A row is anomalous when its reconstruction error and its
    first hidden layer lie far from those of the training rows, by a Mahalanobis
    distance, which takes into account how these vary together. An image is anomalous
    when its reconstruction error is large, for single pixels or smoothed.

    With the default `network`, images and sequences are flattened, after each channel
    has been scaled.

    Read more in the :ref:`User Guide <autoencoder>`.

    Parameters
    ----------
    decoder_layer_sizes : tuple of int, default=()
        Units of the decoder's hidden layers if ``network="dense"``; () makes the
        decoder linear.
    mask_rate : float, default=0.7
        Maximum share of masked cells, in [0, 1). In each training row, a share drawn
        between 0 and this is masked. If it is above 0, the network also reads which
        cells are masked; 0 gives a plain autoencoder.
    noise : float, default=0.0
        Standard deviation of the Gaussian noise added to the preprocessed inputs in
        training.
    score_function : str, default="auto"
        "whitened" is the Mahalanobis distance of the first hidden layer (the rectified
        code if `network` is not dense) and the residual together, "whitened_residual"
        that of the residual alone, "squared_error" the mean squared residual, and
        "relative_error" the same divided by the root mean square of the row.
        "multiscale_error", for images, is the larger of the mean squares of the
        residual and of the smoothed residual, each divided by its median over the
        training rows, and then by the root mean square of the image. "auto" means
        "multiscale_error" for images and "whitened" for all other rows.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    DeepOutlierDetector : Combines such networks with other scores.
    ModuleDetector : Any torch module, with a custom loss and score.
    sklearn.ensemble.IsolationForest : Has the same interface.

    Notes
    -----
    Masking follows the denoising autoencoder of [1]_. Each unit of the first layer
    initially reads one to four inputs and has its kink at a random training row. The
    covariance is shrunk towards the identity, by 0.001 times its mean eigenvalue (0.1
    times if not `novelty`). If not `novelty`, the first training computes it from the
    60 % closest rows, which the concentration steps of [2]_ find. Missing cells are
    treated as masked: they do not contribute to the loss or the residual.

    In a table of more than 300 columns, if the score is whitened, each member reads 64
    columns drawn at random, and the whole row enters each member's distance by a
    covariance of low rank. The cost then grows linearly with the number of columns.

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
        **BaseNetworkDetector._parameter_constraints,
        "decoder_layer_sizes": ["array-like"],
        "mask_rate": [Interval(Real, 0, 1, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "score_function": [StrOptions({"auto", *SCORE_FUNCTIONS})],
    }

    _accepts_missing = True
    _dense_parameters = (*BaseNetworkDetector._dense_parameters, "decoder_layer_sizes")
    _module_class, _dense_class = MaskedAutoencoder, DenseMaskedAutoencoder

    def __init__(
        self,
        *,
        decoder_layer_sizes=(),
        mask_rate=0.7,
        noise=0.0,
        score_function="auto",
        **shared,
    ):
        super().__init__(**shared)
        self.decoder_layer_sizes = decoder_layer_sizes
        self.mask_rate = mask_rate
        self.noise = noise
        self.score_function = score_function

    def transform(self, X):
        """Encode the rows; the codes of all members are concatenated.

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
        return self._apply(X, lambda m, Z: m(m.read(Z))[1].transpose(0, 1).flatten(1))

    def reconstruct(self, X):
        """Reconstruct the rows in the units of the features.

        Missing cells are imputed; the members' reconstructions are averaged.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to reconstruct.

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
        check_restores(self.preprocessor_)
        rebuilt = self._apply(X, lambda m, Z: m.rebuild(Z).mean(dim=0))
        return restore(self.preprocessor_, rebuilt, self._row_shape)

    @property
    def _n_features_out(self):
        return self._n_members * self._module.latent_size

    def _module_settings(self):
        """Arguments of the module class beyond those of every autoencoder."""
        return {}

    def _build_module(self, input_shape, generator):
        score_function = self.score_function
        if score_function == "auto":
            is_image = len(self._shape_read) == 3
            score_function = "multiscale_error" if is_image else "whitened"
        if score_function == "multiscale_error" and len(input_shape) != 3:
            raise ValueError(
                "score_function='multiscale_error' smooths images, but the rows that "
                f"the network reads have shape {tuple(input_shape)}. Give images of "
                "shape (channels, height, width) or use score_function='auto'."
            )
        spec = self._spec()
        kind = self._dense_class if isinstance(spec, Dense) else self._module_class
        return kind(
            spec,
            n_members=self.n_estimators,
            input_shape=input_shape,
            latent_size=self.latent_size,
            reads_mask=self.mask_rate > 0,
            score_function=score_function,
            generator=generator,
            **self._module_settings(),
        )

    def _initialize(self, module, X, generator):
        if isinstance(module, DenseMaskedAutoencoder) and not module.is_linear:
            X = torch.nan_to_num(X[0]).flatten(1).expand(len(X), -1, -1)
            read_few_inputs(module.encoder.layers[0], module.read(X).cpu(), generator)

    def _losses(self, module, X, generator, labels=None):
        target, present = split_missing(module.read(X))
        inputs, seen = self._corrupted(module, target, present, generator)
        _, _, rebuilt = module.encode_decode(inputs, seen, generator)
        if present is not None:
            rebuilt = rebuilt * present
        errors = F.mse_loss(rebuilt, target, reduction="none")
        yield LossStep(
            module, (errors if errors.ndim == 3 else errors.flatten(2)).mean(dim=2)
        )

    def _corrupted(self, module, target, present, generator):
        """Add noise to the inputs and mask cells, in training."""
        inputs, seen = target, present
        if module.training and self.noise:
            inputs = inputs + self.noise * normal_like(target, generator)
        if module.training and self.mask_rate:
            shape = target.shape[:2]
            rate = self.mask_rate * torch.rand(shape, generator=generator)
            rate = rate.view(*shape, *[1] * (target.ndim - 2)).to(target.device)
            shown = (uniform_like(target, generator) >= rate).to(target.dtype)
            seen = shown if seen is None else shown * seen
        return inputs, seen

    def _fit_score_statistics(self, module, X, sample_weight, support_fraction):
        if module.multiscale_error is not None:
            module.multiscale_error.fit(module.features(X), sample_weight)
        if module.whitening is not None:
            module.fit_whitening(
                X,
                sample_weight,
                shrinkage=self._shrinkage,
                support_fraction=support_fraction,
            )
