"""Write the stubs from which editors and type checkers read constructors and methods.

Constructors take ``**shared`` for the parameters of their parents, which are resolved
at runtime only. ``python -m sklearn_deepod.utils._stubs`` writes a stub next to each
public module; ``--check`` only says which stubs are out of date.
"""

import argparse
import importlib
import inspect
import pkgutil
import re
from functools import cache
from pathlib import Path

from sklearn_deepod.utils._stub_types import (
    attribute_types,
    parameter_types,
    return_type,
)

ROOT = "sklearn_deepod"
COMMAND = f"python -m {ROOT}.utils._stubs"
HEADER = f"""# Written by `{COMMAND}`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
"""


def stubs():
    """Generate the stubs of all public modules.

    Returns
    -------
    dict
        The text of each stub by its path.
    """
    found = {}
    for module in _public_modules():
        path = Path(module.__file__).with_suffix(".pyi")
        found[path] = _module_stub(module)
    return found


def outdated():
    """List the stubs that are missing or out of date.

    Returns
    -------
    list of Path
    """
    return [
        path
        for path, text in stubs().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


@cache
def _public_modules():
    root = importlib.import_module(ROOT)
    names = [info.name for info in pkgutil.walk_packages(root.__path__, f"{ROOT}.")]
    public = [n for n in names if not any(part[0] == "_" for part in n.split("."))]
    return [root, *map(importlib.import_module, public)]


def _exports(module):
    """Public names of a module and their objects."""
    names = getattr(module, "__all__", None)
    if names is None:
        own = vars(module).items()
        names = [n for n, v in own if getattr(v, "__module__", "") == module.__name__]
    return {name: getattr(module, name) for name in sorted(names)}


@cache
def _homes():
    """The public module of each class and function."""
    found = {}
    for module in reversed(_public_modules()):  # the root re-exports other modules
        for item in _exports(module).values():
            if inspect.isclass(item) or inspect.isfunction(item):
                found.setdefault(item, module.__name__)
    return found


def _module_stub(module):
    imports, parts = set(), []
    exports = _exports(module)
    for name, item in exports.items():
        home = _homes().get(item) if callable(item) else None
        if home not in (None, module.__name__):
            imports.add(f"from {home} import {name} as {name}")
        elif inspect.isclass(item):
            bases = _bases(item)
            for base in bases:
                if _home(base) not in (module.__name__, "builtins"):
                    imports.add(f"from {_home(base)} import {base.__name__}")
            parts.append(_class_stub(item, bases))
        elif inspect.isfunction(item):
            constraints = getattr(item, "_skl_parameter_constraints", {})
            parts.append(_function_stub(name, item, constraints))
        else:
            parts.append(f"{name}: {type(item).__name__}")
    listed = ", ".join(f'"{name}"' for name in exports)
    parts.append(f"__all__ = [{listed}]")
    blocks = [HEADER + "".join(f"{line}\n" for line in sorted(imports)), *parts]
    return "\n".join(f"{block.rstrip()}\n" for block in blocks)


def _home(cls):
    """The public module that has a class, or None."""
    if cls in _homes():
        return _homes()[cls]
    name = re.split(r"\._", cls.__module__)[0]
    found = getattr(importlib.import_module(name), cls.__name__, None)
    is_foreign = name.split(".")[0] != ROOT
    return name if is_foreign and found is cls and cls.__name__[0] != "_" else None


def _bases(cls):
    """The nearest public classes above, none of which is above another."""
    found = []
    for base in cls.__bases__:
        if base.__module__ in ("abc", "builtins") and not issubclass(base, Exception):
            continue
        found += [base] if _home(base) else _bases(base)
    found = list(dict.fromkeys(found))
    return [b for b in found if not any(o is not b and issubclass(o, b) for o in found)]


def _class_stub(cls, bases):
    covered = {above for base in bases for above in base.__mro__}
    own = [c for c in cls.__mro__ if c not in covered and c.__module__.startswith(ROOT)]
    members = {n: m for c in reversed(own) for n, m in vars(c).items() if n[0] != "_"}
    if any("__call__" in vars(c) for c in own):
        members["__call__"] = cls.__call__
    inherited = {n: t for base in bases for n, t in _attributes(base).items()}
    lines = []
    for name, text in _attributes(cls).items():
        if name not in members and text != inherited.get(name):
            # type checkers accept the type of the parent class or Any
            lines.append(f"{name}: {'Any' if name in inherited else text}")
    if inspect.isfunction(cls.__init__):
        signature, types = inspect.signature(cls.__init__), _constructor_types(cls)
        lines.append(_signature_stub("__init__", signature, types, "None", False))
    for name in sorted(members):
        lines += _member_stub(name, members[name])
    lines += _request_stubs(cls)
    body = "\n".join(lines) or "..."
    above = f"({', '.join(base.__name__ for base in bases)})" if bases else ""
    return f"class {cls.__name__}{above}:\n" + re.sub(r"(?m)^", "    ", body)


def _constructor_types(cls):
    """Types of the constructor's parameters, by name."""
    known = parameter_types(cls, getattr(cls, "_parameter_constraints", {}))
    names = list(inspect.signature(cls.__init__).parameters)[1:]
    return {name: known.get(name, "Any") for name in names}


def _attributes(cls):
    """Types of parameters and fitted attributes, by name, of a class of the package."""
    if not (cls.__module__.startswith(ROOT) and inspect.isfunction(cls.__init__)):
        return {}
    fitted = {n: t for n, t in attribute_types(cls).items() if n.isidentifier()}
    return _constructor_types(cls) | fitted


def _member_stub(name, member):
    """Lines of a method or property; no lines for other attributes."""
    if isinstance(member, property):
        return ["@property", f"def {name}(self) -> {return_type(member)}: ..."]
    decorators = []
    if isinstance(member, classmethod | staticmethod):
        decorators, member = [f"@{type(member).__name__}"], member.__func__
    function = getattr(member, "fn", member)  # of scikit-learn's available_if
    if not inspect.isfunction(function):
        return []
    return [*decorators, _function_stub(name, function, {})]


def _request_stubs(cls):
    """Methods that scikit-learn adds for the routing of metadata."""
    for name in dir(cls):
        if re.fullmatch(r"set_\w+_request", name):
            signature = inspect.signature(getattr(cls, name))
            types = dict.fromkeys(signature.parameters, "bool | str | None")
            yield _signature_stub(name, signature, types, "Self")


def _function_stub(name, function, constraints):
    types = parameter_types(function, constraints)
    signature = inspect.signature(function)
    return _signature_stub(name, signature, types, return_type(function))


def _signature_stub(name, signature, types, returned, a_line=True):
    items, kind = [], None
    for parameter in signature.parameters.values():
        if kind is parameter.POSITIONAL_ONLY and parameter.kind is not kind:
            items.append("/")
        if parameter.kind is parameter.KEYWORD_ONLY and kind not in (
            parameter.KEYWORD_ONLY,
            parameter.VAR_POSITIONAL,
        ):
            items.append("*")
        kind = parameter.kind
        items.append(_parameter_stub(parameter, types))
    if a_line:
        return f"def {name}({', '.join(items)}) -> {returned}: ..."
    listed = "".join(f"    {item},\n" for item in items)
    return f"def {name}(\n{listed}) -> {returned}: ..."


def _parameter_stub(parameter, types):
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}
    name = stars.get(parameter.kind, "") + parameter.name
    if parameter.name in ("self", "cls"):
        return name
    text = types.get(parameter.name, "Any")
    if parameter.default is None and text.split(" | ")[-1] not in ("None", "Any"):
        text += " | None"
    if parameter.default is parameter.empty:
        return f"{name}: {text}"
    is_plain = isinstance(parameter.default, bool | int | float | str | None)
    # a marker that scikit-learn uses internally
    is_plain = is_plain and parameter.default != "$UNCHANGED$"
    return f"{name}: {text} = {repr(parameter.default) if is_plain else '...'}"


def main():
    """Write the stubs, or list those that are out of date."""
    parser = argparse.ArgumentParser(description="Write the stubs for static readers.")
    parser.add_argument("--check", action="store_true", help="only compare")
    if parser.parse_args().check:
        if paths := outdated():
            names = ", ".join(map(str, paths))
            parser.exit(1, f"Out of date: {names}. Run {COMMAND}.\n")
        return
    for path, text in stubs().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
