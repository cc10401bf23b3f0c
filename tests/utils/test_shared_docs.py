"""Docstrings of functions that take entries from others."""

import inspect

from sklearn_deepod.utils._shared_docs import docstring_entries, documented_like


def first(rows, *, level=0.1, depth=3):
    """The first.

    Parameters
    ----------
    rows : array-like
        The rows.
    level : float, default=0.1
        A level
        in two lines.
    depth : int, default=3
        A depth.

    Raises
    ------
    ValueError
        If the rows are wrong.

    References
    ----------
    A. Author (2000). A title that is so long that it
    takes two lines. Journal.
    """


def second(names):
    """The second.

    Parameters
    ----------
    names : list of str
        The names.
    rows : array-like
        Other rows.
    """


def test_takes_what_the_function_has_and_does_not_describe():
    @documented_like(first, second)
    def third(rows, names, *, level=0.5, other=1):
        """The third.

        Parameters
        ----------
        {parameters}
        level : float, default=0.5
            Its own words.
        other : int, default=1
            Its own parameter.

        Raises
        ------
        {raises}

        References
        ----------
        {references}
        """

    assert third.__doc__ == inspect.cleandoc(
        """The third.

        Parameters
        ----------
        rows : array-like
            The rows.
        names : list of str
            The names.
        level : float, default=0.5
            Its own words.
        other : int, default=1
            Its own parameter.

        Raises
        ------
        ValueError
            If the rows are wrong.

        References
        ----------
        A. Author (2000). A title that is so long that it
        takes two lines. Journal.
        """
    )


def test_a_placeholder_outside_its_section_is_left_alone():
    @documented_like(first)
    def prose(rows):
        """Says {parameters}."""

    assert prose.__doc__ == "Says {parameters}."


def test_without_docstrings():
    @documented_like(first)
    def stripped(rows):  # as all are under python -OO
        pass

    assert stripped.__doc__ is None


def test_entries_of_a_section():
    doc = inspect.getdoc(first)
    assert list(docstring_entries(doc, "Parameters")) == ["rows", "level", "depth"]
    assert docstring_entries(doc, "Raises") == {
        "ValueError": "ValueError\n    If the rows are wrong."
    }
    assert docstring_entries(doc, "Returns") == {}
