"""What goes wrong in a call, as one tree of errors, with the server's words, its status and the request id."""

from __future__ import annotations

import pickle
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import bento_sync
from bento_proto import (
    BentoMLException,
    CallTimeout,
    Conflict,
    ConnectError,
    ConnectionLost,
    Forbidden,
    GatewayTimeout,
    InternalServerError,
    InvalidArgument,
    LocalProtocolError,
    NotFound,
    RemoteProtocolError,
    ServiceUnavailable,
    Timeout,
    TooManyRequests,
    Unauthorized,
    UnprocessableEntity,
)
from bento_sync import SyncHTTPClient
from tests.servers import Servers

from .faces import Connect
from .proxies import End, Piece, Stub, endpoint, reply, routes, schema

HIDDEN = "An unexpected error has occurred, please check the server log."
GIVEN = schema(endpoint("f"))

KINDS: dict[str, tuple[type[BentoMLException], int, str]] = {
    "InvalidArgument": (InvalidArgument, 400, "bad thing: é"),
    "MyInvalid": (InvalidArgument, 400, "my invalid"),
    "Unauthorized": (Unauthorized, 401, "Authorization error"),
    "Forbidden": (Forbidden, 403, "Authorization error"),
    "NotFound": (NotFound, 404, "no such thing"),
    "Conflict": (Conflict, 409, "conflict"),
    "Teapot": (BentoMLException, 418, "short and stout"),
    "UnprocessableEntity": (UnprocessableEntity, 422, "unproc"),
    "RateLimited": (TooManyRequests, 429, "slow down"),
    "InternalServerError": (InternalServerError, 500, HIDDEN),
    "BentoMLException": (InternalServerError, 500, HIDDEN),
    "HTTPException": (InternalServerError, 500, HIDDEN),
    "Plain": (InternalServerError, 500, HIDDEN),
    "ValueError": (InternalServerError, 500, HIDDEN),
    "AssertionError": (InternalServerError, 500, HIDDEN),
    "BadGateway": (BentoMLException, 502, HIDDEN),
    "ServiceUnavailable": (ServiceUnavailable, 503, HIDDEN),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_endpoint_raises(zoo: SyncHTTPClient, kind: str) -> None:
    expected, status, message = KINDS[kind]
    with pytest.raises(BentoMLException) as caught:
        zoo.with_options(retries=0).err(kind)
    error = caught.value
    assert type(error) is expected
    assert (error.error_code, error.message, str(error), error.detail) == (status, message, message, None)
    assert error.request_id
    assert error.request_id == error.headers["x-bentoml-request-id"]
    assert error.attempts == (f"{expected.__name__}: {message}",)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again).keys()) == (expected, message, vars(error).keys())


def test_what_is_wrong_with_each_field(zoo: SyncHTTPClient) -> None:
    with pytest.raises(InvalidArgument) as caught:
        zoo.validated("too long", temperature=5, order={"id": "x", "items": [{}]})
    text = str(caught.value)
    for told in ("prompt: String should have at most 5", "temperature: ", "order.id: ", "order.items.0.sku: Field req"):
        assert told in text
    detail: Any = caught.value.detail
    assert detail[0]["loc"] == ["prompt"]
    with pytest.raises(InvalidArgument, match="sku: Field required; qty: "):
        zoo.err("Pydantic")


@pytest.mark.parametrize("status", [400, 404, 418, 451, 499, 503, 520, 599])
def test_any_status_is_an_error_of_its_own_kind(zoo: SyncHTTPClient, status: int) -> None:
    with pytest.raises(BentoMLException, match="text body") as caught:
        zoo.ctx_error_status_named_context(status)
    assert caught.value.error_code == status
    known = {400: InvalidArgument, 404: NotFound, 503: ServiceUnavailable}
    assert type(caught.value) is known.get(status, BentoMLException)


@pytest.mark.parametrize(
    ("body", "message", "detail"),
    [
        (b'[{"error": "in a list"}]', "in a list", None),
        (
            b'{"error": "alone", "detail": [{"loc": ["a", 0], "msg": "bad"}]}',
            "alone",
            [{"loc": ["a", 0], "msg": "bad"}],
        ),
        (b'{"detail": "of a gateway"}', "of a gateway", None),
        (b'{"detail": [{"loc": ["body", "x"], "msg": "bad"}]}', "", [{"loc": ["body", "x"], "msg": "bad"}]),
        (b'{"message": "of AWS"}', "of AWS", None),
        (b'{"error": {"code": 7}}', "", {"error": {"code": 7}}),
        (b'"text"', "text", None),
        (b"plain text\n", "plain text", None),
        (b"caf\xe9\n", "caf\ufffd", None),
        (b"<html>caf\xe9</html>", "", "<html>caf\ufffd</html>"),
        (b"", "", None),
        (b"[]", "", []),
        (b"[[1]]", "", [[1]]),
        (b"null", "", None),
    ],
)
def test_errors_in_whatever_shape(connect: Connect, body: bytes, message: str, detail: object) -> None:
    with Stub(routes({"/f": reply(body, 400)})) as stub, pytest.raises(InvalidArgument) as caught:
        connect(stub.url, schema=GIVEN).f()
    assert caught.value.message == (message or "the server responded with status 400")
    assert caught.value.detail == detail


def test_errors_are_the_same_in_every_package() -> None:
    for name in bento_sync.__all__:
        thing = getattr(bento_sync, name)
        if isinstance(thing, type) and issubclass(thing, Exception):
            assert issubclass(thing, BentoMLException)
            assert thing.__module__.startswith("bento_proto")


# --- the limits of the Service


def test_the_servers_own_timeout(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("limits:ZooLimits"), retries=0)
    with pytest.raises(GatewayTimeout, match="Not able to process the request in 1 seconds") as caught:
        client.sleepy(seconds=3)
    assert caught.value.error_code == 504
    assert "".join(client.sleepy_stream(later=0)) == "ab"


def test_too_many_at_once(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("limits:ZooLimits"), retries=0)
    _ = client.endpoints
    with client.sleepy_stream(later=5), client.sleepy_stream(later=5):
        with pytest.raises(TooManyRequests, match="Too many requests") as caught:
            client.sleepy(seconds=0)
        assert caught.value.error_code == 429


# --- no answer


@pytest.mark.parametrize("end", [End.CLOSE, End.RESET])
def test_a_connection_that_breaks(connect: Connect, end: End) -> None:
    with Stub(routes({"/f": end})) as stub:
        client = connect(stub.url, schema=GIVEN, server_ready_timeout=0)
        with pytest.raises(ConnectionLost) as caught:
            client.f()
        assert isinstance(caught.value, ConnectionError)
        assert caught.value.sent
        assert caught.value.error_code is None
        assert stub.targets() == ["/f"]  # the server may have acted on it: it is not for the client to try again


def test_an_answer_that_breaks_off(connect: Connect) -> None:
    with (
        Stub(routes({"/f": [reply(b"x" * 100)[:-50], End.CLOSE]})) as stub,
        pytest.raises(ConnectionLost, match="complete"),
    ):
        connect(stub.url, schema=GIVEN).f()


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH\r\n\r\n", b"\0" * 100_000, b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", reply(b"", 103)],
)
def test_an_answer_that_is_no_http(connect: Connect, answer: Piece) -> None:
    with Stub(routes({"/f": [answer, End.CLOSE]})) as stub, pytest.raises(BentoMLException) as caught:
        connect(stub.url, schema=GIVEN).f()
    assert isinstance(caught.value, ConnectionLost if answer == reply(b"", 103) else RemoteProtocolError)


def test_nobody_there_any_more(connect: Connect) -> None:
    with Stub(routes({"/f": reply(1)})) as stub:
        client = connect(stub.url, schema=GIVEN, retries=1)
        assert client.f() == 1
    with pytest.raises(ConnectError, match="can't connect") as caught:
        client.f()
    assert isinstance(caught.value, ConnectionError)
    assert str(caught.value).endswith("(after 2 attempts)") or len(caught.value.attempts) == 3
    assert all(isinstance(line, str) for line in caught.value.attempts)


def test_an_answer_before_the_request_is_through(connect: Connect) -> None:
    """A gateway that does not take so much says so without having read it."""

    def refuse() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(reply({"message": "too large"}, 413, {"connection": "close"}))
            connection.settimeout(5)
            try:
                while connection.recv(1 << 20):  # as servers linger, so that the answer is not lost
                    pass
            except OSError:
                pass

    given = schema(endpoint("f", input={"properties": {"f": {"type": "file", "format": "binary"}}}))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse)
        thread.start()
        client = connect(f"http://127.0.0.1:{listener.getsockname()[1]}", schema=given, server_ready_timeout=0)
        with pytest.raises(BentoMLException, match="too large") as caught:
            client.f(b"x" * 50_000_000)
        assert caught.value.error_code == 413
        thread.join()


# --- the client's own time


def test_timeouts_of_a_call(zoo: SyncHTTPClient) -> None:
    for timeout in (0.2, Timeout(receive=0.2), Timeout(total=0.2)):
        with pytest.raises(CallTimeout) as caught:
            zoo.with_options(timeout=timeout).slow(seconds=5)
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.sent
    assert zoo.with_options(timeout=None).slow(seconds=0.01) == "done"
    assert zoo.slow(seconds=0.01) == "done"


def test_a_total_bounds_what_is_slow_in_every_part(connect: Connect) -> None:
    def trickle(asked: object) -> Any:
        yield reply(b"x" * 100)[:-100]
        for _ in range(100):
            time.sleep(0.025)
            yield b"x"

    with Stub(routes({"/f": trickle})) as stub:
        with pytest.raises(CallTimeout):
            connect(stub.url, schema=GIVEN, timeout=Timeout(total=0.2)).f()
        assert len(connect(stub.url, schema=GIVEN, timeout=2).f()) == 100


@pytest.mark.parametrize("wrong", [-1, float("nan"), Timeout(connect=-1)])
def test_timeouts_that_are_none(connect: Connect, wrong: Any) -> None:
    with pytest.raises(ValueError, match="timeout"):
        connect("http://127.0.0.1:9", timeout=wrong)
    with pytest.raises(ValueError, match="timeout"):
        connect("http://127.0.0.1:9").with_options(timeout=wrong)
    with pytest.raises(ValueError, match="server_ready_timeout"):
        connect("http://127.0.0.1:9", server_ready_timeout=-1)


# --- the end


CLOSED: dict[str, Callable[[SyncHTTPClient], object]] = {
    "a method": lambda client: client.f(),
    "call": lambda client: client.call("f"),
    "the client itself": lambda client: client(),
    "request": lambda client: client.request("GET", "/"),
    "endpoints": lambda client: client.endpoints,
    "is_ready": lambda client: client.is_ready(),
    "wait_until_server_ready": lambda client: client.wait_until_server_ready(1),
    "a view": lambda client: client.with_options(timeout=1).f(),
}


@pytest.mark.parametrize("use", CLOSED)
def test_a_closed_client_says_so(connect: Connect, use: str) -> None:
    with Stub(routes({"/f": reply(1)})) as stub:
        client = connect(stub.url, schema=schema(endpoint("f"), endpoint("__call__")))
        method = client.f
        assert method() == 1
        client.close()
        client.close()
        with pytest.raises(LocalProtocolError, match="the client is closed"):
            CLOSED[use](client)
        with pytest.raises(LocalProtocolError, match="the client is closed"):
            method()
        assert len(stub.asked) == 2
