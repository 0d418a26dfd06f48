"""Endpoints declared as those of the recorded Service are, for their signatures alone."""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

import decimal
import enum
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
import pandas as pd
from PIL import Image


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


def echo_str(text: str) -> str: ...


def add_int(a: int, b: int = 2) -> int: ...


def nothing() -> None: ...


def untyped(x, y=3): ...  # type: ignore[no-untyped-def]


def echo_tuple(pair: tuple[int, str]) -> tuple[int, str]: ...


def special_floats() -> list[float]: ...


def union_out(want: str = "int") -> Union[int, str]: ...  # noqa: UP007


def enum_out() -> Color: ...


def decimal_out() -> decimal.Decimal: ...


def keyword_only(*, a: int, b: str = "x") -> str: ...


def varargs(*args: int) -> dict[str, Any]: ...


def varkw(**kwargs: Any) -> dict[str, Any]: ...


def root_str(text: str, /) -> str: ...


def root_dict(d: dict[str, int], /) -> int: ...


def root_image(img: Image.Image, /) -> dict[str, Any]: ...


def file_optional(f: Optional[Path] = None, name: str = "x") -> dict[str, Any]: ...  # noqa: UP045


def file_list(files: list[Path]) -> list[dict[str, Any]]: ...


def bytes_out() -> bytes: ...


def png_out() -> Image.Image: ...


def optional_file_out(want: bool = True) -> Optional[Path]: ...  # noqa: UP045


def nd(a: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]: ...


def df(df: pd.DataFrame) -> pd.DataFrame: ...


def stream_int(n: int = 12) -> Iterator[int]:
    yield n
