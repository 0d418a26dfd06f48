"""Streaming endpoints: every kind of item, every way to begin, pause, fail and end."""

from __future__ import annotations

import asyncio
import json
import time
import typing as t
from collections.abc import AsyncGenerator, Generator

import bentoml
import numpy as np
from bentoml.exceptions import InvalidArgument
from bentoml.validators import ContentType

from .models import Token

_closed: list[str] = []


class Streams:
    @bentoml.api
    def stream_sync_str(self, n: int = 3, delay: float = 0.05) -> Generator[str, None, None]:
        for i in range(n):
            yield f"tok{i} "
            time.sleep(delay)

    @bentoml.api
    async def stream_async_str(self, n: int = 3, delay: float = 0.05) -> AsyncGenerator[str, None]:
        for i in range(n):
            yield f"tok{i} "
            await asyncio.sleep(delay)

    @bentoml.api
    async def stream_fast_str(self, n: int = 50) -> AsyncGenerator[str, None]:
        for i in range(n):
            yield f"tok{i} "

    @bentoml.api
    async def stream_bytes(self, n: int = 3, size: int = 4, delay: float = 0.05) -> AsyncGenerator[bytes, None]:
        for i in range(n):
            yield bytes([i % 256]) * size
            await asyncio.sleep(delay)

    @bentoml.api
    async def stream_dict(self, n: int = 3, delay: float = 0.05) -> AsyncGenerator[dict[str, t.Any], None]:
        for i in range(n):
            yield {"i": i, "text": f"tök{i}"}
            if delay:
                await asyncio.sleep(delay)

    @bentoml.api
    async def stream_model(self, n: int = 3, delay: float = 0.05) -> AsyncGenerator[Token, None]:
        for i in range(n):
            yield Token(i=i, text=f"tök{i}")
            if delay:
                await asyncio.sleep(delay)

    @bentoml.api
    async def stream_big_dict(self, n: int = 3, size: int = 200_000) -> AsyncGenerator[dict[str, t.Any], None]:
        for i in range(n):
            yield {"i": i, "pad": "x" * size}

    @bentoml.api
    async def stream_int(self, n: int = 12) -> AsyncGenerator[int, None]:
        for i in range(n):
            yield i
            await asyncio.sleep(0.03)

    @bentoml.api
    async def stream_nd(self, n: int = 2) -> AsyncGenerator[np.ndarray, None]:
        for i in range(n):
            yield np.arange(3) + i
            await asyncio.sleep(0.05)

    @bentoml.api
    async def stream_untyped(self, n: int = 3):
        for i in range(n):
            yield f"tok{i} "
            await asyncio.sleep(0.05)

    @bentoml.api
    async def stream_multibyte(
        self, text: str = "héllo wörld — 日本語 🐘", delay: float = 0.03, size: int = 1
    ) -> AsyncGenerator[str, None]:
        for i in range(0, len(text), size):
            yield text[i : i + size]
            if delay:
                await asyncio.sleep(delay)

    @bentoml.api
    async def stream_multibyte_big(self, n: int = 200_000) -> AsyncGenerator[str, None]:
        """One item of ``n`` 3-byte characters after a 1-byte one, so that cuts at round offsets fall inside them."""
        yield "x" + "日" * n

    @bentoml.api
    async def stream_split_utf8(self) -> AsyncGenerator[bytes, None]:
        """A bytes stream whose items cut characters."""
        for byte in "日本".encode():
            yield bytes([byte])
            await asyncio.sleep(0.03)

    @bentoml.api
    async def stream_split_utf8_as_str(self) -> AsyncGenerator[str, None]:
        """Declared as text, but the author yields bytes that cut characters."""
        for byte in "日本".encode():
            yield bytes([byte])  # type: ignore[misc]
            await asyncio.sleep(0.03)

    @bentoml.api
    async def stream_sse(self, n: int = 3, delay: float = 0.05) -> AsyncGenerator[str, None]:
        for i in range(n):
            yield f"event: token\nid: {i}\ndata: {json.dumps({'i': i, 't': 'ö'}, ensure_ascii=False)}\n\n"
            await asyncio.sleep(delay)
        yield "data: [DONE]\n\n"

    @bentoml.api
    async def stream_sse_fast(self, n: int = 50) -> AsyncGenerator[str, None]:
        for i in range(n):
            yield f"data: {i}\n\n"

    @bentoml.api
    def stream_sse_annotated(
        self, n: int = 3
    ) -> t.Annotated[Generator[str, None, None], ContentType("text/event-stream")]:
        for i in range(n):
            yield f"data: {i}\n\n"
            time.sleep(0.05)

    @bentoml.api
    def stream_annotated_plain(self, n: int = 3) -> t.Annotated[Generator[str, None, None], ContentType("text/plain")]:
        for i in range(n):
            yield f"line {i}\n"
            time.sleep(0.05)

    @bentoml.api
    async def stream_ndjson(self, ctx: bentoml.Context, n: int = 3) -> AsyncGenerator[str, None]:
        ctx.response.headers["content-type"] = "application/x-ndjson"
        for i in range(n):
            yield json.dumps({"i": i}) + "\n"
            await asyncio.sleep(0.05)

    @bentoml.api
    async def stream_empty(self) -> AsyncGenerator[str, None]:
        if False:
            yield ""

    @bentoml.api
    async def stream_empty_items(self) -> AsyncGenerator[str, None]:
        for item in ["a", "", "b", "", ""]:
            yield item
            await asyncio.sleep(0.03)

    @bentoml.api
    async def stream_none_items(self) -> AsyncGenerator[t.Optional[str], None]:
        for item in ["a", None, "b"]:
            yield item
            await asyncio.sleep(0.03)

    @bentoml.api
    async def stream_raise_mid(self, n: int = 2) -> AsyncGenerator[str, None]:
        for i in range(n):
            yield f"tok{i} "
            await asyncio.sleep(0.05)
        raise RuntimeError("boom in the middle")

    @bentoml.api
    def stream_raise_mid_sync(self, n: int = 2) -> Generator[str, None, None]:
        for i in range(n):
            yield f"tok{i} "
            time.sleep(0.05)
        raise InvalidArgument("boom in the middle")

    @bentoml.api
    async def stream_raise_first(self) -> AsyncGenerator[str, None]:
        raise InvalidArgument("bad before the first item")
        yield ""

    @bentoml.api
    async def stream_raise_first_plain(self) -> AsyncGenerator[str, None]:
        raise RuntimeError("plain before the first item")
        yield ""

    @bentoml.api
    async def stream_slow_first(self, delay: float = 2.0) -> AsyncGenerator[str, None]:
        await asyncio.sleep(delay)
        yield "late"

    @bentoml.api
    async def stream_stall(self, delay: float = 5.0) -> AsyncGenerator[str, None]:
        yield "first "
        await asyncio.sleep(delay)
        yield "second"

    @bentoml.api
    async def stream_endless(self, tag: str = "t") -> AsyncGenerator[str, None]:
        """A minute of items; its end, however it comes, is written to the log as ``tag@last item``."""
        try:
            for i in range(3000):
                yield f"{i} "
                await asyncio.sleep(0.02)
        finally:
            _closed.append(f"{tag}@{i}")

    @bentoml.api
    def stream_closed_log(self) -> list[str]:
        return list(_closed)

    @bentoml.api
    async def stream_ctx(self, ctx: bentoml.Context) -> AsyncGenerator[str, None]:
        ctx.response.status_code = 201
        ctx.response.headers["x-zoo"] = "stream"
        yield "a"
        yield "b"
