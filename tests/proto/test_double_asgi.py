"""A double as an ASGI application, called by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from pathlib import Path
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


# --- as strict as BentoML


def answered(double: ServiceDouble, path: str, body: bytes, kind: str, method: str = "POST") -> tuple[int, Any, bytes]:
    """The status, the header fields and the body of the response to a request."""
    headers = [(b"content-type", kind.encode())]
    start, *bodies = Server(double.asgi).post(path, body, method=method, headers=headers)
    return start["status"], dict(start["headers"]), b"".join(message["body"] for message in bodies)


@pytest.fixture
def strict() -> ServiceDouble:
    double = ServiceDouble()

    @double.endpoint
    def add(a: int, b: int = 1) -> int:
        return a + b

    @double.endpoint
    def read(f: Path) -> int:
        return len(str(f))

    @double.endpoint
    def items(xs: list[int], /) -> int:
        return len(xs)

    @double.endpoint
    def say(text: str, /) -> str:
        return text

    @double.endpoint
    def size(data: bytes, /) -> int:
        return len(data)

    @double.task
    def train(steps: int) -> int:
        return steps

    return double


FORM = "multipart/form-data; boundary=b"


def part(name: str, data: bytes, file: str = "") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + data + b"\r\n--b--\r\n"


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "field"),
    [
        ("/add", b'{"a": 1}', "application/json", 200, None),
        ("/add", b'{"a": 1}', "Application/JSON; charset=utf-8", 200, None),
        ("/add", b"a=1&b=2", "application/x-www-form-urlencoded", 200, None),
        ("/add", b'{"a": 1}', "application/x-www-form-urlencoded", 400, "a"),
        ("/add", b"", "application/x-www-form-urlencoded", 400, "a"),
        ("/add", b'{"a": "x"}', "application/json", 400, "a"),
        ("/add", b'{"a": 1, "b": [2]}', "application/json", 400, "b"),
        ("/add", part("a", b"1"), FORM, 200, None),
        ("/add", part("a", b"x"), FORM, 400, "a"),
        ("/read", b'{"f": "text"}', "application/json", 400, "f"),
        ("/read", b'{"f": "https://example.org/a"}', "application/json", 200, None),
        ("/read", b'{"f": 5}', "application/json", 400, "f"),
        ("/read", part("f", b"text"), FORM, 500, None),
        ("/add", part("b", b"x"), FORM, 400, "a"),
        ("/add", b"", FORM, 400, "a"),
        ("/add", b"preamble" + part("a", b"1"), FORM, 500, None),
        ("/add", part("a", b"1"), "multipart/form-data", 500, None),
        ("/add", b"--b\r\nnonsense\r\n\r\n1\r\n--b--\r\n", FORM, 500, None),
        ("/add", b"--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--\r\n", FORM, 500, None),
        ("/add", b"\xef\xbb\xbf{}", "application/json", 400, None),
        ("/items", b"[1]", "application/json", 200, None),
        ("/items", b"{}", "application/json", 400, "root"),
        ("/items", b"nonsense", "application/json", 500, None),
        ("/say", b"text", "text/plain", 200, None),
        ("/say", b"\xff", "text/plain", 400, "root"),
        ("/size", b"\xff", "text/plain", 200, None),
        ("/read", part("f", b"text", '; filename="a.txt"'), FORM, 200, None),
    ],
)
def test_what_a_service_refuses_is_refused(
    strict: ServiceDouble, path: str, body: bytes, kind: str, status: int, field: str | None
) -> None:
    found, _, said = answered(strict, path, body, kind)
    assert found == status
    if field is not None:
        assert json.loads(said)["detail"][0]["loc"] == [field]


@pytest.mark.parametrize("path", ["/readyz", "/livez", "/healthz", "/schema.json"])
def test_probes_and_the_schema_answer_head(strict: ServiceDouble, path: str) -> None:
    status, fields, body = answered(strict, path, b"", "", "GET")
    assert (status, len(body)) == (200, int(fields[b"content-length"]))
    assert answered(strict, path, b"", "", "HEAD") == (200, fields, b"")
    assert answered(strict, path, b"", "", "DELETE")[0] == 405


def test_all_faults_are_told_in_the_order_of_the_arguments(strict: ServiceDouble) -> None:
    _, _, said = answered(strict, "/add", b'{"b": "x"}', "application/json")
    assert [(each["loc"], each["type"]) for each in json.loads(said)["detail"]] == [
        (["a"], "missing"),
        (["b"], "int_parsing"),
    ]


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [
        ("/add", "GET", b"POST"),
        ("/train/submit", "GET", b"POST"),
        ("/train/cancel", "POST", b"PUT"),
        ("/train/status", "POST", b"HEAD, GET"),
        ("/readyz", "POST", b"HEAD, GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(strict: ServiceDouble, path: str, method: str, allow: bytes) -> None:
    status, fields, body = answered(strict, path, b"", "", method)
    assert (status, fields[b"allow"], body) == (405, allow, b"Method Not Allowed")


def test_a_task_with_wrong_arguments_fails(strict: ServiceDouble) -> None:
    strict.script("train", 5)
    task = json.loads(answered(strict, "/train/submit", b"{}", "application/json")[2])["task_id"]

    def ask(action: str, method: str) -> tuple[int, Any, bytes]:
        headers = [(b"content-type", b"")]
        start, *bodies = Server(strict.asgi).post(
            f"/train/{action}", method=method, query_string=f"task_id={task}".encode(), headers=headers
        )
        return start["status"], dict(start["headers"]), b"".join(message["body"] for message in bodies)

    status, fields, body = ask("status", "GET")
    assert json.loads(body)["status"] == "failed"
    assert ask("status", "HEAD") == (200, fields, b"")
    status, _, body = ask("get", "GET")
    assert (status, json.loads(body)["detail"][0]["loc"]) == (400, ["steps"])
    assert ask("retry", "POST")[0] == 200
    assert answered(strict, "/train/cancel", b"", "", "PUT")[0] == 400


def test_a_model_as_the_body_names_itself_in_errors() -> None:
    schema: Any = {
        "title": "ItemIODescriptor",
        "root_input": True,
        "type": "object",
        "required": ["sku"],
        "properties": {"sku": {}},
    }
    double = ServiceDouble.from_schema({"name": "S", "routes": [{"name": "f", "route": "/f", "input": schema}]})
    status, _, said = answered(double, "/f", b"{}", "application/json")
    assert (status, json.loads(said)["error"]) == (400, "1 validation error for ItemIODescriptor")


def test_a_slash_too_many_is_redirected(strict: ServiceDouble) -> None:
    status, fields, _ = answered(strict, "/add/", b'{"a": 1}', "application/json")
    assert (status, fields[b"location"]) == (307, b"/add")
    start, *_ = Server(strict.asgi).post("/add/", b"{}", raw_path=b"/add/", query_string=b"a=1")
    assert dict(start["headers"])[b"location"] == b"/add?a=1"
    assert answered(strict, "/sub/", b"{}", "application/json")[0] == 404
    assert answered(strict, "/", b"{}", "application/json")[0] == 404
