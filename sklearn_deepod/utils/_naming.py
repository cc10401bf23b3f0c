"""Errors of a conversion say which argument was converted."""

import contextlib
import re

import numpy as np

#: What tells already what is wrong with which argument.
_TELLS = re.compile(
    r"\bX\b|[Rr]ow|sample_weight|[Ss]ample|[Ii]nput|array|feature|[Cc]olumn|Complex"
)


@contextlib.contextmanager
def naming(argument, *, remedy=""):
    """Inside it, errors of Python and numpy about a value name the argument.

    Parameters
    ----------
    argument : str
        Name of the argument that is converted.
    remedy : str, default=""
        What else can be done about dates beside numbers.
    """
    try:
        yield
    except np.exceptions.DTypePromotionError as error:
        raise TypeError(
            f"{argument} has columns of types that do not go together, such as dates "
            "beside numbers. Make numbers of them first: of dates, for example, the "
            f"hour, the weekday, or the seconds since the first one. {remedy}".rstrip()
        ) from error
    except (TypeError, ValueError) as error:
        if _TELLS.search(str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"{argument} cannot be converted to an array of numbers: {error}. Encode "
            "text and other objects as numbers first, or leave them out."
        ) from error
