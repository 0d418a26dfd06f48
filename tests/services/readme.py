"""The Service that the README's snippets call."""

from __future__ import annotations

import asyncio
import json
import time
import typing as t
from collections.abc import AsyncGenerator

import bentoml
from PIL.Image import Image


@bentoml.service(threads=4)
class Readme:
    @bentoml.api
    def summarize(self, text: str) -> str:
        """The first words of a text."""
        return " ".join(text.split()[:4])

    @bentoml.api
    def predict(self, data: dict[str, t.Any]) -> dict[str, t.Any]:
        return {"prediction": len(data), "data": data}

    @bentoml.api
    def call(self, x: int) -> int:
        """On a server, an endpoint of this name answers 500 to everything: it is here for its name."""
        return x

    @bentoml.api
    def generate(self, img: Image) -> Image:
        return img.rotate(180)

    @bentoml.api
    async def stream_data(self) -> AsyncGenerator[str, None]:
        for i in range(3):
            yield f"chunk {i}\n"
            await asyncio.sleep(0.01)

    @bentoml.api
    async def chat(self, prompt: str) -> AsyncGenerator[str, None]:
        for word in prompt.split():
            yield f"data: {json.dumps(word)}\n\n"

    @bentoml.task
    def train(self, steps: int = 10) -> dict[str, t.Any]:
        time.sleep(0.05 * steps)
        return {"steps": steps}
