"""The detector to start with: several scores of what networks and neighbours see."""

import copy
import math
from numbers import Integral

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod._determinism import PickedRows, TrainingRows
from sklearn_deepod._stats import likely_inliers
from sklearn_deepod._training import set_arrays
from sklearn_deepod.base import BaseTorchDetector
from sklearn_deepod.base._incremental import IncrementalMixin
from sklearn_deepod.base._scoring import OFFSET_ROWS
from sklearn_deepod.base._state import parameters_as_fitted
from sklearn_deepod.detectors._neighbors._component_scorer import (
    ComponentScorer,
    ScoreCombination,
    contributions,
    mean_of_largest,
)
from sklearn_deepod.detectors._neighbors._reference_index import (
    MOST_CELLS,
    most_references,
)
from sklearn_deepod.detectors._neighbors._score_components import FittingRows
from sklearn_deepod.detectors._reconstruction._autoencoder import AutoEncoder
from sklearn_deepod.preprocessing._preprocess import varying_cells
from sklearn_deepod.utils._optional import EpochWatch
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions

# Parameters of the networks that are those of the detector.
_GIVEN = set(BaseTorchDetector._parameter_constraints) - {"contamination"}
# What the detector takes over of the fitted networks: how rows are read.
_TAKEN = "device_ _precision _shape_read _input_shape _n_members _streams"


class DeepOutlierDetector(IncrementalMixin, BaseTorchDetector):
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
        measures = self._apply(X, ComponentScorer.scores)
        return self._combination.components(measures)

    # Fitting ----------------------------------------------------------------------

    def _fit(self, X, sample_weight):
        rows = TrainingRows(X, sample_weight)
        self._train(self._new_autoencoder(), rows)
        # The networks' one masks features that vary among outliers only.
        self._fit_preprocessor(rows)
        self._fit_on(rows)

    def _partial_fit_rows(self, rows, *, goes_on):
        networks = copy.deepcopy(self.autoencoder_) if goes_on else None
        seen = networks._rows_seen(rows) if goes_on else rows
        self._train(networks or self._new_autoencoder(), rows, epoch_only=True)
        if not goes_on:
            self._fit_preprocessor(rows)
        self._fit_on(seen)

    def _is_trained(self):
        return "autoencoder_" in vars(self)

    def _new_autoencoder(self):
        given = self.autoencoder
        networks = AutoEncoder() if given is None else clone(given)
        if networks.score_function == "auto":
            networks.set_params(score_function="whitened")
        if not str(networks.score_function).startswith("whitened"):
            raise ValueError(
                f"The autoencoder's score_function is {networks.score_function!r}, but "
                "whitened features are needed. Set it to 'whitened', "
                "'whitened_residual' or 'auto'."
            )
        return networks.set_params(**{name: getattr(self, name) for name in _GIVEN})

    def _train(self, networks, rows, *, epoch_only=False):
        """Train the networks, and take over how they read rows."""
        watch = EpochWatch(self, 1)
        with watch.passed_on_to(networks):
            networks._fit_as_part_of(self, rows, epoch_only=epoch_only)
        watch.close()
        self.autoencoder_ = networks
        for name in _TAKEN.split():
            setattr(self, name, getattr(networks, name))

    def _fit_on(self, rows):
        """Fit the components on a sample of the rows, and set the threshold."""
        self._parameters_as_fitted = parameters_as_fitted(self)
        n_cells = math.prod(self._input_shape)
        size = max(64, min(OFFSET_ROWS, MOST_CELLS // n_cells))
        sample = rows.subset(*rows.sample(size))
        self._scorer = self._build_module(self._input_shape, None).to(self.device_)
        columns = self._apply(PickedRows(sample), ComponentScorer.distance_and_values)
        distances, values = columns[:, 0], self._tensor(columns[:, 1:])
        fitting = self._fit_components(sample, distances, values, len(rows))
        measures = self._apply(PickedRows(sample), ComponentScorer.scores)
        self._combination = ScoreCombination(measures, sample.weight, self.novelty)
        components = self._combination.components(measures)
        scores = mean_of_largest(components)
        if not self.novelty:
            self._scorer.fit_smoothing(fitting, scores, len(rows))
            sums = self._apply(PickedRows(sample), ComponentScorer.sums)
            scores = self._combination.fit_smoothing(scores, sums, sample.weight)
        if self.contamination == "auto" and not self.novelty:
            flagged = distances > -self.autoencoder_.offset_
            self._set_offset(scores, sample.weight, _share(sample.weight, flagged))
        elif self.contamination == "auto" or len(sample) == len(rows):
            self._set_offset(scores, sample.weight)
        else:
            self._fit_threshold(rows)
        flagged = scores > -self.offset_
        shares = contributions(components, sample.weight * flagged)
        self.report_ = {
            "contributions": dict(zip(self._scorer.names, shares, strict=True)),
            "n_references": min(fitting.n_references, len(fitting.inliers)),
            "left_out": 1.0 - _share(sample.weight, fitting.inliers),
            "flagged": _share(sample.weight, flagged),
        }

    def _fit_components(self, sample, distances, values, n_rows):
        """Fit the components; gives what they were fitted on."""
        inliers = np.arange(len(sample))
        if self._refits_on_inliers(sample):
            inliers = likely_inliers(distances, sample.weight, self.inlier_fraction)
        n_references = self.max_references
        if n_references == "auto":
            n_cells = self._n_members * math.prod(self._input_shape)
            n_references = most_references(n_rows, n_cells)
        fitting = FittingRows(
            rows=sample,
            values=values,
            inliers=inliers,
            features=lambda index: self._features(PickedRows(sample, index)),
            n_references=n_references,
        )
        self.component_names_ = np.array(self._scorer.fit(fitting).names)
        return fitting

    def _build_module(self, input_shape, generator):
        read = varying_cells(self.autoencoder_.preprocessor_, input_shape)
        return ComponentScorer(
            self.autoencoder_._module, read, self.n_neighbors, self.novelty
        )

    _fitted_attribute = "_scorer"

    def _anomaly_scores(self, X):
        return self._combination.scores(self._apply(X, ComponentScorer.columns))

    def _features(self, rows):
        """Learned features (n_members, n_rows, n_features) of training rows."""
        features = self._apply(rows, lambda s, Z: s.learned(Z).transpose(0, 1))
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
        # Tags are asked for before `fit` validates the parameter.
        if isinstance(self.autoencoder, AutoEncoder):
            input_tags = self.autoencoder.__sklearn_tags__().input_tags
            tags.input_tags.three_d_array = input_tags.three_d_array
        return tags


def _share(weight, chosen):
    return float(weight[chosen].sum() / weight.sum())
