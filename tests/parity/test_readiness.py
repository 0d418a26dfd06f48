"""Whether a Service is ready, and waiting until it is: patiently, cheaply, no longer than told, and with the reason."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Iterator

import pytest

from bento_proto import (
    BentoMLException,
    CallTimeout,
    ConnectError,
    ConnectionLost,
    Forbidden,
    Hooks,
    InvalidArgument,
    NotFound,
    RemoteProtocolError,
    SchemaError,
    ServiceUnavailable,
    Unauthorized,
)
from bento_proto.observe import RequestEvent
from bento_sync import SyncHTTPClient
from tests.servers import Servers, serve
from tests.waiting import HANGS

from .faces import Connect
from .proxies import Answer, Asked, End, Piece, Stub, endpoint, reply, schema

GIVEN = schema(endpoint("f"))


@pytest.fixture
def nobody() -> Iterator[str]:
    """A URL where nothing listens, and nothing will as long as the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def starting(*before: Piece) -> Answer:
    """Answers readiness with these, one after the other, and then well; everything else with 1."""
    pieces = list(before)

    def answer(asked: Asked) -> Piece:
        if asked.target != "/readyz":
            return reply(1)
        return pieces.pop(0) if pieces else reply(b"\n")

    return answer


def test_a_service_that_is_ready(zoo: SyncHTTPClient) -> None:
    assert zoo.is_ready() is True
    assert zoo.is_ready(timeout=5) is True
    zoo.wait_until_server_ready()
    zoo.wait_until_server_ready(timeout=0)


def test_nothing_listens(nobody: str, connect: Connect) -> None:
    client = connect(nobody, server_ready_timeout=0.3)
    start = time.monotonic()
    assert client.is_ready() is False
    for use in (lambda: client.wait_until_server_ready(0.3), lambda: client.call("f"), lambda: client.f()):
        with pytest.raises(ServiceUnavailable, match=r"is not ready after 0\.3 seconds: can't connect") as caught:
            use()
        assert nobody in str(caught.value)
        assert isinstance(caught.value.__cause__, ConnectError)
        assert caught.value.__cause__.__cause__ is not None
    assert time.monotonic() - start >= 0.9
    assert client.is_ready() is False


def test_not_to_wait(nobody: str, connect: Connect) -> None:
    with pytest.raises(ConnectError, match="can't connect"):
        connect(nobody, server_ready_timeout=0, retries=0).f()
    with Stub(starting(reply(b"no", 503))) as stub:
        assert connect(stub.url, schema=GIVEN, server_ready_timeout=0).f() == 1
        assert stub.targets() == ["/f"]


@pytest.mark.parametrize("end", [End.SILENCE, End.CLOSE, End.RESET])
def test_whatever_goes_wrong_is_not_ready(connect: Connect, end: End) -> None:
    with Stub(lambda asked: end) as stub:
        client = connect(stub.url, timeout=0.3)
        assert client.is_ready() is False
        assert client.is_ready(timeout=0.1) is False


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (End.SILENCE, CallTimeout),
        (End.CLOSE, ConnectionLost),
        (End.RESET, ConnectionLost),
        (reply(b"Service is not ready.", 503), ServiceUnavailable),
    ],
)
def test_the_time_given_is_the_time_it_takes(connect: Connect, answer: Piece, cause: type[BentoMLException]) -> None:
    with Stub(lambda asked: answer) as stub:
        client = connect(stub.url, timeout=2 * HANGS, server_ready_timeout=1)
        start = time.monotonic()
        with pytest.raises(ServiceUnavailable, match=r"not ready after 1 seconds") as caught:
            client.f()
        assert 1 <= time.monotonic() - start < HANGS, "it took the time of a response"
        assert isinstance(caught.value.__cause__, cause)
        assert str(caught.value.__cause__) in str(caught.value)


def test_the_first_use_waits(connect: Connect) -> None:
    hard_start: list[Piece] = [End.RESET, End.CLOSE, reply(b"no", 503), reply(b"starting", 502), reply(b"oops", 500)]
    with Stub(starting(*hard_start)) as stub:
        client = connect(stub.url, schema=GIVEN)
        assert client.f() == 1
        assert client.f() == 1
        assert stub.targets() == ["/readyz"] * 6 + ["/f"] * 2


def test_a_black_hole_that_opens(connect: Connect) -> None:
    with Stub(starting(End.SILENCE)) as stub:
        assert connect(stub.url, schema=GIVEN, timeout=0.2, server_ready_timeout=30).f() == 1


def test_waiting_is_cheap(nobody: str, connect: Connect) -> None:
    with Stub(lambda asked: reply(b"not yet", 503)) as stub:
        for url in (stub.url, nobody):
            requests: list[RequestEvent] = []
            with pytest.raises(ServiceUnavailable):
                connect(url, server_ready_timeout=1, hooks=Hooks(requests.append)).f()
            assert 2 <= len(requests) < 20


@pytest.mark.parametrize(("status", "kind"), [(401, Unauthorized), (403, Forbidden)])
def test_no_waiting_where_a_token_is_wanted(connect: Connect, status: int, kind: type[BentoMLException]) -> None:
    with Stub(lambda asked: reply({"detail": "who are you"}, status)) as stub:
        client = connect(stub.url, server_ready_timeout=30)
        with pytest.raises(kind, match="who are you"):
            client.f()
        assert client.is_ready() is False
        assert len(stub.asked) == 2


def test_a_server_without_a_route_for_readiness(connect: Connect) -> None:
    answers = {"/schema.json": reply(GIVEN), "/f": reply(1)}
    with Stub(lambda asked: answers.get(asked.target, reply(b"Not Found", 404))) as stub:
        client = connect(stub.url)
        assert client.f() == 1
        assert client.is_ready() is True


_TLS_ALERT = b"\x15\x03\x03\x00\x02\x02\x50"
_HTTP2_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


@pytest.mark.parametrize("wait", [0, 30])
@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (reply(b"Not Found", 404), NotFound, "no /schema.json at .*: is it the URL of a BentoML Service"),
        (
            reply(b"<html><title>File not found</title>", 404, {"content-type": "text/html"}),
            NotFound,
            "no /schema.json",
        ),
        (reply(b"who", 401), Unauthorized, "who"),
        (reply(b"no", 403), Forbidden, "no"),
        (
            reply(
                b"<title>400 The plain HTTP request was sent to HTTPS port</title>", 400, {"content-type": "text/html"}
            ),
            InvalidArgument,
            "can't read .*json|readyz: 400 The plain HTTP request was sent to HTTPS port",
        ),
        (_TLS_ALERT, RemoteProtocolError, "it sent a TLS alert, so its URL must start with https://"),
        (_HTTP2_SETTINGS, RemoteProtocolError, "does not speak HTTP/1.1: it sent an HTTP/2 frame"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", RemoteProtocolError, "does not speak HTTP/1.1: it sent 'SSH-2.0-OpenSSH_9.6'"),
    ],
)
def test_what_is_no_service_is_not_waited_for(
    connect: Connect, wait: float, answer: Piece, error: type[BentoMLException], says: str
) -> None:
    with Stub(lambda asked: [answer, End.CLOSE]) as stub:
        with pytest.raises(error, match=says) as caught:
            connect(stub.url, server_ready_timeout=wait).f()
        assert type(caught.value) is error
        assert len(str(caught.value).splitlines()) == 1
        assert len(stub.asked) <= 2


@pytest.mark.parametrize("greeting", [b"220 mail.example ESMTP\r\n", b"J\0\0\0\n8.0.36\0", b"+OK POP3 ready\r\n"])
def test_a_server_that_greets_in_another_protocol_and_waits_is_no_service(connect: Connect, greeting: bytes) -> None:
    with Stub(lambda asked: [greeting, End.SILENCE]) as stub:
        with pytest.raises(RemoteProtocolError, match=r"does not speak HTTP/1\.1: it sent '(220 mail|J|\+OK POP3)"):
            connect(stub.url, timeout=HANGS, server_ready_timeout=HANGS).f()
        assert len(stub.asked) == 1


def test_a_web_site_is_no_service(connect: Connect) -> None:
    page = reply(b"<!doctype html><title>Home</title>", 200, {"content-type": "text/html"})
    says = r"can't read .*/schema\.json: .* not the schema of a BentoML Service: the response is not JSON"
    with Stub(lambda asked: page) as stub, pytest.raises(SchemaError, match=says):
        connect(stub.url).f()


# --- real servers


def test_a_service_that_says_that_it_is_not_ready(servers: Servers, connect: Connect) -> None:
    url = servers.server("readiness:ZooNotReady", wait="answering").url
    client = connect(url, server_ready_timeout=0)
    client.flip(to=False)
    assert client.is_ready() is False
    assert client.echo("x") == "x"  # it answers all the same
    with pytest.raises(ServiceUnavailable, match=r"__is_ready__\(\) returns False") as caught:
        client.wait_until_server_ready(timeout=0.2)
    assert caught.value.__cause__ is not None
    client.flip(to=True)
    client.wait_until_server_ready(timeout=math.inf)
    assert client.is_ready() is True


def test_a_server_that_is_just_starting(connect: Connect) -> None:
    with serve("readiness:ZooSlowStart", wait="started", env={"ZOO_SLOW_INIT": "0.5", "ZOO_SLOW_READY": "1"}) as server:
        client = connect(server.url, server_ready_timeout=60)
        assert client.is_ready() is False
        assert client.echo("at last") == "at last"
        assert client.is_ready() is True
    assert client.is_ready() is False
    with pytest.raises(ConnectError):
        client.with_options(retries=0).echo()
