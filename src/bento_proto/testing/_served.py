"""A responder as an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Protocol, TypeAlias, cast

from bento_proto.http._messages import Chunks, Data, End, Head, Origin, Request
from bento_proto.session._responder import Pause, Responder

from ._playback import slept

Message: TypeAlias = MutableMapping[str, object]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class ASGIApplication(Protocol):
    """An ASGI 3 application."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection's scope: a request, or the lifespan of the server."""
        ...


def served(responder: Responder, sleep: Callable[[float], Awaitable[object]]) -> ASGIApplication:
    """A responder as an ASGI application. A failed connection is a `ConnectionError`, which aborts the response."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "http":
            await _answer(responder, sleep, scope, receive, send)
        else:
            raise ValueError(f"a Service does not support {scope['type']}")

    return application


async def _answer(
    responder: Responder, sleep: Callable[[float], Awaitable[object]], scope: Message, receive: Receive, send: Send
) -> None:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += cast("bytes", message.get("body", b""))
        more = bool(message.get("more_body", False))
    events = responder.respond(_request(scope), bytes(body))
    try:
        for event in events:
            if isinstance(event, Pause):
                await sleep(slept(event.seconds, responder.speed))
            elif isinstance(event, Head):
                # The server frames the body itself.
                fields = [(name, value) for name, value in event.headers if name != "transfer-encoding"]
                headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
                await send({"type": "http.response.start", "status": event.status, "headers": headers})
            elif isinstance(event, (Data, Chunks)):
                for piece in (event.data,) if isinstance(event, Data) else event.pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            elif isinstance(event, End):
                await send({"type": "http.response.body", "body": b""})
            else:
                raise ConnectionError(event.reason)
    finally:
        events.close()


def _request(scope: Message) -> Request:
    fields = cast("Iterable[tuple[bytes, bytes]]", scope["headers"])
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields)
    path = cast("bytes | None", scope.get("raw_path")) or cast("str", scope["path"]).encode()
    path = path.removeprefix(
        cast("str", scope.get("root_path", "")).encode()
    )  # of the application that it is mounted in
    query = cast("bytes", scope.get("query_string", b""))
    target = path.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
    return Request(cast("str", scope["method"]), Origin("http", "localhost", 80), target, headers)
