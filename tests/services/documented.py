"""The Service that the snippets of BentoML's own user documentation on clients call, so that they can be run."""

from __future__ import annotations

import asyncio
import typing as t
from collections.abc import AsyncGenerator

import bentoml
from PIL.Image import Image


@bentoml.service
class Documented:
    @bentoml.api
    def summarize(self, text: str) -> str:
        """The first words of the text."""
        return " ".join(text.split()[:4])

    @bentoml.api
    def predict(self, data: dict[str, t.Any]) -> dict[str, t.Any]:
        """What was sent, and what it amounts to."""
        return {"prediction": len(data), "data": data}

    @bentoml.api
    def generate(self, img: Image) -> Image:
        """The image, upside down."""
        return img.rotate(180)

    @bentoml.api
    async def stream_data(self) -> AsyncGenerator[str, None]:
        for i in range(3):
            yield f"chunk {i}\n"
            await asyncio.sleep(0.01)
