"""Outlier detector with p-values and a guaranteed false alarm rate."""

from numbers import Integral, Real

from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import has_fit_parameter, indexable

from sklearn_deepod.threshold._conformal_calibration import (
    Calibration,
    likelihood_ratios,
    warn_of_few,
)
from sklearn_deepod.threshold._conformal_p_values import ConformalPValuesMixin
from sklearn_deepod.threshold._conformal_rows import WeightedRows, conformal_splits
from sklearn_deepod.utils._meta import (
    MetaDetectorMixin,
    has_tags,
    take_features,
)
from sklearn_deepod.utils._scores import check_fixed_scores, scores_of
from sklearn_deepod.utils._sklearn_compat import (
    Interval,
    RealNotInt,
    StrOptions,
)
from sklearn_deepod.utils._weights import check_weights


class ConformalDetector(MetaDetectorMixin, ConformalPValuesMixin, BaseEstimator):
    """Outlier detector with p-values and a guaranteed false alarm rate.

    The detector is fitted on one part of the rows. Its scores of the other part, the
    calibration rows, show how it scores normal rows that it was not fitted on. The
    p-value of a new row is the proportion of rows that score no higher, among the
    calibration rows and the new row itself. If old and new normal rows are exchangeable
    (for instance, independent draws from one distribution), `predict` flags on average
    at most a proportion `alpha` of the new normal rows, with any detector, any
    continuous distribution and any number of rows. Notes say what holds for equal rows
    and for weights.

    Read more in the :ref:`User Guide <conformal-detector>`.

    Parameters
    ----------
    detector : estimator
        Outlier detector with `fit` and a `score_samples` that follows scikit-learn's
        convention (higher is more normal). The score of a row must be a function of the
        row alone. A detector wrapped in `sklearn.frozen.FrozenEstimator` is not fitted
        again: with ``method="split"``, all rows given to `fit` are calibration rows,
        and must be other rows than those that it was fitted on.
    method : {"split", "cross", "jackknife+"}, default="split"
        "split" fits once, on one part of the rows, and calibrates on the other. "cross"
        fits once for each fold, on the other folds, and calibrates this fit on the
        fold, so that all rows serve both purposes. "jackknife+" leaves out one row at a
        time, with as many fits as different rows, which suits small tables. The
        guaranteed rate is `alpha` with "split". With the other two it is twice `alpha`,
        although in practice they are close to `alpha` [2]_.
    alpha : float, default=0.05
        False alarm rate of `predict`, in (0, 1).
    calibration_size : float or int, default=0.5
        Proportion or number of the different rows that calibrate, if `method` is
        "split".
    cv : int, cross-validation generator or iterable, default=10
        The folds, if `method` is "cross". With an int, different rows are assigned to
        so many folds at random. Otherwise each row must be in exactly one test fold.
    likelihood_ratio : callable or None, default=None
        Function ``likelihood_ratio(X) -> (n_samples,)`` that returns how much more
        frequent rows are among those to be tested than among those given to `fit`. The
        guarantee then holds under this covariate shift [3]_. None means no shift.
    n_jobs : int or None, default=None
        Number of detectors fitted in parallel.
    random_state : int, RandomState instance or None, default=None
        Seed of the split of the rows. The seed of `detector` is a parameter of its own.

    Attributes
    ----------
    detectors_ : list of estimator
        The fitted detectors, one for each split of the rows.
    calibration_scores_ : list of ndarray of shape (n_rows,)
        For each detector, the scores of its different calibration rows, in increasing
        order; higher is more normal.
    calibration_weights_ : list of ndarray of shape (n_rows,)
        The weights of these rows, multiplied by their likelihood ratios.
    n_calibration_ : int or float
        Number of calibration rows, or their total weight.
    offset_ : float
        The threshold on the scores, `alpha`.
    {attributes}

    See Also
    --------
    ThresholdedDetector : Thresholds without a guarantee, and without rows set aside.

    Notes
    -----
    The false alarm rate is an average over calibration sets. With n calibration rows
    and ``method="split"``, the rate for one calibration set varies with a standard
    deviation of about ``sqrt(alpha * (1 - alpha) / n)``. The smallest p-value is
    ``1 / (n + 1)``. Outliers among the calibration rows increase p-values, and thus
    reduce alarms.

    `score_samples` returns the p-values, each reduced by at most a millionth, so that
    rows with equal p-values are ordered by the mean score of the detectors.

    A fit is a function of the weighted set of rows, with any detector: equal rows are
    merged and their weights added before the split, and the rows are sorted by a hash
    of their values. So a row of weight 2 equals the same row given twice, a row of
    weight 0 equals a missing row, and the order of the rows has no effect. Equal rows
    are on the same side of the split. A calibration row of weight w counts as w rows.

    The guarantee is exact if no rows are equal and no weights are given. With equal
    rows, as in tables of categories, a new row that equals a training row is never
    compared with a copy of itself. The rate still does not exceed `alpha`, up to a term
    that vanishes with the number of different rows, if the detector flags the rows that
    it was fitted on no more often than others, as one expects of any detector. However,
    the p-values become conservative: in tables with few different rows, few outliers
    are flagged. With unequal weights, the rate is close to `alpha` if the weighted rows
    resemble the rows to be tested and no row has much of the weight. Weights that are a
    known function of the row belong in `likelihood_ratio`. `predict_fdr` controls the
    false discovery rate of a batch [1]_.

    References
    ----------
    .. [1] S. Bates, E. Candes, L. Lei, Y. Romano, M. Sesia (2023). Testing for outliers
       with conformal p-values. The Annals of Statistics 51(1), 149-178.
    .. [2] R. F. Barber, E. J. Candes, A. Ramdas, R. J. Tibshirani (2021). Predictive
       inference with the jackknife+. The Annals of Statistics 49(1), 486-507.
    .. [3] R. J. Tibshirani, R. F. Barber, E. J. Candes, A. Ramdas (2019). Conformal
       prediction under covariate shift. NeurIPS 32.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn_deepod.threshold import ConformalDetector
    >>> rng = np.random.RandomState(0)
    >>> detector = ConformalDetector(
    ...     IsolationForest(random_state=0), alpha=0.05, random_state=0
    ... ).fit(rng.randn(1000, 3))
    >>> bool(np.mean(detector.predict(rng.randn(5000, 3)) == -1) < 0.07)
    True
    >>> detector.p_values([[0.0, 0.0, 0.0], [6.0, 6.0, 6.0]]).round(3).tolist()
    [0.996, 0.002]
    """

    _parameter_constraints: dict = {
        "detector": "no_validation",  # see check_scores_new_rows
        "method": [StrOptions({"split", "cross", "jackknife+"})],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "calibration_size": [
            Interval(RealNotInt, 0, 1, closed="neither"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "cv": ["cv_object"],
        "likelihood_ratio": [callable, None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        detector,
        *,
        method="split",
        alpha=0.05,
        calibration_size=0.5,
        cv=10,
        likelihood_ratio=None,
        n_jobs=None,
        random_state=None,
    ):
        self.detector = detector
        self.method = method
        self.alpha = alpha
        self.calibration_size = calibration_size
        self.cv = cv
        self.likelihood_ratio = likelihood_ratio
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None):
        """Fit the detector on one part of the rows and calibrate it on the other.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Normal rows, in any format that the detector accepts.
        y : array-like of shape (n_samples,), default=None
            Passed to the detector. The calibration does not depend on it.
        sample_weight : array-like of shape (n_samples,), default=None
            A row of weight 2 counts as two rows, one of weight 0 as none. If all
            weights are whole numbers, the detector is fitted on repeated rows.
            Otherwise its `fit` gets the weights or, without such a parameter, rows
            repeated in proportion to them. With metadata routing enabled, its `fit`
            gets the weights if it requests them, or else each row once.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        TypeError
            If the detector cannot score new rows.
        ValueError
            If there are too few different rows to split, or if the score of a row
            depends on the other rows of a call or changes from call to call.

        Warns
        -----
        UserWarning
            If there are so few calibration rows that no p-value can reach `alpha`.
        """
        return super().fit(X, y, sample_weight=sample_weight)

    def _fit(self, X, y, params):
        self._check_detector()
        X, y = indexable(X, y)
        weight = check_weights(params["sample_weight"], X)
        self._likelihood_ratio = self.likelihood_ratio
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(self._fit_and_calibrate)(*sides, weighted=weight is not None)
            for sides in self._splits(X, y, weight)
        )
        self.detectors_, self._calibrations = map(list, zip(*fitted, strict=True))
        self.calibration_scores_ = [known.scores for known in self._calibrations]
        self.calibration_weights_ = [known.weights for known in self._calibrations]
        total = sum(known.total_weight for known in self._calibrations)
        self.n_calibration_ = int(total) if total.is_integer() else total
        warn_of_few(self._calibrations, self.alpha, weighted=weight is not None)
        self.offset_ = float(self.alpha)
        take_features(self, self.detectors_[0])

    def get_metadata_routing(self):
        """Get the metadata that this estimator and the detector request.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        return super().get_metadata_routing().add_self_request(self)

    def _check_detector(self):
        if has_tags(self.detector) and get_tags(self.detector).non_deterministic:
            raise ValueError(
                f"{self.detector!r} has the tag non_deterministic: its scores change "
                "from call to call, but conformal p-values need fixed scores."
            )
        if isinstance(self.detector, FrozenEstimator) and self.method != "split":
            raise ValueError(
                f"method={self.method!r} fits the detector again, which a "
                'FrozenEstimator prevents. Use method="split".'
            )

    def _splits(self, X, y, sample_weight):
        """Get pairs of training rows (None if frozen) and calibration rows."""
        if isinstance(self.detector, FrozenEstimator):
            return [(None, WeightedRows(X, y, sample_weight))]
        return conformal_splits(
            X,
            y,
            sample_weight,
            method=self.method,
            calibration_size=self.calibration_size,
            cv=self.cv,
            random_state=self.random_state,
        )

    def _fit_and_calibrate(self, train, calibration, *, weighted):
        """Fit a detector on the one side of a split and calibrate it on the other."""
        rows, _ = calibration.rows()
        if train is None:
            detector = self._fitted_detector(rows)
        else:
            detector = self._fitted_on(train, weighted=weighted)
        scores = scores_of(detector, rows)
        check_fixed_scores(
            detector,
            rows,
            scores,
            why="Conformal p-values need a detector whose score is a fixed function of "
            "the row.",
        )
        ratios = likelihood_ratios(self.likelihood_ratio, rows, len(scores))
        return detector, Calibration(scores, calibration.weight, ratios)

    def _fitted_on(self, train, *, weighted):
        """Fit a detector on rows that count by their weights."""
        routed = get_config()["enable_metadata_routing"]
        if routed and weighted:  # the request of the detector decides
            return self._fitted_detector(*train.rows(), sample_weight=train.weight)
        takes_weights = not routed and has_fit_parameter(self.detector, "sample_weight")
        X, y, weight = train.for_fit(takes_weights=takes_weights)
        params = {} if weight is None else {"sample_weight": weight}
        return self._fitted_detector(X, y, **params)
