"""What a treatment asks of a detector: labels of rows."""

import numpy as np

from sklearn_deepod.utils._meta import check_scores_new_rows


def check_labels_new_rows(detector):
    """Raise unless `detector` is one that scores and labels new rows.

    Parameters
    ----------
    detector : estimator
        Any outlier detector with scikit-learn's interface.

    Raises
    ------
    TypeError
        If it has no `fit`, no `score_samples` or no `predict`.
    """
    check_scores_new_rows(detector)
    if not hasattr(detector, "predict"):
        raise TypeError(
            f"{detector!r} cannot label rows: it has no predict. "
            "sklearn_deepod.threshold.ThresholdedDetector finds a threshold for it."
        )


def is_outlier(labels):
    """Whether rows are outliers by a detector's labels.

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        What the detector's `predict` gave.

    Returns
    -------
    ndarray of bool of shape (n_samples,)

    Raises
    ------
    ValueError
        If there are labels other than 1 and -1.
    """
    labels = np.asarray(labels)
    if not np.isin(labels, (-1, 1)).all():
        raise ValueError(
            f"The detector's labels are {np.unique(labels)[:5]}; an outlier detector "
            "with scikit-learn's interface gives 1 for inliers and -1 for outliers."
        )
    return labels == -1
