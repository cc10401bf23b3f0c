"""Constructors and docstrings that take up their parent's parameters."""

import inspect

import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.utils.estimator_checks import check_estimator

from sklearn_deepod import AutoEncoder, RandomFeatures
from sklearn_deepod.utils._shared_parameters import SharedParametersMixin


class Parent(SharedParametersMixin, BaseEstimator):
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


class Scaled:
    """A user's mixin.

    Parameters
    ----------
    factor : float, default=1.0
        What scores are multiplied by.
    """

    def __init__(self, *, factor=1.0, **shared):
        super().__init__(**shared)
        self.factor = factor

    def score_samples(self, X):
        return self.factor * super().score_samples(X)


class ScaledAutoEncoder(Scaled, AutoEncoder):
    """Has the mixin's parameter and all of the detector.

    Parameters
    ----------
    {parameters}
    """


class SmallAutoEncoder(AutoEncoder, exclude=("latent_size", "max_steps")):
    """Fixes two of the detector's parameters.

    Parameters
    ----------
    {parameters}
    """

    def __init__(self, *, n_estimators=1, **shared):
        super().__init__(
            n_estimators=n_estimators, latent_size=2, max_steps=5, **shared
        )


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


def test_a_changed_default_stands_in_the_inherited_entry():
    class Deep(Parent):
        """Has a default of its own.

        Parameters
        ----------
        {parameters}
        """

        def __init__(self, *, depth="max", **shared):
            super().__init__(depth=depth, **shared)

    assert "\nwidth : int, default=2\n    The parent's words." in Deep.__doc__
    assert '\ndepth : int, default="max"\n    A depth\n    in two' in Deep.__doc__
    assert "default=3" in Parent.__doc__


def test_without_own_constructor_or_docstring():
    class Same(Parent):
        pass

    assert Same.__init__ is Parent.__init__
    assert Same.__doc__ is None


def test_constructor_that_lists_all_is_left_alone():
    class Explicit(Parent):
        def __init__(self, *, width=1):
            super().__init__(width=width)

    assert str(inspect.signature(Explicit)) == "(*, width=1)"


def test_placeholder_outside_its_section_is_left_alone():
    class Prose(Parent):
        """Says {parameters}."""

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

    assert Grandchild.__doc__.count("width : ") == 1
    assert "depth : int, default=3\n    A depth\n    in two lines.\n\nSee Also" in (
        Grandchild.__doc__
    )


def test_without_docstrings():
    class Stripped(Parent):  # as all are under python -OO
        def __init__(self, **shared):
            super().__init__(**shared)

    assert list(inspect.signature(Stripped).parameters) == ["width", "depth"]


def names(cls):
    return set(cls().get_params(deep=False))


def test_a_mixin_keeps_its_parameters():
    assert names(ScaledAutoEncoder) == names(AutoEncoder) | {"factor"}
    assert list(inspect.signature(ScaledAutoEncoder).parameters)[0] == "factor"
    detector = clone(ScaledAutoEncoder(factor=2.0, latent_size=3))
    assert (detector.factor, detector.latent_size) == (2.0, 3)
    for name in ("factor", "latent_size", "novelty"):
        assert ScaledAutoEncoder.__doc__.count(f"\n{name} : ") == 1
    with pytest.raises(TypeError, match=r"^ScaledAutoEncoder\.__init__\(\).*'factr'"):
        ScaledAutoEncoder(factr=2.0)


def test_a_mixin_between_a_class_and_its_parent():
    class Wide(Parent):
        def __init__(self, *, width=9, colour="red", **shared):
            super().__init__(width=width, **shared)
            self.colour = colour

    class Both(Child, Wide):
        pass

    expected = "(*, height, width=5, colour='red', depth=3)"
    assert str(inspect.signature(Both)) == expected
    assert Both(height=1, colour="blue").get_params()["colour"] == "blue"
    assert str(inspect.signature(Child)) == "(*, height, width=5, depth=3)"


def test_a_mixin_that_takes_any_arguments():
    class Passing:
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)

    class Mine(Passing, Parent):
        pass

    assert clone(Mine(depth=7)).get_params() == {"width": 2, "depth": 7}


def test_a_fixed_parameter_is_not_the_users():
    assert names(SmallAutoEncoder) == names(AutoEncoder) - {"latent_size", "max_steps"}
    assert clone(SmallAutoEncoder()).latent_size == 2
    assert "latent_size : " not in SmallAutoEncoder.__doc__
    assert "latent_size" not in SmallAutoEncoder._parameter_constraints
    with pytest.raises(TypeError, match="unexpected keyword argument 'latent_size'"):
        SmallAutoEncoder(latent_size=3)
    with pytest.raises(ValueError, match="Invalid parameter 'latent_size'"):
        SmallAutoEncoder().set_params(latent_size=3)


def test_what_is_fixed_stays_fixed_below():
    class Below(SmallAutoEncoder):
        def __init__(self, *, own=1, **shared):
            super().__init__(**shared)
            self.own = own

    assert names(Below) == names(SmallAutoEncoder) | {"own"}
    assert Below(own=2, n_estimators=3).n_estimators == 3
    assert names(AutoEncoder) >= {"latent_size", "max_steps"}


def test_without_a_constructor_what_is_excluded_has_its_default():
    class Plain(RandomFeatures, exclude=("n_components",)):
        pass

    assert names(Plain) == names(RandomFeatures) - {"n_components"}
    assert Plain().n_components == RandomFeatures().n_components


def test_excluding_what_is_not_there():
    with pytest.raises(TypeError, match=r"'dpth' is not among .*: width, depth\.$"):

        class Typo(Parent, exclude=("dpth",)):
            pass


@pytest.mark.parametrize(
    "detector",
    [ScaledAutoEncoder(n_estimators=1, max_steps=5), SmallAutoEncoder()],
    ids=lambda detector: type(detector).__name__,
)
def test_scikit_learns_checks(detector):
    check_estimator(detector)
