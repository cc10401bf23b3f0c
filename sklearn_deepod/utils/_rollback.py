"""Restore an estimator after a fit that failed."""

import contextlib

# Set by scikit-learn around `fit`; its teardown needs them.
_KEPT = ("_callback", "_skl_")


@contextlib.contextmanager
def all_or_nothing(estimator, state=None):
    """Restore the attributes of an estimator if the block raises anything.

    This includes KeyboardInterrupt: an interrupted fit must not leave parts of the new
    model beside parts of the old one.

    Parameters
    ----------
    estimator : object
        The estimator. Objects that the block changes in place are not restored.
    state : dict, default=None
        The attributes to restore; None takes the current ones.

    Yields
    ------
    None
    """
    before = dict(vars(estimator)) if state is None else state
    try:
        yield
    except BaseException:
        kept = {k: v for k, v in vars(estimator).items() if k.startswith(_KEPT)}
        vars(estimator).clear()
        vars(estimator).update(before | kept)
        raise
