"""A user's own torch module as a detector."""

import copy

from torch import nn

from sklearn_deepod.base import BaseDeepDetector
from sklearn_deepod.networks import Members
from sklearn_deepod.training import explicit_stream


class ModuleDetector(BaseDeepDetector):
    """Make a detector of any torch module, with a loss and a score of your own.

    Everything else, from missing values to random streams, is as in the detectors of
    this package. Random operations of the module (initial weights, dropout, noise) draw
    from the detector's own stream.

    Parameters
    ----------
    module : callable or torch.nn.Module
        A class or function that builds the module; it is given the shape of one
        prepared row, without the rows' axis. Or a module, which is copied for each
        member; its weights are the initial ones of every member.
    loss : callable
        ``loss(module, X)`` gives a loss for each row of the tensor `X`, of shape
        (n_rows,).
    score_function : callable or None, default=None
        ``score_function(module, X)`` gives an anomaly score for each row, higher is
        more anomalous. None takes the loss.
    novelty : bool, default=False
        Whether all training rows are known to be normal. False trains once with the
        highest losses of each batch left out, drops the 30 % of the rows that score
        highest, and trains again on the others. Which of the two is right cannot be
        told from the data.
    contamination : "auto" or float, default="auto"
        Where `predict` cuts. "auto" takes Kimber's boxplot fence for skewed data on the
        training scores (see `sklearn_deepod.scoring.kimber_cutoff`). A float in
        (0, 0.5] marks that share of the training rows.
    n_estimators : int, default=1
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
    AutoEncoder : A ready detector for tables.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from torch import nn
    >>> from sklearn_deepod import ModuleDetector
    >>> def build(input_shape):
    ...     n = input_shape[0]
    ...     return nn.Sequential(nn.Linear(n, 2), nn.Tanh(), nn.Linear(2, n))
    >>> def loss(module, X):
    ...     return (module(X) - X).square().mean(dim=1)
    >>> detector = ModuleDetector(module=build, loss=loss, random_state=0)
    >>> detector.fit(load_iris().data).predict([[50.0, 1.0, 1.0, 30.0]]).tolist()
    [-1]
    """

    _parameter_constraints: dict = {
        **BaseDeepDetector._parameter_constraints,
        "module": [callable],
        "loss": [callable],
        "score_function": [callable, None],
    }

    def __init__(
        self,
        *,
        module,
        loss,
        score_function=None,
        novelty=False,
        contamination="auto",
        n_estimators=1,
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
        self.module = module
        self.loss = loss
        self.score_function = score_function

    def _build_module(self, input_shape, generator):
        members = range(self.n_estimators)
        if isinstance(self.module, nn.Module):
            return Members([copy.deepcopy(self.module) for _ in members])
        with explicit_stream(generator):
            built = [self.module(input_shape) for _ in members]
        if not all(isinstance(m, nn.Module) for m in built):
            raise TypeError(
                "module must build a torch.nn.Module from the shape of a row; it gave "
                f"{type(built[0]).__name__}."
            )
        return Members(built)

    def _losses(self, module, X, generator):
        with explicit_stream(generator):
            losses = module.map(self.loss, X)
        yield module, _one_per_row(losses, X, "loss")

    def _scores(self, module, X):
        scores = module.map(self.score_function or self.loss, X)
        return _one_per_row(scores, X, "score_function")


def _one_per_row(values, X, name):
    if values.shape != X.shape[:2]:
        raise ValueError(
            f"{name}(module, X) must give one value for each row, of shape "
            f"({X.shape[1]},); it gave {tuple(values.shape[1:])}. Reduce over the "
            "other axes, not over the rows."
        )
    return values
