"""Constructors and docstrings that take up their parent's parameters."""

import inspect

import pytest
from sklearn.base import BaseEstimator, clone

from sklearn_deepod.utils._shared_parameters import inherit_parameters


class Parent(BaseEstimator):
    """The parent.

    Parameters
    ----------
    width : int, default=2
        The parent's words.
    depth : int, default=3
        A depth
        in two lines.

    Attributes
    ----------
    result_ : float
        The result.
    """

    def __init__(self, *, width=2, depth=3):
        self.width = width
        self.depth = depth


class Mixin:
    """Stands before the parent in the order of resolution."""


class Child(Mixin, Parent):
    """The child.

    Parameters
    ----------
    height : int
        A height.
    width : int, default=5
        The child's words.
    {parameters}

    Attributes
    ----------
    {attributes}
    own_ : int
        The child's own.
    """

    def __init__(self, *, height, width=5, **shared):
        super().__init__(width=width, **shared)
        self.height = height


inherit_parameters(Child, Parent)


def test_signature():
    assert str(inspect.signature(Child)) == "(*, height, width=5, depth=3)"
    assert Child(height=1).get_params() == {"height": 1, "width": 5, "depth": 3}
    assert clone(Child(height=1, depth=7)).depth == 7


def test_unknown_names_are_refused():
    expected = r"^Child\.__init__\(\).*'heigth'.* are: height, width, depth\.$"
    with pytest.raises(TypeError, match=expected):
        Child(height=1, heigth=2)
    with pytest.raises(TypeError, match="positional"):
        Child(1)


def test_docstring():
    assert Child.__doc__ == inspect.cleandoc(
        """The child.

        Parameters
        ----------
        height : int
            A height.
        width : int, default=5
            The child's words.
        depth : int, default=3
            A depth
            in two lines.

        Attributes
        ----------
        result_ : float
            The result.
        own_ : int
            The child's own.
        """
    )


def test_without_own_constructor_or_docstring():
    class Same(Parent):
        pass

    inherit_parameters(Same, Parent)
    assert Same.__init__ is Parent.__init__
    assert Same.__doc__ is None


def test_constructor_that_lists_all_is_left_alone():
    class Explicit(Parent):
        def __init__(self, *, width=1):
            super().__init__(width=width)

    inherit_parameters(Explicit, Parent)
    assert str(inspect.signature(Explicit)) == "(*, width=1)"


def test_placeholder_outside_its_section_is_left_alone():
    class Prose(Parent):
        """Says {parameters}."""

    inherit_parameters(Prose, Parent)
    assert Prose.__doc__ == "Says {parameters}."


def test_blank_lines_and_a_parent_without_docstring():
    class Silent(Parent):
        pass

    class Grandchild(Silent):
        """One.

        Parameters
        ----------
        width : int
            Own words.

        {parameters}

        See Also
        --------
        Parent : The parent.
        """

    inherit_parameters(Grandchild, Silent)
    assert Grandchild.__doc__.count("width : ") == 1
    assert "depth : int, default=3\n    A depth\n    in two lines.\n\nSee Also" in (
        Grandchild.__doc__
    )


def test_without_docstrings():
    class Stripped(Parent):
        def __init__(self, **shared):
            super().__init__(**shared)

    Stripped.__doc__ = None  # as under python -OO
    inherit_parameters(Stripped, Parent)
    assert list(inspect.signature(Stripped).parameters) == ["width", "depth"]
