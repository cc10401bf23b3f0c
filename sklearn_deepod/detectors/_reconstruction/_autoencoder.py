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
    """Outlier detection by an autoencoder that fills in masked cells.

    In training, random cells of each row are hidden and the network rebuilds the whole
    row from the others. A row is anomalous when its reconstruction error and its first
    hidden layer lie far from those of the training rows, measured by a Mahalanobis
    distance that knows how errors vary together. An image is anomalous when its
    reconstruction error is large, pixel by pixel or smoothed.

    Images and sequences are taken too, as flat rows scaled by channel.

    Read more in the :ref:`User Guide <autoencoder>`.

    Parameters
    ----------
    decoder_layer_sizes : tuple of int, default=()
        Units of the decoder's hidden layers, for ``network="dense"``; () makes it
        linear.
    mask_rate : float, default=0.7
        Each training row hides a share of its cells, drawn between 0 and this. Greater
        than 0, the network also reads which cells it sees. 0 gives a plain autoencoder.
    noise : float, default=0.0
        Standard deviation of Gaussian noise on the prepared inputs in training.
    score_function : str, default="auto"
        "whitened" is the Mahalanobis distance of the first hidden layer (the rectified
        code, where `network` is not dense) and the residual together,
        "whitened_residual" that of the residual alone, "squared_error" the mean squared
        residual, and "relative_error" the same over the root mean square of the row.
        "multiscale_error", for images, takes the larger of the mean squares of the
        residual and of the smoothed residual, each in units of its training median,
        over the root mean square of the image. "auto" takes "multiscale_error" for
        images, "whitened" for all other rows.
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
    covariance is shrunk towards the identity by a share of 0.001 (0.1 if not `novelty`)
    of its mean eigenvalue, and, in the first training on rows that may hold outliers,
    computed from the 60 % closest rows by the concentration steps of [2]_. Missing
    cells are hidden cells: they add nothing to the loss and the residual.

    Of a table of more than 300 columns each member reads 64, drawn at random, where the
    score is whitened, and the distance of the whole row under a covariance of low rank
    is added to each member's. The cost then grows linearly with the columns.

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
        return self._apply(X, lambda m, Z: m(m.read(Z))[1].transpose(0, 1).flatten(1))

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
        check_restores(self.preprocessor_)
        rebuilt = self._apply(X, lambda m, Z: m.rebuild(Z).mean(dim=0))
        return restore(self.preprocessor_, rebuilt, self._row_shape)

    @property
    def _n_features_out(self):
        return self._n_members * self._module.latent_size

    def _module_settings(self):
        """What the module class takes beside the arguments of every autoencoder."""
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
        """Noisy inputs and the cells that are shown, in training."""
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
