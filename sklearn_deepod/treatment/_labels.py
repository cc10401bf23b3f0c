"""Labels that a detector gives."""

import numpy as np


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
