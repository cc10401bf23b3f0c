"""An outlier detector with a threshold that a rule sets."""

from numbers import Integral

from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod._stats import MOST_OF_NORMAL
from sklearn_deepod.threshold._iqr import IQRThreshold
from sklearn_deepod.threshold._tail_excess import TailExcessThreshold
from sklearn_deepod.utils._decision import DecisionMixin
from sklearn_deepod.utils._folds import out_of_fold_scores
from sklearn_deepod.utils._meta import (
    MetaDetectorMixin,
    has_tags,
    take_features,
)
from sklearn_deepod.utils._rollback import all_or_nothing
from sklearn_deepod.utils._scores import scores_of
from sklearn_deepod.utils._sklearn_compat import HasMethods


def _rule(threshold, novelty):
    """Get the rule that the parameters select."""
    if threshold is not None:
        return threshold
    if novelty:
        return IQRThreshold(skewed=True, most=MOST_OF_NORMAL)
    return TailExcessThreshold()


def _rule_learns(self):
    return hasattr(getattr(self, "rule_", self.threshold), "update")


class ThresholdedDetector(MetaDetectorMixin, DecisionMixin, BaseEstimator):
    """Outlier detector with a threshold that a rule sets.

    A clone of `detector` is fitted, and the rule `threshold` finds a threshold in its
    scores of the training rows. The scores are those of the detector; the rule sets
    `offset_`, which `decision_function` and `predict` use.

    Read more in the :ref:`User Guide <thresholds>`.

    Parameters
    ----------
    detector : estimator
        Outlier detector with `fit` and a `score_samples` that follows scikit-learn's
        convention (higher is more normal). ``LocalOutlierFactor`` needs
        ``novelty=True``. A detector wrapped in `sklearn.frozen.FrozenEstimator` is not
        fitted again; the rows given to `fit` then only set the threshold.
    threshold : estimator or None, default=None
        A rule of `sklearn_deepod.threshold`, or an estimator with the same interface:
        ``fit(anomaly_scores, y, sample_weight)`` and ``threshold_``. None takes
        ``TailExcessThreshold()`` or, with ``novelty=True``,
        ``IQRThreshold(skewed=True, most=0.015)``: the rules by which the detectors of
        this package set ``contamination="auto"``.
    novelty : bool, default=False
        Whether all training rows are known to be normal. It selects the rule of
        ``threshold=None`` and has no other effect: it is neither passed to the wrapped
        detector nor read from it.
    cv : int, cross-validation generator, iterable or None, default=None
        How the training rows are scored. None uses the detector that was fitted on
        them; most detectors score these rows as more normal than new ones. Otherwise
        each row is scored by a clone that was fitted without it, and the scores of all
        folds are pooled. With an int, rows are not shuffled.
    n_jobs : int or None, default=None
        Number of folds fitted in parallel, if `cv` is given.

    Attributes
    ----------
    detector_ : estimator
        The fitted detector.
    rule_ : estimator
        The fitted rule.
    training_scores_ : ndarray of shape (n_samples,)
        Scores of the training rows, in which the rule found the threshold; higher is
        more normal.
    {attributes}

    See Also
    --------
    ConformalDetector : A threshold with a guaranteed false alarm rate.
    sklearn.model_selection.FixedThresholdClassifier : Threshold of a classifier.

    Notes
    -----
    ``sample_weight`` given to `fit` is passed to the detector and also weights the
    scores in which the rule finds the threshold.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn_deepod.threshold import MADThreshold, ThresholdedDetector
    >>> X, _ = load_breast_cancer(return_X_y=True)
    >>> forest = IsolationForest(random_state=0)
    >>> detector = ThresholdedDetector(forest, threshold=MADThreshold()).fit(X)
    >>> int((detector.predict(X) == -1).sum())
    19
    >>> detector.set_threshold(MADThreshold(factor=5.0))  # keeps the fitted forest
    ThresholdedDetector(...)
    >>> int((detector.predict(X) == -1).sum())
    7
    """

    _parameter_constraints: dict = {
        "detector": "no_validation",  # see check_scores_new_rows
        "threshold": [HasMethods("fit"), None],
        "novelty": ["boolean"],
        "cv": ["cv_object", None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self, detector, *, threshold=None, novelty=False, cv=None, n_jobs=None
    ):
        self.detector = detector
        self.threshold = threshold
        self.novelty = novelty
        self.cv = cv
        self.n_jobs = n_jobs

    def _fit(self, X, y, params):
        detector = self._fitted_detector(X, y, **params)
        if self.cv is None:
            scores = scores_of(detector, X)
        else:
            scores = out_of_fold_scores(
                self._fitted_detector, X, y, params, cv=self.cv, n_jobs=self.n_jobs
            )
        known = (scores, y, params.get("sample_weight"))
        self._novelty = self.novelty
        self.rule_ = self._fitted_rule(*known)
        self.detector_ = detector
        self.training_scores_, self._labels, self._weight = known
        self.offset_ = -self.rule_.threshold_
        take_features(self, detector)

    def _score_samples(self, X):
        return scores_of(self.detector_, X)

    def set_threshold(self, threshold):
        """Set another rule, without fitting the detector again.

        Parameters
        ----------
        threshold : estimator or None
            The rule, as in the constructor.

        Returns
        -------
        self : object
            The detector with the new threshold.
        """
        check_is_fitted(self)
        with all_or_nothing(self):
            self.threshold = threshold
            self._validate_params()
            self.rule_ = self._fitted_rule(
                self.training_scores_, self._labels, self._weight
            )
            self.offset_ = -self.rule_.threshold_
        return self

    @available_if(_rule_learns)
    def update(self, X):
        """Label the rows of a stream one after the other, and update the rule.

        Only available with a rule that has `update`, such as `PeaksOverThreshold`. The
        detector itself is not updated.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            New rows, in the order of their arrival.

        Returns
        -------
        ndarray of int of shape (n_samples,)
            +1 for inliers, -1 for outliers, each by the threshold at that moment.
        """
        labels = self.rule_.update(-self.score_samples(X))
        self.offset_ = -self.rule_.threshold_
        return labels

    def _fitted_rule(self, scores, y, sample_weight):
        rule = _rule(self.threshold, self._novelty)
        needs_labels = get_tags(rule).target_tags.required
        return clone(rule).fit(-scores, y if needs_labels else None, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        rule = _rule(self.threshold, self.novelty)
        tags.target_tags.required = (
            has_tags(rule) and get_tags(rule).target_tags.required
        )
        return tags
