"""Endpoints whose arguments and results are single JSON values, or no values at all."""

from __future__ import annotations

import datetime
import decimal
import os
import typing as t
import uuid

import bentoml
from pydantic import Field

from .models import Color, IntLevel, Item, StrColor


class Scalars:
    @bentoml.api
    def echo_str(self, text: str) -> str:
        """Echo a string.

        Second paragraph of the doc string.
        """
        return text

    @bentoml.api
    def str_default(self, text: str = "hello") -> str:
        return text

    @bentoml.api
    def add_int(self, a: int, b: int = 2) -> int:
        return a + b

    @bentoml.api
    def half(self, x: float) -> float:
        return x / 2

    @bentoml.api
    def negate(self, flag: bool) -> bool:
        return not flag

    @bentoml.api
    def nothing(self) -> None:
        return None

    @bentoml.api
    def no_args_str(self) -> str:
        return "ok"

    @bentoml.api
    def empty_str(self) -> str:
        return ""

    @bentoml.api
    def none_arg(self, value: None = None) -> str:
        return repr(value)

    @bentoml.api
    def untyped(self, x, y=3):
        return {"x": x, "y": y}

    @bentoml.api
    def untyped_str(self):
        return "a bare string"

    @bentoml.api
    def untyped_bytes(self):
        return b"\x00\xff"

    @bentoml.api
    def special_floats(self) -> list[float]:
        return [1.5, float("nan"), float("inf"), float("-inf")]

    @bentoml.api
    def big_int(self, n: int) -> int:
        return n * 1_000_000_007

    @bentoml.api
    def defaults(
        self,
        tags: list[str] = ["a", "b"],
        opts: dict[str, int] = {"k": 1},
        n: t.Optional[int] = None,
        temperature: float = Field(0.7, ge=0, le=2, description="sampling temperature"),
    ) -> dict[str, t.Any]:
        return {"tags": tags, "opts": opts, "n": n, "temperature": temperature}

    @bentoml.api
    def aliased(self, inner: int = Field(5, alias="outerName", examples=[1])) -> int:
        return inner

    @bentoml.api
    def rich_scalars(
        self,
        color: Color,
        pick: t.Literal["a", "b"],
        when: datetime.datetime,
        ident: uuid.UUID,
        dec: decimal.Decimal,
        blob: bytes,
        uniq: set[int],
        dur: datetime.timedelta,
    ) -> dict[str, str]:
        return {name: repr(value) for name, value in locals().items() if name != "self"}

    @bentoml.api
    def enum_out(self) -> Color:
        return Color.BLUE

    @bentoml.api
    def literal_out(self) -> t.Literal["a", "b"]:
        return "a"

    @bentoml.api
    def str_enum_out(self) -> StrColor:
        return StrColor.BLUE

    @bentoml.api
    def int_enum_out(self) -> IntLevel:
        return IntLevel.HIGH

    @bentoml.api
    def uuid_out(self) -> uuid.UUID:
        return uuid.UUID(int=1)

    @bentoml.api
    def decimal_out(self) -> decimal.Decimal:
        return decimal.Decimal("1.10")

    @bentoml.api
    def nested_rich_out(self) -> dict[str, t.Any]:
        return {
            "when": datetime.datetime(2024, 1, 2),
            "color": Color.RED,
            "dec": decimal.Decimal("1.10"),
            "blob": b"abc",
            "nan": float("nan"),
        }

    @bentoml.api
    def datetime_out(self) -> datetime.datetime:
        return datetime.datetime(2024, 1, 2, 3, 4, 5)

    @bentoml.api
    def union_in(self, u: t.Union[int, str]) -> str:
        return repr(u)

    @bentoml.api
    def union_out(self, want: str = "int") -> t.Union[int, str]:
        return 5 if want == "int" else "five"

    @bentoml.api
    def optional_str_out(self, want: bool = True) -> t.Optional[str]:
        return "some text" if want else None

    @bentoml.api
    def optional_model(self, item: t.Optional[Item] = None) -> t.Optional[Item]:
        return item

    @bentoml.api
    def keyword_only(self, *, a: int, b: str = "x") -> str:
        return f"{a}{b}"

    @bentoml.api
    def server_pid(self) -> int:
        return os.getpid()
