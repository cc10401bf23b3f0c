"""Decisions from scores and a threshold."""

from numbers import Real

import numpy as np
from sklearn.base import OutlierMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions


class DecisionMixin(OutlierMixin):
    """Methods of an outlier detector with a threshold, `offset_`.

    Subclasses implement `_score_samples`, which validates and scores rows.

    Attributes
    ----------
    offset_ : float
        The threshold on the scores: ``decision_function`` is ``score_samples`` minus
        `offset_`.
    """

    def score_samples(self, X):
        """Score the rows; higher is more normal.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to score.

        Returns
        -------
        ndarray of shape (n_samples,)
            The scores. Lower scores are more anomalous.
        """
        check_is_fitted(self)
        return self._score_samples(X)

    def decision_function(self, X):
        """Score the rows relative to the threshold; negative values are outliers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to score.

        Returns
        -------
        ndarray of shape (n_samples,)
            ``score_samples(X) - offset_``.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Label the rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to label.

        Returns
        -------
        ndarray of int of shape (n_samples,)
            +1 for inliers, -1 for outliers.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def fit_predict(self, X, y=None, **fit_params):
        """Fit the detector and label the training rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,), default=None
            Labels, for detectors that learn from labels; see `fit`.
        **fit_params : dict
            Passed to `fit`, such as ``sample_weight``.

        Returns
        -------
        ndarray of int of shape (n_samples,)
            +1 for inliers, -1 for outliers: ``fit(X, y, **fit_params).predict(X)``.
        """
        # OutlierMixin.fit_predict does not pass `y` on.
        return self.fit(X, y, **fit_params).predict(X)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "offset_")


class ContaminationMixin:
    """Parameters of estimators that set a threshold on their training scores.

    Parameters
    ----------
    contamination : "auto" or float, default="auto"
        Proportion of outliers in the training data, which sets the threshold. With
        "auto", the threshold is that of
        `sklearn_deepod.threshold.TailExcessThreshold` on the training scores or, with
        ``novelty=True``, a boxplot fence (`sklearn_deepod.threshold.IQRThreshold`).
        With a float in (0, 0.5], that proportion of the training rows is flagged. The
        thresholds of the wrapped detectors are not used.
    novelty : bool, default=False
        Whether all training rows are known to be normal. It selects the rule of
        ``contamination="auto"`` and has no other effect: it is neither passed to the
        wrapped detectors nor read from them.
    """

    _parameter_constraints: dict = {
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "novelty": ["boolean"],
    }
