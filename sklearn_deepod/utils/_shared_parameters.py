"""Constructor parameters that a family of classes shares, written once."""

import ast
import inspect
import re

from sklearn_deepod.utils._shared_docs import docstring_entries

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class SharedParametersMixin:
    """Mixin for classes whose constructors end in ``**shared``.

    ``**shared`` stands for the parameters of the next constructor in the method
    resolution order, up to the first one without ``**shared``. `inspect.signature`, and
    thus ``get_params``, list all of them. In the docstring, ``{parameters}`` and
    ``{attributes}`` are replaced by the entries of the parents that the class does not
    describe itself. A parameter of which the class only changes the default is
    described with the new one.

    The class keyword `exclude` removes parameters whose values the class fixes::

        class SmallAutoEncoder(AutoEncoder, exclude=("latent_size",)):
            def __init__(self, **shared):
                super().__init__(latent_size=2, **shared)
    """

    def __init_subclass__(cls, *, exclude=(), **kwargs):
        """Complete the constructor and the docstring of a subclass."""
        super().__init_subclass__(**kwargs)
        _exclude(cls, exclude)
        parameters = _parameters(cls.__mro__)
        if parameters and _goes_on(cls.__init__):
            cls.__init__ = _refusing_others(cls, parameters)
        if cls.__doc__:
            cls.__doc__ = _filled(inspect.cleandoc(cls.__doc__), cls, parameters)


def _exclude(cls, names):
    """Record which parameters of the parents the class removes."""
    above = _parameters(cls.__mro__[1:])
    for name in names:
        if name not in above:
            raise TypeError(
                f"{cls.__name__} has exclude={names!r}, but {name!r} is not among the "
                f"parameters of the classes above it: {', '.join(above)}."
            )
    cls._excluded_parameters = frozenset(names)
    constraints = getattr(cls, "_parameter_constraints", None)
    if names and constraints:
        kept = {k: v for k, v in constraints.items() if k not in names}
        cls._parameter_constraints = kept


def _parameters(mro):
    """Parameters by name, of all constructors up to the first without ``**shared``."""
    found, excluded = {}, set()
    for cls in mro:
        init = vars(cls).get("__init__")
        if init is not None and cls is not object:
            for parameter in _signature(init)[1:]:
                name = parameter.name
                if parameter.kind in _NAMED and name not in {*found, *excluded}:
                    found[name] = parameter.replace(kind=parameter.KEYWORD_ONLY)
            if not _goes_on(init):
                break
        excluded |= vars(cls).get("_excluded_parameters", set())
    return found


def _signature(init):
    """Parameters of the constructor as it is written."""
    return list(inspect.signature(inspect.unwrap(init)).parameters.values())


def _goes_on(init):
    """Whether the constructor passes parameters on."""
    return any(p.kind is p.VAR_KEYWORD for p in _signature(init))


def _refusing_others(cls, parameters):
    """The constructor with all parameters, and an error for other names."""

    def passing_on(self, *args, **shared):
        super(cls, self).__init__(*args, **shared)

    init = vars(cls).get("__init__", passing_on)

    def __init__(self, *args, **given):
        # Only here: the parents' constructors also get parameters that children fix.
        if type(self).__init__ is __init__:
            for name in given:
                if name not in parameters:
                    raise TypeError(
                        f"{cls.__name__}.__init__() got an unexpected keyword argument "
                        f"{name!r}. Its parameters are: {', '.join(parameters)}."
                    )
        init(self, *args, **given)

    __init__.__wrapped__ = init
    __init__.__doc__ = init.__doc__
    __init__.__module__ = cls.__module__
    __init__.__qualname__ = f"{cls.__qualname__}.__init__"
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    __init__.__signature__ = inspect.Signature([this, *parameters.values()])
    return __init__


def _filled(doc, cls, parameters):
    """The docstring with the entries of the parents in place of placeholders."""
    for section in ("Parameters", "Attributes"):
        placeholder = f"{{{section.lower()}}}"
        described = docstring_entries(doc, section)
        if placeholder in described:
            above = _all_above(cls, section)
            if section == "Parameters":
                above = {
                    name: _with_default(text, parameters[name].default)
                    for name, text in above.items()
                    if name in parameters
                }
            added = {k: v for k, v in above.items() if k not in described}
            if section == "Parameters":
                doc = _replaced(doc, described, added, parameters)
            else:
                doc = doc.replace(placeholder, "\n".join(added.values()))
    return doc


def _replaced(doc, described, added, parameters):
    """The docstring with all parameters in the order of the constructor."""
    entries = described | added
    first, *_, last = [*described.values()] * 2  # may be one and the same
    start = doc.index(first)
    stop = doc.index(last, start) + len(last)
    in_order = [entries[name] for name in parameters if name in entries]
    return doc[:start] + "\n".join(in_order) + doc[stop:]


def _with_default(entry, default):
    """The entry of a parameter, with the default of this class's constructor."""
    header, line_break, text = entry.partition("\n")
    written = re.search(r"default=(.+)$", header)
    if written is None or default is inspect.Parameter.empty:
        return entry
    try:
        if ast.literal_eval(written[1]) == default:
            return entry
    except (SyntaxError, ValueError):  # not a literal
        return entry
    default = f'"{default}"' if isinstance(default, str) else repr(default)
    return f"{header[: written.start(1)]}{default}{line_break}{text}"


def _all_above(cls, section):
    """Entries of the section in the parents; the nearest parent takes precedence."""
    found = {}
    for parent in cls.__mro__[1:]:
        doc = inspect.cleandoc(vars(parent).get("__doc__") or "")
        for name, text in docstring_entries(doc, section).items():
            found.setdefault(name, text)
    return found
