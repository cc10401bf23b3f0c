"""Types for static readers, from parameter constraints and numpydoc docstrings."""

import ast
import inspect
import re
from numbers import Integral, Real

from sklearn_deepod.utils._shared_docs import docstring_entries
from sklearn_deepod.utils._sklearn_compat import (
    Interval,
    Options,
    RealNotInt,
    StrOptions,
)

_NUMBERS = {Integral: "int", Real: "float", RealNotInt: "float"}
_CONSTRAINTS = {
    "boolean": ["bool"],
    "verbose": ["bool", "int"],
    "random_state": ["int", "RandomState", "None"],
    None: ["None"],
    bool: ["bool"],
    str: ["str"],
}
_NAMES = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "str": "str",
    "None": "None",
    "RandomState instance": "RandomState",
}
# The containers of results are known; those of arguments may be others.
_RESULTS = [
    (r"tuple of int", "tuple[int, ...]"),
    (r"list of (int|float|str)", r"list[\1]"),
    (r"list of .*", "list[Any]"),
    (r"dict( of .*)?", "dict[Any, Any]"),
    (r"ndarray( of .*)?", "NDArray[Any]"),
]


def parameter_types(owner, constraints, section="Parameters"):
    """Types of the parameters that a docstring describes, by name.

    Parameters
    ----------
    owner : class or function
        Has the docstring.
    constraints : dict
        scikit-learn's constraints, which take precedence over the docstring.
    section : str, default="Parameters"
        The docstring's section.

    Returns
    -------
    dict
        Types as written in a stub.
    """
    found = {
        name: _of_text(text)
        for names, text in _described(owner, section)
        for name in names.split(", ")
    }
    return found | {name: _of_constraints(c) for name, c in constraints.items()}


def attribute_types(cls):
    """Types of the attributes that the docstring of a class describes, by name."""
    described = _described(cls, "Attributes")
    return {name: _of_text(text, is_result=True) for name, text in described}


def return_type(function):
    """Return type of a function, from its docstring."""
    found = []
    for name, text in _described(function, "Returns"):
        is_self = name == "self" and text == "object"
        found.append("Self" if is_self else _of_text(text or name, is_result=True))
    if len(found) > 1:
        return f"tuple[{', '.join(found)}]"
    return found[0] if found else "Any"


def _described(owner, section):
    """Name and type of each entry of a section."""
    doc = inspect.getdoc(owner) or ""
    for entry in docstring_entries(doc, section).values():
        name, _, text = entry.partition("\n")[0].partition(" : ")
        yield name, text


def _of_constraints(constraints):
    if constraints == "no_validation":
        return "Any"
    parts = []
    for constraint in constraints:
        if isinstance(constraint, Interval):
            parts.append(_NUMBERS[constraint.type])
        elif isinstance(constraint, StrOptions | Options):
            parts += [f"Literal[{value!r}]" for value in sorted(constraint.options)]
        elif isinstance(constraint, str | type | None):
            parts += _CONSTRAINTS.get(constraint, ["Any"])
        else:
            parts.append("Any")
    return _union(parts)


def _of_text(text, is_result=False):
    """Type described in a docstring, such as ``int or None, default=None``."""
    text = re.sub(r",? default=.*$| of shape \(.*?\)", "", text)
    choices = re.match(r"\{(.*?)\}", text)
    parts = re.split(r",? or |, ", text[choices.end() :] if choices else text)
    found = [_of_word(part.strip(), is_result) for part in parts if part.strip()]
    if choices:
        found += [_of_word(part, is_result) for part in choices[1].split(", ")]
    return _union(found)


def _of_word(word, is_result):
    if re.fullmatch(r'"[^"]*"|-?\d+', word):
        return f"Literal[{ast.literal_eval(word)!r}]"
    for pattern, result in _RESULTS if is_result else []:
        if match := re.fullmatch(pattern, word):
            return match.expand(result)
    return _NAMES.get(word, "Any")


def _union(parts):
    """The union of several types: literals together, None last."""
    literals = [part[8:-1] for part in parts if part.startswith("Literal")]
    others = sorted({part for part in parts if not part.startswith("Literal")})
    if "Any" in others:  # covers the other types
        return "Any"
    is_optional = "None" in others
    found = [f"Literal[{', '.join(dict.fromkeys(literals))}]"] if literals else []
    found += [part for part in others if part != "None"]
    return " | ".join([*found, "None"] if is_optional else found) or "Any"
