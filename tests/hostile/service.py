"""The Service that the scripted server pretends to be: an endpoint for each way of reading an answer."""

from __future__ import annotations

from bento_proto import JSON

TEXT: JSON = {"type": "string"}
OBJECT: JSON = {"type": "object", "additionalProperties": True}
BYTES: JSON = {"type": "string", "format": "binary"}
FILE: JSON = {"type": "file", "format": "binary"}
IMAGE: JSON = {"type": "file", "format": "image", "pil": True}


def endpoint(name: str, output: JSON, given: JSON = TEXT, *, route: str | None = None) -> JSON:
    """An endpoint as the schema describes it, with one argument, ``text``."""
    return {
        "name": name,
        "route": f"/{name}" if route is None else route,
        "input": {"type": "object", "properties": {"text": given}},
        "output": output,
    }


def stream(item: dict[str, JSON]) -> JSON:
    """The output of a stream of such items."""
    return {**item, "is_stream": True, "media_type": "text/event-stream"}


SCHEMA: JSON = {
    "name": "Hostile",
    "type": "service",
    "routes": [
        endpoint("echo", TEXT),
        endpoint("value", OBJECT),
        endpoint("anything", {}),
        endpoint("blob", BYTES),
        endpoint("file", FILE),
        endpoint("picture", IMAGE),
        endpoint("upload", TEXT, FILE),
        endpoint("words", stream({"type": "string"})),
        endpoint("bytes", stream({"type": "string", "format": "binary"})),
        endpoint("objects", stream({"type": "object"})),
        endpoint("numbers", stream({"type": "integer"})),
    ],
}
