"""Constructor parameters that a family of detectors shares, written once."""

import inspect
import re


def inherit_parameters(cls, parent):
    """Let the constructor and the docstring of `cls` list those of `parent` too.

    ``**shared`` in the constructor becomes, for `inspect.signature` and thus for
    ``get_params``, the parent's parameters that `cls` has not got itself. In the
    docstring, ``{parameters}`` and ``{attributes}`` become the parent's entries for
    whatever `cls` does not describe.

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
            init.__signature__ = inspect.Signature(own.values())
    if cls.__doc__:
        cls.__doc__ = _filled(inspect.cleandoc(cls.__doc__), parent)


def _filled(doc, parent):
    for section in ("Parameters", "Attributes"):
        placeholder = f"{{{section.lower()}}}"
        if placeholder not in doc:
            continue
        described = _entries(doc, section)
        entries = _entries(inspect.cleandoc(parent.__doc__), section)
        added = [text for name, text in entries.items() if name not in described]
        doc = doc.replace(placeholder, "\n".join(added))
    return doc


def _entries(doc, section):
    """Entries of a numpydoc section, by name."""
    found = re.search(rf"^{section}\n-+\n(.+?)(\n\n|\Z)", doc, re.DOTALL | re.MULTILINE)
    entries = re.split(r"\n(?=\S)", found[1])
    return {entry.partition(" : ")[0]: entry for entry in entries}
