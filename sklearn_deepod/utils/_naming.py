"""Errors of a conversion say which argument was converted."""

import contextlib
import re

#: What tells already what is wrong with which argument.
_TELLS = re.compile(
    r"\bX\b|[Rr]ow|sample_weight|[Ss]ample|[Ii]nput|array|feature|[Cc]olumn|Complex"
)


@contextlib.contextmanager
def naming(argument):
    """Inside it, errors of Python and numpy about a value name the argument.

    Parameters
    ----------
    argument : str
        Name of the argument that is converted.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        if _TELLS.search(str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"{argument} cannot be converted to an array of numbers: {error}. Encode "
            "text and other objects as numbers first, or leave them out."
        ) from error
