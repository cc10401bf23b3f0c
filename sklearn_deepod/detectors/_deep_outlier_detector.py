"""The detector to start with: neighbours in learned features."""

import math
from numbers import Integral

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod.base import CLEAN, OFFSET_ROWS
from sklearn_deepod.detectors._autoencoder import AutoEncoder
from sklearn_deepod.networks import NeighborViews
from sklearn_deepod.preparation import asinh
from sklearn_deepod.scoring import lowest_share, robust_unit, tail_evidence
from sklearn_deepod.training import PickedRows

VIEWS = ("inputs", "learned_distance", "learned_density")
# Products of training rows and references that "auto" allows, which bounds the time.
_MOST_PAIRS = 10_000_000
_FEWEST_REFERENCES, _MOST_REFERENCES = 256, 5_000
# Numbers that all the members' references may hold together.
_MOST_CELLS = 2**25
# Rows whose evidence a row shares; fewer where the references are a small sample.
_N_NEARBY, _NEARBY_SHARE = 16, 1 / 64
# The neighbour whose distance, in the median, is the bandwidth of what is shared.
_N_BANDWIDTH = 5


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
        # As fitted: parameters may be set to something else before rows are scored.
        self._shares = not self.novelty
        self._n_neighbors = self.n_neighbors
        self._n_places = min(self._most_references(n_rows), len(rows))
        self._n_nearby = _N_NEARBY
        if self._n_places < n_rows:
            self._n_nearby = min(_N_NEARBY, math.ceil(_NEARBY_SHARE * self._n_places))
        self._module.views = self._new_views(self._module).to(self.device_)
        nearby = self._keep_nearby(rows)
        trusted = rows
        if self._fits_twice(rows):
            scores = self._network_scores(PickedRows(rows))
            own = _bent(scores, robust_unit(scores, rows.weight))
            kept = lowest_share(self._share(rows, nearby, own), rows.weight, CLEAN)
            trusted = rows.subset(kept, rows.weight[kept])
        self._keep_trusted(trusted)
        self.report_ = {
            "views": dict.fromkeys(VIEWS, 1 / len(VIEWS)),
            "n_references": min(self._n_places, len(trusted)),
            "left_out": 1.0 - trusted.total_weight / rows.total_weight,
        }
        measures = self._apply(PickedRows(rows), self._measures)
        if self._shares:
            self._units = [robust_unit(view, rows.weight) for view in measures.T]
        else:
            self._known = measures, rows.weight
        own = self._evidence(measures).mean(axis=1)
        return self._share(rows, nearby, own) if self._shares else own

    def _most_references(self, n_rows):
        if self.max_references != "auto":
            return self.max_references
        n_cells = self.n_estimators * math.prod(self._input_shape)
        bounds = _MOST_REFERENCES, _MOST_PAIRS // n_rows, _MOST_CELLS // n_cells
        return max(_FEWEST_REFERENCES, min(bounds))

    def _keep_nearby(self, rows):
        """Keep a sample of all rows, to share evidence with; returns its index."""
        views = self._module.views
        index, count = rows.sample_counts(self._n_places)
        sample, count = PickedRows(rows, index), _float(count)
        views.set_input_units(self._of_rows(sample, lambda m, Z: bent_inputs(Z)), count)
        if self._shares:
            views.nearby.fill(self._of_rows(sample, standard_inputs), count)
            distances = self._of_rows(
                sample,
                lambda m, Z: m.views.nearby(standard_inputs(m, Z), _N_BANDWIDTH)[0],
            )
            views.set_bandwidth(distances)
        return index

    def _keep_trusted(self, trusted):
        """Keep a sample of trusted rows as references, and the units of distances."""
        views = self._module.views
        index, count = trusted.sample_counts(self._n_places)
        sample, count = PickedRows(trusted, index), _float(count)
        views.inputs.fill(self._of_rows(sample, standard_inputs), count)
        features = self._of_rows(sample, lambda m, Z: m.whitened_features(Z))
        views.learned.fill(features, count)
        distances = self._of_rows(
            sample,
            lambda m, Z: m.views.learned(m.whitened_features(Z), self._n_neighbors)[0],
        )
        views.set_learned_units(distances)

    def _share(self, rows, nearby, own):
        """Let rows share their own evidence, those at `nearby` with others as well."""
        self._module.views.evidence[: len(nearby)] = _float(own[nearby])
        shared = shared_evidence(own, self._apply(PickedRows(rows), self._nearby))
        self._own_unit = robust_unit(own, rows.weight)
        self._shared_unit = robust_unit(shared, rows.weight)
        return self._higher(own, shared)

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
        if not self._shares:
            return self._evidence(self._apply(X, self._measures)).mean(axis=1)
        columns = self._apply(X, self._measures_and_nearby)
        measures, nearby = np.split(columns, [len(VIEWS)], axis=1)
        own = self._evidence(measures).mean(axis=1)
        return self._higher(own, shared_evidence(own, nearby))

    def _measures(self, module, X, inputs=None):
        """How far neighbours are, in each view: (n_rows, 3)."""
        inputs = standard_inputs(module, X) if inputs is None else inputs
        features = module.whitened_features(X)
        return module.views.measures(inputs, features, self._n_neighbors)

    def _nearby(self, module, X, inputs=None):
        """Weight and weighted evidence of the training rows nearby: (n_rows, 2)."""
        inputs = standard_inputs(module, X) if inputs is None else inputs
        return module.views.evidence_nearby(inputs, self._n_nearby)

    def _measures_and_nearby(self, module, X):
        inputs = standard_inputs(module, X)
        parts = self._measures(module, X, inputs), self._nearby(module, X, inputs)
        return torch.cat(parts, dim=1)

    def _evidence(self, measures):
        """Evidence (n_rows, 3) of what the views measure."""
        if self._shares:
            pairs = zip(measures.T, self._units, strict=True)
            return np.transpose([_bent(*pair) for pair in pairs])
        known, weight = self._known
        pairs = zip(measures.T, known.T, strict=True)
        return np.transpose([tail_evidence(*pair, weight) for pair in pairs])

    def _higher(self, own, shared):
        """The higher of a row's own and its shared evidence, in robust deviations."""
        return np.maximum(_z(own, self._own_unit), _z(shared, self._shared_unit))


def bent_inputs(X):
    """Flat inputs, linear near 0 and logarithmic beyond; missing ones are 0."""
    return asinh(torch.nan_to_num(X[:1].flatten(2), nan=0.0))


def standard_inputs(module, X):
    """Bent inputs in standard deviations: (1, n_rows, n_inputs)."""
    return module.views.standardise(bent_inputs(X))


def shared_evidence(own, nearby):
    """Mean of a row's evidence and that of rows nearby: weight and weighted sum."""
    weight, weighted = nearby.T
    return (own + weighted) / (1.0 + weight)


def _z(scores, unit):
    center, spread = unit
    return (scores - center) / spread


def _bent(scores, unit):
    """Robust z-scores, linear near 0 and logarithmic beyond."""
    return np.arcsinh(_z(scores, unit))


def _float(array):
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
