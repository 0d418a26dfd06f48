"""The signatures that public BentoML projects serve, over stubs of their models: text, images, audio, retrieval, LLMs.

Each endpoint's name, parameters, defaults, constraints and result are those of a project of its kind; nothing else is.
"""

from __future__ import annotations

import asyncio
import json
import typing as t
from pathlib import Path

import bentoml
import numpy as np
import pandas as pd
from annotated_types import Ge, Le
from bentoml.validators import ContentType, DataframeSchema, DType, Shape
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from PIL import Image as images
from PIL.Image import Image as PILImage
from pydantic import BaseModel, ConfigDict, Field
from shapes.models import written

SENTENCES = ["The sun dips below the horizon.", "A gentle breeze whispers through the leaves."]
PROMPT = "Explain superconductors in plain English"
SYSTEM_PROMPT = "You are a helpful, respectful and honest assistant."

openai = FastAPI()


@openai.get("/models")
def models() -> dict[str, t.Any]:
    return {"object": "list", "data": [{"id": "stub", "object": "model"}]}


@openai.post("/chat/completions")
async def completions(body: dict[str, t.Any]) -> t.Any:
    words = ["Hello", " from", " the", " stub"]
    if not body.get("stream"):
        return {"choices": [{"message": {"role": "assistant", "content": "".join(words)}}]}

    async def events() -> t.AsyncGenerator[str, None]:
        for word in words:
            yield f"data: {json.dumps({'choices': [{'delta': {'content': word}}]})}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


class GenerateRequest(BaseModel):
    prompt: str
    max_tokens: int = 128


class GenerateResponse(BaseModel):
    response: str


class Word(BaseModel):
    text: str
    start: float


class Segment(BaseModel):
    words: list[Word]


class SummaryRequest(BaseModel):
    transcript: list[Segment]
    title: t.Optional[str] = None


class TranscriptionRequest(BaseModel):
    file: Path
    model: str = "large-v3"
    language: t.Optional[str] = None
    temperature: float | list[float] = Field(default=0.0, description="The sampling temperature, from 0 to 1.")
    timestamp_granularities: list[t.Literal["segment", "word"]] = Field(
        default=["segment"], alias="timestamp_granularities[]"
    )


class Entity(BaseModel):
    kind: str
    text: str


class NerRequest(BaseModel):
    text: str
    labels: list[str] = []


class NerResponse(BaseModel):
    entities: list[Entity]


class Instance(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    bounding_box: str = Field(alias="boundingBox")
    class_: str = Field(alias="class")


class Detections(BaseModel):
    instances: list[Instance]


class ControlNet(BaseModel):
    prompt: str
    negative_prompt: t.Optional[str] = None
    controlnet_conditioning_scale: float = 0.5
    num_inference_steps: int = 50


class Customer(BaseModel):
    age: t.Annotated[int, Ge(18), Le(100)]
    job: t.Literal["student", "worker", "retired"] = "worker"
    balance: float | None = None


@bentoml.service(name="Embedder", resources={"cpu": "1"})
class Embedder:
    @bentoml.api(batchable=True)
    def vectors(self, texts: list[str]) -> np.ndarray:
        return np.array([[len(text), text.count(" ")] for text in texts], dtype="float32")


@bentoml.asgi_app(openai, path="/v1")
@bentoml.service(name="Projects", traffic={"timeout": 60})
class Projects:
    embedder = bentoml.depends(Embedder)

    def __init__(self) -> None:
        self.clients = 0

    # --- text

    @bentoml.api(batchable=True)
    def summarize(self, texts: list[str]) -> list[str]:
        return [text[:12] for text in texts]

    @bentoml.api
    def rerank(self, text: str, docs: list[str]) -> list[tuple[float, str]]:
        return [(float(len(doc)), doc) for doc in docs if doc != text]

    @bentoml.api
    def sentiment(self, text: str) -> dict[str, t.Any]:
        return {"label": len(text) % 2, "risk_score": 0.25, "text": text}

    @bentoml.api(input_spec=SummaryRequest, route="/summary")
    def create_summary(self, **params: t.Any) -> dict[str, t.Any]:
        transcript = params["transcript"]
        return {"title": params.get("title"), "words": [word.text for segment in transcript for word in segment.words]}

    @bentoml.api
    def extract_clinical_data(self, payload: dict[str, t.Any]) -> dict[str, t.Any]:
        return {**payload, "memory_used": False}

    @bentoml.api(batchable=True, max_batch_size=16, max_latency_ms=80)
    def recognize(self, requests: list[NerRequest], ctx: bentoml.Context) -> list[NerResponse]:
        return [NerResponse(entities=[Entity(kind=k, text=r.text) for k in r.labels]) for r in requests]

    # --- embeddings and retrieval

    @bentoml.api(batchable=True)
    def encode(self, sentences: list[str] = SENTENCES) -> np.ndarray:
        return np.array([[len(s), 0.5] for s in sentences], dtype="float32")

    @bentoml.api
    async def encode_documents(self, documents: list[str]) -> np.ndarray:
        return await self.embedder.to_async.vectors(documents)

    @bentoml.api
    def encode_image(self, items: list[PILImage]) -> np.ndarray:
        return np.array([[image.width, image.height] for image in items])

    @bentoml.api
    def rank(self, queries: list[PILImage], candidates: list[str]) -> dict[str, list[list[float]]]:
        return {"probabilities": [[1 / len(candidates)] * len(candidates) for _ in queries]}

    @bentoml.api
    def ingest_text(self, txt: t.Annotated[Path, ContentType("text/plain")]) -> str:
        return f"Success, {txt.read_text(encoding='utf-8').split()[0]}"

    @bentoml.api
    def ingest_pdf(self, pdf: t.Annotated[Path, ContentType("application/pdf")]) -> str:
        return f"Success, {pdf.stat().st_size}"

    @bentoml.api
    def query(self, query: str) -> str:
        return f"You asked: {query}"

    # --- LLMs

    @bentoml.api
    async def generate(
        self,
        prompt: str = PROMPT,
        system_prompt: t.Optional[str] = SYSTEM_PROMPT,
        max_tokens: t.Annotated[int, Ge(128), Le(1024)] = 1024,
    ) -> t.AsyncGenerator[str, None]:
        for piece in (prompt, " | ", system_prompt or "none", " | ", str(max_tokens)):
            await asyncio.sleep(0)
            yield piece

    @bentoml.api
    async def chat(self, messages: list[dict[str, t.Any]], model: str = "stub") -> t.AsyncGenerator[str, None]:
        for message in messages:
            yield message["content"].upper()

    @bentoml.api
    def exchange(
        self, query: str = "I want to exchange 42 US dollars to Canadian dollars"
    ) -> t.Generator[str, None, None]:
        yield from query.split(" ")[:3]

    @bentoml.api
    def complete(self, body: GenerateRequest) -> GenerateResponse:
        return GenerateResponse(response=f"{body.prompt} {body.max_tokens}")

    @bentoml.api
    async def agent(self, input_query: str = "What is the weather today?") -> t.AsyncGenerator[str, None]:
        for event in ({"event": "start", "name": input_query}, {"event": "end", "data": {"output": None}}):
            yield str(event) + "\n"

    @bentoml.api
    def register(self) -> int:
        self.clients += 1
        return self.clients

    @bentoml.api
    def clear(self, client_id: int) -> None:
        assert client_id > 0

    # --- images

    @bentoml.api
    def txt2img(
        self,
        prompt: str = "A cinematic shot of a baby racoon",
        negative_prompt: t.Optional[str] = None,
        height: t.Optional[int] = 1024,
        width: t.Optional[int] = 1024,
        num_inference_steps: t.Annotated[int, Ge(1), Le(50)] = 50,
        guidance_scale: t.Optional[float] = 0.0,
    ) -> PILImage:
        return images.new("RGB", ((width or 64) // 64, (height or 64) // 64), (num_inference_steps, 0, 0))

    @bentoml.api
    async def restyle(
        self,
        image: PILImage,
        arr: t.Annotated[np.ndarray, DType("uint8")],
        params: ControlNet = ControlNet(prompt="a bird"),  # noqa: B008 - as they write it
    ) -> PILImage:
        return image.resize((params.num_inference_steps, arr.shape[0]))

    @bentoml.api
    def animate(
        self,
        img: PILImage,
        decode_chunk_size: int = 2,
        seed: t.Optional[int] = None,
        ctx: bentoml.Context = None,  # type: ignore[assignment]
    ) -> t.Annotated[Path, ContentType("video/*")]:
        return written(ctx, "output.mp4", bytes([img.width, decode_chunk_size, seed or 0]))

    @bentoml.api
    def classify_image(self, image: PILImage) -> str:
        return f"{image.mode} {image.size}"

    @bentoml.api(batchable=True)
    def detect(self, images: list[PILImage]) -> list[list[dict[str, t.Any]]]:
        return [[{"name": "cat", "confidence": 0.5, "box": {"x1": 0, "x2": image.width}}] for image in images]

    @bentoml.api
    def render(self, image: PILImage) -> PILImage:
        return image.rotate(180)

    # --- audio

    @bentoml.api
    def transcribe(self, audio_file: t.Annotated[Path, ContentType("audio/mpeg")]) -> str:
        return f"{audio_file.suffix} {audio_file.stat().st_size}"

    @bentoml.api(route="/v1/audio/transcriptions", input_spec=TranscriptionRequest)
    def transcribe_request(self, **params: t.Any) -> dict[str, t.Any]:
        file = params.pop("file")
        return {**params, "file": file.stat().st_size}

    @bentoml.api
    def synthesize(
        self,
        ctx: bentoml.Context,
        text: str = "It took me quite a long time to develop a voice.",
        lang: str = "en",
        sample: t.Annotated[t.Optional[Path], ContentType("audio/*")] = None,
    ) -> t.Annotated[Path, ContentType("audio/*")]:
        size = sample.stat().st_size if sample else 0
        return written(ctx, "output.wav", f"{text} {lang} {size}".encode())

    @bentoml.api
    async def speak(self, text: str) -> t.AsyncGenerator[bytes, None]:
        yield b"RIFF"
        for letter in text:
            yield letter.encode()

    # --- tables

    @bentoml.api
    def classify(self, input_series: np.ndarray) -> np.ndarray:
        return input_series.argmax(axis=-1)

    @bentoml.api
    def predict_proba(
        self, features: t.Annotated[np.ndarray, DType("float64"), Shape((-1, 4))]
    ) -> t.Annotated[np.ndarray, DType("float64")]:
        return features / features.sum(axis=1, keepdims=True)

    @bentoml.api
    def is_fraud(self, input_data: t.Annotated[pd.DataFrame, DataframeSchema(orient="records")]) -> np.ndarray:
        return (input_data["amount"] > 100).to_numpy()

    @bentoml.api
    def enrich(self, data: pd.DataFrame) -> pd.DataFrame:
        return data.assign(total=data.sum(axis=1))

    @bentoml.api
    def predict(self, amount: float, hour: int, num_tx_past_day: int = 0) -> dict[str, t.Any]:
        return {"is_fraud": int(amount * hour > num_tx_past_day)}

    @bentoml.api
    def subscribe(self, customers: list[Customer]) -> dict[str, t.Any]:
        return {"jobs": [c.job for c in customers], "balances": [c.balance for c in customers]}

    # --- tasks

    @bentoml.task
    def long_running_image_generation(self, prompt: str) -> PILImage:
        return images.new("L", (len(prompt), 2))

    @bentoml.task
    def run(self, topic: str = Field(default="LLM Agent")) -> str:
        return f"A report on {topic}"

    @bentoml.task
    async def answer(self, web_page_url: str, query: str) -> str:
        return f"{query} {web_page_url}"

    @bentoml.task(route="/image/detect")
    def detect_stored(self, bucket: str, path: str) -> Detections:
        return Detections(instances=[Instance(boundingBox=f"{bucket}/{path}", class_="1")])
