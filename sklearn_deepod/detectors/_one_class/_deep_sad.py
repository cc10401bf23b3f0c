"""Deep semi-supervised anomaly detection."""

from numbers import Real

import numpy as np

from sklearn_deepod._training import LossStep
from sklearn_deepod.base._semi_supervised import SemiSupervisedMixin
from sklearn_deepod.detectors._one_class._base import BaseHypersphere
from sklearn_deepod.utils._sklearn_compat import Interval

# Keeps the inverse of a distance finite; that of the authors' code.
_EPS = 1e-6


class DeepSAD(SemiSupervisedMixin, BaseHypersphere):
    """Deep semi-supervised anomaly detection.

    The semi-supervised form of `DeepSVDD`: a network learns to map unlabelled rows and
    known inliers close to one point, and known outliers far from it.

    Read more in the :ref:`User Guide <deep-sad>`.

    Parameters
    ----------
    eta : float, default=1.0
        Weight of the labelled rows. With 0, any `y` is accepted and ignored.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    DeepSVDD : The unsupervised form.
    DevNet : Learns scores from the same labels.

    Notes
    -----
    The loss of a labelled row is ``eta * (d + 1e-6) ** y``, with d its squared distance
    from the centre and y its label [1]_. Known outliers are usually few, and most
    batches would not hold any: they make up at least a tenth of the rows drawn. The
    covariance of the whitened score leaves them out. If not `novelty`, labelled rows
    are exempt from trimming.

    References
    ----------
    .. [1] L. Ruff et al. (2020). Deep semi-supervised anomaly detection. ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import DeepSAD
    >>> X, species = load_iris(return_X_y=True)
    >>> y = np.zeros(len(X), dtype=int)
    >>> y[species == 2] = -1
    >>> detector = DeepSAD(random_state=0).fit(X, y)
    >>> scores = detector.score_samples(X)
    >>> bool(scores[species < 2].min() > np.median(scores[species == 2]))
    True
    """

    _parameter_constraints: dict = {
        **BaseHypersphere._parameter_constraints,
        "eta": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, *, eta=1.0, **shared):
        super().__init__(**shared)
        self.eta = eta

    def _reads_labels(self):
        return self.eta > 0

    def _rows_for_statistics(self, rows):
        index = np.flatnonzero(rows.labels != -1)
        return rows.subset(index, rows.weight[index]) if len(index) else rows

    def _losses(self, module, X, generator, labels=None):
        errors = self._pretraining_losses(module, X, generator)
        if errors is not None:
            yield LossStep(module, errors, labels != 0)
            return
        distances = module.distances_of(module(X, generator))
        known = self.eta * (distances + _EPS) ** labels.to(distances.dtype)
        yield LossStep(module.encoder, known.where(labels != 0, distances), labels != 0)
