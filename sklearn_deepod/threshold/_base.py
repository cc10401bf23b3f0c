"""Base of the rules that set a threshold."""

from abc import ABCMeta, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, column_or_1d

from sklearn_deepod.utils._naming import naming
from sklearn_deepod.utils._rollback import all_or_nothing
from sklearn_deepod.utils._scores import HIGHEST
from sklearn_deepod.utils._shared_parameters import SharedParametersMixin
from sklearn_deepod.utils._sklearn_compat import _fit_context
from sklearn_deepod.utils._weights import check_weights


class BaseThreshold(SharedParametersMixin, BaseEstimator, metaclass=ABCMeta):
    """Base of the rules that set a threshold on training scores.

    Subclasses implement `_threshold`. A rule sees only scores, and thus works with any
    detector; `ThresholdedDetector` applies it to one.

    Read more in the :ref:`User Guide <threshold-rules>`.

    Attributes
    ----------
    threshold_ : float
        Rows with higher anomaly scores are outliers.
    """

    #: Smallest number of scores that the rule needs.
    _min_scores = 2
    #: Whether `_threshold` accepts weights. If not, whole weights repeat the scores.
    _takes_weights = True

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, anomaly_scores, y=None, sample_weight=None):
        """Find the threshold in training scores.

        Parameters
        ----------
        anomaly_scores : array-like of shape (n_samples,)
            Anomaly scores of the training rows: the negative of `score_samples`.
        y : array-like of shape (n_samples,), default=None
            1 for inliers, -1 for outliers, 0 for rows without a label. Used by rules
            that need labels, ignored by the others.
        sample_weight : array-like of shape (n_samples,), default=None
            A score of weight 2 counts as two, one of weight 0 as none.

        Returns
        -------
        self : object
            The fitted rule.

        Raises
        ------
        ValueError
            If there are too few scores, if some are not finite, or if the labels or the
            weights are invalid.
        """
        with all_or_nothing(self):
            self._fit(anomaly_scores, y, sample_weight)
        return self

    def _fit(self, anomaly_scores, y, sample_weight):
        with naming("anomaly_scores"):
            scores = check_array(
                column_or_1d(anomaly_scores),
                ensure_2d=False,
                dtype=np.float64,
                input_name="anomaly_scores",
            )
        if y is not None:
            y = column_or_1d(y)
            if len(y) != len(scores):
                raise ValueError(
                    f"y has {len(y)} labels for {len(scores)} anomaly_scores. Give one "
                    "label for each score."
                )
        sample_weight = check_weights(sample_weight, scores)
        if sample_weight is not None:
            present = sample_weight > 0
            scores, sample_weight = scores[present], sample_weight[present]
            y = None if y is None else y[present]
            if not self._takes_weights:
                scores, sample_weight = self._repeated(scores, sample_weight), None
        if len(scores) < self._min_scores:
            raise ValueError(
                f"{type(self).__name__} needs at least {self._min_scores} scores, got "
                f"{len(scores)}. Give more training rows, or use another rule."
            )
        # With scores near the largest float64, a rule may overflow.
        with np.errstate(over="ignore", invalid="ignore"):
            threshold = self._threshold(scores, y, sample_weight)
        self.threshold_ = float(
            np.nan_to_num(threshold, nan=HIGHEST, posinf=HIGHEST, neginf=-HIGHEST)
        )

    @abstractmethod
    def _threshold(self, scores, y, sample_weight):
        """Compute the threshold from validated scores, labels and weights."""

    def _repeated(self, scores, sample_weight):
        if not np.array_equal(sample_weight, np.round(sample_weight)):
            raise ValueError(
                f"{type(self).__name__} takes whole sample weights only, which count "
                "as repeated rows. Round them, or use another rule, such as "
                "OtsuThreshold."
            )
        return np.repeat(scores, sample_weight.astype(int))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags
