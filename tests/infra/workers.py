"""A Service that can be told to die, under uvicorn, with several workers: what the tests of "at most once" call.

It answers as BentoML does. Each execution of an endpoint is a line in a file, written before anything else::

    python -m tests.infra.workers --port 3000 --workers 2 --ledger runs.txt

A request says by headers what becomes of it. ``x-key`` is the line that is written, instead of the argument.
``x-die-after`` is how many seconds later the worker dies, and ``x-die-by`` how: ``exit``, or ``kill`` for SIGKILL.
With ``x-die-unread``, it dies without reading the request's body. ``x-take`` is how many seconds an answer takes.
The second item of the stream comes once the file exists that ``x-gate`` names.

The tasks of a worker are known to that worker alone, as those of a replica of BentoML's are.

A dead worker is replaced at once, by a fork; uvicorn's own supervisor would take up to half a second. SIGTERM lets the
workers finish what they have begun.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeAlias

import uvicorn

Scope: TypeAlias = "dict[str, Any]"
Receive: TypeAlias = "Callable[[], Awaitable[dict[str, Any]]]"
Send: TypeAlias = "Callable[[dict[str, Any]], Awaitable[None]]"

_TEXT = {"type": "object", "properties": {"text": {"type": "string", "default": ""}}}
_FILE = {"type": "object", "properties": {"file": {"type": "file", "format": "binary"}}, "required": ["file"]}
SCHEMA = {
    "name": "Mortal",
    "type": "service",
    "routes": [
        {"name": "echo", "route": "/echo", "input": _TEXT, "output": {"type": "string"}},
        {"name": "job", "route": "/job", "is_task": True, "input": _TEXT, "output": {"type": "string"}},
        {"name": "words", "route": "/words", "input": _TEXT, "output": {"type": "string", "is_stream": True}},
        {"name": "upload", "route": "/upload", "input": _FILE, "output": {"type": "integer"}},
    ],
}


class Mortal:
    """The ASGI application.

    Args:
        ledger: the file for the lines.
    """

    def __init__(self, ledger: str) -> None:
        self._ledger = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._tasks: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = scope["path"]
        if path in ("/echo", "/job", "/job/submit", "/upload"):
            body = b"" if "x-die-unread" in headers else await _body(receive)
            os.write(self._ledger, f"{headers.get('x-key') or _text(body) or '-'}\n".encode())
            if "x-die-after" in headers:
                await _die(float(headers["x-die-after"]), headers.get("x-die-by", "exit"))
            await asyncio.sleep(float(headers.get("x-take", "0")))
            if path == "/job/submit":
                await _answer(send, *_json(self._submitted(_text(body))))
            else:
                await _answer(send, *_result(path, body))
        elif path == "/words":
            await _stream(send, headers.get("x-gate"))
        elif path in ("/job/status", "/job/get"):
            await _answer(send, *self._task(path, scope["query_string"].decode()))
        elif path == "/readyz":
            await _answer(send, b"\n", "text/plain; charset=utf-8")
        elif path == "/schema.json":
            await _answer(send, json.dumps(SCHEMA).encode(), "application/json")
        else:
            await _answer(send, b"Not Found", "text/plain; charset=utf-8", 404)

    def _submitted(self, text: str) -> object:
        task = secrets.token_hex(16)
        self._tasks[task] = text
        return {"task_id": task, "status": "in_progress"}

    def _task(self, path: str, query: str) -> tuple[bytes, str, int]:
        task = query.removeprefix("task_id=")
        if task not in self._tasks:
            return *_json({"error": "task_id not found"}), 404
        if path == "/job/get":
            return self._tasks[task].encode(), "text/plain; charset=utf-8", 200
        at = "2026-11-23T19:22:14"
        return *_json({"task_id": task, "status": "completed", "created_at": at, "executed_at": at}), 200


async def _stream(send: Send, gate: str | None) -> None:
    """Two items, the second one when the gate is open."""
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"first ", "more_body": True})
    while gate is not None and not os.path.exists(gate):  # noqa: ASYNC110, ASYNC240 - another process makes it
        await asyncio.sleep(0.02)
    await send({"type": "http.response.body", "body": b"second", "more_body": False})


def _json(value: object) -> tuple[bytes, str]:
    return json.dumps(value).encode(), "application/json"


def _result(path: str, body: bytes) -> tuple[bytes, str]:
    if path == "/upload":
        file = body[body.find(b"\r\n\r\n") + 4 : body.rfind(b"\r\n--")]
        return str(len(file)).encode(), "application/json"
    return _text(body).encode(), "text/plain; charset=utf-8"


def _text(body: bytes) -> str:
    return str(json.loads(body).get("text", "")) if body.startswith(b"{") else ""


async def _die(after: float, by: str) -> NoReturn:
    if after:
        await asyncio.sleep(after)
    if by == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(137)


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        event = await receive()
        parts.append(event.get("body", b""))
        if not event.get("more_body"):
            return b"".join(parts)


async def _answer(send: Send, body: bytes, content_type: str, status: int = 200) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Workers:
    """Workers on one listening socket, as many as there should be until SIGTERM."""

    def __init__(self, listener: socket.socket, config: uvicorn.Config) -> None:
        self._listener = listener
        self._config = config
        self._children: set[int] = set()
        self._ending = False

    def run(self, count: int) -> None:
        signal.signal(signal.SIGTERM, self._end)
        while True:
            while len(self._children) < count and not self._ending:
                self._fork()
            try:
                gone, _ = os.wait()
            except ChildProcessError:
                return
            self._children.discard(gone)

    def _fork(self) -> None:
        if child := os.fork():
            self._children.add(child)
            if self._ending:  # SIGTERM came in between
                os.kill(child, signal.SIGTERM)
            return
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            uvicorn.Server(self._config).run(sockets=[self._listener])
        finally:
            os._exit(0)

    def _end(self, *_: object) -> None:
        self._ending = True
        self._listener.close()
        for child in self._children:
            os.kill(child, signal.SIGTERM)


def main() -> int:
    parser = argparse.ArgumentParser(description="A Service whose workers die.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--keep-alive", type=int, default=5)
    parser.add_argument("--certificate", help="a file with key and certificates, for TLS")
    parser.add_argument("--pid", help="a file for the id of this process")
    options = parser.parse_args()
    if options.pid:
        with open(options.pid, "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
    config = uvicorn.Config(
        Mortal(options.ledger),
        lifespan="off",
        log_level="warning",
        timeout_keep_alive=options.keep_alive,
        ssl_certfile=options.certificate,
        ssl_keyfile=options.certificate,
    )
    config.load()  # all imports happen here, once, and not in each worker
    _Workers(socket.create_server(("127.0.0.1", options.port), backlog=1024), config).run(options.workers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
