"""The detector to start with: several scores of what networks and neighbours see."""

import copy
import math
from numbers import Integral

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod._determinism import PickedRows, TrainingRows
from sklearn_deepod._stats import RobustZScores, TailProbabilities, likely_inliers
from sklearn_deepod._training import set_arrays
from sklearn_deepod.base import BaseTorchDetector
from sklearn_deepod.base._state import parameters_as_fitted
from sklearn_deepod.base._torch import OFFSET_ROWS
from sklearn_deepod.detectors._neighbors._component_scorer import (
    ComponentScorer,
    contributions,
    mean_of_largest,
    smoothed,
)
from sklearn_deepod.detectors._neighbors._score_components import FittingRows
from sklearn_deepod.detectors._reconstruction._autoencoder import AutoEncoder
from sklearn_deepod.preprocessing._preprocess import varying_cells
from sklearn_deepod.utils._optional import EpochWatch
from sklearn_deepod.utils._sklearn_compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    _fit_context,
    with_callbacks,
)

# Products of training rows and references that "auto" allows, which bounds the time.
_MOST_PAIRS = 5_000_000
_FEWEST_REFERENCES, _MOST_REFERENCES = 384, 2_048
# Numbers that all the members' references may hold together, or a sample of the rows.
_MOST_CELLS = 2**25
# Rows that a score is smoothed over; fewer where the references are a small sample.
_N_NEARBY, _NEARBY_SHARE = 16, 1 / 64
# Parameters of the networks that are those of the detector.
_SHARED = (
    "novelty",
    "inlier_fraction",
    "preprocessor",
    "device",
    "precision",
    "random_state",
)


class DeepOutlierDetector(CallbackSupportMixin, BaseTorchDetector):
    """Outlier detection by several scores, of networks, neighbours and features.

    The detector to start with: no parameter needs tuning. Small autoencoders learn from
    the training rows, and a row is looked at by several score components. Each finds
    some kinds of outliers that the others miss, so that a row's score is the mean of
    its three highest components.

    Where the training rows may hold outliers, the components are the distance of what
    the networks learned of a row, a robust covariance, neighbours among the inliers,
    and how rare and how extreme the values of single features are. Where all training
    rows are normal (``novelty=True``), they are neighbours in the inputs and in the
    learned features, the density there, and how rare the values of single features are.

    Read more in the :ref:`User Guide <deep-outlier-detector>`.

    Parameters
    ----------
    autoencoder : AutoEncoder or None, default=None
        The networks, for a longer training or another kind of network:
        ``AutoEncoder(network="conv")`` for images. It is cloned, and takes `novelty`,
        `inlier_fraction`, `preprocessor`, `device`, `precision` and `random_state` from
        this detector. None takes ``AutoEncoder()``.
    n_neighbors : int, default=5
        Which neighbour's distance counts in the inputs, and the number of those that
        make the density in the learned features.
    max_references : int or "auto", default="auto"
        Number of training rows, at most, among which neighbours are sought; of a larger
        table it is a sample. "auto" takes 5 million over the number of training rows,
        between 384 and 2,048, so that the time for a large table grows no faster than
        the table.
    {parameters}

    Attributes
    ----------
    autoencoder_ : AutoEncoder
        The fitted networks.
    component_names_ : ndarray of str
        Names of the score components.
    report_ : dict
        What the fit found: ``"contributions"``, the share that each component has in
        the scores of the flagged training rows; the number of references
        ``"n_references"``; the share of the training rows that are no references,
        because the networks find them unusual, ``"left_out"``; and the share that is
        flagged, ``"flagged"``.
    {attributes}

    See Also
    --------
    AutoEncoder : The networks' own score; faster.
    sklearn.ensemble.IsolationForest : What this takes the place of.

    Notes
    -----
    The inputs are prepared features, squashed once more by ``asinh``. The learned
    features are those of `AutoEncoder`, whitened. A training row is not its own
    neighbour: one reference at distance zero is always excluded.

    If `novelty`, components are compared as negative log tail probabilities among the
    training rows. If not, training rows are no measure of what is normal in the tails,
    and a component is the ``arcsinh`` of a robust z-score. The mean of the three
    highest is then smoothed: over a row itself and its 16 nearest neighbours (fewer, of
    a small sample) among all training rows, weighted by a Gaussian kernel whose
    bandwidth is the median distance of fifth neighbours. Of a row's own score and the
    mean of it and the smoothed one, each as a robust z-score, the higher counts.
    Clustered outliers thus raise each other's scores; isolated ones keep their own.

    Unless `novelty`, ``contamination="auto"`` flags as many training rows as
    `autoencoder_` flags, but those that score highest here. The scores themselves
    cannot tell how many: the rows that are no references lie farther from these than
    all others do, even in a table without outliers.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_deepod import DeepOutlierDetector
    >>> X = load_iris().data
    >>> detector = DeepOutlierDetector(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [9.0, 1.0, 1.0, 3.0]]).tolist()
    [1, -1]
    >>> detector.component_names_.tolist()
    ['input_neighbor_5', 'frequency', 'tail', 'network', 'covariance']
    """

    _parameter_constraints: dict = {
        **BaseTorchDetector._parameter_constraints,
        "autoencoder": [AutoEncoder, None],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "max_references": [
            Interval(Integral, 2, None, closed="left"),
            StrOptions({"auto"}),
        ],
    }
    # Missing values become 0 after the networks have seen which they are.
    _accepts_missing = True

    def __init__(
        self, *, autoencoder=None, n_neighbors=5, max_references="auto", **shared
    ):
        super().__init__(**shared)
        self.autoencoder = autoencoder
        self.n_neighbors = n_neighbors
        self.max_references = max_references

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Train the networks for one more epoch, and fit the components again.

        The components are fitted on a sample of all the rows seen.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : Ignored
            For API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self : object
            The detector.
        """
        goes_on = "autoencoder_" in vars(self)
        with self._all_or_nothing():
            X, weight = self._validate_training(X, sample_weight, goes_on=goes_on)
            rows = TrainingRows(X, weight)
            if goes_on:
                networks = copy.deepcopy(self.autoencoder_)
                rows = networks._rows_seen(rows)
            else:
                networks = self._new_autoencoder()
            self._check_columns(X, weight)
            self._train(networks, lambda: networks.partial_fit(X, sample_weight=weight))
            self._fit_components_on(rows, new_preprocessor=not goes_on)
        return self

    def score_components(self, X):
        """Score the rows by each component.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to score.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Scores in the order of `component_names_`, in one unit; higher is more
            anomalous.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        return self._units.of(self._apply(X, ComponentScorer.scores))

    # Fitting ----------------------------------------------------------------------

    def _fit(self, X, sample_weight):
        networks = self._new_autoencoder()
        self._check_columns(X, sample_weight)
        rows = TrainingRows(X, sample_weight)
        self._train(networks, lambda: networks._fit_as_part_of(self, rows))
        self._fit_components_on(rows, new_preprocessor=True)

    def _new_autoencoder(self):
        networks = self.autoencoder
        networks = AutoEncoder() if networks is None else clone(networks)
        if networks.score_function == "auto":
            networks.set_params(score_function="whitened")
        if not str(networks.score_function).startswith("whitened"):
            raise ValueError(
                f"The autoencoder's score_function is {networks.score_function!r}, but "
                "whitened features are needed. Set it to 'whitened', "
                "'whitened_residual' or 'auto'."
            )
        return networks.set_params(**{name: getattr(self, name) for name in _SHARED})

    def _train(self, networks, fit):
        """Train the networks, and take over how they prepare rows."""
        watch = EpochWatch(self, 1)
        with watch.passed_on_to(networks):
            fit()
        watch.close()
        self.autoencoder_ = networks
        self.device_ = networks.device_
        self._shape_read = networks._shape_read
        self._input_shape = networks._input_shape
        self._precision = networks._precision
        self._n_members = networks._n_members
        self._streams = networks._streams

    def _fit_components_on(self, rows, *, new_preprocessor):
        """Fit the components on a sample of the rows, and set the threshold."""
        # The networks' one masks features that vary among outliers only.
        if new_preprocessor:
            self._fit_preprocessor(rows)
        self._parameters_as_fitted = parameters_as_fitted(self)
        n_cells = math.prod(self._input_shape)
        size = max(64, min(OFFSET_ROWS, _MOST_CELLS // n_cells))
        sample = rows.subset(*rows.sample(size))
        self._scorer = self._build_module(self._input_shape, None).to(self.device_)
        columns = self._apply(PickedRows(sample), ComponentScorer.distance_and_values)
        distances, values = columns[:, 0], self._tensor(columns[:, 1:])
        fitting = self._fit_components(sample, distances, values, len(rows))
        measures = self._apply(PickedRows(sample), ComponentScorer.scores)
        kind = TailProbabilities if self.novelty else RobustZScores
        self._units = kind(measures, sample.weight)
        components = self._units.of(measures)
        scores = mean_of_largest(components)
        if not self.novelty:
            scores = self._fit_smoothing(fitting, scores, len(rows))
        if self.contamination == "auto" and not self.novelty:
            flagged = distances > -self.autoencoder_.offset_
            self._set_threshold(scores, sample.weight, _share(sample.weight, flagged))
        elif self.contamination == "auto" or len(sample) == len(rows):
            self._set_threshold(scores, sample.weight)
        else:
            self._fit_threshold(rows)
        flagged = scores > -self.offset_
        shares = contributions(components, sample.weight * flagged).tolist()
        names = self.component_names_.tolist()
        self.report_ = {
            "contributions": dict(zip(names, shares, strict=True)),
            "n_references": min(fitting.n_references, len(fitting.inliers)),
            "left_out": 1.0 - _share(sample.weight, fitting.inliers),
            "flagged": _share(sample.weight, flagged),
        }

    def _fit_components(self, sample, distances, values, n_rows):
        """Fit the components; gives what they were fitted on."""
        inliers = np.arange(len(sample))
        if self._refits_on_inliers(sample):
            inliers = likely_inliers(distances, sample.weight, self.inlier_fraction)
        fitting = FittingRows(
            rows=sample,
            values=values,
            inliers=inliers,
            features=lambda index: self._features(PickedRows(sample, index)),
            n_references=self._most_references(n_rows),
        )
        for component in self._scorer.components:
            component.fit(fitting)
        names = [name for part in self._scorer.components for name in part.names]
        self.component_names_ = np.array(names)
        return fitting

    def _fit_smoothing(self, fitting, scores, n_rows):
        """Smooth the scores over neighbours, and keep what is needed for that."""
        n_nearby = _N_NEARBY
        if fitting.n_references < n_rows:
            n_nearby = math.ceil(_NEARBY_SHARE * fitting.n_references)
        n_nearby = min(n_nearby, _N_NEARBY)
        self._scorer.smoothing.fit(fitting, scores, n_nearby)
        sums = self._apply(PickedRows(fitting.rows), ComponentScorer.sums)
        both = np.stack([scores, smoothed(scores, sums)], axis=1)
        self._smoothing_units = RobustZScores(both, fitting.rows.weight)
        return self._higher(both)

    def _most_references(self, n_rows):
        if self.max_references != "auto":
            return self.max_references
        n_cells = self._n_members * math.prod(self._input_shape)
        bounds = _MOST_REFERENCES, _MOST_PAIRS // n_rows, _MOST_CELLS // n_cells
        return max(_FEWEST_REFERENCES, min(bounds))

    # Scoring ----------------------------------------------------------------------

    def _build_module(self, input_shape, generator):
        read = varying_cells(self.autoencoder_.preprocessor_, input_shape)
        return ComponentScorer(
            self.autoencoder_._module, read, self.n_neighbors, self.novelty
        )

    _fitted_attribute = "_scorer"

    @property
    def _module(self):
        return self._scorer

    def _anomaly_scores(self, X):
        if self._scorer.smoothing is None:
            measures = self._apply(X, ComponentScorer.scores)
            return mean_of_largest(self._units.of(measures))
        columns = self._apply(X, ComponentScorer.scores_and_sums)
        measures, sums = np.split(columns, [-2], axis=1)
        scores = mean_of_largest(self._units.of(measures))
        return self._higher(np.stack([scores, smoothed(scores, sums)], axis=1))

    def _higher(self, both):
        """Own scores, or means of them and smoothed ones where those are higher.

        Both as robust z-scores; what is returned is on the components' scale before
        they are squashed, so that a threshold sees the tail as it is.
        """
        units = self._smoothing_units
        own, smooth = units.z_scores(both).T
        center, spread = units.units[:, 0]
        return np.sinh(center + spread * np.maximum(own, (own + smooth) / 2))

    def _features(self, rows):
        """Learned features (n_members, n_rows, n_features) of training rows."""
        features = self._apply(
            rows, lambda scorer, Z: scorer.learned(Z).transpose(0, 1)
        )
        return self._tensor(features).transpose(0, 1).contiguous()

    def _tensor(self, array):
        return torch.from_numpy(array).float().to(self.device_)

    # State ------------------------------------------------------------------------

    def _to_arrays(self):
        return self._scorer.arrays()

    def _from_arrays(self, arrays):
        scorer = self._build_module(self._input_shape, None)
        set_arrays(scorer, arrays)
        return scorer.to(self.device_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        networks = self.autoencoder
        if networks is None or isinstance(networks, AutoEncoder):
            networks = AutoEncoder() if networks is None else networks
            input_tags = networks.__sklearn_tags__().input_tags
            tags.input_tags.three_d_array = input_tags.three_d_array
        return tags


def _share(weight, chosen):
    return float(weight[chosen].sum() / weight.sum())
