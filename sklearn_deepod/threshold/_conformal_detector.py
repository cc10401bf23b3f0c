"""Any outlier detector, with p-values and a guaranteed rate of false alarms."""

from numbers import Integral, Real

from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import has_fit_parameter, indexable

from sklearn_deepod.threshold._conformal_calibration import (
    Calibration,
    check_fixed_scores,
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
from sklearn_deepod.utils._scores import scores_of
from sklearn_deepod.utils._sklearn_compat import (
    Interval,
    RealNotInt,
    StrOptions,
)
from sklearn_deepod.utils._weights import check_weights


class ConformalDetector(MetaDetectorMixin, ConformalPValuesMixin, BaseEstimator):
    """Any outlier detector, with p-values and a guaranteed rate of false alarms.

    The detector is fitted on some of the rows. The scores of the others, the
    calibration rows, show how normal rows score that it was not fitted on. The p-value
    of a new row is the share of the calibration rows that score no higher than it, with
    the new row counted among them. If normal rows, old and new, are exchangeable (for
    instance, drawn independently from one distribution), `predict` flags at most a
    share `alpha` of the new normal rows on average, for any detector, any continuous
    distribution and any number of rows; see Notes for equal rows and weights.

    Parameters
    ----------
    detector : estimator
        Outlier detector with `fit` and `score_samples` as scikit-learn means them:
        higher is more normal. A row's score must be a function of the row alone.
        Wrapped in `sklearn.frozen.FrozenEstimator` it is not fitted again: with
        ``method="split"`` all rows given to `fit` are then calibration rows, and must
        not be those that it was fitted on.
    method : {"split", "cross", "jackknife+"}, default="split"
        "split" fits once, on one part of the rows, and calibrates on the other.
        "cross" fits once for each fold, without the rows of the fold, which calibrate
        that fit: all rows serve both purposes. "jackknife+" leaves out one row at a
        time, and so fits as often as there are different rows: for small tables. The
        guarantee is a rate of at most `alpha` with "split"; with the others twice that
        in the worst case, and close to `alpha` in practice [2]_.
    alpha : float, default=0.05
        Rate of false alarms that `predict` may have, in (0, 1).
    calibration_size : float or int, default=0.5
        Share or number of the different rows that calibrate, if `method` is "split".
    cv : int, cross-validation generator or iterable, default=10
        The folds, if `method` is "cross". An int is their number; different rows are
        assigned to them at random. Otherwise each row must be in exactly one test fold.
    likelihood_ratio : callable or None, default=None
        Function of rows, ``likelihood_ratio(X) -> (n_samples,)``, that says how much
        more frequent such rows are among those to be judged than among those given to
        `fit`. Then the p-values hold under this shift, too [3]_. None means that
        there is none.
    n_jobs : int or None, default=None
        Detectors fitted at the same time.
    random_state : int, RandomState instance or None, default=None
        Seed of the split of the rows. `detector` has its own.

    Attributes
    ----------
    detectors_ : list of estimator
        The fitted detectors, one for each split of the rows.
    calibration_scores_ : list of ndarray of shape (n_rows,)
        For each detector the scores of its different calibration rows, in increasing
        order; higher is more normal.
    calibration_weights_ : list of ndarray of shape (n_rows,)
        The weights of these rows, times their likelihood ratios: how often each counts.
    n_calibration_ : int or float
        Number of calibration rows, or their total weight.
    offset_ : float
        ``decision_function`` is ``score_samples`` minus this: `alpha`.
    {attributes}

    See Also
    --------
    ThresholdedDetector : Thresholds without a guarantee, but also without rows set
        aside.

    Notes
    -----
    The rate holds on average over calibration sets. With n calibration rows and method
    "split", the rate for one of them varies around it with a standard deviation of
    about ``sqrt(alpha * (1 - alpha) / n)``. The smallest p-value is ``1 / (n + 1)``.

    `score_samples` gives the p-values, each lowered by at most a millionth part, so
    that rows with equal p-values are in the order of the detectors' mean score.

    Outliers among the calibration rows make p-values larger, hence alarms rarer.

    A fit is a function of the weighted set of rows: equal rows are merged and their
    weights added before the split, and the rows are put in an order that depends on
    nothing but their values. So a row of weight 2 equals the same row given twice, a
    row of weight 0 is as good as absent, and the order of the rows has no effect, with
    any detector. Equal rows are therefore on the same side of the split, and a
    calibration row of weight w counts as w rows.

    The guarantee is exact if no two rows are equal and there are no weights. If some
    rows are equal, as those of categories may be, new rows that equal a row of the
    training side are never compared with copies of themselves. The rate is then at
    most `alpha` if the detector flags such rows no more often than rows that it has
    not seen, which holds for any reasonable detector. But the p-values become
    conservative, and few outliers are flagged in tables with few different rows. With
    unequal weights, the rate of false alarms is near `alpha` if the weighted rows are
    like those to be judged, and if no row holds much of the weight. Weights that are a
    known function of the row belong in `likelihood_ratio`.

    `predict_fdr` judges a batch: of the rows it flags, at most a given share are false
    alarms on average [1]_.

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
    >>>     >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn_deepod.threshold import ConformalDetector
    >>> rng = np.random.RandomState(0)
    >>> detector = ConformalDetector(
    ...     IsolationForest(random_state=0), alpha=0.05, random_state=0
    ... ).fit(rng.randn(1000, 3))
    >>> bool(np.mean(detector.predict(rng.randn(5000, 3)) == -1) < 0.07)
    True
    >>> detector.p_values([[0.0, 0.0, 0.0], [6.0, 6.0, 6.0]]).round(3).tolist()
    [1.0, 0.002]
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
        """Fit the detector on some rows and calibrate it on others.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Normal rows, of any kind that the detector accepts.
        y : array-like of shape (n_samples,), default=None
            Passed to the detector. The calibration does not depend on it.
        sample_weight : array-like of shape (n_samples,), default=None
            A row of weight 2 counts as two rows, one of weight 0 as none. The detector
            is fitted on rows that are repeated as often as whole weights say.
            Otherwise its `fit` gets the weights or, if it has no such parameter, rows
            repeated in proportion to them. If metadata routing is enabled, its `fit`
            gets the weights if it requests them, and else each row once.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        TypeError
            If the detector cannot score new rows.
        ValueError
            If there are too few different rows to split, or if the detector's score of
            a row depends on the rows beside it or on the call.

        Warns
        -----
        UserWarning
            If there are so few calibration rows that no p-value can be as low as
            `alpha`.
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
        """Get the metadata that `fit` and the `fit` of the detector request.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        return super().get_metadata_routing().add_self_request(self)

    def _check_detector(self):
        if has_tags(self.detector) and get_tags(self.detector).non_deterministic:
            raise ValueError(
                f"{self.detector!r} says of itself that its scores change from call to "
                "call; conformal p-values need a detector with fixed scores."
            )
        if isinstance(self.detector, FrozenEstimator) and self.method != "split":
            raise ValueError(
                f"method={self.method!r} fits the detector again, which a "
                'FrozenEstimator is not. Take method="split".'
            )

    def _splits(self, X, y, sample_weight):
        """Rows to fit on (None for a frozen detector) and rows to calibrate on."""
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
        """A fitted detector, and what its calibration rows say."""
        rows, _ = calibration.rows()
        if train is None:
            detector = self._fitted_detector(rows)
        else:
            detector = self._fitted_on(train, weighted=weighted)
        scores = scores_of(detector, rows)
        check_fixed_scores(detector, rows, scores)
        ratios = likelihood_ratios(self.likelihood_ratio, rows, len(scores))
        return detector, Calibration(scores, calibration.weight, ratios)

    def _fitted_on(self, train, *, weighted):
        """The detector fitted on the rows, which count by their weights."""
        routed = get_config()["enable_metadata_routing"]
        if routed and weighted:  # the detector's request decides
            return self._fitted_detector(*train.rows(), sample_weight=train.weight)
        takes_weights = not routed and has_fit_parameter(self.detector, "sample_weight")
        X, y, weight = train.for_fit(takes_weights=takes_weights)
        params = {} if weight is None else {"sample_weight": weight}
        return self._fitted_detector(X, y, **params)
