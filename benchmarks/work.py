"""The Service that the benchmarks call: its schema, arguments and responses, which servers and contenders share."""

from __future__ import annotations

import json
from typing import Final

ARGUMENTS: Final = {
    "text": "The quick brown fox jumps over the lazy dog, and the dog does not mind at all.",
    "labels": ["animals", "sports", "politics", "weather", "science"],
    "top": 3,
    "temperature": 0.7,
}
"""The arguments of `classify`, the small call: some 200 bytes each way."""

ANSWER: Final = {
    "label": "animals",
    "scores": [0.8731, 0.0912, 0.0357],
    "labels": ["animals", "science", "weather"],
    "model": "classifier-2",
    "tokens": 21,
    "truncated": False,
    "seconds": 0.0042,
}

MIB: Final = 1 << 20
SHAPE: Final = (1, 3, 224, 224)
"""The shape of the tensor."""


def compact(value: object) -> bytes:
    """Encode a value as BentoML does."""
    return json.dumps(value, separators=(",", ":")).encode()


def items(kind: str, count: int) -> list[bytes]:
    """Return the encoded items of a stream. The server sends each in a chunk of its own."""
    if kind == "records":
        return [compact({"index": index, "token": f"tok{index}"}) for index in range(count)]
    return [b"tok%d " % index for index in range(count)]


_TENSOR: Final = {"type": "tensor", "format": "numpy-array"}
_FILE: Final = {"type": "file", "format": "binary"}
_COUNT: Final = {"count": {"type": "integer", "title": "Count"}}


def _route(name: str, properties: object, output: object) -> object:
    inputs = {"properties": properties, "title": "Input", "type": "object"}
    return {"name": name, "route": f"/{name}", "batchable": False, "input": inputs, "output": output, "is_task": False}


def _stream(name: str, item: dict[str, object]) -> object:
    return _route(name, _COUNT, {**item, "is_stream": True, "media_type": "text/event-stream"})


_CLASSIFY: Final = {
    "text": {"type": "string", "title": "Text"},
    "labels": {"type": "array", "items": {"type": "string"}, "title": "Labels"},
    "top": {"type": "integer", "title": "Top"},
    "temperature": {"type": "number", "title": "Temperature"},
}
SCHEMA: Final = {
    "name": "Bench",
    "type": "service",
    "routes": [
        _route("classify", _CLASSIFY, {"type": "object", "additionalProperties": True}),
        _route("echo", {"number": {"type": "integer", "title": "Number"}}, {"type": "integer"}),
        _route("negative", {"image": _TENSOR}, _TENSOR),
        _route("upload", {"file": _FILE}, {"type": "object", "additionalProperties": {"type": "integer"}}),
        _route("download", {"mib": {"type": "integer", "title": "Mib"}}, _FILE),
        _stream("words", {"type": "string"}),
        _stream("blobs", {"type": "string", "format": "binary"}),
        _stream("records", {"type": "object", "additionalProperties": True}),
        _stream("paced", {"type": "string"}),
    ],
}
