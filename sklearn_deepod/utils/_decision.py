"""From scores and a threshold to labels."""

from numbers import Real

import numpy as np
from sklearn.base import OutlierMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions


class DecisionMixin(OutlierMixin):
    """Scores and decisions of an outlier detector with an `offset_`.

    Subclasses implement `_score_samples`, which scores rows that may still need
    validation.

    Attributes
    ----------
    offset_ : float
        ``decision_function`` is ``score_samples`` minus this.
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
            Scores; the lower, the more anomalous.
        """
        check_is_fitted(self)
        return self._score_samples(X)

    def decision_function(self, X):
        """Score the rows relative to the threshold; negative is an outlier.

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
            Labels, for detectors that learn from them; see `fit`.
        **fit_params : dict
            Passed to `fit`, such as ``sample_weight``.

        Returns
        -------
        ndarray of int of shape (n_samples,)
            +1 for inliers, -1 for outliers: ``fit(X, y, **fit_params).predict(X)``.
        """
        # OutlierMixin's own leaves `y` out.
        return self.fit(X, y, **fit_params).predict(X)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "offset_")


class ContaminationMixin:
    """Parameters of the estimators that set a threshold on their training scores.

    Parameters
    ----------
    contamination : "auto" or float, default="auto"
        Share of outliers among the training rows, which sets the threshold. "auto"
        flags rows that exceed the tail of the bulk of the training scores
        (`sklearn_deepod.threshold.TailExcessThreshold`), or, with ``novelty=True``,
        rows beyond a boxplot fence (`sklearn_deepod.threshold.IQRThreshold`). A float
        in (0, 0.5] flags that share of the training rows. Thresholds of the detectors
        inside are not used.
    novelty : bool, default=False
        Whether all training rows are known to be normal. It picks the rule of
        ``contamination="auto"`` and has no other effect: it is neither passed to the
        detectors inside nor read from them.
    """

    _parameter_constraints: dict = {
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "novelty": ["boolean"],
    }
