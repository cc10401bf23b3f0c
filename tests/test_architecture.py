"""The order of imports, and what the source must not do."""

import ast
import importlib
import inspect
import pkgutil
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sklearn_deepod
from sklearn_deepod.parallel import DaskDetector

PACKAGE = Path(sklearn_deepod.__file__).parent
TESTS = Path(__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))

#: Floors of the package, from the ground up: what each part may import of the others.
BELOW_BASE = {
    "utils": set(),
    "exceptions": set(),
    "_determinism": {"utils"},
    "_stats": {"utils", "_determinism"},
    "_nn": {"utils", "_determinism", "_stats"},
    "preprocessing": {"utils", "_determinism", "_stats"},
}
BELOW_BASE |= {
    "networks": {"_nn", "preprocessing", *BELOW_BASE["_nn"]},
    "_training": {"exceptions", "_nn", "preprocessing", *BELOW_BASE["_nn"]},
}
#: These see of detectors only scikit-learn's protocol.
PROTOCOL = {"_determinism", "_stats", "exceptions", "utils"}
ALLOWED = {
    **BELOW_BASE,
    "base": set(BELOW_BASE),
    "detectors": {"base", *BELOW_BASE},
    "ensemble": PROTOCOL,
    "metrics": PROTOCOL,
    "parallel": PROTOCOL,
    "threshold": PROTOCOL,
    # Has a detector of its own, with a fitted module, beside those that wrap any.
    "timeseries": {"_training", "base", "preprocessing", *PROTOCOL},
    "treatment": PROTOCOL,
}
#: Where private names of these packages are imported, to follow their releases.
COMPAT = {"utils/_sklearn_compat.py", "utils/_torch_compat.py"}
FOLLOWED = {"sklearn", "torch", "skorch"}
OPTIONAL = {"joblib", "matplotlib", "pandas", "polars", "pyarrow", "pyod", "rich"}
OPTIONAL |= {"dask", "distributed", "pyspark"}
SEEDING = {"manual_seed", "seed", "set_rng_state", "fork_rng"}

every_source = pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE))
)


def part_of(path):
    """The part of the package that a source belongs to; "" for its `__init__`."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imported_names(tree):
    """Dotted names of all that is imported, wherever in the source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the order"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(tree):
    """Last names of all functions that are called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "id", getattr(node.func, "attr", None))


def public_classes():
    """Classes that the package's public modules hand on."""
    found = []
    for info in pkgutil.walk_packages([str(PACKAGE)], "sklearn_deepod."):
        if not any(part.startswith("_") for part in info.name.split(".")):
            module = importlib.import_module(info.name)
            names = getattr(module, "__all__", [n for n in vars(module) if n[0] != "_"])
            found += [getattr(module, name) for name in names]
    own = {
        item
        for item in found
        if inspect.isclass(item) and item.__module__.startswith(PACKAGE.name)
    }
    return sorted(own, key=lambda cls: (cls.__module__, cls.__name__))


@every_source
def test_imports_point_one_way(path):
    part = part_of(path)
    if part == "":
        return
    assert part in ALLOWED, f"say what {part} may import"
    for name in imported_names(ast.parse(path.read_text())):
        root, _, rest = name.partition(".")
        if root == PACKAGE.name:
            other = rest.split(".")[0]
            assert other == part or other in ALLOWED[part], name


def test_order_has_no_cycle():
    assert set(TopologicalSorter(ALLOWED).static_order()) == set(ALLOWED)


def test_every_part_is_there():
    assert {part_of(path) for path in SOURCES} == {"", *ALLOWED}


def test_packages_only_hand_on():
    for path in PACKAGE.rglob("__init__.py"):
        for node in ast.parse(path.read_text()).body:
            is_docstring = isinstance(node, ast.Expr)
            assert is_docstring or isinstance(node, ast.ImportFrom | ast.Assign), path


@every_source
def test_quiet_and_without_global_state(path):
    tree = ast.parse(path.read_text())
    called = set(calls(tree))
    assert not called & {"print", "show", "breakpoint"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of_a_module = isinstance(node.func.value, ast.Name | ast.Attribute)
            seeds = node.func.attr in SEEDING and of_a_module
            assert not seeds, f"line {node.lineno} writes a global random state"


@every_source
def test_optional_packages_are_not_imported_at_the_top(path):
    top = ast.parse(path.read_text()).body
    statements = [n for n in top if isinstance(n, ast.Import | ast.ImportFrom)]
    roots = {n.split(".")[0] for n in imported_names(ast.Module(statements, []))}
    assert not roots & OPTIONAL


@every_source
def test_private_names_of_others_are_imported_in_one_place(path):
    if path.relative_to(PACKAGE).as_posix() in COMPAT:
        return
    for name in imported_names(ast.parse(path.read_text())):
        root, *rest = name.split(".")
        is_private = any(part.startswith("_") for part in rest)
        assert not (root in FOLLOWED and is_private), f"import {name} in {COMPAT}"


def public_estimators():
    """Concrete public classes with `fit` that take arrays.

    DaskDetector takes Dask's collections; tests/parallel has its tests.
    """
    return {
        cls
        for cls in public_classes()
        if hasattr(cls, "fit")
        and not inspect.isabstract(cls)
        and cls is not DaskDetector
    }


@pytest.mark.parametrize("cls", public_classes(), ids=lambda cls: cls.__name__)
def test_every_public_class_has_its_tests(cls):
    *folders, module = (name.lstrip("_") for name in cls.__module__.split(".")[1:])
    expected = TESTS.joinpath(*folders, f"test_{module}.py")
    assert expected.is_file(), f"{cls.__name__} needs {expected.relative_to(TESTS)}"


@pytest.mark.parametrize("cls", public_classes(), ids=lambda cls: cls.__name__)
def test_every_public_class_is_documented(cls):
    assert cls.__doc__
    for name, member in vars(cls).items():
        if inspect.isfunction(member) and not name.startswith("_"):
            assert inspect.getdoc(member), name


def documented():
    """Names of each public package that the API page lists."""
    page = (TESTS.parent / "docs" / "api.rst").read_text()
    found = {}
    for part in page.split(".. currentmodule:: ")[1:]:
        names = re.findall(r"^   (\w+)$", part, re.MULTILINE)
        found.setdefault(part.split()[0], set()).update(names)
    return found


def test_public_names_are_those_of_the_api_page():
    public = {f"sklearn_deepod.{part}" for part in ALLOWED if not part.startswith("_")}
    assert documented().keys() == public
    for module, names in documented().items():
        assert names == set(importlib.import_module(module).__all__), module


def test_every_detector_is_exported_and_named_in_the_readme():
    readme = (TESTS.parent / "README.md").read_text()
    for name in sklearn_deepod.detectors.__all__:
        assert getattr(sklearn_deepod, name) is getattr(sklearn_deepod.detectors, name)
        assert name in sklearn_deepod.__all__
        assert name in readme, f"README.md does not name {name}"
