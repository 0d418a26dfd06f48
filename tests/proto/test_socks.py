"""SOCKS5: what is sent to the proxy, and its responses split anywhere."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bento_proto import FailureKind, Limits
from bento_proto.http import Origin, Proxy, ProxyError
from bento_proto.http11 import SocksTunnel, Tunnel, open_tunnel

from .play import splits

PLAIN = Proxy(Origin("socks5", "p", 1080))
KNOWN = Proxy(Origin("socks5", "p", 1080), "me:s3:cret")
THERE = Origin("https", "service.example.", 443)
CONNECT = b"\5\1\0\3\x0fservice.example\1\xbb"
OPEN = b"\5\0\0\1\x7f\0\0\1\x04\x38"


def test_the_kind_of_the_proxy_decides() -> None:
    assert isinstance(open_tunnel(PLAIN, THERE, Limits()), SocksTunnel)
    assert isinstance(open_tunnel(Proxy(Origin("http", "p", 80)), THERE, Limits()), Tunnel)


@pytest.mark.parametrize(
    ("origin", "address"),
    [
        (THERE, b"\3\x0fservice.example\1\xbb"),
        (Origin("http", "10.1.2.3", 80), b"\1\x0a\1\2\3\0\x50"),
        (Origin("http", "::1", 3000), b"\4" + bytes(15) + b"\1\x0b\xb8"),
        (Origin("http", "fe80::1%eth0", 80), b"\4\xfe\x80" + bytes(13) + b"\1\0\x50"),
        (Origin("http", "10.example", 80), b"\3\x0a10.example\0\x50"),
    ],
)
def test_the_address_is_sent_as_what_it_is(origin: Origin, address: bytes) -> None:
    tunnel = SocksTunnel(PLAIN, origin)
    assert tunnel.request == b"\5\1\0"
    assert tunnel.receive(b"\5\0") == b"\5\1\0" + address


def test_user_and_password() -> None:
    tunnel = SocksTunnel(KNOWN, THERE)
    assert tunnel.request == b"\5\2\0\2"
    assert tunnel.receive(b"\5\2") == b"\1\2me\x07s3:cret"
    assert tunnel.receive(b"\1\0") == CONNECT
    assert tunnel.receive(OPEN) == b""
    assert tunnel.is_open
    assert "cret" not in repr(tunnel)


def test_a_proxy_may_want_no_password() -> None:
    tunnel = SocksTunnel(KNOWN, THERE)
    assert tunnel.receive(b"\5\0") == CONNECT


@pytest.mark.parametrize(
    "reply", [OPEN, b"\5\0\0\4" + bytes(18), b"\5\0\0\3\0\0\0", b"\5\0\0\3\x0a" + b"x" * 10 + b"\0\0"]
)
def test_any_split_opens_the_tunnel(reply: bytes) -> None:
    for pieces in splits(b"\5\2\1\0" + reply):
        tunnel = SocksTunnel(KNOWN, THERE)
        assert repr(tunnel) == "<SocksTunnel through socks5://p: asked for>"
        sent = b""
        for piece in filter(None, pieces):
            assert not tunnel.is_open
            sent += tunnel.receive(piece)
        assert tunnel.is_open
        assert sent == b"\1\2me\x07s3:cret" + CONNECT
        assert repr(tunnel) == "<SocksTunnel through socks5://p: open>"


@pytest.mark.parametrize(
    ("proxy", "answers", "says", "kind"),
    [
        (PLAIN, [b""], "closed the connection", FailureKind.CONNECT),
        (PLAIN, [b"\5\0", b""], "closed the connection", FailureKind.CONNECT),
        (PLAIN, [b"HTTP/1.1 400 Bad Request\r\n"], "does not speak SOCKS5", FailureKind.PROXY),
        (PLAIN, [b"\5\xff"], "requires a user and a password", FailureKind.PROXY),
        (PLAIN, [b"\5\2"], "requires a user and a password", FailureKind.PROXY),
        (KNOWN, [b"\5\1"], "requires a user and a password", FailureKind.PROXY),
        (KNOWN, [b"\5\2", b"\1\1"], "did not accept the user and password", FailureKind.PROXY),
        (PLAIN, [b"\5\0", b"\5\1\0\1\0"], "does not connect: general failure", FailureKind.CONNECT),
        (PLAIN, [b"\5\0", b"\5\2\0\1\0"], "does not connect: not allowed", FailureKind.PROXY),
        (PLAIN, [b"\5\0", b"\5\3\0\1\0"], "does not connect: network unreachable", FailureKind.CONNECT),
        (PLAIN, [b"\5\0", b"\5\5\0\1\0"], "does not connect: connection refused", FailureKind.CONNECT),
        (PLAIN, [b"\5\0", b"\5\x08\0\1\0"], "does not connect: reply 8", FailureKind.PROXY),
        (PLAIN, [b"\5\0", b"\4\1\0\1\0"], "does not speak SOCKS5", FailureKind.PROXY),
        (PLAIN, [b"\5\0", b"\5\0\0\2\0"], "does not speak SOCKS5", FailureKind.PROXY),
        (PLAIN, [b"\5\0", OPEN + b"x"], "sends more than a response", FailureKind.PROXY),
        (Proxy(PLAIN.origin, "me:" + "x" * 256), [b"\5\2"], "password for .* is too long", FailureKind.PROXY),
    ],
)
def test_a_proxy_that_does_not_connect(proxy: Proxy, answers: list[bytes], says: str, kind: FailureKind) -> None:
    tunnel = SocksTunnel(proxy, THERE)
    with pytest.raises(ProxyError, match=says) as caught:
        for answer in answers:
            tunnel.receive(answer)
    assert caught.value.kind is kind
    assert "socks5://p" in str(caught.value)
    assert "cret" not in str(caught.value)


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=5))
def test_any_bytes_open_the_tunnel_or_are_an_error(pieces: list[bytes]) -> None:
    tunnel = SocksTunnel(KNOWN, THERE)
    with suppress(ProxyError):
        for piece in pieces:
            if not tunnel.is_open:
                tunnel.receive(piece)
