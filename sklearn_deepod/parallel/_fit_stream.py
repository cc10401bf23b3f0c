"""Fits on more rows than memory holds."""

import os
from numbers import Integral

from sklearn.base import clone
from sklearn.utils import Bunch, check_random_state

from sklearn_deepod.parallel._columns import Columns
from sklearn_deepod.parallel._reader import READER_CONSTRAINTS, Reader
from sklearn_deepod.parallel._reservoir import Reservoir
from sklearn_deepod.parallel._saved_sample import SavedSample
from sklearn_deepod.utils._meta import check_scores_new_rows
from sklearn_deepod.utils._sklearn_compat import Interval, validate_params

# More rows than a training of any detector of this package draws by default.
MAX_SAMPLES = 100_000


@validate_params(
    {
        **READER_CONSTRAINTS,
        "detector": "no_validation",  # see check_scores_new_rows
        "weight_column": [str, Integral, None],
        "y_column": [str, Integral, None],
        "max_samples": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "return_report": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fit_stream(
    detector,
    source,
    *,
    columns=None,
    key_columns=(),
    weight_column=None,
    y_column=None,
    max_samples=MAX_SAMPLES,
    batch_size=2**15,
    on_error="raise",
    random_state=None,
    return_report=False,
    verbose=0,
):
    """Fit a detector on a sample of more rows than memory holds.

    All rows are read once. A uniform sample of at most `max_samples` of them stays in
    memory, at most twice as many while reading, and a clone of the detector is fitted
    on it. If there are no more rows than that, all are used.

    Read more in the :ref:`User Guide <scaling-out>`.

    Parameters
    ----------
    detector : estimator
        Outlier detector with scikit-learn's interface, or a pipeline that ends in one.
    source : path, array, data frame, pyarrow.dataset.Dataset, iterable or callable
        The training rows; see `score_stream`.
    columns : list of str or int, default=None
        The features. None takes all columns but those below.
    key_columns : list of str or int, default=()
        Columns that are no features.
    weight_column : str or int, default=None
        Column of weights. A row of weight 2 counts as two rows; the detector must take
        ``sample_weight``.
    y_column : str or int, default=None
        Column of labels, for detectors that learn from them.
    max_samples : int, default=100000
        Number of rows in the sample.
    batch_size : int, default=32768
        Rows that are read at once.
    on_error : {"raise", "skip"}, default="raise"
        What to do with bad data; see `score_stream`.
    random_state : int, RandomState instance or None, default=None
        Seed of the sample. It depends on the rows and their order, not on
        `batch_size`, nor on how the rows lie in files.
    return_report : bool, default=False
        Whether to return how many rows there were.
    verbose : int, default=0
        Whether to show a progress bar with the number of rows per second.

    Returns
    -------
    estimator or (estimator, Bunch)
        A fitted clone, which knows the names of the features where the source has some.
        With `return_report` also ``n_samples`` (rows read), ``n_fitted`` (rows in the
        sample), ``n_skipped`` (rows left out), ``n_skipped_files`` (files left out, as
        a whole or from a row on) and ``errors`` (why, as text).

    Raises
    ------
    ValueError
        If the data is bad, with the file and the row.

    See Also
    --------
    score_stream : Score such a source.
    DaskDetector : Fit on collections of Dask.
    checkpoints : Fits that go on after an interruption.

    Notes
    -----
    Under `checkpoints`, a sample of numbers is saved before the fit, and an interrupted
    fit goes on from it without reading the source again.

    A training of a detector of this package draws at most ``max_steps * batch_size``
    rows, 64,000 at most by default; drawing them from a uniform sample of more rows
    does not change their distribution. Detectors that read all rows, such as
    ``LocalOutlierFactor``, learn from the sample only.

    References
    ----------
    N. Duffield, C. Lund, M. Thorup (2007). Priority sampling for estimation of
    arbitrary subset sums. Journal of the ACM 54(6), 32.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn_deepod.parallel import fit_stream
    >>> rng = np.random.default_rng(0)
    >>> def batches():
    ...     for _ in range(10):
    ...         yield rng.normal(size=(1000, 3))
    >>> forest, report = fit_stream(
    ...     IsolationForest(), batches, max_samples=500, return_report=True
    ... )
    >>> report.n_samples, report.n_fitted
    (10000, 500)
    """
    check_scores_new_rows(detector)
    saved = SavedSample(
        (
            str(source) if isinstance(source, str | os.PathLike) else type(source),
            *(columns, key_columns, weight_column, y_column),
            *(max_samples, on_error),
            random_state if isinstance(random_state, Integral) else type(random_state),
        )
    )
    found = saved.load()
    if found is None:
        reader = Reader(
            source,
            Columns(columns, key_columns, weight_column, y_column, keep_keys=False),
            batch_size=batch_size,
            on_error=on_error,
            verbose=verbose,
        )
        reservoir = Reservoir(max_samples, check_random_state(random_state))
        for batch in reader:
            reservoir.add(batch.X, batch.weight, batch.y)
        reader.faults.warn()
        sample = reservoir.sample()
        report = Bunch(
            n_samples=reader.n_samples,
            n_fitted=len(sample[0]),
            n_skipped=reader.faults.n_rows,
            n_skipped_files=reader.faults.n_files,
            errors=reader.faults.messages,
        )
        saved.save(sample, report)
    else:
        sample, report = found
    fitted = fit_on_sample(detector, sample)
    return (fitted, report) if return_report else fitted


def fit_on_sample(detector, sample):
    """Fit a clone of a detector on a sample.

    Parameters
    ----------
    detector : estimator
        Outlier detector.
    sample : tuple of (X, weight, y)
        See `Reservoir.sample`.

    Returns
    -------
    estimator
        The fitted clone.
    """
    X, weight, y = sample
    params = {} if weight is None else {"sample_weight": weight}
    return clone(detector).fit(X, y, **params)
