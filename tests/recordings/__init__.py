"""Recorded exchanges with real BentoML servers, and the schemas of the Services they were recorded from.

``load("streams")`` gives the recordings of one file, ``load()`` all; what is in them says the README beside this.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
GROUPS = ("calls", "streams", "tasks", "probes", "old")

# The kinds of results whose repr is a Python literal, or becomes one once NaN and the infinities are numbers.
_LITERAL = re.compile(
    r"(?:dict|str|list|int|float|bool|NoneType|bytes|DataFrame|stream of \d+ items:|ndarray dtype=\S+ shape=\(.*?\)) "
    r"(?P<value>.*?)(?: dtypes=\{.*\})?",
    re.DOTALL,
)


class NoLiteral(ValueError):
    """The result is something that can't be written down: an image, a file, a task; or the call had no result."""


@dataclass(frozen=True)
class Recording:
    """One request and its answer, byte for byte. What is absent is empty or None."""

    case: str
    """Its name; of several exchanges of one call, with ``#1``, ``#2`` and so on after it."""
    service: str
    """The Service that answered, ``Zoo`` or one of those beside it."""
    request_head: bytes
    """Request line and headers, with the empty line that ends them."""
    response_head: bytes
    version: str = "1.4.39"
    """The version of BentoML that answered."""
    environment: str = "server"
    """The environment in which the tests' servers answer the same."""
    endpoint: str | None = None
    """The endpoint that was asked, be it under one of its task routes; None for routes of the server's own."""
    call: str | None = None
    """What BentoML's own client was told to do; None if the request was written by hand."""
    note: str = ""
    request_body: bytes = b""
    """Without the framing of chunked coding."""
    request_chunks: tuple[bytes, ...] | None = None
    """The body as it was cut by chunked coding; None without it."""
    interim: bytes = b""
    """The head of the ``100 Continue`` before the answer."""
    response_body: bytes = b""
    """Without the framing of chunked coding."""
    response_chunks: tuple[bytes, ...] | None = None
    """The body as it was cut by chunked coding; None without it."""
    truncated: bool = False
    """The client left before the last chunk."""
    closes: bool = False
    """The server closed the connection after the answer."""
    result: str | None = None
    """What BentoML's own client made of it, as type and repr. It isn't always right: see its defects."""
    error: str | None = None
    """The exception class, dotted, that BentoML's own client raised instead."""
    error_code: int | None = None
    error_text: str | None = None
    """The exception's text, where that isn't just the body."""

    @property
    def method(self) -> str:
        return self.request_head.split(b" ", 2)[0].decode()

    @property
    def target(self) -> str:
        """Path and query, as they were sent."""
        return self.request_head.split(b" ", 2)[1].decode("latin-1")

    @property
    def status(self) -> int:
        return int(self.response_head.split(b" ", 2)[1])

    @property
    def request_headers(self) -> list[tuple[str, str]]:
        """Names in lower case, in the order in which they were sent."""
        return _headers(self.request_head)

    @property
    def response_headers(self) -> list[tuple[str, str]]:
        """Names in lower case, in the order in which they were sent."""
        return _headers(self.response_head)

    @property
    def request(self) -> bytes:
        """The whole request, as it was on the wire."""
        return self.request_head + _framed(self.request_body, self.request_chunks)

    @property
    def response(self) -> bytes:
        """The whole answer, as it was on the wire; of one that the client left, what it had got."""
        body = _framed(self.response_body, self.response_chunks)
        return self.interim + self.response_head + (body.removesuffix(b"0\r\n\r\n") if self.truncated else body)

    @property
    def value(self) -> object:
        """The ``result`` as a value: of a stream its items, of an array nested lists, of a frame the columns.

        Raises ``NoLiteral``.
        """
        match = _LITERAL.fullmatch(self.result or "")
        if match is None:
            raise NoLiteral(f"{self.case}: {self.result}")
        return eval(match["value"], {"__builtins__": {}, "nan": math.nan, "inf": math.inf, "array": list})

    @property
    def schema(self) -> dict[str, object] | None:
        """The ``routes`` entry of the endpoint in the schema of the Service; None where that isn't recorded."""
        name = self.service if self.service != "Old" else f"Old-{self.version}"
        return _routes(name).get(self.endpoint) if self.endpoint is not None and name in schema_names() else None


def load(*groups: str) -> list[Recording]:
    """The recordings of these groups, of all without any, in a fixed order."""
    return [recording for group in groups or GROUPS for recording in _read(group)]


def find(case: str) -> Recording:
    """The recording of this name. Raises ``KeyError``."""
    return _by_case()[case]


def schema(name: str) -> bytes:
    """A ``/schema.json`` by the name of the Service; of ``Old`` by that and the version, ``Old-1.2.20`` say."""
    return (_HERE / "schemas" / f"{name}.json").read_bytes()


def files() -> dict[str, bytes]:
    """The files in the directory ``D`` that the calls speak of: name and content."""
    with open(_HERE / "files.json", encoding="utf-8") as file:
        return {name: _bytes(content) for name, content in json.load(file).items()}


def schema_names() -> list[str]:
    return sorted(path.stem for path in (_HERE / "schemas").glob("*.json"))


@cache
def _by_case() -> dict[str, Recording]:
    return {recording.case: recording for recording in load()}


@cache
def _routes(name: str) -> dict[object, dict[str, object]]:
    return {route["name"]: route for route in json.loads(schema(name))["routes"]}


def _read(group: str) -> Iterator[Recording]:
    with open(_HERE / f"{group}.jsonl", encoding="utf-8") as file:
        for line in file:
            yield _recording(json.loads(line))


def _recording(fields: dict[str, Any]) -> Recording:
    for name in ("request_head", "response_head", "interim"):
        if name in fields:
            fields[name] = fields[name].encode("latin-1")
    for name in ("request_body", "response_body"):
        if name in fields:
            fields[name] = _bytes(fields[name])
    for side in ("request", "response"):
        if f"{side}_chunks" in fields:
            chunks = fields[f"{side}_chunks"] = tuple(map(_bytes, fields[f"{side}_chunks"]))
            fields[f"{side}_body"] = b"".join(chunks)
    return Recording(**fields)


def _bytes(written: str | dict[str, str]) -> bytes:
    return written.encode() if isinstance(written, str) else base64.b64decode(written["base64"])


def _framed(body: bytes, chunks: tuple[bytes, ...] | None) -> bytes:
    if chunks is None:
        return body
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def _headers(head: bytes) -> list[tuple[str, str]]:
    lines = (line.partition(":") for line in head.decode("latin-1").splitlines()[1:] if line)
    return [(name.lower(), value.strip()) for name, _, value in lines]
