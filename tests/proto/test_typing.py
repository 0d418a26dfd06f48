"""The core's named tuples are what those of typing are."""

from __future__ import annotations

import inspect
import pickle
import typing

from bento_proto import Origin
from bento_proto._typing import NamedTuple


class Own(NamedTuple):
    """Two numbers."""

    one: int
    two: float | None = None

    @property
    def sum(self) -> float:
        return self.one + (self.two or 0.0)

    @classmethod
    def of(cls, number: int) -> Own:
        return cls(number, two=number)


class Typings(typing.NamedTuple):
    """Two numbers."""

    one: int
    two: float | None = None


def test_it_has_all_that_those_of_typing_have() -> None:
    assert set(dir(Typings)) - {"__orig_bases__"} <= set(dir(Own))
    assert Own.__bases__ == Typings.__bases__ == (tuple,)
    assert (Own.__module__, Own.__qualname__, Own.__doc__) == (__name__, "Own", "Two numbers.")
    assert (Own._fields, Own._field_defaults) == (Typings._fields, Typings._field_defaults)
    assert Own.__annotations__ == {"one": "int", "two": "float | None"}
    assert list(inspect.signature(Own).parameters) == ["one", "two"]
    assert inspect.signature(Own).parameters["two"].annotation == "float | None"


def test_it_behaves_as_those_of_typing_do() -> None:
    assert Own(1) == (1, None)
    made = Own(1)
    assert repr(made) == "Own(one=1, two=None)"
    assert made._replace(two=2.5).sum == 3.5
    assert Own.of(3) == Own(3, 3)
    assert hash(made) == hash(Typings(1))
    assert not hasattr(made, "__dict__")


def test_it_pickles_by_its_name() -> None:
    origin = Origin("http", "localhost", 3000)
    assert pickle.loads(pickle.dumps(origin)) == origin
    assert type(pickle.loads(pickle.dumps(Own(1)))) is Own
