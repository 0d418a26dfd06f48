"""The Service of the benchmarks, for a real BentoML server. It has the endpoints of `server.py`."""

from __future__ import annotations

# mypy: ignore-errors
# The environment in which types are checked has no BentoML.
import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import bentoml
import numpy as np
from work import ANSWER, MIB


@bentoml.service(threads=16)
class Bench:
    @bentoml.api
    async def classify(self, text: str, labels: list[str], top: int, temperature: float) -> dict[str, Any]:
        return ANSWER

    @bentoml.api
    async def echo(self, number: int) -> int:
        return number

    @bentoml.api
    async def negative(self, image: np.ndarray) -> np.ndarray:
        return -image

    @bentoml.api
    def upload(self, file: Path) -> dict[str, int]:
        return {"size": file.stat().st_size}

    @bentoml.api
    async def download(self, ctx: bentoml.Context, mib: int) -> Path:
        path = Path(ctx.temp_dir) / "weights.bin"
        with path.open("wb") as file:
            file.truncate(mib * MIB)
        return path

    @bentoml.api
    async def words(self, count: int) -> AsyncGenerator[str, None]:
        for index in range(count):
            yield f"tok{index} "

    @bentoml.api
    async def blobs(self, count: int) -> AsyncGenerator[bytes, None]:
        for index in range(count):
            yield b"tok%d " % index

    @bentoml.api
    async def records(self, count: int) -> AsyncGenerator[dict[str, Any], None]:
        for index in range(count):
            yield {"index": index, "token": f"tok{index}"}

    @bentoml.api
    async def paced(self, count: int) -> AsyncGenerator[str, None]:
        for index in range(count):
            yield f"tok{index} "
            await asyncio.sleep(0.001)
