"""Which of scikit-learn's checks are expected to fail, and for which estimators."""

import ast
from pathlib import Path

import pytest

from sklearn_deepod import DeepSAD, DevNet
from sklearn_deepod.threshold import BaseThreshold
from tests.test_architecture import public_estimators

TESTS = Path(__file__).parent
#: Their labels are -1, 0 and 1, where the checks give classes or numbers.
LEARN_FROM_LABELS = {DeepSAD, DevNet}
#: A time stamp's score by overlapping windows is a function of its neighbours. Two
#: checks shuffle the rows, or leave all others out, and ask for the same scores; only a
#: detector that reads nothing but the row itself could pass, which is ``window=1``, or
#: no window at all. Two more ask for outliers in the training series by default, where
#: SeriesOutlierDetector takes the threshold of windows that it has not learned.
DEPENDENT_ROWS = {
    "timeseries/test_series_outlier_detector.py": {
        "test_windows_fail_only_where_rows_must_be_independent"
    },
    "timeseries/test_windowed_detector.py": {
        "test_windows_fail_only_where_rows_must_be_independent"
    },
}


def sources():
    """Test modules, by their path below the tests."""
    for path in sorted(TESTS.rglob("test_*.py")):
        yield path.relative_to(TESTS).as_posix(), path.read_text(encoding="utf-8")


def checked_items(session):
    """Collected tests that run one check on one estimator, and the estimator."""
    for item in session.items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if {"estimator", "check"} <= params.keys():
            yield item, params["estimator"]


def test_only_detectors_that_learn_from_labels_have_expected_failures(request):
    failing = {
        type(estimator)
        for item, estimator in checked_items(request.session)
        if item.get_closest_marker("xfail")
    }
    assert failing <= LEARN_FROM_LABELS


def test_every_public_estimator_is_checked(request):
    with_checks = {
        name
        for name, text in sources()
        if "@parametrize_with_checks" in text and name != Path(__file__).name
    }
    collected = {
        item.path.relative_to(TESTS).as_posix()
        for item in request.session.items
        if item.path.is_relative_to(TESTS)
    }
    if request.config.getoption("keyword") or not with_checks <= collected:
        pytest.skip("only some of the tests are collected")
    checked = {type(estimator) for _, estimator in checked_items(request.session)}
    public = public_estimators()
    # tests/threshold/test_base.py calls check_estimator on each rule.
    assert {
        cls for cls in public - checked if not issubclass(cls, BaseThreshold)
    } == set()


def test_no_other_call_expects_a_failure():
    found = {}
    for name, text in sources():
        for function in ast.walk(ast.parse(text)):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(ast.Module(function.body, [])):
                if not isinstance(node, ast.Call):
                    continue
                if any(word.arg == "expected_failed_checks" for word in node.keywords):
                    found.setdefault(name, set()).add(function.name)
    assert found == DEPENDENT_ROWS
