# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.base import TransformerMixin
from sklearn.callback import CallbackSupportMixin
from sklearn_deepod.base import BaseDeepDetector
from sklearn_deepod.base import BaseDetector
from sklearn_deepod.base import BaseTorchDetector

class ALAD(BaseDeepDetector):
    latent_cycle: bool
    score_function: Literal['features', 'whitened']
    discriminator_lr: float | None
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    network: Any
    hidden_layer_sizes: Any
    latent_size: int
    dropout: float
    def __init__(
        self,
        *,
        latent_cycle: bool = True,
        score_function: Literal['features', 'whitened'] = 'features',
        discriminator_lr: float | None = 0.002,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'leaky_relu',
        max_steps: int | None = 300,
        network: Any = 'dense',
        hidden_layer_sizes: Any = ...,
        latent_size: int = 64,
        dropout: float = 0.0,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        n_estimators: int = 4,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        batch_size: int = 64,
        lr: float = 0.003,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def sample(self, n_samples: int = 1, random_state: RandomState | int | None = None) -> NDArray[Any]: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class AnoGAN(BaseDeepDetector):
    discrimination_weight: float
    n_search_steps: int
    search_lr: float
    score_function: Literal['distance', 'whitened']
    latent_size: int
    discriminator_lr: float | None
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    network: Any
    hidden_layer_sizes: Any
    dropout: float
    def __init__(
        self,
        *,
        discrimination_weight: float = 0.1,
        n_search_steps: int = 10,
        search_lr: float = 0.05,
        score_function: Literal['distance', 'whitened'] = 'distance',
        latent_size: int = 8,
        discriminator_lr: float | None = None,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'leaky_relu',
        max_steps: int | None = 300,
        network: Any = 'dense',
        hidden_layer_sizes: Any = ...,
        dropout: float = 0.0,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        n_estimators: int = 4,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        batch_size: int = 64,
        lr: float = 0.003,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def sample(self, n_samples: int = 1, random_state: RandomState | int | None = None) -> NDArray[Any]: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class AutoEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseDeepDetector):
    decoder_layer_sizes: Any
    mask_rate: float
    noise: float
    score_function: Literal['auto', 'multiscale_error', 'relative_error', 'squared_error', 'whitened', 'whitened_residual']
    network: Any
    hidden_layer_sizes: Any
    latent_size: int
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    dropout: float
    def __init__(
        self,
        *,
        decoder_layer_sizes: Any = ...,
        mask_rate: float = 0.7,
        noise: float = 0.0,
        score_function: Literal['auto', 'multiscale_error', 'relative_error', 'squared_error', 'whitened', 'whitened_residual'] = 'auto',
        network: Any = 'dense',
        hidden_layer_sizes: Any = ...,
        latent_size: int = 64,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'relu',
        dropout: float = 0.0,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        n_estimators: int = 4,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        max_steps: int | None = 150,
        batch_size: int = 64,
        lr: float = 0.003,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def reconstruct(self, X: Any) -> NDArray[Any]: ...
    def transform(self, X: Any) -> NDArray[Any]: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class ContractionMatching(BaseDeepDetector):
    n_frequencies: int
    hidden_layer_sizes: Any
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    dropout: float
    def __init__(
        self,
        *,
        n_frequencies: int = 64,
        hidden_layer_sizes: Any = ...,
        max_steps: int | None = 300,
        lr: float = 0.005,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'relu',
        dropout: float = 0.0,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        n_estimators: int = 4,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        batch_size: int = 64,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class DecomposedRepresentation(BaseDeepDetector):
    n_basis_vectors: int
    latent_size: int
    separation_weight: float
    alignment_weight: float
    hidden_layer_sizes: Any
    def __init__(
        self,
        *,
        n_basis_vectors: int = 5,
        latent_size: int = 128,
        separation_weight: float = 0.06,
        alignment_weight: float = 0.1,
        hidden_layer_sizes: Any = ...,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        n_estimators: int = 4,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        max_steps: int | None = 150,
        batch_size: int = 64,
        lr: float = 0.003,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    @property
    def basis_(self) -> Any: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class DeepIsolationForest(BaseTorchDetector):
    n_representations: int
    n_estimators: int
    max_samples: int
    hidden_layer_sizes: Any
    representation_size: int
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    weight_scale: float | None
    score_function: Literal['depth', 'deviation']
    module_: Any
    offset_: float
    def __init__(
        self,
        *,
        n_representations: int = 50,
        n_estimators: int = 6,
        max_samples: int = 256,
        hidden_layer_sizes: Any = ...,
        representation_size: int = 20,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'tanh',
        weight_scale: float | None = 0.25,
        score_function: Literal['depth', 'deviation'] = 'deviation',
        novelty: bool = False,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class DeepOutlierDetector(CallbackSupportMixin, BaseTorchDetector):
    autoencoder: Any
    n_neighbors: int
    max_references: Literal['auto'] | int
    autoencoder_: Any
    component_names_: NDArray[Any]
    report_: dict[Any, Any]
    offset_: float
    def __init__(
        self,
        *,
        autoencoder: Any = None,
        n_neighbors: int = 5,
        max_references: Literal['auto'] | int = 'auto',
        novelty: bool = False,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self: ...
    def score_components(self, X: Any) -> NDArray[Any]: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class DeepSAD(BaseDeepDetector):
    eta: float
    pretrain_steps: int
    score_function: Literal['distance', 'whitened']
    network: Any
    hidden_layer_sizes: Any
    latent_size: int
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    dropout: float
    def __init__(
        self,
        *,
        eta: float = 1.0,
        pretrain_steps: int = 0,
        score_function: Literal['distance', 'whitened'] = 'whitened',
        network: Any = 'dense',
        hidden_layer_sizes: Any = ...,
        latent_size: int = 64,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'relu',
        dropout: float = 0.0,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        n_estimators: int = 4,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        max_steps: int | None = 150,
        batch_size: int = 64,
        lr: float = 0.003,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    @property
    def center_(self) -> Any: ...
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self: ...
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class DeepSVDD(BaseDeepDetector):
    objective: Literal['one-class', 'soft-boundary']
    nu: float
    pretrain_steps: int
    score_function: Literal['distance', 'whitened']
    network: Any
    hidden_layer_sizes: Any
    latent_size: int
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    dropout: float
    def __init__(
        self,
        *,
        objective: Literal['one-class', 'soft-boundary'] = 'one-class',
        nu: float = 0.1,
        lr: float = 0.001,
        pretrain_steps: int = 0,
        score_function: Literal['distance', 'whitened'] = 'whitened',
        network: Any = 'dense',
        hidden_layer_sizes: Any = ...,
        latent_size: int = 64,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'relu',
        dropout: float = 0.0,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        n_estimators: int = 4,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        max_steps: int | None = 150,
        batch_size: int = 64,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    @property
    def center_(self) -> Any: ...
    @property
    def radius_(self) -> Any: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class DevNet(BaseDeepDetector):
    margin: float
    n_reference_scores: int
    score_function: Literal['absolute', 'deviation']
    outliers: Literal['artificial', 'auto']
    hidden_layer_sizes: Any
    network: Any
    latent_size: int
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    dropout: float
    def __init__(
        self,
        *,
        margin: float = 5.0,
        n_reference_scores: int = 5000,
        score_function: Literal['absolute', 'deviation'] = 'absolute',
        outliers: Literal['artificial', 'auto'] = 'auto',
        hidden_layer_sizes: Any = ...,
        network: Any = 'dense',
        latent_size: int = 64,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'relu',
        dropout: float = 0.0,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        n_estimators: int = 4,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        max_steps: int | None = 150,
        batch_size: int = 64,
        lr: float = 0.003,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self: ...
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class DiffusionTimeEstimation(BaseDeepDetector):
    variant: Literal['categorical', 'inverse_gamma']
    n_timesteps: int
    n_bins: int
    hidden_layer_sizes: Any
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    dropout: float
    def __init__(
        self,
        *,
        variant: Literal['categorical', 'inverse_gamma'] = 'categorical',
        n_timesteps: int = 300,
        n_bins: int = 7,
        hidden_layer_sizes: Any = ...,
        max_steps: int | None = 1000,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'relu',
        dropout: float = 0.0,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        n_estimators: int = 4,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        batch_size: int = 64,
        lr: float = 0.003,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class GANomaly(BaseDeepDetector):
    adversarial_weight: float
    contextual_weight: float
    encoder_weight: float
    score_function: Literal['latent', 'whitened']
    discriminator_lr: float | None
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    network: Any
    hidden_layer_sizes: Any
    latent_size: int
    dropout: float
    def __init__(
        self,
        *,
        adversarial_weight: float = 1.0,
        contextual_weight: float = 50.0,
        encoder_weight: float = 1.0,
        score_function: Literal['latent', 'whitened'] = 'latent',
        discriminator_lr: float | None = None,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'leaky_relu',
        max_steps: int | None = 300,
        network: Any = 'dense',
        hidden_layer_sizes: Any = ...,
        latent_size: int = 64,
        dropout: float = 0.0,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        n_estimators: int = 4,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        batch_size: int = 64,
        lr: float = 0.003,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class InternalContrastive(BaseDeepDetector):
    window_size: Literal['auto'] | int
    max_windows: int
    latent_size: int
    temperature: float
    def __init__(
        self,
        *,
        window_size: Literal['auto'] | int = 'auto',
        max_windows: int = 40,
        latent_size: int = 32,
        temperature: float = 0.1,
        n_estimators: int = 8,
        max_steps: int | None = 300,
        lr: float = 0.005,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        batch_size: int = 64,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    @property
    def feature_order_(self) -> Any: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class LUNAR(BaseDeepDetector):
    n_neighbors: int
    negative_samples: Literal['mixed', 'subspace', 'uniform']
    epsilon: float
    max_references: Literal['auto'] | int
    hidden_layer_sizes: Any
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    references_: Any
    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        negative_samples: Literal['mixed', 'subspace', 'uniform'] = 'mixed',
        epsilon: float = 0.1,
        max_references: Literal['auto'] | int = 'auto',
        hidden_layer_sizes: Any = ...,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'relu',
        novelty: bool = False,
        trim_fraction: float = 0.2,
        n_estimators: int = 4,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        max_steps: int | None = 150,
        batch_size: int = 64,
        lr: float = 0.003,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class MaskedCellModel(BaseDeepDetector):
    n_masks: int
    diversity_weight: float
    hidden_layer_sizes: Any
    latent_size: int
    def __init__(
        self,
        *,
        n_masks: int = 15,
        diversity_weight: float = 5.0,
        n_estimators: int = 2,
        hidden_layer_sizes: Any = ...,
        latent_size: int = 64,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        max_steps: int | None = 150,
        batch_size: int = 64,
        lr: float = 0.003,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class ModifiedZScore(BaseDetector):
    combine: Literal['euclidean', 'max', 'mean']
    contamination: Any
    scale_: NDArray[Any]
    center_: NDArray[Any]
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    def __init__(
        self,
        *,
        combine: Literal['euclidean', 'max', 'mean'] = 'max',
        contamination: Literal['fence', 'auto'] | float = 'fence',
    ) -> None: ...
    def z_scores(self, X: Any) -> NDArray[Any]: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class ModuleDetector(BaseDeepDetector):
    module: Any
    loss: Any
    score_function: Any
    def __init__(
        self,
        *,
        module: Any,
        loss: Any,
        score_function: Any = None,
        n_estimators: int = 1,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        max_steps: int | None = 150,
        batch_size: int = 64,
        lr: float = 0.003,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class RandomFeatures(BaseTorchDetector):
    n_components: int
    n_estimators: int
    module_: Any
    offset_: float
    def __init__(
        self,
        *,
        n_components: int = 200,
        n_estimators: int = 4,
        novelty: bool = False,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class ScoreMatching(BaseDeepDetector):
    noise_levels: Any
    hidden_layer_sizes: Any
    activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh']
    dropout: float
    def __init__(
        self,
        *,
        noise_levels: Any = ...,
        max_steps: int | None = 500,
        hidden_layer_sizes: Any = ...,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'relu',
        dropout: float = 0.0,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        n_estimators: int = 4,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        batch_size: int = 64,
        lr: float = 0.003,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def log_density_gradient(self, X: Any, noise_level: float | None = None) -> NDArray[Any]: ...
    @property
    def noise_scale_(self) -> Any: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class VariationalAutoEncoder(AutoEncoder):
    likelihood: Literal['bernoulli', 'gaussian']
    variance: Literal['feature', 'shared']
    beta: float
    beta_warm_up: int
    n_samples: int
    score_function: Any
    def __init__(
        self,
        *,
        likelihood: Literal['bernoulli', 'gaussian'] = 'gaussian',
        variance: Literal['feature', 'shared'] = 'feature',
        beta: float = 1.0,
        beta_warm_up: int = 50,
        n_samples: int = 8,
        latent_size: int = 16,
        score_function: Literal['auto', 'multiscale_error', 'negative_elbo', 'reconstruction_probability', 'relative_error', 'squared_error', 'whitened', 'whitened_residual'] = 'auto',
        decoder_layer_sizes: Any = ...,
        mask_rate: float = 0.7,
        noise: float = 0.0,
        network: Any = 'dense',
        hidden_layer_sizes: Any = ...,
        activation: Literal['elu', 'gelu', 'identity', 'leaky_relu', 'logistic', 'relu', 'silu', 'tanh'] = 'relu',
        dropout: float = 0.0,
        novelty: bool = False,
        trim_fraction: float = 0.2,
        n_estimators: int = 4,
        bootstrap: bool = False,
        max_epochs: int | None = None,
        max_steps: int | None = 150,
        batch_size: int = 64,
        lr: float = 0.003,
        lr_schedule: Literal['constant', 'cosine'] = 'cosine',
        optimizer: Any = 'adamw',
        weight_decay: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0001,
        warm_start: bool = False,
        callbacks: Any = None,
        verbose: bool | int = 0,
        inlier_fraction: float = 0.7,
        contamination: Literal['auto'] | float = 'auto',
        preprocessor: Any = 'auto',
        device: Any = 'auto',
        precision: Literal['bfloat16', 'float32'] = 'float32',
        random_state: RandomState | int | None = None,
    ) -> None: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

class ZScore(BaseDetector):
    combine: Literal['euclidean', 'max', 'mean']
    contamination: Any
    center_: NDArray[Any]
    scale_: NDArray[Any]
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    def __init__(
        self,
        *,
        combine: Literal['euclidean', 'max', 'mean'] = 'max',
        contamination: Literal['fence', 'auto'] | float = 'fence',
    ) -> None: ...
    def z_scores(self, X: Any) -> NDArray[Any]: ...
    def set_fit_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...

__all__ = ["ALAD", "AnoGAN", "AutoEncoder", "ContractionMatching", "DecomposedRepresentation", "DeepIsolationForest", "DeepOutlierDetector", "DeepSAD", "DeepSVDD", "DevNet", "DiffusionTimeEstimation", "GANomaly", "InternalContrastive", "LUNAR", "MaskedCellModel", "ModifiedZScore", "ModuleDetector", "RandomFeatures", "ScoreMatching", "VariationalAutoEncoder", "ZScore"]
