"""What stands in for what older releases of scikit-learn have not."""

import importlib.util
import sys

from sklearn.base import BaseEstimator

from sklearn_deepod.utils import _sklearn_compat
from sklearn_deepod.utils._optional import EpochWatch


def test_without_callbacks(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    spec = importlib.util.spec_from_file_location("old", _sklearn_compat.__file__)
    old = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(old)

    def method(self):
        return 7

    assert old.with_callbacks(method) is method

    class Plain(old.CallbackSupportMixin, BaseEstimator):
        pass

    assert not hasattr(Plain(), "set_callbacks")
    watch = EpochWatch(Plain(), 3)
    assert watch() is False
    assert watch.close() is None


def test_all_names_are_there():
    assert all(hasattr(_sklearn_compat, name) for name in _sklearn_compat.__all__)
