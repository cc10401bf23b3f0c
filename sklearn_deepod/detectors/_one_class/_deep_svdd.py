"""Deep support vector data description."""

from numbers import Real

import torch

from sklearn_deepod._stats import weighted_quantile
from sklearn_deepod._training import LossStep
from sklearn_deepod.detectors._one_class._base import BaseHypersphere
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# First steps, in which the radius stays 0, so that all rows move to the centre.
_WARM_UP_STEPS = 30


class DeepSVDD(BaseHypersphere):
    """Deep support vector data description.

    A network learns to map all training rows close to one point. A row is anomalous
    when it is mapped far from this point.

    Read more in the :ref:`User Guide <deep-svdd>`.

    Parameters
    ----------
    objective : {"one-class", "soft-boundary"}, default="one-class"
        "one-class" moves all rows to the centre, "soft-boundary" only the share `nu` of
        the rows outside a sphere.
    nu : float, default=0.1
        Share of the training rows outside the sphere, in (0, 1).
    {parameters}

    Attributes
    ----------
    radius_ : ndarray of shape (n_estimators,)
        Distance from the centre within which a share ``1 - nu`` of the training rows
        lies.
    {attributes}

    See Also
    --------
    DeepSAD : The semi-supervised form.
    AutoEncoder : Scores by the reconstruction error; more accurate on tables.

    Notes
    -----
    As in [1]_, the network has no biases, and the centre, the mean of the outputs
    before the training, has no component between -0.1 and 0.1: otherwise constant
    outputs or zero weights would solve the task. With "soft-boundary", the radius is
    the quantile of each batch's distances from the 31st step on, and all rows are
    exempt from trimming (`novelty` False), since `nu` has the same purpose; with
    ``score_function="distance"``, the squared radius is subtracted from the score.

    Unlike in [1]_, outputs are whitened before they are scored: training makes all
    outputs small, but not equally small, and an output that is small for all normal
    rows is the most informative (see the user guide for figures).

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
