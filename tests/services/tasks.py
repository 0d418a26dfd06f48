"""Services with tasks: one with every shape of them, one whose limits they meet."""

from __future__ import annotations

import asyncio
import time
import typing as t
from collections import Counter
from pathlib import Path

import bentoml
import numpy as np
from bentoml.exceptions import InvalidArgument, ServiceUnavailable
from PIL import Image as images
from PIL.Image import Image
from pydantic import Field
from shapes.models import Item, Teapot, describe, written

_attempts: Counter[str] = Counter()


@bentoml.service(name="ZooTasks", threads=8)
class ZooTasks:
    @bentoml.task
    def json_task(self, a: int = 1, delay: float = 0.0) -> dict[str, t.Any]:
        time.sleep(delay)
        return {"doubled": a * 2}

    @bentoml.task
    async def async_task(self, a: int = 1, delay: float = 0.0) -> int:
        await asyncio.sleep(delay)
        return a

    @bentoml.task
    def str_task(self, text: str = "x", delay: float = 0.0) -> str:
        time.sleep(delay)
        return text.upper()

    @bentoml.task
    def none_task(self) -> None:
        return None

    @bentoml.task
    def bytes_task(self) -> bytes:
        return b"\x00\xff"

    @bentoml.task
    def model_task(self, item: Item) -> Item:
        return item

    @bentoml.task
    def file_task(self, ctx: bentoml.Context, name: str = "result.csv") -> Path:
        return written(ctx, name, b"a,b\n1,2\n")

    @bentoml.task
    def file_in_task(self, f: Path, n: int = 1) -> dict[str, t.Any]:
        return {**describe(f), "n": n}

    @bentoml.task
    def root_file_task(self, f: Path, /) -> dict[str, t.Any]:
        return describe(f)

    @bentoml.task
    def image_task(self) -> Image:
        return images.new("RGB", (5, 4), "green")

    @bentoml.task
    def nd_task(self) -> np.ndarray:
        return np.arange(3)

    @bentoml.task
    def failing_task(self, kind: str = "plain") -> str:
        if kind == "plain":
            raise RuntimeError("secret")
        if kind == "invalid":
            raise InvalidArgument("bad task input")
        if kind == "teapot":
            raise Teapot("short")
        if kind == "unavailable":
            raise ServiceUnavailable("later")
        return "not failing"

    @bentoml.task
    def flaky_task(self, key: str = "k") -> str:
        """Fails at the first attempt for each ``key``."""
        _attempts[key] += 1
        if _attempts[key] == 1:
            raise InvalidArgument("first attempt fails")
        return f"attempt {_attempts[key]}"

    @bentoml.task
    def slow_task(self, seconds: float = 3.0) -> str:
        time.sleep(seconds)
        return "slow done"

    @bentoml.task
    def validated_task(self, n: t.Annotated[int, Field(ge=0)]) -> int:
        return n

    @bentoml.task(route="/v1/jobs/render")
    def routed_task(self, ctx: bentoml.Context, n: int = 1) -> dict[str, t.Any]:
        ctx.response.headers["x-task"] = "1"
        ctx.response.status_code = 201
        return {"n": n, "path": ctx.request.url.path, "task_id": getattr(ctx.request.state, "task_id", None)}

    @bentoml.task
    def submit(self) -> str:
        return "endpoint named submit"

    @bentoml.api
    def plain_api(self, x: int = 1) -> int:
        return x


# A task outlives the timeout, and holds the one slot while it runs.
@bentoml.service(name="ZooTaskLimits", traffic={"max_concurrency": 1, "timeout": 2})
class ZooTaskLimits:
    @bentoml.task
    def slow_task(self, seconds: float = 3.0) -> str:
        time.sleep(seconds)
        return "done"

    @bentoml.api
    def echo(self, text: str = "hi") -> str:
        return text
