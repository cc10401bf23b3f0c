"""P-values and labels of new rows."""

import numpy as np
from scipy.stats import false_discovery_control
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod.threshold._conformal_calibration import likelihood_ratios
from sklearn_deepod.utils._decision import DecisionMixin
from sklearn_deepod.utils._scores import scores_of
from sklearn_deepod.utils._sklearn_compat import _num_samples

# Largest proportion by which `score_samples` lowers a p-value, to break ties.
TIE_BREAK = 1e-6


class ConformalPValuesMixin(DecisionMixin):
    """Methods of a fitted conformal detector for new rows.

    `fit` sets `detectors_`, `_calibrations` (a `Calibration` for each detector) and
    `_likelihood_ratio`.
    """

    def p_values(self, X):
        """Compute the p-values of rows under the hypothesis that they are normal.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to test.

        Returns
        -------
        ndarray of shape (n_samples,)
            P-values from ``1 / (n + 1)`` to 1, where n is the number of calibration
            rows or their total weight. Outliers have low p-values.
        """
        check_is_fitted(self)
        return self._p_values(X, self._scores(X))

    def predict_fdr(self, X, level=0.1):
        """Label the rows of a batch, and control the false discovery rate.

        This is the Benjamini-Hochberg procedure on the p-values: on average, at most
        the proportion `level` of the flagged rows is normal. The label of a row depends
        on the whole batch. The guarantee is proven for ``method="split"`` without
        weights, equal rows and `likelihood_ratio`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The batch.
        level : float, default=0.1
            The allowed false discovery rate, in (0, 1).

        Returns
        -------
        ndarray of int of shape (n_samples,)
            +1 for inliers, -1 for outliers.
        """
        if not 0 < level < 1:
            raise ValueError(f"level must be between 0 and 1, got {level}.")
        return np.where(false_discovery_control(self.p_values(X)) <= level, -1, 1)

    def _score_samples(self, X):
        scores = self._scores(X)
        ranks = np.mean(
            [
                np.arctan(known.standardized(of_one))
                for of_one, known in zip(scores, self._calibrations, strict=True)
            ],
            axis=0,
        )
        # Always lowered, so that a p-value equal to `alpha` is flagged.
        lowered = 1.0 - TIE_BREAK * (0.75 - ranks / (2 * np.pi))
        return self._p_values(X, scores) * lowered

    def _scores(self, X):
        """Score the rows by each detector."""
        return [scores_of(detector, X) for detector in self.detectors_]

    def _p_values(self, X, scores):
        ratios = likelihood_ratios(self._likelihood_ratio, X, _num_samples(X))
        reached, total = ratios.copy(), ratios.copy()
        for of_one, known in zip(scores, self._calibrations, strict=True):
            reached += known.not_above(of_one)
            total += known.total
        return np.divide(reached, total, out=np.ones(len(total)), where=total > 0)
