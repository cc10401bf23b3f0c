"""Any outlier detector, with p-values and a guaranteed rate of false alarms."""

from numbers import Integral, Real

import numpy as np
from scipy.stats import false_discovery_control
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import KFold, LeaveOneOut, ShuffleSplit
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted, has_fit_parameter, indexable

from sklearn_deepod.threshold._conformal_calibration import (
    Calibration,
    check_fixed_scores,
    likelihood_ratios,
)
from sklearn_deepod.utils._decision import DecisionMixin
from sklearn_deepod.utils._meta import (
    MetaDetectorMixin,
    take_features,
    without_weightless_rows,
)
from sklearn_deepod.utils._sklearn_compat import (
    Interval,
    RealNotInt,
    StrOptions,
    _num_samples,
    _safe_indexing,
)
from sklearn_deepod.utils._warnings import warn

# Share of a p-value by which `score_samples` parts equal ones.
TIE_BREAK = 1e-6


class ConformalDetector(MetaDetectorMixin, DecisionMixin, BaseEstimator):
    """Any outlier detector, with p-values and a guaranteed rate of false alarms.

    Rows that the detector was not fitted on, the calibration rows, show how high the
    scores of normal rows are. The p-value of a new row is the share of calibration rows
    that score at least as high, itself included. If normal rows, old and new, are
    exchangeable, for instance drawn independently from one distribution, `predict`
    flags at most a share `alpha` of new normal rows on average, whatever the detector
    and the distribution, for any number of rows.

    Read more in the :ref:`User Guide <conformal-detector>`.

    Parameters
    ----------
    detector : estimator
        Outlier detector with `fit` and `score_samples` as scikit-learn means them:
        higher is more normal. A row's score must depend on nothing but the row. Wrapped
        in `sklearn.frozen.FrozenEstimator` it is not fitted again: with
        ``method="split"`` all rows given to `fit` then are calibration rows, and must
        not be those that it was fitted on.
    method : {"split", "cross", "jackknife+"}, default="split"
        "split" fits once, on one part of the rows, and calibrates on the other.
        "cross" fits `cv` times, each time without one fold, whose rows calibrate that
        fit: all rows serve both purposes. "jackknife+" leaves out one row at a time and
        so fits as often as there are rows: for small tables. The guarantee is a rate of
        at most `alpha` with "split"; with the others twice that in the worst case, and
        close to `alpha` in practice [2]_.
    alpha : float, default=0.05
        Rate of false alarms that `predict` may have, in (0, 1).
    calibration_size : float or int, default=0.5
        Share or number of the rows that calibrate, if `method` is "split".
    cv : int, default=10
        Number of folds, if `method` is "cross".
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
        For each detector the scores of its calibration rows, in increasing order;
        higher is more normal.
    n_calibration_ : int
        Number of calibration rows, without those of weight 0.
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

    Outliers among the calibration rows make p-values larger, hence alarms rarer.

    With `sample_weight`, a calibration row of weight 2 counts as two rows, and n is the
    total weight. A row trains or calibrates with all its weight, not with a part of it.
    The guarantee is for equal weights. With others, the rate of false alarms is near
    `alpha` if the weighted rows are like those to be judged, and if no row holds much
    of the weight. Weights that are a known function of the row belong in
    `likelihood_ratio`.

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
        "cv": [Interval(Integral, 2, None, closed="left")],
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
            Normal rows; whatever the detector takes.
        y : array-like of shape (n_samples,), default=None
            Handed on to the detector. Rows do not calibrate differently by it.
        sample_weight : array-like of shape (n_samples,), default=None
            A row of weight 2 counts as two rows, one of weight 0 as none. Handed on to
            the detector's `fit` if that has such a parameter (if metadata routing is
            enabled: if it asks for it); otherwise it counts in the calibration only.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        TypeError
            If the detector cannot score new rows.
        ValueError
            If there are too few rows to split, or if the detector's score of a row
            depends on the rows beside it or on the call.

        Warns
        -----
        UserWarning
            If there are so few calibration rows that no p-value can be as low as
            `alpha`.
        """
        return super().fit(X, y, sample_weight=sample_weight)

    def _fit(self, X, y, params):
        self._check_deterministic()
        X, y = indexable(X, y)
        X, y, params = without_weightless_rows(X, y, params)
        weight = params["sample_weight"]
        self._likelihood_ratio = self.likelihood_ratio
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(self._fit_and_calibrate)(X, y, weight, train, calibration)
            for train, calibration in self._splits(X)
        )
        self.detectors_, self._calibrations = map(list, zip(*fitted, strict=True))
        self.calibration_scores_ = [known.scores for known in self._calibrations]
        self.n_calibration_ = sum(map(len, self.calibration_scores_))
        self._warn_of_few(weighted=weight is not None)
        self.offset_ = float(self.alpha)
        take_features(self, self.detectors_[0])

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

    def _score_samples(self, X):
        scores = self._scores(X)
        p = self._p_values(X, scores)
        ranks = np.mean(
            [
                np.arctan(known.standardized(of_one))
                for of_one, known in zip(scores, self._calibrations, strict=True)
            ],
            axis=0,
        )
        # Above zero, so that a p-value equal to `alpha` gets below it.
        return p * (1.0 - TIE_BREAK * (0.75 - ranks / (2 * np.pi)))

    def predict_fdr(self, X, level=0.1):
        """Label the rows of a batch such that few of the flagged are false alarms.

        The procedure of Benjamini and Hochberg on the p-values: of the flagged rows, a
        share of at most `level` is normal on average. What is flagged depends on the
        whole batch. Proven for ``method="split"`` without `likelihood_ratio`.

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

    def get_metadata_routing(self):
        """Get the metadata that `fit` and the `fit` of the detector request.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        return super().get_metadata_routing().add_self_request(self)

    def _check_deterministic(self):
        if get_tags(self.detector).non_deterministic:
            raise ValueError(
                f"{self.detector!r} says of itself that its scores change from call to "
                "call; conformal p-values need a detector with fixed scores."
            )

    def _splits(self, X):
        """Rows to train and to calibrate on, for each of the detectors."""
        if isinstance(self.detector, FrozenEstimator):
            if self.method != "split":
                raise ValueError(
                    f"method={self.method!r} fits the detector again, which a "
                    'FrozenEstimator is not. Take method="split".'
                )
            return [(None, np.arange(_num_samples(X)))]
        rng = check_random_state(self.random_state)
        splitters = {
            "split": ShuffleSplit(1, test_size=self.calibration_size, random_state=rng),
            "cross": KFold(self.cv, shuffle=True, random_state=rng),
            "jackknife+": LeaveOneOut(),
        }
        return splitters[self.method].split(np.zeros(_num_samples(X)))

    def _fit_and_calibrate(self, X, y, sample_weight, train, calibration):
        """A fitted detector, and what its calibration rows say."""
        rows = _safe_indexing(X, calibration)
        if train is None:
            detector = self._fitted_detector(rows)
        else:
            labels = None if y is None else _safe_indexing(y, train)
            params = self._weights_for_fit(sample_weight, train)
            detector = self._fitted_detector(_safe_indexing(X, train), labels, **params)
        scores = np.asarray(detector.score_samples(rows), dtype=np.float64)
        check_fixed_scores(detector, rows, scores)
        weight = np.ones(len(scores))
        if sample_weight is not None:
            weight = sample_weight[calibration]
        ratios = likelihood_ratios(self.likelihood_ratio, rows, len(scores))
        return detector, Calibration(scores, weight, ratios)

    def _weights_for_fit(self, sample_weight, train):
        """Weights of the training rows, if the detector's `fit` may take them."""
        if sample_weight is None:
            return {}
        routed = get_config()["enable_metadata_routing"]
        if not (routed or has_fit_parameter(self.detector, "sample_weight")):
            return {}
        return {"sample_weight": sample_weight[train]}

    def _warn_of_few(self, *, weighted):
        """Warn if no p-value can be as low as `alpha`."""
        total = sum(known.total_weight for known in self._calibrations)
        if self.alpha * (total + 1) >= 1:
            return
        weight = f" of a total weight of {total:g}" if weighted else ""
        warn(
            f"{self.n_calibration_} calibration rows{weight} are too few for alpha="
            f"{self.alpha}: the smallest p-value is 1 / {total + 1:g}, so nothing will "
            "be flagged. Give more rows, or raise alpha."
        )

    def _scores(self, X):
        return [
            np.asarray(detector.score_samples(X), dtype=np.float64)
            for detector in self.detectors_
        ]

    def _p_values(self, X, scores):
        ratios = likelihood_ratios(self._likelihood_ratio, X, _num_samples(X))
        reached, total = ratios.copy(), ratios.copy()
        for of_one, known in zip(scores, self._calibrations, strict=True):
            reached += known.not_above(of_one)
            total += known.total
        return np.divide(reached, total, out=np.ones(len(total)), where=total > 0)
