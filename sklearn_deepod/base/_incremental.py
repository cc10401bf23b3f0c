"""Training on one batch of rows after the other."""

from sklearn_deepod._determinism import TrainingRows
from sklearn_deepod.utils._sklearn_compat import (
    CallbackSupportMixin,
    _fit_context,
    with_callbacks,
)


class IncrementalMixin(CallbackSupportMixin):
    """For detectors that go on learning from more rows.

    Subclasses implement `_partial_fit_rows` and `_is_trained`.
    """

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Train for one more epoch on these rows.

        The first call fits the preprocessor as `fit` does. Later ones keep it, and take
        all that scoring needs, and the threshold, from a sample of all the rows seen.
        Unless `novelty`, the highest losses of each batch are left out.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : Ignored
            For API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self : object
            The detector.

        Raises
        ------
        ValueError
            If the rows cannot be used; the detector then is as it was before.
        """
        with self._all_or_nothing():
            goes_on = self._is_trained()
            X, weight = self._validate_training(X, sample_weight, goes_on=goes_on)
            rows = TrainingRows(X, weight, self._labels(X, y))
            self._partial_fit_rows(rows, goes_on=goes_on)
        return self

    def _labels(self, X, y):
        """Labels of the rows; None where a detector does not learn from any."""

    def _is_trained(self):
        """Whether there is something to go on from."""
        raise NotImplementedError

    def _partial_fit_rows(self, rows, *, goes_on):
        """Train for one epoch on validated rows in canonical order."""
        raise NotImplementedError
