"""Redirects, and what goes along with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bento_sync import BentoMLException, Limits, NotFound, RemoteProtocolError, SyncHTTPClient, Unauthorized
from tests.parity.faces import Connect

from .promises import READS, assert_right, within
from .server import Peer, Recorded, Server, answer, send

SECRET = "s3cr3t-t0k3n"
HEADERS = {"X-Api-Key": f"key-{SECRET}", "Cookie": f"session={SECRET}"}


@pytest.fixture
def other(no_leaks: None) -> Iterator[Server]:
    """Another origin: another port of the same host."""
    with Server() as other:
        yield other


def moved(location: str, status: int = 307, *headers: str) -> bytes:
    return answer(b"gone", f"Location: {location}", *headers, status=f"{status} Moved")


def assert_harmless(request: Recorded) -> None:
    assert set(request.headers) <= {
        "host", "accept", "accept-encoding", "user-agent", "content-type", "content-length", "transfer-encoding"
    }  # fmt: skip
    assert SECRET not in repr(request.headers)
    assert SECRET not in request.target


GIVEN: dict[str, dict[str, object]] = {
    "a token": {"token": SECRET, "headers": HEADERS},
    "a function's token": {"token": lambda: SECRET, "headers": HEADERS},
    "headers": {"headers": {**HEADERS, "Authorization": f"Bearer {SECRET}"}},
    "a function of the request": {"auth": lambda request: {**HEADERS, "Authorization": f"Bearer {SECRET}"}},
}


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_another_origin_gets_the_body_and_no_credential(
    connect: Connect, server: Server, other: Server, status: int, given: str
) -> None:
    client = connect(**GIVEN[given])
    server.script(Peer.request, send(moved(f"{other.url}/else?q=1", status)), Peer.serve)
    assert client.echo(text="hello") == "hello"
    [request] = other.requests
    assert (request.method, request.target) == ("POST", "/else?q=1")
    assert_harmless(request)
    assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"
    assert_right(client)
    assert server.requests[-1].headers["authorization"] == f"Bearer {SECRET}"
    assert server.requests[-1].headers["x-api-key"] == HEADERS["X-Api-Key"]


CALLS: dict[str, Callable[[SyncHTTPClient], object]] = {
    **READS,
    "upload": lambda client: client.upload(text=b"content"),
    "save": lambda client: client.echo.save("never", text="x"),
    "request with headers": lambda client: client.request("GET", "/x", headers=HEADERS).raise_for_status(),
    "request with cookies": lambda client: client.request("GET", "/x", cookies={"a": SECRET}).raise_for_status(),
    "view": lambda client: client.with_options(headers={"X-Other-Key": SECRET}).echo(),
}


@pytest.mark.parametrize("call", CALLS)
def test_nor_does_it_by_any_other_call(connect: Connect, server: Server, other: Server, call: str) -> None:
    client = connect(token=SECRET, headers=HEADERS)
    server.script(Peer.request, send(moved(f"{other.url}/else")), Peer.serve)
    other.script(Peer.request, send(answer(b"", status="404 Gone")), Peer.serve)
    with pytest.raises(NotFound):
        CALLS[call](client)
    assert SECRET in repr(server.requests[0].headers)
    [request] = other.requests
    assert_harmless(request)


def test_a_303_becomes_a_get_without_a_body(connect: Connect, server: Server, other: Server) -> None:
    client = connect(token=SECRET, headers=HEADERS)
    server.script(Peer.request, send(moved(f"{other.url}/result", 303)), Peer.serve)
    assert client.echo(text="hello") == "/result"
    [request] = other.requests
    assert (request.method, request.body) == ("GET", b"")
    assert "content-type" not in request.headers
    assert_harmless(request)


def test_what_comes_back_gets_no_credential_either(connect: Connect, server: Server, other: Server) -> None:
    """The other origin must not be able to aim our token at a path of ours."""
    client = connect(token=SECRET, headers=HEADERS)
    server.script(Peer.request, send(moved(f"{other.url}/there")), Peer.serve)
    other.script(Peer.request, send(moved(f"{server.url}/back")), Peer.serve)
    client.echo(text="x")
    assert [request.target for request in server.requests] == ["/echo", "/back"]
    assert_harmless(server.requests[1])


def test_another_origin_that_asks_for_a_token_gets_none(connect: Connect, server: Server, other: Server) -> None:
    tokens = iter([SECRET])
    client = connect(token=lambda: next(tokens))
    server.script(Peer.request, send(moved(other.url + "/")), Peer.serve)
    other.script(Peer.request, send(answer(b"", "WWW-Authenticate: Bearer", status="401 Who")), Peer.serve)
    with pytest.raises(Unauthorized):
        client.echo()
    [request] = other.requests
    assert_harmless(request)


def test_cookies_stay_where_they_were_set(connect: Connect, server: Server, other: Server) -> None:
    client = connect()
    server.script(
        Peer.request,
        send(moved(other.url + "/", 307, f"Set-Cookie: ours={SECRET}; Path=/; Domain=127.0.0.1")),
        Peer.serve,
    )
    other.script(Peer.request, send(answer(b"x", "Set-Cookie: theirs=1; Path=/; Domain=127.0.0.1")), Peer.serve)
    assert client.echo() == "x"
    assert_harmless(other.requests[0])
    assert_right(client)
    assert server.requests[-1].headers["cookie"] == f"ours={SECRET}"


def test_user_and_password_of_the_url_stay_at_home(connect: Connect, server: Server, other: Server) -> None:
    client = connect(server.url.replace("//", f"//me:{SECRET}@"))
    server.script(Peer.request, send(moved(f"http://you:{SECRET}@127.0.0.1:{other.port}/")), Peer.serve)
    client.echo(text="x")
    assert server.requests[0].headers["authorization"].startswith("Basic ")
    assert_harmless(other.requests[0])


@pytest.mark.parametrize("location", ["/on", "on", "?on=1", "./on", "../on", "//127.0.0.1:{port}/on", "{url}/on"])
def test_the_same_origin_keeps_what_there_is(connect: Connect, server: Server, location: str) -> None:
    client = connect(token=SECRET, headers=HEADERS)
    server.script(Peer.request, send(moved(location.format(port=server.port, url=server.url))), Peer.serve)
    assert client.echo(text="here") == "here"
    assert server.requests[1].headers["authorization"] == f"Bearer {SECRET}"
    assert server.requests[1].headers["x-api-key"] == HEADERS["X-Api-Key"]
    assert_right(client)


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://x/", "javascript:alert(1)", "data:text/plain,x", "unix:/run/x",
     "http://[::1", "http://host:99999/", "http://host:0/", "http://ho st/", "http://a\\@b/",
     "http://%0d%0ax/", "http://%41/"],
)  # fmt: skip
def test_what_is_no_http_url_is_not_followed(connect: Connect, server: Server, location: str) -> None:
    client = connect()
    server.script(Peer.request, send(moved(location)), Peer.serve)
    with within(60), pytest.raises(BentoMLException):
        client.echo()
    assert len(server.requests) == 1
    assert_right(client)


@pytest.mark.parametrize("location", ["/echo", "", "#", "/other"])
def test_a_loop_ends(connect: Connect, server: Server, location: str) -> None:
    client = connect(limits=Limits(redirects=5))

    def around(peer: Peer) -> None:
        for _ in range(6):
            peer.request()
            peer.sock.sendall(moved(location))

    server.script(around, Peer.serve)
    with within(60), pytest.raises(RemoteProtocolError, match="more than 5 times"):
        client.echo()
    assert len(server.requests) == 6
    assert_right(client)


def test_a_body_that_cant_be_sent_again_is_sent_once(connect: Connect, server: Server, pipe: object) -> None:
    client = connect()
    server.script(Peer.request, send(moved("/on")), Peer.serve)
    with pytest.raises(RemoteProtocolError, match="can't be sent again"):
        client.upload(pipe)
    assert len(server.requests) == 1
    assert b"all there is" in server.requests[0].body
    assert_right(client)


def test_a_file_is_sent_again_from_its_start(connect: Connect, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"whole")
    client = connect()
    server.script(Peer.request, send(moved("/on")), Peer.serve)
    client.upload(path)
    assert [b"whole" in request.body for request in server.requests] == [True, True]


def test_a_redirect_to_nowhere_is_an_error_of_its_own(connect: Connect, server: Server) -> None:
    client = connect()
    server.script(Peer.request, send(moved("http://127.0.0.1:1/")), Peer.serve)
    with within(60), pytest.raises(ConnectionError):
        client.echo()
    assert_right(client)


@pytest.mark.parametrize("coding", [b"", b"Content-Encoding: gzip\r\n"], ids=["plain", "not decompressed"])
def test_a_redirect_whose_body_never_ends_is_followed(connect: Connect, server: Server, coding: bytes) -> None:
    client = connect()
    head = b"HTTP/1.1 307 Moved\r\nLocation: /on\r\n" + coding + b"Content-Length: 100000\r\n\r\n"
    server.script(Peer.request, send(head + b"some"), Peer.stall)  # which is no gzip
    with within(4):
        assert client.echo(text="on") == "on"
    server.settle(connections=1)


def test_a_redirect_to_an_error_is_that_error(connect: Connect, server: Server, other: Server) -> None:
    client = connect()
    server.script(Peer.request, send(moved(other.url + "/gone")), Peer.serve)
    other.script(Peer.request, send(answer(b'{"error": "gone"}', status="404 Gone")))
    with pytest.raises(NotFound, match="gone"):
        client.echo()
    assert_right(client)
