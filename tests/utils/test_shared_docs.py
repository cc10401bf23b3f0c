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


def test_takes_parameters_in_the_order_of_the_signature():
    @documented_like(first)
    def second(rows, *, level=0.5, others=(), depth=2, **params):
        """The second.

        Parameters
        ----------
        **params : dict
            What else there is.
        level, others : float, default=0.5 and ()
            Its own words.

        Raises
        ------
        TypeError
            Of its own.

        Examples
        --------
        >>> 1
        1
        """

    assert second.__doc__ == inspect.cleandoc(
        """The second.

        Parameters
        ----------
        rows : array-like
            The rows.
        level, others : float, default=0.5 and ()
            Its own words.
        depth : int, default=3
            A depth.
        **params : dict
            What else there is.

        Raises
        ------
        TypeError
            Of its own.

        References
        ----------
        A. Author (2000). A title that is so long that it
        takes two lines. Journal.

        Examples
        --------
        >>> 1
        1
        """
    )


def test_takes_whole_sections():
    @documented_like(first)
    def third(rows):
        """The third."""

    assert third.__doc__ == inspect.cleandoc(
        """The third.

        Parameters
        ----------
        rows : array-like
            The rows.

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
