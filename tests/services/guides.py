"""The Service that the guides call: a little of everything, and an application in the manner of OpenAI beside it."""

from __future__ import annotations

import datetime
import json
import typing as t
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import bentoml
import numpy as np
import pandas as pd
import pydantic
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response, StreamingResponse
from PIL import ImageFilter, ImageOps
from PIL.Image import Image


class Item(pydantic.BaseModel):
    sku: str
    qty: int = 1


openai = FastAPI()


@openai.post("/chat/completions")
async def completions(body: dict) -> Response:
    words = body["messages"][-1]["content"].split()
    if not body.get("stream"):
        return JSONResponse({"choices": [{"message": {"role": "assistant", "content": " ".join(words).upper()}}]})

    def events() -> Iterator[str]:
        for word in words:
            yield f"data: {json.dumps({'choices': [{'delta': {'content': word.upper() + ' '}}]})}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@bentoml.asgi_app(openai, path="/v1")
@bentoml.service(threads=4)
class Guides:
    @bentoml.api
    def summarize(self, text: str) -> str:
        """The first words of a text."""
        return " ".join(text.split()[:4])

    @bentoml.api
    async def stream_data(self) -> AsyncGenerator[str, None]:
        for i in range(3):
            yield f"chunk {i}\n"

    @bentoml.api
    async def chat(self, messages: list[dict[str, str]], temperature: float = 0.7) -> AsyncGenerator[str, None]:
        """An answer, word by word."""
        for word in messages[-1]["content"].split():
            yield word.upper() + " "

    @bentoml.api
    def echo(self, value: t.Any) -> t.Any:
        return value

    @bentoml.api
    def order(self, item: Item) -> Item:
        return item

    @bentoml.api
    def pack(self, items: list[Item], box: t.Literal["small", "large"] = "small") -> dict[str, t.Any]:
        return {"box": box, "pieces": sum(item.qty for item in items)}

    @bentoml.api
    def tomorrow(self, moment: datetime.datetime) -> datetime.datetime:
        return moment + datetime.timedelta(days=1)

    @bentoml.api
    def maybe(self, number: t.Optional[int] = None) -> t.Optional[int]:
        return number

    @bentoml.api
    def raw(self, data: bytes) -> bytes:
        return data

    @bentoml.api
    def double(self, array: np.ndarray) -> np.ndarray:
        return array * 2

    @bentoml.api
    def sort(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.sort_values("sku")

    @bentoml.api
    def upper(self, document: Path) -> Path:
        written = document.with_name("upper.txt")
        written.write_text(document.read_text().upper())
        return written

    @bentoml.api
    def blur(self, img: Image, radius: float = 2.0) -> Image:
        return img.filter(ImageFilter.GaussianBlur(radius))

    @bentoml.api
    def invert(self, img: Image) -> Image:
        return ImageOps.invert(img.convert("RGB"))

    @bentoml.api
    def embed(self, text: str) -> list[float]:
        return [float(len(text)), float(len(text.split()))]
