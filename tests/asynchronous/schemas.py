"""The schema of the Service that the peers pretend to be, so that a client needs no discovery."""

from __future__ import annotations

from typing import Any

from bento_async import AsyncHTTPClient


def endpoint(name: str, output: dict[str, Any], *, file: bool = False, task: bool = False) -> dict[str, Any]:
    field = {"type": "file", "format": "binary"} if file else {}
    return {
        "name": name,
        "route": f"/{name}",
        "input": {"properties": {"x": field}},
        "output": output,
        "is_task": task,
    }


BYTES = {"type": "string", "format": "binary"}
SCHEMA: dict[str, Any] = {
    "name": "Peer",
    "type": "service",
    "routes": [
        endpoint("echo", {}),
        endpoint("wait", {}),
        endpoint("half", {}),
        endpoint("text", {"type": "string"}),
        endpoint("deaf", {}),
        endpoint("upload", BYTES, file=True),
        endpoint("deaf_upload", {}, file=True),
        endpoint("stream", {"type": "string", "is_stream": True}),
        endpoint("events", {"type": "string", "is_stream": True}),
        endpoint("download", {"type": "file", "format": "binary"}),
        endpoint("job", {}, task=True),
    ],
}


def client(url: str, **options: Any) -> AsyncHTTPClient:
    """A client that knows the peer's Service and does not wait for it."""
    return AsyncHTTPClient(url, **{"schema": SCHEMA, "server_ready_timeout": 0, "timeout": 5, "retries": 0, **options})
