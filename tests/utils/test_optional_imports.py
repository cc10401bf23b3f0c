"""Packages that only some functions need."""

import json

import pytest

from sklearn_deepod.utils._optional_imports import optional_import


def test_what_is_there_is_imported():
    assert optional_import("json", "parquet") is json


def test_what_is_not_there_is_named_with_its_extra():
    message = r'needs nothing_such.*pip install "sklearn-deepod\[spark\]"'
    with pytest.raises(ImportError, match=message):
        optional_import("nothing_such.at_all", "spark")
