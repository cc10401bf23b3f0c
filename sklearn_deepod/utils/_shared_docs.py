"""Parts of numpydoc docstrings that several functions share, written once."""

import inspect
import re

# In numpydoc's order.
_SECTIONS = (
    *("Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns", "See Also"),
    *("Notes", "References", "Examples"),
)


def documented_like(other):
    """Decorate a function to complete its docstring by that of another function.

    The other docstring describes the parameters that the function has and does not
    describe itself. It also gives the sections Returns, Raises and References, each
    only where the function has no such section.

    Parameters
    ----------
    other : function
        The function with the complete docstring.

    Returns
    -------
    callable
        The decorator.
    """

    def decorate(function):
        doc = inspect.getdoc(function)
        if doc:
            sections = _sections(doc)
            shared = _sections(inspect.getdoc(other))
            for title in ("Returns", "Raises", "References"):
                if title in shared:
                    sections.setdefault(title, shared[title])
            described = _entries(sections.get("Parameters", ""))
            entries = _entries(shared["Parameters"]) | described
            names = [n for n in inspect.signature(function).parameters if n != "self"]
            sections["Parameters"] = "\n".join(_in_order(entries, names))
            function.__doc__ = _joined(sections)
        return function

    return decorate


def weighted_fit(X, y=None, sample_weight=None):
    """Describe what methods that fit on weighted rows have in common.

    Parameters
    ----------
    y : Ignored
        For API consistency.
    sample_weight : array-like of shape (n_samples,), default=None
        A row of weight 2 counts as two rows, one of weight 0 as none.
    """


def docstring_entries(doc, section):
    """Entries of a numpydoc section, by name; none where there is no such section."""
    return _entries(_sections(doc).get(section, ""))


def _sections(doc):
    """Texts of the sections by title; the title of what precedes them is empty."""
    parts = re.split(r"(?:\A|\n\n)(\S[^\n]*)\n-+\n", doc)
    return {"": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))


def _joined(sections):
    titles = [title for title in _SECTIONS if title in sections]
    texts = [f"{title}\n{'-' * len(title)}\n{sections[title]}" for title in titles]
    return "\n\n".join([sections[""], *texts])


def _entries(text):
    """Entries of a section's text by name, or by names such as ``first, second``."""
    entries = re.split(r"\n+(?=\S)", text.strip()) if text.strip() else []
    return {re.split(r" : |\n", entry)[0]: entry for entry in entries}


def _in_order(entries, names):
    """The entries of these names, in their order."""
    found = {}
    for name in names:
        for key, text in entries.items():
            if name in key.replace("*", "").split(", "):
                found[name] = text
    return dict.fromkeys(found.values())
