"""A fit that fails leaves the estimator as it was."""

import contextlib

# Set by scikit-learn around `fit`; its teardown needs them.
_KEPT = ("_callback", "_skl_")


@contextlib.contextmanager
def all_or_nothing(estimator, state=None):
    """Restore the attributes of an estimator if the block raises anything.

    KeyboardInterrupt counts, too: an interrupted fit must not leave half of a new
    model beside half of the old one.

    Parameters
    ----------
    estimator : object
        Gets its attributes back. Objects that the block changes in place are not
        restored.
    state : dict, default=None
        The attributes to restore; None takes those of now.

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
