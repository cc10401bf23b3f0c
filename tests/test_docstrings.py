"""Docstrings of public classes and functions."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

from tests.test_architecture import documented

DOCS = Path(__file__).parents[1] / "docs"
PUBLIC = [
    getattr(importlib.import_module(module), name)
    for module, names in documented().items()
    for name in sorted(names)
]
LABELS = {
    label
    for page in DOCS.rglob("*.rst")
    for label in re.findall(r"^\.\. _([\w-]+):$", page.read_text(), re.MULTILINE)
}


@pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.__name__)
def test_links_to_its_section_of_the_user_guide(item):
    # Wrapped lines are joined.
    doc = " ".join(inspect.getdoc(item).split())
    found = re.findall(r"Read more in the :ref:`User Guide <([\w-]+)>`\.", doc)
    assert len(found) == 1
    assert found[0] in LABELS, f"no page of docs/ has the label {found[0]}"


@pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.__name__)
def test_no_placeholder_is_left(item):
    doc = inspect.getdoc(item)
    assert not re.search(r"^\{\w+\}$", doc, re.MULTILINE)


@pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.__name__)
def test_describes_every_parameter(item):
    if inspect.isclass(item) and issubclass(item, Exception | tuple):
        return  # their constructors may be inherited, and described as attributes
    names = inspect.signature(item).parameters
    described = re.findall(
        r"^([\w*, ]+) : |^(\*+\w+)$", inspect.getdoc(item), re.MULTILINE
    )
    found = {n.strip(" *") for a, b in described for n in (a or b).split(",")}
    assert set(names) <= found
