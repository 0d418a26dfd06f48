"""Endpoints to test with: the recorded ones by name, and others made from their arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from bento_proto import JSON, Endpoint, Service
from bento_proto.schema import parse_service
from tests.recordings import schema

FILE: dict[str, JSON] = {"type": "file", "format": "binary"}
FILES: dict[str, JSON] = {"type": "array", "items": FILE}
TEXT: dict[str, JSON] = {"type": "string"}
BYTES: dict[str, JSON] = {"type": "string", "format": "binary"}
ARGS: dict[str, JSON] = {"type": "array", "items": {"type": "integer"}}
KWARGS: dict[str, JSON] = {"type": "object", "additionalProperties": True}


@cache
def service(name: str = "Zoo") -> Service:
    """A recorded Service."""
    return parse_service(schema(name))


def zoo(name: str) -> Endpoint:
    """An endpoint of the recorded Zoo."""
    return service().endpoints[name]


def endpoint(
    properties: Mapping[str, JSON] | None = None,
    required: Sequence[str] | None = None,
    *,
    name: str = "f",
    route: str = "/f",
    output: JSON = None,
    **more: JSON,
) -> Endpoint:
    """An endpoint that takes these arguments: all of them required, unless it is said which."""
    properties = properties or {}
    given: JSON = {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
    }
    return _parsed({"name": name, "route": route, "input": given, "output": output or {}, **more})


def root(schema: Mapping[str, JSON], name: str = "f") -> Endpoint:
    """An endpoint whose one argument is the body itself."""
    return _parsed({"name": name, "route": f"/{name}", "input": {**schema, "root_input": True}, "output": {}})


def _parsed(route: JSON) -> Endpoint:
    (found,) = parse_service({"name": "S", "routes": [route]}).endpoints.values()
    return found
