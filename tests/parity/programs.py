"""Programs written for BentoML's clients, each as its users write them; ``python programs.py URL`` runs them with it.

A program takes a client and the samples, and returns or raises what its user would see, which `plain` makes comparable.
"""

from __future__ import annotations

import asyncio
import collections.abc
import contextlib
import functools
import hashlib
import importlib
import inspect
import io
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import numpy as np
import pandas as pd
from PIL import Image
from pydantic import BaseModel, Field

# Programs are code of people without types.
Client = Any


class Samples(NamedTuple):
    """Files that programs send.

    Attributes:
        text: a text file.
        audio: what is named as an MP3 file.
        picture: a PNG file of 3 x 2 pixels.
        paper: what is named as a PDF file.
    """

    text: Path
    audio: Path
    picture: Path
    paper: Path

    @classmethod
    def made(cls, folder: Path) -> Samples:
        """Write them into a folder."""
        samples = cls(folder / "notes.txt", folder / "speech.mp3", folder / "cat.png", folder / "paper.pdf")
        samples.text.write_text("Some notes.", encoding="utf-8")
        samples.audio.write_bytes(b"ID3" + bytes(500))
        samples.paper.write_bytes(b"%PDF-1.7")
        Image.new("RGB", (3, 2), "red").save(samples.picture)
        return samples


class Body(BaseModel):
    """A model of the program's own."""

    prompt: str
    max_tokens: int = 128


class Customer(BaseModel):
    age: int
    job: str = "worker"
    balance: float | None = None


class Transcription(BaseModel):
    """With an alias that is no identifier."""

    model: str = "tiny"
    timestamp_granularities: list[str] = Field(default=["word"], alias="timestamp_granularities[]")


class UploadedFile(io.BytesIO):
    """What web frameworks give for a file of a form: with a name and a type, and not on disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.read_bytes())
        self.name = path.name
        self.type = "image/png"


def _finished(task: Any) -> Any:
    """Poll a task as the guides do."""
    for _ in range(600):
        if str(task.get_status().value).lower() in ("success", "completed"):
            return task.get()
        time.sleep(0.1)
    raise AssertionError("the task does not end")


def _named_task(c: Client, s: Samples) -> object:
    task = c.answer.submit(web_page_url="http://example.com", query="Who?")
    again = _finished(c.answer.submit(web_page_url="u", query="q"))
    return [_finished(task), again, isinstance(task.id, str), str(c.answer.get_status(task.id).value).lower()[:4]]


def _opened(c: Client, s: Samples) -> object:
    with open(s.picture, "rb") as file:
        return c.classify_image(image=file)


def _first_two(c: Client, s: Samples) -> object:
    items = c.generate(prompt="a")
    first = next(items)
    items.close()
    return [bool(first), list(items)]


def _thrown(c: Client, s: Samples) -> object:
    items = c.generate()
    next(items)
    try:
        items.throw(LookupError("mine"))
    except LookupError as exc:
        return str(exc)
    return "nothing"


def _request(method: str, url: str, **given: Any) -> Callable[[Client, Samples], object]:
    def program(c: Client, s: Samples) -> object:
        response = c.request(method, url, **given)
        kind = response.headers["content-type"].split(";")[0]
        return [response.status_code, kind, response.json() if "json" in kind else response.text, response.is_success]

    return program


SYNC: dict[str, Callable[[Client, Samples], object]] = {
    # text
    "a list by position": lambda c, s: c.summarize(["Breaking news: something happened."])[0],
    "a list by name": lambda c, s: c.summarize(texts=["a" * 20, ""]),
    "call by name": lambda c, s: c.call("summarize", texts=["a"]),
    "call by position": lambda c, s: c.call("summarize", ["a"]),
    "text and list": lambda c, s: c.rerank(text="x", docs=["Hello", "I dont like this news"]),
    "a tuple for a list": lambda c, s: c.rerank("x", ("Hello", "x")),
    "a single argument": lambda c, s: c.sentiment("fine"),
    "input_spec": lambda c, s: c.create_summary(transcript=[{"words": [{"text": "a", "start": 0}]}], title="t"),
    "input_spec, defaults": lambda c, s: c.create_summary(transcript=[]),
    "a dict": lambda c, s: c.extract_clinical_data(payload={"text": "ü", "n": None}),
    "a list of models as dicts": lambda c, s: c.recognize(requests=[{"text": "Ann", "labels": ["person"]}]),
    # embeddings and retrieval
    "an array": lambda c, s: c.encode(sentences=["hello world"]),
    "an array by default": lambda c, s: c.encode(),
    "an array to list": lambda c, s: c.encode(["a", "b"]).tolist(),
    "depends": lambda c, s: c.encode_documents(documents=["a b c"]),
    "images as paths": lambda c, s: c.encode_image(items=[s.picture]),
    "images as images": lambda c, s: c.encode_image(items=[Image.new("RGB", (3, 2)), Image.new("L", (1, 1))]),
    "images and labels": lambda c, s: c.rank(queries=[s.picture], candidates=["cat", "dog"]),
    "a text file": lambda c, s: c.ingest_text(txt=s.text),
    "a PDF": lambda c, s: c.ingest_pdf(pdf=s.paper),
    "a question": lambda c, s: c.query(query="What is ML?"),
    # LLMs
    "a stream": lambda c, s: "".join(c.generate(prompt="Hi")),
    "a stream of None": lambda c, s: "".join(c.generate(prompt="Hi", system_prompt=None, max_tokens=200)),
    "a stream out of range": lambda c, s: "".join(c.generate(max_tokens=5)),
    "a chat": lambda c, s: "".join(c.chat(messages=[{"role": "user", "content": "hello"}])),
    "a generator": lambda c, s: "".join(c.exchange(query="a b c d")),
    "an agent": lambda c, s: "".join(c.agent("Rain?")).splitlines(),
    "a model as dict": lambda c, s: c.complete(body={"prompt": "p", "max_tokens": 3}),
    "a model": lambda c, s: c.complete(body=Body(prompt="p")),
    "a model by position": lambda c, s: c.complete(Body(prompt="p", max_tokens=1)),
    "a number back": lambda c, s: c.clear(c.register()),
    # images
    "an image": lambda c, s: c.txt2img(prompt="x", num_inference_steps=1, guidance_scale=0.0),
    "an image, None": lambda c, s: c.txt2img(prompt="x", height=None, width=128),
    "an image, defaults": lambda c, s: c.txt2img(),
    "image, array, model": lambda c, s: c.restyle(image=s.picture, arr=np.ones((2, 2)), params={"prompt": "x"}),
    "image and default model": lambda c, s: c.restyle(Image.new("RGB", (3, 2), "red"), np.zeros((4, 1), "uint8")),
    "a video": lambda c, s: c.animate(img=s.picture, decode_chunk_size=3, seed=7),
    "a video, no seed": lambda c, s: c.animate(img=s.picture, seed=None),
    "an image from a web form": lambda c, s: c.classify_image(image=UploadedFile(s.picture)),
    "an open file": _opened,
    "a batch of images": lambda c, s: c.detect(images=[s.picture, s.picture]),
    "a rendered image": lambda c, s: c.render(image=s.picture),
    # audio
    "speech": lambda c, s: c.transcribe(audio_file=s.audio),
    "speech and settings": lambda c, s: c.call("transcribe_request", file=s.audio, model="tiny", temperature=[0, 0.2]),
    "speech and an alias": lambda c, s: c.transcribe_request(file=s.audio, **{"timestamp_granularities[]": ["word"]}),
    "a voice": lambda c, s: c.synthesize(text="Hi", lang="en", sample=s.audio),
    "a voice by default": lambda c, s: c.synthesize(text="Hi"),
    "bytes as they come": lambda c, s: b"".join(c.speak(text="hello")),
    # tables
    "iris": lambda c, s: c.classify(np.array([[5.9, 3, 5.1, 1.8]])),
    "iris as lists": lambda c, s: c.classify(input_series=[[5.9, 3, 5.1, 1.8]]),
    "probabilities": lambda c, s: c.predict_proba(features=[[1, 1, 1, 1]]),
    "a wrong shape": lambda c, s: c.predict_proba(features=[[1, 1]]),
    "records": lambda c, s: c.is_fraud(input_data=[{"amount": 5}, {"amount": 500}]),
    "a frame": lambda c, s: c.is_fraud(pd.DataFrame({"amount": [101, 2]})),
    "a frame back": lambda c, s: c.enrich(data=pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})),
    "numbers": lambda c, s: c.predict(amount=1.5, hour=3),
    "numbers by position": lambda c, s: c.predict(1.5, 3, 9),
    "NumPy's numbers": lambda c, s: c.predict(amount=np.float64(2), hour=np.int64(3).item()),
    "a missing argument": lambda c, s: c.predict(amount=1.5),
    "a wrong type": lambda c, s: c.predict(amount="much", hour=1),
    "models in a list": lambda c, s: c.subscribe(customers=[Customer(age=30), Customer(age=40, job="student")]),
    "a value out of range": lambda c, s: c.subscribe(customers=[{"age": 3}]),
    # tasks
    "an image task": lambda c, s: _finished(c.long_running_image_generation.submit(prompt="abc")),
    "a task by default": lambda c, s: _finished(c.run.submit()),
    "a task by name": _named_task,
    "a task with aliases": lambda c, s: _finished(c.detect_stored.submit("b", path="p")),
    # requests
    "a mount": _request("GET", "/v1/models"),
    "a completion": _request("POST", "/v1/chat/completions", json={"messages": []}),
    "a streamed completion": _request("POST", "/v1/chat/completions", json={"stream": True}),
    "what is not there": _request("GET", "/v1/nothing"),
    "an endpoint": _request("POST", "/query", json={"query": "x"}),
    "an endpoint, wrong": _request("POST", "/query", content=b"{", headers={"Content-Type": "application/json"}),
    # idioms
    "is_ready": lambda c, s: c.is_ready(),
    "endpoints": lambda c, s: sorted(c.endpoints)[:3],
    "no such endpoint": lambda c, s: hasattr(c, "nothing"),
    "no such name": lambda c, s: c.call("nothing"),
    "a stream is an iterator": lambda c, s: isinstance(c.generate(), collections.abc.Iterator),
    "a stream is a generator": lambda c, s: isinstance(c.generate(), collections.abc.Generator),
    "a stream by islice": lambda c, s: len(list(itertools.islice(c.generate(), 1))),
    "a stream left": _first_two,
    "a stream thrown into": _thrown,
    "a partial": lambda c, s: functools.partial(c.sentiment, text="x")(),
    "a method kept": lambda c, s: list(map(c.query, ["a", "b"])),
    "parameters of a method": lambda c, s: list(inspect.signature(c.predict).parameters),
    "the name of a method": lambda c, s: c.predict.__name__,
}


# --- with the asynchronous client


async def _create_task(c: Client, s: Samples) -> object:
    tasks = [asyncio.create_task(c.query(query=str(n))) for n in range(3)]
    return [await task for task in tasks]


async def _task_group(c: Client, s: Samples) -> object:
    if sys.version_info >= (3, 11):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(c.query("x"))
        return task.result()
    return await c.query("x")


async def _as_completed(c: Client, s: Samples) -> object:
    return sorted([await each for each in asyncio.as_completed([c.query("a"), c.query("b")])])


async def _threadsafe(c: Client, s: Samples) -> object:
    loop = asyncio.get_running_loop()
    return await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(c.query("x"), loop).result(30))


async def _semaphore(c: Client, s: Samples) -> object:
    limit = asyncio.Semaphore(2)

    async def one(n: int) -> object:
        async with limit:
            return await c.predict(amount=n, hour=1)

    return await asyncio.gather(*map(one, range(5)))


async def _start_soon(c: Client, s: Samples) -> object:
    if tuple(map(int, version("anyio").split(".")[:2])) < (4, 14):  # which takes coroutines of `async def` only
        await c.query("x")
        return "done"
    async with anyio.create_task_group() as group:
        group.start_soon(functools.partial(c.query, query="x"))
        group.start_soon(c.sentiment, "y")
    return "done"


async def _never_awaited(c: Client, s: Samples) -> object:
    call = c.query("x")
    found = [inspect.isawaitable(call), asyncio.iscoroutine(call), isinstance(call, collections.abc.Coroutine)]
    call.close()
    return found


async def _aclosing(c: Client, s: Samples) -> object:
    async with contextlib.aclosing(c.generate(prompt="Hi")) as items:
        return "".join([item async for item in items])


async def _anext(c: Client, s: Samples) -> object:
    items = c.generate(prompt="Hi")
    first = await anext(items)
    await items.aclose()
    return [bool(first), [item async for item in items]]


async def _kinds(c: Client, s: Samples) -> object:
    items = c.generate()
    found = [isinstance(items, collections.abc.AsyncGenerator), hasattr(items, "asend"), hasattr(items, "__aiter__")]
    await items.aclose()
    return found


async def _athrow(c: Client, s: Samples) -> object:
    items = c.generate()
    await items.__anext__()
    try:
        await items.athrow(LookupError("mine"))
    except LookupError as exc:
        return str(exc)
    return "nothing"


async def _joined(items: Any) -> object:
    return "".join([item async for item in items])


async def _task(c: Client, s: Samples) -> object:
    task = await c.run.submit(topic="bees")
    for _ in range(600):
        if str((await task.get_status()).value).lower() in ("success", "completed"):
            return await task.get()
        await asyncio.sleep(0.1)
    raise AssertionError("the task does not end")


async def _timeout(c: Client, s: Samples) -> object:
    return await asyncio.wait_for(c.query("x"), timeout=30)


async def _requested(c: Client, s: Samples) -> object:
    response = await c.request("GET", "/readyz")
    return [response.status_code, response.is_success, response.text]


ASYNC: dict[str, Callable[[Client, Samples], Awaitable[object]]] = {
    "await": lambda c, s: c.summarize(texts=["Your long text to summarize"]),
    "call": lambda c, s: c.call("query", query="x"),
    "gather": lambda c, s: asyncio.gather(c.query("a"), c.sentiment("b"), c.encode(["c"])),
    "ensure_future": lambda c, s: asyncio.ensure_future(c.query("a")),
    "shield": lambda c, s: asyncio.shield(c.query("a")),
    "wait_for": _timeout,
    "create_task": _create_task,
    "TaskGroup": _task_group,
    "as_completed": _as_completed,
    "run_coroutine_threadsafe": _threadsafe,
    "Semaphore": _semaphore,
    "start_soon": _start_soon,
    "a call is a coroutine": _never_awaited,
    "aclosing": _aclosing,
    "anext": _anext,
    "a stream is an asynchronous generator": _kinds,
    "athrow": _athrow,
    "async for": lambda c, s: _joined(c.chat(messages=[{"role": "user", "content": "hello"}])),
    "async for of call": lambda c, s: _joined(c.call("exchange", query="a b")),
    "an image": lambda c, s: c.render(image=s.picture),
    "a file": lambda c, s: c.transcribe(s.audio),
    "a task": _task,
    "an error": lambda c, s: c.predict(amount="much", hour=1),
    "no such name": lambda c, s: c.call("nothing"),
    "request": _requested,
    "is_ready": lambda c, s: c.is_ready(),
}


def plain(value: Any) -> Any:
    """A result as JSON: two are equal if their users could not tell them apart."""
    if isinstance(value, np.ndarray):
        return ["array", str(value.dtype), value.tolist()]
    if isinstance(value, np.generic):
        return ["scalar", str(value.dtype), value.item()]
    if isinstance(value, pd.DataFrame):
        return ["frame", value.to_dict("list")]
    if isinstance(value, Image.Image):
        return ["image", value.mode, value.size, value.getpixel((0, 0))]
    if isinstance(value, Path):
        return ["file", value.suffix, hashlib.sha256(value.read_bytes()).hexdigest()]
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def _outcome(error: BaseException) -> object:
    code = getattr(error, "error_code", None)
    return ["raises", type(error).__name__, None if code is None else int(code)]


def run(make_sync: Callable[[], Client], make_async: Callable[[], Client]) -> dict[str, Any]:
    """The outcome of each program, plain, as JSON gives it back."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, make_sync() as client:
        samples = Samples.made(Path(folder))
        for name, program in SYNC.items():
            try:
                found[name] = plain(program(client, samples))
            except Exception as exc:  # noqa: BLE001 - its class is the outcome
                found[name] = _outcome(exc)

        async def each() -> None:
            async with make_async() as client:
                for name, program in ASYNC.items():
                    try:
                        found[f"async {name}"] = plain(await program(client, samples))
                    except Exception as exc:  # noqa: BLE001
                        found[f"async {name}"] = _outcome(exc)

        asyncio.run(each())
    answer: dict[str, Any] = json.loads(json.dumps(found))
    return answer


if __name__ == "__main__":
    bentoml: Any = importlib.import_module("bentoml")  # which is installed where BentoML's servers are
    print(json.dumps(run(lambda: bentoml.SyncHTTPClient(sys.argv[1]), lambda: bentoml.AsyncHTTPClient(sys.argv[1]))))
