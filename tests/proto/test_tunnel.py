"""CONNECT: the request to the proxy, and its responses split anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bento_proto import FailureKind, Limits
from bento_proto.http import Origin, Proxy, ProxyError
from bento_proto.http11 import Tunnel

from .play import splits

PROXY = Proxy(Origin("http", "p", 3128))
THERE = Origin("https", "service.example", 443)
OK = b"HTTP/1.1 200 Connection established\r\n\r\n"


def tunnel(proxy: Proxy = PROXY, origin: Origin = THERE, head: int = 1000) -> Tunnel:
    return Tunnel(proxy, origin, Limits(head=head))


def refused(*pieces: bytes) -> tuple[str, FailureKind]:
    asked = tunnel()
    with pytest.raises(ProxyError) as caught:
        for piece in pieces:
            asked.receive(piece)
    assert not asked.is_open
    return str(caught.value), caught.value.kind


def test_the_request() -> None:
    assert tunnel().request == b"CONNECT service.example:443 HTTP/1.1\r\nhost: service.example:443\r\n\r\n"
    assert tunnel(origin=Origin("https", "::1", 8443)).request.startswith(b"CONNECT [::1]:8443 HTTP/1.1\r\n")
    known = Proxy(PROXY.origin, "me:pw")
    assert b"\r\nproxy-authorization: Basic bWU6cHc=\r\n" in tunnel(known).request
    assert "bWU6" not in repr(tunnel(known))


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",  # which means nothing there
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Soon\r\n\r\n" + OK,
    ],
)
def test_any_split_of_the_response_opens_the_tunnel(answer: bytes) -> None:
    for pieces in splits(answer):
        asked = tunnel()
        for piece in filter(None, pieces):
            assert not asked.is_open
            asked.receive(piece)
        assert asked.is_open
        assert repr(asked) == "<Tunnel through http://p:3128: open>"


@pytest.mark.parametrize(
    ("status", "loss"),
    [
        *((status, FailureKind.PROXY) for status in (302, 400, 403, 407, 501)),
        *((status, FailureKind.CONNECT) for status in (429, 502, 503, 504)),
    ],
)
def test_error_statuses(status: int, loss: FailureKind) -> None:
    text, found = refused(b"HTTP/1.1 %d No\r\nContent-Length: 9\r\n\r\nsome page" % status)
    assert found is loss
    assert f"(status {status})" in text
    assert "http://p:3128" in text
    assert "page" not in text


def test_the_message_of_a_407() -> None:
    assert "requires a user and a password" in refused(b"HTTP/1.1 407 Who\r\n\r\n")[0]


@pytest.mark.parametrize("answer", [b"garbage\r\n\r\n", b"HTTP/1.1 101 On\r\n\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n",
                                    b"\x15\x03\x01\x00\x02\x02\x50\r\n\r\n"])  # fmt: skip
def test_a_response_that_is_not_http(answer: bytes) -> None:
    for pieces in ([answer], [answer[i : i + 1] for i in range(len(answer))]):
        text, loss = refused(*pieces)
        assert "http://p:3128 does not speak HTTP/1.1" in text
        assert loss is FailureKind.PROXY


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.6\r\n", b"\xff\xfd\x18", b"HTT9"])
def test_a_proxy_that_greets_with_another_protocol_is_not_waited_for(greeting: bytes) -> None:
    text, loss = refused(greeting)
    assert "http://p:3128 does not speak HTTP/1.1: it sent '" in text
    assert loss is FailureKind.PROXY


def test_a_closed_connection_is_transient() -> None:
    for before in ([], [b"HTTP/1.1 200"]):
        text, loss = refused(*before, b"")
        assert "closed the connection without a response" in text
        assert loss is FailureKind.CONNECT


@pytest.mark.parametrize("piece", [b"HTTP/1.1 100 Continue\r\n\r\n", b"x", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 99])
def test_an_endless_response(piece: bytes) -> None:
    asked = tunnel(head=500)
    with pytest.raises(ProxyError):
        for _ in range(1000):
            asked.receive(piece)
    assert "more than a response" in refused(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 2000)[0]


def test_bytes_before_the_handshake_are_refused() -> None:
    assert "more than a response" in refused(OK + b"x")[0]


@given(st.binary(max_size=200), st.data())
def test_any_bytes_open_the_tunnel_or_raise(noise: bytes, data: st.DataObject) -> None:
    start = data.draw(st.sampled_from([b"", b"HTTP/1.1 ", OK[:-2]]))
    asked = tunnel()
    try:
        asked.receive(start + noise)
        if not asked.is_open:
            asked.receive(b"")
    except ProxyError:
        return
    assert asked.is_open
