"""A double as an ASGI application, called by hand."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from typing import Any

import pytest

from bento_proto import End, Head, Request
from bento_proto.http import Chunks
from bento_proto.testing import Cut, Event, Pause, Reply, ServiceDouble, Stall, Unreachable
from bento_proto.testing._served import served

Message = dict[str, Any]


class Server:
    """Calls an application; sleeping is noted, and nothing else is waited for."""

    def __init__(self, make: Callable[[Callable[[float], Awaitable[object]]], Any]) -> None:
        self.slept: list[float] = []
        self.sent: list[Message] = []
        self._application = make(self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    def __call__(self, scope: Message, *messages: Message) -> list[Message]:
        received = iter(messages)

        async def receive() -> Message:
            return next(received)

        self.sent = []
        running: Coroutine[Any, Any, None] = self._application(scope, receive, self._send)
        with pytest.raises(StopIteration):
            running.send(None)
        return self.sent

    def post(self, path: str, *bodies: bytes, **scope: Any) -> list[Message]:
        messages = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
        asked = {"type": "http", "method": "POST", "path": path, "headers": [(b"x-kind", b"odd")], **scope}
        return self(asked, *messages, {"type": "http.request"})


@pytest.fixture
def double() -> ServiceDouble:
    double = ServiceDouble()

    @double.endpoint
    def shout(text: str) -> str:
        return text.upper()

    @double.endpoint
    def numbers() -> Iterator[int | Pause]:
        yield 1
        yield Pause(2)
        yield 2

    return double


def test_requests(double: ServiceDouble) -> None:
    server = Server(double.asgi)
    start, body, end = server.post("/shout", b'{"text":', b' "a"}')
    assert start["status"] == 200
    assert (b"content-length", b"1") in start["headers"]
    assert body == {"type": "http.response.body", "body": b"A", "more_body": True}
    assert end == {"type": "http.response.body", "body": b""}
    assert double.calls[0].headers["x-kind"] == "odd"
    start, *bodies = server.post("/numbers", raw_path=b"/numbers", query_string=b"a=1")
    assert b"transfer-encoding" not in dict(start["headers"])
    assert [message["body"] for message in bodies] == [b"1", b"2", b""]
    assert server.slept == [2]
    assert double.calls[1].target == "/numbers?a=1"


def test_mounted(double: ServiceDouble) -> None:
    start, *_ = Server(double.asgi).post("/double/numbers", root_path="/double")
    assert start["status"] == 200


def test_faults(double: ServiceDouble) -> None:
    double.script("shout", Unreachable(), Cut(bytes=1), Reply(delay=4))
    server = Server(double.asgi)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            server.post("/shout", b'{"text": "abc"}')
    double.speed = math.inf
    double.script("shout", Stall(5), Stall())
    server.post("/shout", b'{"text": "abc"}')
    server.post("/shout", b'{"text": "abc"}')
    assert server.slept[0] == 0
    assert server.slept[1] > 1_000_000


def test_a_client_that_leaves(double: ServiceDouble) -> None:
    scope = {"type": "http", "method": "POST", "path": "/shout", "headers": []}
    assert Server(double.asgi)(scope, {"type": "http.disconnect"}) == []
    assert double.requests == []


def test_a_lifespan(double: ServiceDouble) -> None:
    sent = Server(double.asgi)({"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_what_it_does_not_speak(double: ServiceDouble) -> None:
    with pytest.raises(ValueError, match="websocket"):
        Server(double.asgi)({"type": "websocket"})


def test_any_responder() -> None:
    class Responder:
        speed = 1.0

        def respond(self, request: Request, body: bytes) -> Generator[Event, None, None]:
            yield Head(200)
            yield Chunks((b"a", b"b"))
            yield End()

    server = Server(lambda sleep: served(Responder(), sleep))
    assert [message.get("body") for message in server.post("/x")] == [None, b"a", b"b", b""]
