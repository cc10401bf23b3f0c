"""Constructor parameters that a family of detectors shares, written once."""

import functools
import inspect
import re


def inherit_parameters(cls, parent):
    """Let the constructor and the docstring of `cls` list those of `parent` too.

    ``**shared`` in the constructor becomes, for `inspect.signature` and thus for
    ``get_params``, the parent's parameters that `cls` has not got itself. In the
    docstring's sections, ``{parameters}`` and ``{attributes}`` become the parent's
    entries for whatever `cls` does not describe.

    Parameters
    ----------
    cls : type
        The class, changed in place.
    parent : type
        The class whose constructor gets ``**shared``.
    """
    init = vars(cls).get("__init__")
    if init is not None:
        own = dict(inspect.signature(init).parameters)
        if own.popitem()[1].kind is inspect.Parameter.VAR_KEYWORD:
            shared = inspect.signature(parent.__init__).parameters
            own |= {k: v for k, v in shared.items() if k not in own}
            cls.__init__ = _refusing_others(init, inspect.Signature(own.values()))
    if cls.__doc__:
        cls.__doc__ = _filled(inspect.cleandoc(cls.__doc__), parent)


def _refusing_others(init, signature):
    """The constructor under `signature`; the error for other names is the class's."""

    @functools.wraps(init)
    def __init__(self, *args, **parameters):
        for name in parameters:
            if name not in signature.parameters:
                known = ", ".join(list(signature.parameters)[1:])
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword "
                    f"argument {name!r}. Its parameters are: {known}."
                )
        init(self, *args, **parameters)

    __init__.__signature__ = signature
    return __init__


def _filled(doc, parent):
    for section in ("Parameters", "Attributes"):
        placeholder = f"{{{section.lower()}}}"
        described = _entries(doc, section)
        if placeholder in described:
            entries = _entries(inspect.getdoc(parent), section)
            added = [text for name, text in entries.items() if name not in described]
            doc = doc.replace(placeholder, "\n".join(added))
    return doc


def _entries(doc, section):
    """Entries of a numpydoc section, by name; none where there is no such section."""
    next_section = r"\n\n\S[^\n]*\n-+\n"
    found = re.search(
        rf"^{section}\n-+\n(.+?)(?={next_section}|\s*\Z)", doc, re.DOTALL | re.MULTILINE
    )
    entries = re.split(r"\n+(?=\S)", found[1]) if found else []
    return {entry.partition(" : ")[0]: entry for entry in entries}
