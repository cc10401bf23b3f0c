"""Warnings point at the line of the user's code."""

import contextlib

import pytest
from sklearn.utils.parallel import Parallel, delayed

from sklearn_deepod.utils._warnings import warn


def defined_in(module):
    """A function that warns, and one that calls another, as if defined there."""
    names = {"__name__": module, "warn": warn}
    exec("def anxious(): warn('Look here.', RuntimeWarning)", names)
    exec("def call(function): function()", names)
    return names["anxious"], names["call"]


@pytest.mark.parametrize("module", ["sklearn_deepod", "sklearn_deepod.threshold._iqr"])
def test_frames_within_are_passed_over(module):
    anxious, call = defined_in(module)
    _, call_in_sklearn = defined_in("sklearn.base")

    @contextlib.contextmanager
    def manager():
        anxious()
        yield

    def parallel():
        Parallel()([delayed(anxious)()])

    for function in (
        anxious,
        lambda: call_in_sklearn(lambda: call(anxious)),
        parallel,
        manager().__enter__,
    ):
        with pytest.warns(RuntimeWarning, match="Look here") as caught:
            function()
        assert [w.filename for w in caught] == [__file__]


def test_line_of_the_call():
    anxious, call = defined_in("sklearn_deepod.ensemble")
    with pytest.warns(RuntimeWarning) as caught:
        call(anxious)  # this line
    with open(__file__) as source:
        assert "# this line" in source.read().splitlines()[caught[0].lineno - 1]


def test_other_packages_are_the_users_code():
    anxious, _ = defined_in("sklearn_deepod_extras")
    with pytest.warns(RuntimeWarning) as caught:
        anxious()
    assert caught[0].filename == "<string>"


def test_code_without_a_module():
    with pytest.warns(UserWarning, match="Look here") as caught:
        exec(compile("warn('Look here.')", "a cell", "exec"), {"warn": warn})
    assert caught[0].filename == "a cell"
