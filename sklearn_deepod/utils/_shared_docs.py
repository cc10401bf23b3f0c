"""Entries of numpydoc docstrings that several objects share, written once."""

import inspect
import re

SECTIONS = ("Parameters", "Attributes", "Returns", "Raises", "Notes", "References")


def documented_like(*others):
    """Decorate a function whose docstring takes entries from other functions.

    In a section, a line such as ``{parameters}`` or ``{raises}`` becomes the entries of
    that section in the docstrings of `others`, for whatever the function does not
    describe itself. Of parameters, only those that the function has are taken.

    Parameters
    ----------
    *others : function
        The functions that describe them; where several do, the first one is taken.

    Returns
    -------
    callable
        The decorator.
    """

    def decorate(function):
        doc = inspect.getdoc(function) or ""
        for section in sections_to_fill(doc):
            shared = {}
            for other in others:
                for name, text in docstring_entries(
                    inspect.getdoc(other), section
                ).items():
                    shared.setdefault(name, text)
            if section == "Parameters":
                own = inspect.signature(function).parameters
                shared = {name: shared[name] for name in own if name in shared}
            doc = filled(doc, section, shared)
        function.__doc__ = doc or None
        return function

    return decorate


def sections_to_fill(doc):
    """Names of the sections that hold their placeholder."""
    return [name for name in SECTIONS if _placeholder(name) in doc]


def filled(doc, section, shared):
    """The docstring with the shared entries for the section's placeholder."""
    described = docstring_entries(doc, section)
    if _placeholder(section) not in described:
        return doc
    added = [text for name, text in shared.items() if name not in described]
    return doc.replace(_placeholder(section), "\n".join(added))


def _placeholder(section):
    return f"{{{section.lower()}}}"


def docstring_entries(doc, section):
    """Entries of a numpydoc section, by name; none where there is no such section."""
    next_section = r"\n\n\S[^\n]*\n-+\n"
    found = re.search(
        rf"^{section}\n-+\n(.+?)(?={next_section}|\s*\Z)", doc, re.DOTALL | re.MULTILINE
    )
    entries = re.split(r"\n+(?=\S)", found[1]) if found else []
    return {re.split(r" : |\n", entry)[0]: entry for entry in entries}
