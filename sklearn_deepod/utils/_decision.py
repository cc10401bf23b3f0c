"""From scores and a threshold to labels."""

import numpy as np
from sklearn.base import OutlierMixin


class DecisionMixin(OutlierMixin):
    """Decisions of an outlier detector with `score_samples` and `offset_`."""

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
            Handed on to `fit`, such as ``sample_weight``.

        Returns
        -------
        ndarray of int of shape (n_samples,)
            +1 for inliers, -1 for outliers: ``fit(X, y, **fit_params).predict(X)``.
        """
        # OutlierMixin's own leaves `y` out.
        return self.fit(X, y, **fit_params).predict(X)
