"""P-values and labels of new rows by calibrated detectors."""

import numpy as np
from scipy.stats import false_discovery_control
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod.threshold._conformal_calibration import likelihood_ratios
from sklearn_deepod.utils._decision import DecisionMixin
from sklearn_deepod.utils._scores import scores_of
from sklearn_deepod.utils._sklearn_compat import _num_samples

# Share of a p-value by which `score_samples` lowers it at most, to break ties.
TIE_BREAK = 1e-6


class ConformalPValuesMixin(DecisionMixin):
    """What a conformal detector says of new rows, once it is fitted.

    Its `fit` sets `detectors_`, one `Calibration` for each of them in `_calibrations`,
    and `_likelihood_ratio`.
    """

    def p_values(self, X):
        """P-values of the rows, under the hypothesis that they are normal.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        ndarray of shape (n_samples,)
            From ``1 / (n + 1)`` to 1, low for outliers, with n calibration rows or
            their total weight.
        """
        check_is_fitted(self)
        return self._p_values(X, self._scores(X))

    def predict_fdr(self, X, level=0.1):
        """Label the rows of a batch such that few of the flagged are false alarms.

        The procedure of Benjamini and Hochberg on the p-values: of the flagged rows, a
        share of at most `level` is normal on average. What is flagged depends on the
        whole batch. Proven for ``method="split"`` without weights, equal rows and
        `likelihood_ratio`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The batch.
        level : float, default=0.1
            The false discovery rate that is allowed, in (0, 1).

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
        # Always lowered, so that a p-value equal to `alpha` gets below it.
        lowered = 1.0 - TIE_BREAK * (0.75 - ranks / (2 * np.pi))
        return self._p_values(X, scores) * lowered

    def _scores(self, X):
        """Scores of the rows by each detector."""
        return [scores_of(detector, X) for detector in self.detectors_]

    def _p_values(self, X, scores):
        ratios = likelihood_ratios(self._likelihood_ratio, X, _num_samples(X))
        reached, total = ratios.copy(), ratios.copy()
        for of_one, known in zip(scores, self._calibrations, strict=True):
            reached += known.not_above(of_one)
            total += known.total
        return np.divide(reached, total, out=np.ones(len(total)), where=total > 0)
