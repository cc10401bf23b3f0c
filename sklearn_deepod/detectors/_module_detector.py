"""Detectors from any torch module."""

import copy

from torch import nn

from sklearn_deepod._determinism import explicit_stream
from sklearn_deepod._nn import Members
from sklearn_deepod._training import LossStep
from sklearn_deepod.base import BaseDeepDetector


class ModuleDetector(BaseDeepDetector):
    """Outlier detection by a torch module with a custom loss and score.

    Everything else, from missing values to random streams, works as in the other
    detectors. Random operations of the module (initial weights, dropout, noise) draw
    from the detector's stream.

    Read more in the :ref:`User Guide <module-detector>`.

    Parameters
    ----------
    module : callable or torch.nn.Module
        Class or function that builds the module from the shape of one preprocessed row,
        without the axis of the rows; or a module, which is copied for each member, so
        that all members have its weights initially.
    loss : callable
        ``loss(module, X)`` returns the loss of each row of the tensor `X`, of shape
        (n_rows,).
    score_function : callable or None, default=None
        ``score_function(module, X)`` returns the anomaly score of each row, higher is
        more anomalous. None means the loss.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    AutoEncoder : A ready-made detector for tables.

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
        n_estimators=1,
        **shared,
    ):
        super().__init__(n_estimators=n_estimators, **shared)
        self.module = module
        self.loss = loss
        self.score_function = score_function

    def _build_module(self, input_shape, generator):
        members = range(self.n_estimators)
        if isinstance(self.module, nn.Module):
            built = [copy.deepcopy(self.module) for _ in members]
            return Members(built, self.score_function or self.loss)
        with explicit_stream(generator):
            built = [self.module(input_shape) for _ in members]
        if not all(isinstance(m, nn.Module) for m in built):
            raise TypeError(
                "module must build a torch.nn.Module from the shape of a row; it gave "
                f"{type(built[0]).__name__}."
            )
        return Members(built, self.score_function or self.loss)

    def _losses(self, module, X, generator, labels=None):
        with explicit_stream(generator):
            yield LossStep(module, module.map_rows(self.loss, X, "loss"))
