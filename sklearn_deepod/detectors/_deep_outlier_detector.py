"""The detector to start with: neighbours in learned features."""

import math
from numbers import Integral

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import nn

from sklearn_deepod.base import CLEAN, OFFSET_ROWS, PickedRows
from sklearn_deepod.detectors._autoencoder import AutoEncoder
from sklearn_deepod.networks import NearestReferences
from sklearn_deepod.preparation import asinh
from sklearn_deepod.scoring import (
    lowest_share,
    robust_evidence,
    robust_z_scores,
    tail_evidence,
)

VIEWS = ("inputs", "learned_distance", "learned_density")
# Products of training rows and references that "auto" allows, which bounds the time.
_MOST_PAIRS = 10_000_000
_FEWEST_REFERENCES, _MOST_REFERENCES = 256, 5_000
# Numbers that all the members' references may hold together.
_MOST_CELLS = 2**25
# Where the squashed inputs are cut off, in standard deviations.
_LARGEST_INPUT = 10.0
# Rows whose evidence a row shares; fewer where the references are a small sample.
_N_NEARBY, _NEARBY_SHARE = 16, 1 / 64
_KNEE = 1.0
# Standard deviation of bent inputs below which a feature is constant.
_CONSTANT = 1e-6
# Least spacing of a reference, in units of the median: copies have none.
_LEAST_SPACING = 1e-3


class DeepOutlierDetector(AutoEncoder):
    """Outlier detection by nearest neighbours in inputs and in learned features.

    The detector to start with: no parameter needs tuning. Small autoencoders learn from
    the training rows, and a row is looked at in three ways: how far its neighbours are
    in the inputs, how far they are in what the networks learned, and whether it lies
    in a thinner place there than its neighbours do. Its score is the mean of what the
    three say. Where the training rows may hold outliers, the networks find the cleanest
    70 % of them, neighbours are sought among those, and rows that lie close together
    share what they know.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbours in the inputs, and of those that a row's place is compared
        with. The distance in the learned features is that of the nearest.
    max_references : int or "auto", default="auto"
        Number of training rows, at most, among which neighbours are sought; of a larger
        table it is a sample. "auto" takes 10 million over the number of training rows,
        between 256 and 5,000, so that the time for a large table grows no faster than
        the table. More references are more accurate and slower.
    score_function : {"whitened", "whitened_residual"}, default="whitened"
        What a network has learned of a row: its first hidden layer (the rectified code,
        where `network` is not dense) and its residual together, or the residual alone;
        whitened, so that all directions in it count alike. The length of it is the
        score by which the cleanest rows are found.
    {parameters}

    Attributes
    ----------
    report_ : dict
        What the fit found: ``"views"``, the weight of each of the three; the number of
        references ``"n_references"``; the share of the training rows that were not
        trusted as references, ``"left_out"``; and the share that lies beyond the cut,
        ``"flagged"``.
    {attributes}

    See Also
    --------
    AutoEncoder : The networks' own score; faster.
    sklearn.ensemble.IsolationForest : What this takes the place of.

    Notes
    -----
    The inputs are prepared features, squashed once more by ``asinh`` and standardised
    among a sample of the training rows. The learned features are those of
    `AutoEncoder`. A training row is not its own neighbour: a reference at distance zero
    is left out once, whoever asks. The third view is the distance of the
    `n_neighbors`-th neighbour over the mean spacing of the neighbours, as in the local
    outlier factor [1]_; the spacing of a reference is the mean distance of its own
    neighbours.

    If `novelty`, the evidence of a view is minus the logarithm of the share of training
    rows that score as high (`sklearn_deepod.scoring.tail_evidence`). If not, training
    rows are no measure of what is normal in the tails, and the evidence is a squashed
    robust z-score (`sklearn_deepod.scoring.robust_evidence` with a knee of 1). Then a
    row also gets the mean of its own evidence and that of its 16 nearest neighbours
    (fewer, of a small sample) among all training rows, weighted by a Gaussian kernel
    whose bandwidth is the median distance of fifth neighbours; its score is the higher
    of the two, each as a robust z-score. Outliers that are many and alike so vouch for
    one another, and single ones keep their own score.

    References
    ----------
    .. [1] M. M. Breunig, H.-P. Kriegel, R. T. Ng, J. Sander (2000). LOF: identifying
       density-based local outliers. SIGMOD.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import DeepOutlierDetector
    >>> X = load_iris().data
    >>> detector = DeepOutlierDetector(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    >>> detector.report_["n_references"]
    104
    """

    _parameter_constraints: dict = {
        **AutoEncoder._parameter_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "max_references": [
            Interval(Integral, 2, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "score_function": [StrOptions({"whitened", "whitened_residual"})],
    }

    def __init__(
        self,
        *,
        n_neighbors=5,
        max_references="auto",
        score_function="whitened",
        **shared,
    ):
        super().__init__(score_function=score_function, **shared)
        self.n_neighbors = n_neighbors
        self.max_references = max_references

    def evidence(self, X):
        """What each view says of the rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to look at.

        Returns
        -------
        ndarray of shape (n_samples, 3)
            Evidence in the inputs, by distance and by density in the learned features;
            higher is more anomalous.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        return self._evidence(self._apply(X, self._measures))

    # Fitting ----------------------------------------------------------------------

    def _start(self, X, sample_weight, labels=None, *, goes_on=False):
        if not goes_on:
            self.__dict__.pop("preprocessor_", None)
        return super()._start(X, sample_weight, labels, goes_on=goes_on)

    def _fit_preparation(self, rows):
        # Once: what does not vary among the cleanest rows may tell outliers.
        if not hasattr(self, "preprocessor_"):
            super()._fit_preparation(rows)
        self._n_places = 0

    def _build_module(self, input_shape, generator):
        module = super()._build_module(input_shape, generator)
        module.views = self._new_views(module)
        return module

    def _new_views(self, module):
        n_inputs, n_features = math.prod(self._input_shape), sum(module.feature_sizes)
        return NeighborViews(self.n_estimators, n_inputs, n_features, self._n_places)

    def _training_scores(self, rows, index):
        sample, weight = rows.sample(OFFSET_ROWS)
        scores = self._set_views(rows.subset(sample, weight), len(rows))
        # The same rows already, where the cut is not a share of all rows.
        if len(index) == len(sample):
            return scores
        return super()._training_scores(rows, index)

    def _set_views(self, rows, n_rows):
        """Keep references and the units of evidence; scores of `rows`, of `n_rows`."""
        self._n_places = min(self._most_references(n_rows), len(rows))
        self._n_nearby = _N_NEARBY
        if self._n_places < n_rows:
            self._n_nearby = min(_N_NEARBY, math.ceil(_NEARBY_SHARE * self._n_places))
        views = self._new_views(self._module).to(self.device_)
        self._module.views = views
        X, weight = PickedRows(rows, np.arange(len(rows))), rows.weight

        index, count = rows.sample_counts(self._n_places)
        sample, count = PickedRows(rows, index), _float(count)
        views.set_input_units(self._of_rows(sample, lambda m, Z: bent_inputs(Z)), count)
        if not self.novelty:
            squashed = self._of_rows(sample, lambda m, Z: views.squash(Z))
            views.nearby.fill(squashed, count)
            views.set_bandwidth(
                self._of_rows(sample, lambda m, Z: views.nearby(views.squash(Z), 5)[0])
            )

        def share(own):
            views.evidence[: len(index)] = _float(own[index])
            return shared_evidence(own, self._apply(X, self._nearby))

        trusted = rows
        if self._fits_twice(rows):
            scores = self._network_scores(X)
            own = _bent_evidence(scores, scores, weight)
            self._known = {"weight": weight, "own": own, "shared": share(own)}
            suspicion = self._higher(own, self._known["shared"])
            kept = lowest_share(suspicion, weight, CLEAN)
            trusted = rows.subset(kept, weight[kept])
        self._keep_trusted(views, trusted)
        self.report_ = {
            "views": dict.fromkeys(VIEWS, 1 / len(VIEWS)),
            "n_references": min(self._n_places, len(trusted)),
            "left_out": 1.0 - trusted.total_weight / rows.total_weight,
        }

        self._known = {"measures": self._apply(X, self._measures), "weight": weight}
        own = self._evidence(self._known["measures"]).mean(axis=1)
        if self.novelty:
            return own
        self._known |= {"own": own, "shared": share(own)}
        return self._higher(own, self._known["shared"])

    def _most_references(self, n_rows):
        if self.max_references != "auto":
            return self.max_references
        n_cells = self.n_estimators * math.prod(self._input_shape)
        bounds = _MOST_REFERENCES, _MOST_PAIRS // n_rows, _MOST_CELLS // n_cells
        return max(_FEWEST_REFERENCES, min(bounds))

    def _keep_trusted(self, views, trusted):
        """Keep a sample of trusted rows as references, and the units of distances."""
        index, count = trusted.sample_counts(self._n_places)
        sample, count = PickedRows(trusted, index), _float(count)
        views.inputs.fill(self._of_rows(sample, lambda m, Z: views.squash(Z)), count)
        views.learned.fill(self._of_rows(sample, learned_features), count)
        views.set_learned_units(
            self._of_rows(
                sample,
                lambda m, Z: views.learned(learned_features(m, Z), self.n_neighbors)[0],
            )
        )

    def _of_rows(self, X, function):
        """Tensors (n_members, n_rows, ...) that a function of module and rows gives.

        By the way of all rows that are scored, so that rounding is the same.
        """
        rows = self._apply(X, lambda m, Z: function(m, Z).transpose(0, 1))
        return _float(rows).to(self.device_).transpose(0, 1)

    def _set_offset(self, anomaly_scores, sample_weight):
        super()._set_offset(anomaly_scores, sample_weight)
        flagged = sample_weight[-anomaly_scores < self.offset_].sum()
        self.report_["flagged"] = float(flagged / sample_weight.sum())

    # Scoring ----------------------------------------------------------------------

    def _anomaly_scores(self, X):
        if self.novelty:
            return self._evidence(self._apply(X, self._measures)).mean(axis=1)
        columns = self._apply(
            X, lambda m, Z: torch.cat([self._measures(m, Z), self._nearby(m, Z)], dim=1)
        )
        measures, nearby = np.split(columns, [len(VIEWS)], axis=1)
        own = self._evidence(measures).mean(axis=1)
        return self._higher(own, shared_evidence(own, nearby))

    def _measures(self, module, X):
        """How far neighbours are, in each view: (n_rows, 3)."""
        return module.views.measures(X, learned_features(module, X), self.n_neighbors)

    def _nearby(self, module, X):
        """Weight and weighted evidence of the training rows nearby: (n_rows, 2)."""
        return module.views.evidence_nearby(X, self._n_nearby)

    def _evidence(self, measures):
        """Evidence (n_rows, 3) of what the views measure."""
        known, weight = self._known["measures"], self._known["weight"]
        evidence = tail_evidence if self.novelty else _bent_evidence
        pairs = zip(measures.T, known.T, strict=True)
        return np.transpose([evidence(*pair, weight) for pair in pairs])

    def _higher(self, own, shared):
        """The higher of a row's own and its shared evidence, in robust deviations."""
        return np.maximum(
            robust_z_scores(own, self._known["own"], self._known["weight"]),
            robust_z_scores(shared, self._known["shared"], self._known["weight"]),
        )


class NeighborViews(nn.Module):
    """Where rows lie among references: in the inputs, and in learned features.

    Parameters
    ----------
    n_members, n_inputs, n_features : int
        Members, inputs of a row, and learned features of each member.
    n_places : int
        Number of places for references.
    """

    def __init__(self, n_members, n_inputs, n_features, n_places):
        super().__init__()
        self.inputs = NearestReferences(1, n_places, n_inputs)
        self.learned = NearestReferences(n_members, n_places, n_features)
        self.nearby = NearestReferences(1, n_places, n_inputs)
        self.register_buffer("center", torch.zeros(n_inputs))
        self.register_buffer("scale", torch.ones(n_inputs))
        self.register_buffer("unit", torch.ones(n_members, 1))
        self.register_buffer("spacing", torch.ones(self.learned.rows.shape[:2]))
        self.register_buffer("evidence", torch.zeros_like(self.nearby.count))
        self.register_buffer("bandwidth", torch.ones(()))

    def set_input_units(self, bent, count):
        """Take mean and standard deviation of bent inputs (1, n_rows, n_inputs)."""
        share = (count / count.sum()).to(bent).unsqueeze(1)
        center = (share * bent[0]).sum(dim=0)
        variance = (share * (bent[0] - center).square()).sum(dim=0)
        self.center.copy_(center)
        self.scale.copy_(torch.where(variance > _CONSTANT**2, variance.sqrt(), 1.0))

    def set_learned_units(self, distances):
        """Take the references' distances (n_members, n_rows, n_neighbors)."""
        self.unit.copy_(_positive_median(distances[..., 0]))
        spacing = distances.mean(dim=2)
        floor = _LEAST_SPACING * _positive_median(spacing)
        self.spacing[:, : spacing.shape[1]] = torch.maximum(spacing, floor)

    def set_bandwidth(self, distances):
        """Take the distances (1, n_rows, n_neighbors) of the rows nearby."""
        self.bandwidth.copy_(_positive_median(distances[..., -1])[0, 0])

    def squash(self, X):
        """Squashed, standardised inputs (1, n_rows, n_inputs)."""
        z = (bent_inputs(X) - self.center) / self.scale
        return z.clamp(-_LARGEST_INPUT, _LARGEST_INPUT)

    def measures(self, X, features, n_neighbors):
        """The three views of rows: (n_rows, 3)."""
        inputs, _ = self.inputs(self.squash(X), n_neighbors)
        distances, places = self.learned(features, n_neighbors)
        member = torch.arange(len(places), device=places.device).view(-1, 1, 1)
        around = self.spacing[member, places].mean(dim=2)
        return torch.stack(
            [
                inputs[0, :, -1],
                (distances[..., 0] / self.unit).mean(dim=0),
                (distances[..., -1] / around).mean(dim=0),
            ],
            dim=1,
        )

    def evidence_nearby(self, X, n_nearby):
        """Weight and weighted evidence of the rows nearby: (n_rows, 2)."""
        squares, places = self.nearby.search(self.squash(X), n_nearby)
        weight = torch.exp(-squares[0] / (2 * self.bandwidth.square()))
        weight = weight * self.nearby.count[places[0]]
        weighted = weight * self.evidence[places[0]]
        return torch.stack([weight.sum(dim=1), weighted.sum(dim=1)], dim=1)


def learned_features(module, X):
    """What the members learned of rows, whitened: (n_members, n_rows, n_features)."""
    return module.whitening.whiten(module.features(X))


def bent_inputs(X):
    """Flat inputs, linear near 0 and logarithmic beyond; missing ones are 0."""
    return asinh(torch.nan_to_num(X[:1].flatten(2), nan=0.0))


def shared_evidence(own, nearby):
    """Mean of a row's evidence and that of rows nearby: weight and weighted sum."""
    weight, weighted = nearby.T
    return (own + weighted) / (1.0 + weight)


def _bent_evidence(scores, training_scores, sample_weight):
    return robust_evidence(scores, training_scores, sample_weight, knee=_KNEE)


def _positive_median(values):
    """Median of each member's values (n_members, n_rows), or 1 where it is 0."""
    median = values.median(dim=1, keepdim=True).values
    return torch.where(median > 0, median, 1.0)


def _float(array):
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
