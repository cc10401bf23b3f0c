"""Ensemble of outlier detectors on calibrated scores."""

from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.utils import Bunch
from sklearn.utils.parallel import Parallel, delayed

from sklearn_deepod._stats import training_threshold
from sklearn_deepod.ensemble._combined_scores import CALIBRATIONS, CombinedScores
from sklearn_deepod.ensemble._weights import agreement_weights, checked_weights
from sklearn_deepod.utils._decision import ContaminationMixin, DecisionMixin
from sklearn_deepod.utils._folds import out_of_fold_scores
from sklearn_deepod.utils._meta import (
    MetaEstimatorFitMixin,
    check_scores_new_rows,
    take_features,
    without_weightless_rows,
)
from sklearn_deepod.utils._scores import scores_of
from sklearn_deepod.utils._sklearn_compat import (
    Interval,
    StrOptions,
    _BaseComposition,
)


class DetectorEnsemble(
    MetaEstimatorFitMixin, ContaminationMixin, DecisionMixin, _BaseComposition
):
    """Ensemble of outlier detectors on calibrated scores.

    Scores of different detectors have different units and tails. The scores of each
    detector are calibrated by its scores of the training rows, and the calibrated
    scores of a row are combined. The score of a row is a function of the row and of the
    training data alone.

    Read more in the :ref:`User Guide <detector-ensemble>`.

    Parameters
    ----------
    detectors : list of (str, estimator)
        Names and outlier detectors with `fit` and a `score_samples` that follows
        scikit-learn's convention (higher is more normal). ``LocalOutlierFactor`` needs
        ``novelty=True``. `set_params` can replace a detector, or drop it with
        ``"drop"``.
    calibration : {"tail", "robust"}, default="tail"
        How scores are calibrated. "tail" takes the negative logarithm of the proportion
        of training rows that are at least as anomalous and, beyond the most anomalous
        one, adds the logarithm of the distance. "robust" takes the ``arcsinh`` of the
        robust z-score divided by 4, which outliers among the training rows hardly
        change.
    combine : {"mean", "max", "largest"}, default="mean"
        How the calibrated scores of a row are combined: by their mean, their maximum,
        or the mean of the `n_largest` largest. The latter two suit anomalies that only
        some of the detectors recognise.
    n_largest : int, default=4
        Number of scores that ``combine="largest"`` averages, at most all.
    weights : array-like of shape (n_detectors,), "agreement" or None, default=None
        Weights by which the calibrated scores of the detectors are multiplied; only
        their ratios matter. "agreement" learns them without labels: the weight of a
        detector is the rank correlation of its scores with the mean rank of the other
        detectors on the training rows, or 0 if that is negative. None means equal
        weights.
    cv : int, cross-validation generator, iterable or None, default=None
        How the training rows are scored for the calibration. None uses the detectors
        that were fitted on these rows, which suits detectors that score new rows alike.
        Otherwise each row is scored by a clone that was fitted without it. With an int,
        rows are not shuffled.
    n_jobs : int or None, default=None
        Number of detectors that are fitted, or score rows, in parallel.
    {parameters}

    Attributes
    ----------
    detectors_ : list of estimator
        The fitted detectors, without those dropped.
    named_detectors_ : sklearn.utils.Bunch
        The fitted detectors by name.
    weights_ : ndarray of shape (n_detectors,)
        Weights of the fitted detectors, with a mean of 1.
    training_scores_ : ndarray of shape (n_detectors, n_samples)
        Scores of the training rows with which new scores are calibrated, without rows
        of weight 0; higher is more normal.
    {attributes}

    See Also
    --------
    sklearn.ensemble.VotingClassifier : The corresponding ensemble of classifiers.

    Notes
    -----
    ``sample_weight`` given to `fit` also weights the calibration and the threshold.
    Rows of weight 0 are dropped first.

    References
    ----------
    H.-P. Kriegel, P. Kröger, E. Schubert, A. Zimek (2011). Interpreting and unifying
    outlier scores. SDM, 13-24.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn.neighbors import LocalOutlierFactor
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_deepod.ensemble import DetectorEnsemble
    >>> X, _ = load_breast_cancer(return_X_y=True)
    >>> neighbors = make_pipeline(StandardScaler(), LocalOutlierFactor(novelty=True))
    >>> forest = IsolationForest(random_state=0)
    >>> ensemble = DetectorEnsemble([("forest", forest), ("lof", neighbors)]).fit(X)
    >>> ensemble.named_detectors_.forest
    IsolationForest(random_state=0)
    >>> ensemble.score_samples(X).shape
    (569,)
    """

    _parameter_constraints: dict = {
        "detectors": [list],
        "calibration": [StrOptions(set(CALIBRATIONS))],
        "combine": [StrOptions({"mean", "max", "largest"})],
        "n_largest": [Interval(Integral, 1, None, closed="left")],
        "weights": ["array-like", StrOptions({"agreement"}), None],
        "cv": ["cv_object", None],
        "n_jobs": [Integral, None],
        **ContaminationMixin._parameter_constraints,
    }

    def __init__(
        self,
        detectors,
        *,
        calibration="tail",
        combine="mean",
        n_largest=4,
        weights=None,
        cv=None,
        n_jobs=None,
        contamination="auto",
        novelty=False,
    ):
        self.detectors = detectors
        self.calibration = calibration
        self.combine = combine
        self.n_largest = n_largest
        self.weights = weights
        self.cv = cv
        self.n_jobs = n_jobs
        self.contamination = contamination
        self.novelty = novelty

    def _fit(self, X, y, params):
        names, detectors = self._chosen()
        dropped = [_is_dropped(detector) for _, detector in self.detectors]
        weights = checked_weights(self.weights, dropped)
        X, y, params = without_weightless_rows(X, y, params)
        self._n_jobs = self.n_jobs
        fitted = Parallel(n_jobs=self._n_jobs)(
            delayed(self._fit_one)(name, detector, X, y, params)
            for name, detector in zip(names, detectors, strict=True)
        )
        members, scores, known = zip(*fitted, strict=True)
        self.training_scores_ = np.array(known)
        sample_weight = params.get("sample_weight")
        if isinstance(weights, str):
            weights = agreement_weights(self.training_scores_)
        self.detectors_ = list(members)
        self.named_detectors_ = Bunch(**dict(zip(names, members, strict=True)))
        self.weights_ = weights / weights.mean()
        n_largest = {"mean": None, "max": 1, "largest": self.n_largest}
        self._combined = CombinedScores(
            self.training_scores_,
            self.weights_,
            sample_weight,
            calibration=self.calibration,
            n_largest=n_largest[self.combine],
        )
        self.offset_ = -training_threshold(
            self._combined(np.array(scores)),
            self.contamination,
            sample_weight,
            novelty=self.novelty,
        )
        take_features(self, members[0])

    def _score_samples(self, X):
        scores = Parallel(n_jobs=self._n_jobs)(
            delayed(scores_of)(detector, X) for detector in self.detectors_
        )
        return -self._combined(np.array(scores))

    def get_params(self, deep=True):
        """Get the parameters of the ensemble and, by name, of its detectors.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of the detectors.

        Returns
        -------
        dict
            Values by parameter name.
        """
        return self._get_params("detectors", deep=deep)

    def set_params(self, **params):
        """Set parameters of the ensemble or of its detectors, or replace a detector.

        Parameters
        ----------
        **params : dict
            ``forest__n_estimators=50`` sets a parameter of the detector "forest",
            ``forest="drop"`` drops it.

        Returns
        -------
        self : object
            The ensemble.
        """
        self._set_params("detectors", **params)
        return self

    def _held_detectors(self):
        pairs = [item for item in self.detectors if _is_pair(item)]
        return {name: d for name, d in pairs if not _is_dropped(d)}

    def _chosen(self):
        """Validate `detectors`; get the names and detectors that are not dropped."""
        if not self.detectors:
            raise ValueError("detectors is empty. Give [(name, detector), ...].")
        for item in self.detectors:
            if not _is_pair(item):
                raise TypeError(
                    f"detectors must hold pairs (name, detector), but holds {item!r}."
                )
        self._validate_names([name for name, _ in self.detectors])
        chosen = [(name, d) for name, d in self.detectors if not _is_dropped(d)]
        if not chosen:
            raise ValueError('All detectors are "drop". Keep at least one.')
        for _, detector in chosen:
            check_scores_new_rows(detector)
        return zip(*chosen, strict=True)

    def _fit_one(self, name, detector, X, y, params):
        """Fit a detector; score the training rows for the threshold and calibration."""
        params = self._routed(name, params)

        def fit(X, y, **params):
            return clone(detector).fit(X, y, **params)

        fitted = fit(X, y, **params)
        scores = scores_of(fitted, X)
        if self.cv is None:
            return fitted, scores, scores
        return fitted, scores, out_of_fold_scores(fit, X, y, params, cv=self.cv)


def _is_pair(item):
    return isinstance(item, tuple) and len(item) == 2


def _is_dropped(detector):
    return isinstance(detector, str) and detector == "drop"
