"""Errors of the package are errors that scikit-learn's users catch."""

from sklearn_deepod.exceptions import DivergenceError


def test_divergence_is_a_value_error():
    assert issubclass(DivergenceError, ValueError)
