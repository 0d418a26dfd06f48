"""A Service with an endpoint for each kind of argument, to be asked wrongly. Its double is in `tests/parity`."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Union

import bentoml
import pydantic
from typing_extensions import TypedDict


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Item(pydantic.BaseModel):
    sku: str
    qty: int = 1


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Keys(TypedDict):
    a: int


@bentoml.service(name="Strict", threads=4)
class Strict:
    @bentoml.api
    def add(self, a: int, b: int = 1) -> int:
        return a + b

    @bentoml.api
    def shout(self, text: str) -> str:
        return text.upper()

    @bentoml.api
    def short(self, text: Annotated[str, pydantic.Field(max_length=3)]) -> str:
        return text

    @bentoml.api
    def total(self, xs: list[int]) -> int:
        return sum(xs)

    @bentoml.api
    def halve(self, x: float) -> float:
        return x / 2

    @bentoml.api
    def negate(self, on: bool) -> bool:
        return not on

    @bentoml.api
    def paint(self, color: Color) -> str:
        return color.value

    @bentoml.api
    def pick(self, one: Literal["a", "b"]) -> str:
        return one

    @bentoml.api
    def maybe(self, x: Optional[int] = None) -> str:
        return repr(x)

    @bentoml.api
    def counts(self, by: dict[str, int]) -> int:
        return sum(by.values())

    @bentoml.api
    def order(self, item: Item) -> str:
        return f"{item.qty} {item.sku}"

    @bentoml.api
    def root_item(self, item: Item, /) -> str:
        return item.sku

    @bentoml.api
    def root_text(self, text: str, /) -> str:
        return text.upper()

    @bentoml.api
    def root_list(self, xs: list[int], /) -> int:
        return len(xs)

    @bentoml.api
    def either(self, x: Union[int, str]) -> str:
        return repr(x)

    @bentoml.api
    def when(
        self,
        at: Optional[dt.datetime] = None,
        day: Optional[dt.date] = None,
        time: Optional[dt.time] = None,
        span: Optional[dt.timedelta] = None,
        key: Optional[uuid.UUID] = None,
        price: Optional[decimal.Decimal] = None,
    ) -> str:
        return repr((at, day, time, span, key, price))

    @bentoml.api
    def holds(
        self,
        pair: tuple[int, str] = (1, "a"),
        row: tuple[int, ...] = (),
        kinds: set[int] = set(),
        point: Point = Point(1),  # noqa: B008
        keys: Keys = {"a": 1},
        anything: Any = None,
        several: list = [],
    ) -> str:
        return repr((pair, row, kinds, point.x, keys, anything, several))

    @bentoml.api
    def nothing(self) -> str:
        return "done"

    @bentoml.api
    def read(self, f: Path) -> int:
        return len(f.read_bytes())

    @bentoml.api
    def read_all(self, fs: list[Path]) -> int:
        return len(fs)

    @bentoml.api
    def stream(self, n: int) -> Iterator[str]:
        for i in range(n):
            yield f"{i}\n"

    @bentoml.task
    def train(self, steps: int) -> int:
        return steps
