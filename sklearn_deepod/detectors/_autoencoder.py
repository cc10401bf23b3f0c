"""Masked autoencoder with whitened scores."""

import math
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn import functional as F

from sklearn_deepod.base import BaseDeepDetector
from sklearn_deepod.networks import ACTIVATIONS, DenseStack, uniform_like
from sklearn_deepod.scoring import fit_whitening

# Shrinkage of the covariance, as a share of its mean eigenvalue: little where all
# training rows are normal, much where outliers may be among them.
_RIDGE_CLEAN = 1e-3
_RIDGE_DIRTY = 0.1
_MOST_INPUTS = 4


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
    novelty : bool, default=False
        Whether all training rows are known to be normal. False trains once with the
        highest losses of each batch left out, drops the 30 % of the rows that score
        highest, and trains again on the others. Which of the two is right cannot be
        told from the data.
    contamination : "auto" or float, default="auto"
        Where `predict` cuts. "auto" takes Kimber's boxplot fence for skewed data on the
        training scores (see `sklearn_deepod.scoring.kimber_cutoff`). A float in
        (0, 0.5] marks that share of the training rows.
    n_estimators : int, default=4
        Number of members, trained together; the score is the mean of theirs.
    bootstrap : bool, default=False
        Whether each member is trained on its own bootstrap sample of the rows.
    preprocessor : "auto", None or transformer, default="auto"
        How features are prepared; fitted in `fit` and kept. "auto" takes
        `sklearn_deepod.preparation.SquashScaler`; None takes the values as they are; a
        scikit-learn transformer is cloned.
    max_epochs : int or None, default=None
        Upper bound on the epochs of a training; an epoch is as many steps as batches
        hold the summed weights. None sets no bound.
    max_steps : int or None, default=150
        Upper bound on the optimizer steps of a training, which keeps its cost
        independent of the number of rows. None sets no bound.
    batch_size : int, default=64
        Rows of each member's batch, drawn with replacement by weight.
    lr : float, default=3e-3
        Learning rate at its highest.
    lr_schedule : {"cosine", "constant"}, default="cosine"
        "cosine" warms up over 30 steps and falls to 2 % of `lr`; "constant" leaves the
        rate to `lr` and to skorch's LRScheduler among `callbacks`.
    optimizer : {"adam", "adamw", "sgd"} or optimizer class, default="adamw"
        The optimizer.
    weight_decay : float, default=0.01
        Weight decay of the optimizer.
    early_stopping : bool, default=False
        Whether to hold rows out and to stop when their loss no longer improves; the
        best weights are kept.
    validation_fraction : float, default=0.1
        Share of the rows held out if `early_stopping`.
    n_iter_no_change : int, default=10
        Epochs without an improvement before an early stop.
    tol : float, default=1e-4
        Smallest decrease of the held-out loss that counts as an improvement.
    warm_start : bool, default=False
        Whether `fit` goes on from the network of the last fit.
    device : str, default="auto"
        Torch device; "auto" takes CUDA, then MPS, then the CPU.
    precision : {"float32", "bfloat16"}, default="float32"
        "bfloat16" runs the network under autocast, on an accelerator only.
    callbacks : list of skorch.callbacks.Callback or None, default=None
        Called during training as skorch does.
    verbose : int, default=0
        1 shows a progress bar.
    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, batches and noise. Global random states are neither
        read nor written.

    Attributes
    ----------
    offset_ : float
        ``decision_function`` is ``score_samples`` minus this.
    net_ : skorch.NeuralNet
        The trained net; its `module_` holds all members.
    preprocessor_ : transformer or None
        The fitted preparation.
    history_ : list of dict
        Losses of each epoch of the last training.
    n_iter_ : int
        Epochs of the last training.
    n_steps_ : int
        Optimizer steps of the last training.
    device_ : str
        The device used.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, where the training rows had some.

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
        novelty=False,
        contamination="auto",
        n_estimators=4,
        bootstrap=False,
        preprocessor="auto",
        max_epochs=None,
        max_steps=150,
        batch_size=64,
        lr=3e-3,
        lr_schedule="cosine",
        optimizer="adamw",
        weight_decay=0.01,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        warm_start=False,
        device="auto",
        precision="float32",
        callbacks=None,
        verbose=0,
        random_state=None,
    ):
        super().__init__(
            novelty=novelty,
            contamination=contamination,
            n_estimators=n_estimators,
            bootstrap=bootstrap,
            preprocessor=preprocessor,
            max_epochs=max_epochs,
            max_steps=max_steps,
            batch_size=batch_size,
            lr=lr,
            lr_schedule=lr_schedule,
            optimizer=optimizer,
            weight_decay=weight_decay,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            warm_start=warm_start,
            device=device,
            precision=precision,
            callbacks=callbacks,
            verbose=verbose,
            random_state=random_state,
        )
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
        return _MaskedAutoencoder(
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
        target, present = _split_missing(X.flatten(2))
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


def _split_missing(X):
    """Values with 0 in missing cells, and ones where cells are present (or None)."""
    # A sum is NaN where a cell is, and much quicker to look at.
    if not torch.isnan(X.sum()):
        return X, None
    return torch.nan_to_num(X), (~torch.isnan(X)).to(X.dtype)


class _MaskedAutoencoder(nn.Module):
    """Dense autoencoders that read values and, optionally, which of them are seen."""

    def __init__(
        self,
        n_members,
        n_inputs,
        hidden_layer_sizes,
        latent_size,
        decoder_layer_sizes,
        activation,
        dropout,
        reads_mask,
        hidden_in_features,
        generator,
    ):
        super().__init__()
        self.n_inputs = n_inputs
        self.reads_mask = reads_mask
        self.hidden_in_features = hidden_in_features
        encoder = (n_inputs * (1 + reads_mask), *hidden_layer_sizes, latent_size)
        decoder = (latent_size, *decoder_layer_sizes, n_inputs)
        self.encoder = DenseStack(n_members, encoder, activation, dropout, generator)
        self.decoder = DenseStack(
            n_members, decoder, activation, dropout, generator, activate_last=False
        )
        n_features = n_inputs + encoder[1] * hidden_in_features
        self.register_buffer("shift", torch.zeros(n_members, 1, n_features))
        self.register_buffer("matrix", torch.zeros(n_members, n_features, n_features))

    def read_few_inputs(self, X, generator):
        """Let each first unit read few inputs and bend at a random training row."""
        first = self.encoder.layers[0]
        n_members, _, n_units = first.weight.shape
        most = min(_MOST_INPUTS, self.n_inputs)
        shape = (n_members, n_units)
        count = torch.randint(1, most + 1, (*shape, 1), generator=generator)
        # The positions of the smallest of random numbers are a random subset.
        order = torch.rand(*shape, self.n_inputs, generator=generator)
        inputs = order.topk(most, dim=2, largest=False).indices
        weight = torch.randn(*shape, most, generator=generator)
        weight = weight * (torch.arange(most) < count)
        weight = weight / weight.norm(dim=2, keepdim=True).clamp_min(1e-6)
        row = torch.randint(len(X), (*shape, 1), generator=generator)
        bias = -(weight * X[row, inputs]).sum(dim=2)
        dense = torch.zeros(*shape, first.weight.shape[1]).scatter_(2, inputs, weight)
        with torch.no_grad():
            first.weight.copy_(dense.transpose(1, 2))
            first.bias.copy_(bias.unsqueeze(1))

    def set_whitening(self, mean, matrix):
        """Store what `distances` needs."""
        self.shift.copy_(torch.from_numpy(-mean[:, None] @ matrix))
        self.matrix.copy_(torch.from_numpy(matrix))

    def encode_decode(self, X, seen, generator=None):
        """First hidden layer, code and reconstruction; `seen` None means all cells."""
        first = self.encoder.layers[0]
        if not self.reads_mask:
            h = first(X if seen is None else X * seen)
        elif self.training:
            seen = torch.ones_like(X) if seen is None else seen
            h = first(torch.cat([X * seen, seen], dim=2))
        else:
            # Cells seen are the rule: their part of the weights belongs to the bias.
            values, mask = first.weight.split(self.n_inputs, dim=1)
            bias = first.bias + mask.sum(dim=1, keepdim=True)
            h = torch.baddbmm(bias, X, values)
            if seen is not None:
                # Subtracts exactly 0 from a row that misses nothing.
                h = h - (1 - seen) @ mask
        hidden = self.encoder.after(h, 0, generator)
        code = self.encoder(hidden, generator, start=1)
        return hidden, code, self.decoder(code, generator)

    def forward(self, X):
        """First hidden layer, code and reconstruction of rows that may miss cells."""
        X = X.flatten(2)
        return self.encode_decode(*_split_missing(X))

    def features(self, X):
        """What is whitened: first hidden layer, if asked for, and residual."""
        hidden, _, rebuilt = self(X)
        X = X.flatten(2)
        # Missing cells only: a network that diverged must not score as perfect.
        residual = (rebuilt - X).masked_fill_(torch.isnan(X), 0.0)
        if not self.hidden_in_features:
            return residual
        return torch.cat([hidden, residual], dim=2)

    def distances(self, features):
        """Mahalanobis distance of each row's features."""
        white = torch.baddbmm(self.shift, features, self.matrix)
        return torch.linalg.vector_norm(white, dim=2)
