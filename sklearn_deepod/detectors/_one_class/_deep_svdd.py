"""Deep support vector data description."""

from numbers import Real

import torch

from sklearn_deepod._stats import weighted_quantile
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._one_class._base import BaseHypersphere
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# Steps in which the radius stays zero, so that all rows are drawn to the centre.
_WARM_UP_STEPS = 30


class DeepSVDD(BaseHypersphere):
    """Deep support vector data description.

    A network learns to map all training rows close to one point. A row is anomalous
    when it is mapped far from there.

    Read more in the :ref:`User Guide <deep-svdd>`.

    Parameters
    ----------
    objective : {"one-class", "soft-boundary"}, default="one-class"
        "one-class" draws all rows to the centre, "soft-boundary" those that lie outside
        of a sphere which leaves out a share `nu` of the rows.
    nu : float, default=0.1
        Share of the training rows outside of the sphere.
    lr : float, default=1e-3
        Learning rate at its highest.
    {parameters}

    Attributes
    ----------
    radius_ : ndarray of shape (n_estimators,)
        Distance to the centre within which ``1 - nu`` of the training rows lie.
    {attributes}

    See Also
    --------
    DeepSAD : The same with some labelled rows.
    AutoEncoder : Scores by what it cannot rebuild.

    Notes
    -----
    The method of [1]_. The network has no additive terms and the centre, the mean of
    the outputs before the training, no component between -0.1 and 0.1: otherwise
    constant outputs or weights of zero would meet it at once. With "soft-boundary", the
    radius is the quantile of each batch's distances from the 31st step on, and trimming
    (`novelty` False) takes no account of the distances, since `nu` does so already;
    with ``score_function="distance"``, the score is the excess over the squared radius.

    Beyond [1]_, outputs are whitened before they are scored: training makes all of them
    small, but not equally, and how small an output is for normal rows is the measure of
    how much it means (see the user guide for figures).

    References
    ----------
    .. [1] L. Ruff et al. (2018). Deep one-class classification. ICML.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import DeepSVDD
    >>> X = load_iris().data
    >>> detector = DeepSVDD(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict = {
        **BaseHypersphere._parameter_constraints,
        "objective": [StrOptions({"one-class", "soft-boundary"})],
        "nu": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(self, *, objective="one-class", nu=0.1, lr=1e-3, **shared):
        super().__init__(lr=lr, **shared)
        self.objective = objective
        self.nu = nu

    @property
    def radius_(self):
        """Radius of each member's sphere."""
        return self.net_.module_.radius.squeeze(1).cpu().numpy()

    def _losses(self, module, X, generator, labels=None):
        errors = self._pretraining_losses(module, X, generator)
        if errors is not None:
            yield LossStep(module, errors)
            return
        distances = module.distances_of(module(X, generator))
        if self.objective == "one-class":
            yield LossStep(module.encoder, distances)
            return
        if module.training and module.step > self.pretrain_steps + _WARM_UP_STEPS:
            kept = distances.detach().quantile(1 - self.nu, dim=1, keepdim=True)
            module.radius.copy_(kept.sqrt())
        squared = module.radius.square()
        losses = squared + (distances - squared).clamp_min(0) / self.nu
        yield LossStep(
            module.encoder, losses, torch.ones_like(losses, dtype=torch.bool)
        )

    def _has_soft_boundary(self):
        return self.objective != "one-class"

    def _fit_score_statistics(self, module, X, sample_weight, support_fraction):
        super()._fit_score_statistics(module, X, sample_weight, support_fraction)
        distances = module.distances_of(module(X)).sqrt()
        distances = distances.cpu().double().numpy().T
        radius = weighted_quantile(distances, [1 - self.nu], sample_weight)[0]
        module.radius.copy_(torch.from_numpy(radius).unsqueeze(1))
