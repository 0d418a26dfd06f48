"""Services that refuse: too slow (504), too many at once (429), batches that can't be met (503)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

import bentoml


@bentoml.service(name="ZooLimits", threads=8, traffic={"timeout": 1, "max_concurrency": 2})
class ZooLimits:
    @bentoml.api
    async def sleepy(self, seconds: float = 3.0) -> str:
        await asyncio.sleep(seconds)
        return "awake"

    @bentoml.api
    def sleepy_sync(self, seconds: float = 3.0) -> str:
        time.sleep(seconds)
        return "awake"

    @bentoml.api
    async def sleepy_stream(self, first: float = 0.0, later: float = 3.0) -> AsyncGenerator[str, None]:
        await asyncio.sleep(first)
        yield "a"
        await asyncio.sleep(later)
        yield "b"

    @bentoml.api(batchable=True, max_batch_size=2, max_latency_ms=50)
    def tight_batch(self, xs: list[float]) -> list[float]:
        time.sleep(xs[0])
        return xs


@bentoml.service(name="ZooCrowd", threads=8, traffic={"max_concurrency": 16})
class ZooCrowd:
    @bentoml.api
    async def doubled(self, x: int, seconds: float = 0.2) -> int:
        await asyncio.sleep(seconds)
        return 2 * x


@bentoml.service(name="ZooBatchOverload", threads=8)
class ZooBatchOverload:
    @bentoml.api(batchable=True, max_batch_size=2, max_latency_ms=20)
    def tight_batch(self, xs: list[float]) -> list[float]:
        time.sleep(xs[0])
        return xs

    @bentoml.api(batchable=True, max_batch_size=2, max_latency_ms=2000)
    def small_batch(self, xs: list[int]) -> list[int]:
        return xs
