"""A Service that BentoML 1.2, 1.3 and 1.4 serve, to see where their wires differ.

The outputs are ``typing.List`` because 1.2 says in the schema how they were written.
"""

from __future__ import annotations

import typing as t
from collections.abc import AsyncGenerator
from pathlib import Path

import bentoml
from bentoml.exceptions import InvalidArgument
from PIL import Image as images
from PIL.Image import Image
from pydantic import BaseModel


class Item(BaseModel):
    sku: str
    note: t.Optional[str] = None


@bentoml.service
class Old:
    @bentoml.api
    def echo(self, text: str = "hi") -> str:
        return text

    @bentoml.api
    def add(self, a: int, b: int = 2) -> int:
        return a + b

    @bentoml.api
    def items(self, items: list[Item]) -> t.List[Item]:
        return items

    @bentoml.api
    def item(self, item: t.Optional[Item] = None) -> Item:
        return item or Item(sku="é")

    @bentoml.api
    def err(self) -> str:
        raise InvalidArgument("bad é")

    @bentoml.api
    def boom(self) -> str:
        raise RuntimeError("x")

    @bentoml.api
    def file_in(self, f: Path) -> int:
        return len(f.read_bytes())

    @bentoml.api
    def files_in(self, f: list[Path]) -> int:
        return len(f)

    @bentoml.api
    def img(self) -> Image:
        return images.new("RGB", (2, 2))

    @bentoml.api
    def file_out(self, ctx: bentoml.Context) -> Path:
        path = Path(ctx.temp_dir) / "a b.txt"
        path.write_text("x")
        return path

    @bentoml.api
    def raw(self) -> bytes:
        return b"\xff"

    @bentoml.api
    def floats(self) -> t.List[float]:
        return [1.0, float("nan")]

    @bentoml.api
    def opt(self) -> t.Optional[str]:
        return "text"

    @bentoml.api
    async def stream(self, n: int = 3) -> AsyncGenerator[str, None]:
        for i in range(n):
            yield f"tok{i} "

    @bentoml.api
    async def stream_err(self) -> AsyncGenerator[str, None]:
        raise InvalidArgument("first")
        yield ""

    @bentoml.api
    async def stream_mid(self) -> AsyncGenerator[str, None]:
        yield "a"
        raise RuntimeError("x")

    @bentoml.api
    async def stream_item(self) -> AsyncGenerator[Item, None]:
        yield Item(sku="é")
        yield Item(sku="b")

    @bentoml.api
    def var(self, *args: int) -> str:
        return repr(args)

    if hasattr(bentoml, "task"):  # since 1.3

        @bentoml.task
        def job(self, a: int = 1) -> int:
            return a

        @bentoml.task
        def fail(self) -> int:
            raise InvalidArgument("t")
