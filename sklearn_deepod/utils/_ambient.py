"""What functions far below ask for, without every call in between handing it on."""

import contextlib
from contextvars import ContextVar


class Ambient:
    """A value that holds inside a context, in the thread that entered it.

    Parameters
    ----------
    name : str
        For messages of Python.
    """

    def __init__(self, name):
        self._value = ContextVar(name, default=None)

    def get(self):
        """The value of the innermost context, or None outside of any."""
        return self._value.get()

    @contextlib.contextmanager
    def set_to(self, value):
        """Inside this context, `get` gives the value."""
        token = self._value.set(value)
        try:
            yield
        finally:
            self._value.reset(token)
