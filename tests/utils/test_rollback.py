"""Attributes come back if a block fails."""

import pytest

from sklearn_deepod.utils._rollback import all_or_nothing


class Holder:
    """Any object with attributes."""


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_attributes_come_back(error):
    holder = Holder()
    holder.kept, holder.changed, holder.deleted = 1, 2, 3

    def fail():
        with all_or_nothing(holder):
            holder.changed, holder.new = 20, 4
            del holder.deleted
            raise error

    with pytest.raises(error):
        fail()
    assert vars(holder) == {"kept": 1, "changed": 2, "deleted": 3}


def test_what_succeeds_stays():
    holder = Holder()
    with all_or_nothing(holder):
        holder.new = 1
    assert vars(holder) == {"new": 1}


def test_a_given_state_comes_back():
    holder = Holder()
    holder.value = 1
    with pytest.raises(ValueError, match="no"), all_or_nothing(holder, {"value": 0}):
        raise ValueError("no")
    assert vars(holder) == {"value": 0}


def test_what_scikit_learn_needs_afterwards_stays():
    holder = Holder()

    def fail():
        with all_or_nothing(holder):
            holder._skl_callbacks = holder._callback_context = 1
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert vars(holder) == {"_skl_callbacks": 1, "_callback_context": 1}
