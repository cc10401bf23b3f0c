"""From scores and a cut to labels."""

import numpy as np
from sklearn.base import OutlierMixin


class DecisionMixin(OutlierMixin):
    """Decisions of an outlier detector with `score_samples` and `offset_`."""

    def decision_function(self, X):
        """Score the rows relative to the cut; negative is an outlier.

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
