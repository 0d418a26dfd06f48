"""The base class of values: what it generates, and what it refuses."""

from __future__ import annotations

import copy
import inspect
import pickle
import typing
from collections.abc import Sequence
from functools import cached_property
from types import FunctionType
from typing import ClassVar

import pytest

from bento_proto._frozen import Frozen


class Point(Frozen):
    """A point."""

    x: int
    y: int = 0
    dimensions: ClassVar[int] = 2

    @property
    def total(self) -> int:
        return self.x + self.y


class Labelled(Point):
    label: str = ""


class Named(Labelled):
    """No field of its own."""


class Other(Frozen):
    x: int
    y: int = 0


class Nothing(Frozen):
    """No field at all."""


class Counted(Frozen):
    __slots__ = ("__dict__",)
    items: tuple[int, ...]

    @cached_property
    def total(self) -> int:
        return sum(self.items)


def test_fields_are_given_by_position_or_name_and_have_defaults() -> None:
    assert (Point(1).x, Point(1).y) == (1, 0)
    assert (Point(1, 2).y, Point(1, y=2).y, Point(y=2, x=1).y) == (2, 2, 2)
    assert Point.dimensions == Point(1).dimensions == 2
    assert Point(1, 2).total == 3


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "Point.__init__() missing 1 required positional argument: 'x'"),
        ((1, 2, 3), {}, "Point.__init__() takes from 2 to 3 positional arguments but 4 were given"),
        ((1,), {"z": 2}, "Point.__init__() got an unexpected keyword argument 'z'"),
        ((1,), {"x": 2}, "Point.__init__() got multiple values for argument 'x'"),
    ],
)
def test_wrong_arguments_raise_what_python_raises(args: Sequence[int], kwargs: dict[str, int], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        Point(*args, **kwargs)
    assert str(caught.value) == message


def test_the_first_instances_are_like_the_later_ones_whose_init_is_compiled() -> None:
    class Fresh(Frozen):
        x: int
        y: int = 0

    def outcomes() -> list[object]:
        found: list[object] = [Fresh(1), Fresh(1, 2), Fresh(1, y=2), Fresh(y=2, x=1), Fresh(1).replace(y=5)]
        return [(value, repr(value), hash(value)) for value in found]

    first = outcomes()
    assert not isinstance(vars(Fresh)["__init__"], FunctionType)
    for _ in range(100):
        assert outcomes() == first
    assert isinstance(vars(Fresh)["__init__"], FunctionType)


@pytest.mark.parametrize("args", [(), (1, 2, 3)])
@pytest.mark.parametrize("kwargs", [{}, {"z": 2}, {"x": 2}])
def test_the_first_instance_refuses_what_later_ones_do(args: Sequence[int], kwargs: dict[str, int]) -> None:
    class Fresh(Frozen):
        x: int
        y: int = 0

    messages: list[str] = []
    for _ in range(2):
        try:
            Fresh(*args, **kwargs)
        except TypeError as exc:
            messages.append(str(exc))
    assert len({*messages}) == int(len(messages) == 2) == int((args, kwargs) != ((), {"x": 2}))


def test_the_signature_is_known_before_the_first_instance() -> None:
    class Fresh(Frozen):
        x: int

    assert str(inspect.signature(Fresh)) == "(x: 'int') -> 'None'"
    assert Fresh.__init__.__qualname__.endswith("Fresh.__init__")


def test_equality_and_hash_are_those_of_the_class_and_the_fields() -> None:
    assert Point(1, 2) == Point(1, 2)
    assert hash(Point(1, 2)) == hash(Point(1, 2))
    assert Point(1, 2) != Point(1, 3)
    assert Point(1) != Other(1)
    assert Point(1) != (1, 0)
    assert Point(1) != Labelled(1)
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())
    assert len({Point(1), Point(1, 0), Point(2)}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(Counted([1]))  # type: ignore[arg-type]


def test_the_repr_shows_the_fields() -> None:
    assert repr(Point(1)) == "Point(x=1, y=0)"
    assert repr(Nothing()) == "Nothing()"


def test_attributes_can_be_neither_assigned_nor_deleted() -> None:
    point = Point(1)
    for name in ("x", "z"):
        with pytest.raises(AttributeError, match=f"cannot assign to '{name}': a Point is immutable"):
            setattr(point, name, 2)
        with pytest.raises(AttributeError, match=f"cannot delete '{name}': a Point is immutable"):
            delattr(point, name)
    assert point == Point(1)
    assert not hasattr(point, "__dict__")


def test_a_value_is_no_sequence() -> None:
    assert not isinstance(Point(1), tuple)
    for method in ("__iter__", "__len__", "__getitem__", "__contains__"):
        assert not hasattr(Point(1), method)
    with pytest.raises(TypeError):
        iter(Point(1))  # type: ignore[call-overload]


def test_a_copy_with_changes() -> None:
    assert Point(1, 2).replace(x=3) == Point(3, 2)
    assert Labelled(1).replace(label="a") == Labelled(1, 0, "a")
    assert Point(1).__replace__(y=5) == Point(1, 5)
    with pytest.raises(TypeError, match=r"Point.__init__\(\) got an unexpected keyword argument 'z'"):
        Point(1).replace(z=1)


@pytest.mark.parametrize("value", [Point(1, 2), Labelled(1, 2, "a"), Named(1), Nothing(), Counted((1, 2))])
def test_values_pickle_and_copy(value: Frozen) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(value, protocol)) == value
    assert copy.copy(value) == copy.deepcopy(value) == value


def test_patterns_match_the_fields() -> None:
    match Labelled(1, 2, "a"):
        case Labelled(x, y, label):
            assert (x, y, label) == (1, 2, "a")


def test_a_subclass_has_the_fields_of_its_base_first() -> None:
    assert Labelled(1, label="a") == Labelled(1, 0, "a")
    assert repr(Named(1, 2, "a")) == "Named(x=1, y=2, label='a')"
    assert Named(1, 2, "a").total == 3


def test_computed_values_are_kept_where_the_class_has_a_dict() -> None:
    counted = Counted((1, 2))
    assert counted.total == 3
    assert vars(counted) == {"total": 3}
    assert vars(pickle.loads(pickle.dumps(counted))) == {}


def test_types_and_signature_are_known_at_run_time() -> None:
    assert typing.get_type_hints(Labelled.__init__) == {"x": int, "y": int, "label": str, "return": type(None)}
    assert typing.get_type_hints(Point) == {
        "x": int, "y": int, "dimensions": ClassVar[int], **typing.get_type_hints(Frozen),
    }  # fmt: skip
    assert str(inspect.signature(Point, eval_str=True)) == "(x: int, y: int = 0) -> None"
    assert Point.__doc__ == "A point."
