"""Several outlier detectors as one, on calibrated scores."""

import warnings
from numbers import Integral, Real

import numpy as np
from scipy.stats import ConstantInputWarning, rankdata, spearmanr
from sklearn import get_config
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import Bunch, get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    process_routing,
)
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod._stats import (
    asinh_z_score,
    negative_log_tail_probability,
    training_threshold,
)
from sklearn_deepod.utils._decision import DecisionMixin
from sklearn_deepod.utils._meta import (
    check_scores_new_rows,
    fit_mapping,
    out_of_fold_scores,
    take_features,
    without_weightless_rows,
)
from sklearn_deepod.utils._sklearn_compat import (
    Interval,
    StrOptions,
    _BaseComposition,
    _fit_context,
)

EVIDENCE = {"tail": negative_log_tail_probability, "robust": asinh_z_score}


class DetectorEnsemble(DecisionMixin, MetaEstimatorMixin, _BaseComposition):
    """Several outlier detectors as one, on calibrated scores.

    Scores of different detectors have different units and tails. Each detector's are
    put in one unit by its own scores of the training rows, and then combined for each
    row. A row's score depends on nothing but the row and the training.

    Read more in the :ref:`User Guide <detector-ensemble>`.

    Parameters
    ----------
    detectors : list of (str, estimator)
        Names and outlier detectors with `fit` and `score_samples` as scikit-learn means
        them: higher is more normal. ``LocalOutlierFactor`` needs ``novelty=True``. One
        can be replaced by `set_params`, or left out as ``"drop"``.
    calibration : {"tail", "robust"}, default="tail"
        The unit. "tail" is minus the logarithm of the share of training rows that score
        as high, plus how far beyond the highest. "robust" is the ``arcsinh`` of a
        quarter of the robust z-score among the training rows, for training rows with
        many outliers, whose scores hardly change it.
    combine : {"mean", "max", "largest"}, default="mean"
        How the calibrated scores of a row make up its score: their mean, the largest of
        them, or the mean of the `n_largest` largest. An anomaly is often seen by some
        detectors only.
    n_largest : int, default=4
        Number of the largest, if `combine` is "largest"; all, if there are fewer.
    weights : array-like of shape (n_detectors,), "agreement" or None, default=None
        Weights of the detectors, relative to their mean, by which calibrated scores are
        multiplied. "agreement" learns them without labels: the rank correlation of a
        detector with the mean rank of the others on the training rows, not below 0.
        None weighs all alike.
    cv : int, cross-validation generator, iterable or None, default=None
        Where the training scores come from that calibrate. None scores the training
        rows by the detector that was fitted on them, which is right for detectors that
        rate new rows alike. Otherwise each row is scored by a clone fitted without it.
        An int does not shuffle.
    contamination : "auto" or float, default="auto"
        Share of outliers among the training rows, which sets the threshold. "auto"
        flags rows that exceed the tail of the bulk of the training scores
        (`sklearn_deepod.threshold.TailExcessThreshold`), or, with ``novelty=True``,
        rows beyond a boxplot fence (`sklearn_deepod.threshold.IQRThreshold`). A float
        in (0, 0.5] flags that share of the training rows.
    novelty : bool, default=False
        Whether all training rows are known to be normal. It picks the rule of
        ``contamination="auto"``, and nothing else: the detectors are not told, and
        theirs is not looked at.
    n_jobs : int or None, default=None
        Detectors fitted, and scored by, at the same time.

    Attributes
    ----------
    detectors_ : list of estimator
        The fitted detectors, without those left out.
    named_detectors_ : sklearn.utils.Bunch
        The fitted detectors by name.
    weights_ : ndarray of shape (n_detectors,)
        Their weights, of mean 1.
    training_scores_ : ndarray of shape (n_detectors, n_samples)
        Their scores of the training rows that calibrate, without those of weight 0;
        higher is more normal.
    offset_ : float
        ``decision_function`` is ``score_samples`` minus this.
    n_features_in_ : int
        Number of features, where the detectors tell.
    feature_names_in_ : ndarray of str
        Names of the features, where the training rows had some.

    See Also
    --------
    sklearn.ensemble.VotingClassifier : The same for classifiers.

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
        "calibration": [StrOptions(set(EVIDENCE))],
        "combine": [StrOptions({"mean", "max", "largest"})],
        "n_largest": [Interval(Integral, 1, None, closed="left")],
        "weights": ["array-like", StrOptions({"agreement"}), None],
        "cv": ["cv_object", None],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "novelty": ["boolean"],
        "n_jobs": [Integral, None],
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
        contamination="auto",
        novelty=False,
        n_jobs=None,
    ):
        self.detectors = detectors
        self.calibration = calibration
        self.combine = combine
        self.n_largest = n_largest
        self.weights = weights
        self.cv = cv
        self.contamination = contamination
        self.novelty = novelty
        self.n_jobs = n_jobs

    # The detectors validate their own parameters, whose errors then bear their names.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        """Fit the detectors, and calibrate their scores on the training rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows; whatever all the detectors take.
        y : array-like of shape (n_samples,), default=None
            Handed on to the detectors.
        **params : dict
            Handed on to the `fit` of all detectors; if metadata routing is enabled, to
            those that ask for it. ``sample_weight`` counts in the calibration and for
            the threshold as well; rows of weight 0 are left out beforehand.

        Returns
        -------
        self : object
            The fitted ensemble.

        Raises
        ------
        TypeError
            If a detector cannot score new rows, or has no name.
        ValueError
            If there is no detector, if names are taken twice, or if `weights` or sample
            weights do not fit.
        """
        names, detectors = self._chosen()
        weights = self._checked_weights()
        X, y, params = without_weightless_rows(X, y, params)
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(self._fit_one)(name, detector, X, y, params)
            for name, detector in zip(names, detectors, strict=True)
        )
        members, scores, known = zip(*fitted, strict=True)
        self.training_scores_ = np.array(known, dtype=np.float64)
        self._sample_weight = params.get("sample_weight")
        self._evidence = EVIDENCE[self.calibration]
        n_largest = {"mean": None, "max": 1, "largest": self.n_largest}
        self._n_largest = n_largest[self.combine]
        if isinstance(weights, str):
            weights = _agreement(self.training_scores_)
        self.detectors_ = list(members)
        self.named_detectors_ = Bunch(**dict(zip(names, members, strict=True)))
        self.weights_ = weights / weights.mean()
        self.offset_ = -training_threshold(
            self._combined(np.array(scores, dtype=np.float64)),
            self.contamination,
            self._sample_weight,
            novelty=self.novelty,
        )
        take_features(self, members[0])
        return self

    def score_samples(self, X):
        """Score the rows; higher is more normal.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to score.

        Returns
        -------
        ndarray of shape (n_samples,)
            The opposite of the combined calibrated score.
        """
        check_is_fitted(self)
        scores = Parallel(n_jobs=self.n_jobs)(
            delayed(detector.score_samples)(X) for detector in self.detectors_
        )
        return -self._combined(np.array(scores, dtype=np.float64))

    def get_params(self, deep=True):
        """Parameters of the ensemble and, by name, of its detectors.

        Parameters
        ----------
        deep : bool, default=True
            Whether to give those of the detectors, too.

        Returns
        -------
        dict
            Parameter names and values.
        """
        return self._get_params("detectors", deep=deep)

    def set_params(self, **params):
        """Set parameters of the ensemble or of its detectors, or replace a detector.

        Parameters
        ----------
        **params : dict
            ``forest__n_estimators=50`` sets a parameter of the detector "forest",
            ``forest="drop"`` leaves it out.

        Returns
        -------
        self : object
            The ensemble.
        """
        self._set_params("detectors", **params)
        return self

    def get_metadata_routing(self):
        """Say what metadata the detectors' `fit` ask for.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        return MetadataRouter(owner=type(self).__name__).add(
            **{name: d for name, d in self.detectors if not _is_dropped(d)},
            method_mapping=fit_mapping(),
        )

    def _chosen(self):
        """Names and detectors that are not left out."""
        if not self.detectors:
            raise ValueError("detectors is empty. Give [(name, detector), ...].")
        for item in self.detectors:
            if not (isinstance(item, tuple) and len(item) == 2):
                raise TypeError(
                    f"detectors must hold pairs (name, detector), but holds {item!r}."
                )
        self._validate_names([name for name, _ in self.detectors])
        chosen = [(name, d) for name, d in self.detectors if not _is_dropped(d)]
        if not chosen:
            raise ValueError('All detectors are "drop". Keep one at least.')
        for _, detector in chosen:
            check_scores_new_rows(detector)
        return zip(*chosen, strict=True)

    def _checked_weights(self):
        """Weights of the detectors that are not left out, or how to learn them."""
        if isinstance(self.weights, str):
            return self.weights
        kept = np.array([not _is_dropped(d) for _, d in self.detectors])
        if self.weights is None:
            return np.ones(kept.sum())
        weights = np.asarray(self.weights, dtype=np.float64)
        valid = weights.shape == kept.shape and np.isfinite(weights).all()
        if not (valid and (weights >= 0).all() and weights[kept].any()):
            raise ValueError(
                f"weights must be {len(kept)} numbers, one for each detector, of at "
                f"least 0 and not all 0; got {self.weights!r}."
            )
        return weights[kept]

    def _fit_one(self, name, detector, X, y, params):
        """The fitted detector, its scores of the training rows, and those to go by."""
        if params and get_config()["enable_metadata_routing"]:
            params = process_routing(self, "fit", **params)[name].fit

        def fit(X, y, **params):
            return clone(detector).fit(X, y, **params)

        fitted = fit(X, y, **params)
        scores = fitted.score_samples(X)
        if self.cv is None:
            return fitted, scores, scores
        return fitted, scores, out_of_fold_scores(fit, X, y, params, cv=self.cv)

    def _combined(self, scores):
        """One anomaly score for each row of scores by all detectors."""
        calibrated = np.array(
            [
                weight * self._evidence(-new, -known, self._sample_weight)
                for weight, new, known in zip(
                    self.weights_, scores, self.training_scores_, strict=True
                )
            ]
        )
        if self._n_largest is None:
            return calibrated.mean(axis=0)
        return np.sort(calibrated, axis=0)[-self._n_largest :].mean(axis=0)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "offset_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = [get_tags(d) for _, d in self.detectors if not _is_dropped(d)]
        for name in ("sparse", "allow_nan"):
            takes = all(getattr(t.input_tags, name) for t in inner)
            setattr(tags.input_tags, name, takes)
        tags.non_deterministic = any(t.non_deterministic for t in inner)
        return tags


def _is_dropped(detector):
    return isinstance(detector, str) and detector == "drop"


def _agreement(scores):
    """Rank correlation of each detector with the mean rank of the others."""
    if len(scores) == 1:
        return np.ones(1)
    ranks = rankdata(scores, axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)  # a weight of 0
        weights = [
            spearmanr(own, others).statistic
            for own, others in zip(scores, ranks.sum(axis=0) - ranks, strict=True)
        ]
    weights = np.maximum(np.nan_to_num(weights), 0.0)
    return weights if weights.any() else np.ones(len(scores))
