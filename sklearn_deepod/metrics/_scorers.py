"""Scorers of outlier detectors by name."""

import inspect

from sklearn_deepod.metrics import _labelled, _range, _vus
from sklearn_deepod.metrics._agreement import ConsensusScorer, RankStabilityScorer
from sklearn_deepod.metrics._validation import (
    POS_LABEL,
    RANKING_METHODS,
    check_predicts,
    ranking_method,
)
from sklearn_deepod.metrics._volume_scorers import ExcessMassScorer, MassVolumeScorer
from sklearn_deepod.utils._sklearn_compat import StrOptions, _Scorer, validate_params

_OF_PREDICTIONS = {
    "accuracy": _labelled.accuracy,
    "f1": _labelled.f1,
    "neg_false_alarm_rate": _labelled.false_alarm_rate,
    "precision": _labelled.precision,
    "range_fbeta": _range.range_fbeta_score,
    "range_precision": _range.range_precision_score,
    "range_recall": _range.range_recall_score,
    "recall": _labelled.recall,
}
_OF_SCORES = {
    "average_precision": _labelled.average_precision,
    "precision_at_n": _labelled.precision_at_n_score,
    "roc_auc": _labelled.roc_auc,
    "vus_pr": _vus.vus_pr_score,
    "vus_roc": _vus.vus_roc_score,
}
_LABELLED = {**_OF_PREDICTIONS, **_OF_SCORES}
_LABEL_FREE = {
    "consensus": ConsensusScorer,
    "excess_mass": ExcessMassScorer,
    "neg_mass_volume": MassVolumeScorer,
    "rank_stability": RankStabilityScorer,
}


class _OutlierScorer(_Scorer):
    """As scikit-learn's scorers, with errors that say what a detector lacks."""

    def __init__(self, name, params):
        # Every estimator has fit, so one without the other methods reaches `_score`.
        methods = RANKING_METHODS if name in _OF_SCORES else ("predict",)
        sign = -1 if name.startswith("neg_") else 1
        super().__init__(_LABELLED[name], sign, params, (*methods, "fit"))
        self._name = name

    def __call__(self, estimator, X, y_true=None, **kwargs):
        return super().__call__(estimator, X, y_true, **kwargs)

    def _score(self, method_caller, estimator, X, y_true=None, **kwargs):
        if y_true is None:
            raise ValueError(
                f"The scorer {self._name!r} compares with labels, but y is None. Pass "
                f"y, or use a scorer without labels: {', '.join(_LABEL_FREE)}."
            )
        check = ranking_method if self._name in _OF_SCORES else check_predicts
        check(estimator)
        return float(super()._score(method_caller, estimator, X, y_true, **kwargs))

    def __repr__(self):
        params = "".join(f", {key}={value!r}" for key, value in self._kwargs.items())
        return f"get_outlier_scorer({self._name!r}{params})"


def get_outlier_scorer_names():
    """List the names that `get_outlier_scorer` and `outlier_scorers` accept.

    Read more in the :ref:`User Guide <measures-with-labels>`.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from sklearn_deepod.metrics import get_outlier_scorer_names
    >>> "precision_at_n" in get_outlier_scorer_names()
    True
    """
    return sorted([*_LABELLED, *_LABEL_FREE])


@validate_params(
    {"name": [StrOptions({*_LABELLED, *_LABEL_FREE})], "pos_label": POS_LABEL},
    prefer_skip_nested_validation=True,
)
def get_outlier_scorer(name, *, pos_label=-1, **params):
    """Get a scorer of outlier detectors, for ``scoring=`` of scikit-learn's tools.

    scikit-learn's own scorers do not suit outlier detection: its "f1" takes the
    inliers, +1, as the positive class, and its "average_precision" does not flip the
    sign of the scores. Here outliers are the positive class.

    Read more in the :ref:`User Guide <measures-with-labels>`.

    Parameters
    ----------
    name : str
        Measures of the labels that `predict` returns: "accuracy", "precision",
        "recall", "f1", "neg_false_alarm_rate"; for series "range_precision",
        "range_recall" and "range_fbeta".

        Measures of the scores, without the detector's threshold: "roc_auc",
        "average_precision", "precision_at_n"; for series "vus_roc" and "vus_pr".

        Without true labels: "excess_mass", "neg_mass_volume", "rank_stability" and
        "consensus".
    pos_label : {-1, 1}, default=-1
        The label of outliers in `y`: -1 if inliers are +1, 1 if inliers are 0.
        Measures without labels ignore it.
    **params
        Further parameters of the measure, such as ``n=50`` for "precision_at_n",
        ``per=1440`` for "neg_false_alarm_rate", ``max_buffer=32`` for "vus_pr",
        ``n_draws=20`` for "excess_mass".

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, higher is better.

    Raises
    ------
    TypeError
        If the measure has no such parameter.

    See Also
    --------
    outlier_scorers : A dict of several scorers.
    sklearn.metrics.make_scorer : Makes scorers from your own measures.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn_deepod.metrics import get_outlier_scorer
    >>> X, y = make_blobs([95, 5], centers=[[0, 0], [6, 6]], random_state=0)
    >>> detector = IsolationForest(random_state=0).fit(X)
    >>> scorer = get_outlier_scorer("roc_auc", pos_label=1)  # y is 1 for outliers
    >>> scorer(detector, X, y)
    1.0
    """
    if name in _LABEL_FREE:
        _check_known(name, params, _LABEL_FREE[name])
        return _LABEL_FREE[name](**params)
    _check_known(name, params, _LABELLED[name])
    return _OutlierScorer(name, {"pos_label": pos_label, **params})


def outlier_scorers(*names, pos_label=-1):
    """Get several scorers as a dict, for ``GridSearchCV(scoring=...)``.

    Read more in the :ref:`User Guide <measures-with-labels>`.

    Parameters
    ----------
    *names : str
        Names that `get_outlier_scorer` accepts.
    pos_label : {-1, 1}, default=-1
        The label of outliers in `y`: -1 if inliers are +1, 1 if inliers are 0.

    Returns
    -------
    dict of str to callable
        The scorer of each name. To set parameters of a scorer, add it with
        `get_outlier_scorer`.

    Raises
    ------
    ValueError
        If no name is given.

    See Also
    --------
    get_outlier_scorer : A single scorer, with its parameters.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn.model_selection import GridSearchCV, StratifiedKFold
    >>> from sklearn_deepod.metrics import outlier_scorers
    >>> X, y = make_blobs([190, 10], centers=[[0, 0], [3, 3]], random_state=0)
    >>> search = GridSearchCV(
    ...     IsolationForest(random_state=0),
    ...     {"n_estimators": [5, 50]},
    ...     scoring=outlier_scorers("roc_auc", "average_precision", pos_label=1),
    ...     refit="average_precision",
    ...     cv=StratifiedKFold(3),  # outliers in every fold
    ... ).fit(X, y)
    >>> search.best_params_
    {'n_estimators': 50}
    """
    if not names:
        raise ValueError(
            f"Give at least one name of {', '.join(get_outlier_scorer_names())}."
        )
    return {name: get_outlier_scorer(name, pos_label=pos_label) for name in names}


def _check_known(name, params, function):
    given = ("y_true", "y_pred", "score_samples", "pos_label", "sample_weight")
    known = [key for key in inspect.signature(function).parameters if key not in given]
    for key in params:
        if key not in known:
            raise TypeError(
                f"The scorer {name!r} has no parameter {key!r}; it has "
                f"{', '.join(known) or 'none besides pos_label'}."
            )
