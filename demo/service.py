"""The Service of the demonstration: a small studio for texts and pictures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import bentoml
from PIL import ImageOps
from PIL.Image import Image


@bentoml.service(threads=4)
class Studio:
    @bentoml.api
    def summarize(self, text: str, words: int = 4) -> dict[str, Any]:
        """The first words of a text, and how many there were."""
        found = text.split()
        if words < 1:
            raise bentoml.exceptions.InvalidArgument("a summary has at least one word")
        return {"summary": " ".join(found[:words]) + " ...", "words": len(found)}

    @bentoml.api
    def invert(self, img: Image) -> Image:
        """The negative of a picture."""
        return ImageOps.invert(img.convert("RGB"))

    @bentoml.api
    async def tell(self, about: str = "bento") -> AsyncGenerator[str, None]:
        """A story, word by word."""
        for word in f"Once upon a time there was a {about}, and it was delicious: 弁当 🍱".split(" "):
            yield word + " "
            await asyncio.sleep(0.08)

    @bentoml.task
    def train(self, steps: int = 10) -> dict[str, Any]:
        """Something that takes a while."""
        time.sleep(0.1 * steps)
        return {"steps": steps, "loss": round(1 / steps, 3)}
