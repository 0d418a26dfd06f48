"""Answers that end too early: nothing that is half is ever handed over as whole."""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path

import pytest
import trustme

from bento_sync import BentoMLException, ConnectionLost, InternalServerError, SyncHTTPClient
from tests.parity.faces import Connect

from .promises import READS, assert_right, within
from .server import Peer, Server, Step, send

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CUTS = {
    "before the head": b"",
    "in the status line": b"HTTP/1.1 2",
    "in a header": b"HTTP/1.1 200 OK\r\nContent-Le",
    "before the head's end": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n",
    "after the head": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
    "by length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}{}{}{}{",
    "before the first chunk": CHUNKED,
    "in a chunk size": CHUNKED + b"2\r\n{}\r\n2",
    "in a chunk": CHUNKED + b"2\r\n{}\r\n5\r\n{}",
    "behind a chunk's data": CHUNKED + b"2\r\n{}",
    "between chunks": CHUNKED + b"2\r\n{}\r\n",
    "in the last chunk": CHUNKED + b"2\r\n{}\r\n0\r\n",
    "in the trailers": CHUNKED + b"2\r\n{}\r\n0\r\nX-T: 1\r\n",
    "in an interim answer": b"HTTP/1.1 100 Continue\r\n",
    "behind an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n",
}
ENDS: dict[str, Step] = {"closed": lambda peer: None, "reset": Peer.reset}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("read", READS)
def test_what_is_cut_off_is_lost(
    connect: Connect, server: Server, tmp_path: Path, read: str, cut: str, end: str
) -> None:
    client = connect(download_dir=tmp_path)
    server.script(Peer.request, send(CUTS[cut]), ENDS[end])
    with within(60), pytest.raises(ConnectionLost) as info:
        READS[read](client)
    assert info.value.sent
    assert isinstance(info.value, ConnectionError)
    assert not list(tmp_path.iterdir()), "half a file is no file"
    assert len(server.requests) == 1
    assert_right(client)


def test_a_stream_gives_what_came_and_then_the_error(client: SyncHTTPClient, server: Server) -> None:
    server.script(Peer.request, send(CHUNKED + b'a\r\n{"n": 1}{"\r\n'))
    items: list[object] = []
    with pytest.raises(ConnectionLost):
        items.extend(client.objects())
    assert items == [{"n": 1}]
    assert_right(client)


def test_the_words_before_the_cut_are_handed_over(client: SyncHTTPClient, server: Server) -> None:
    server.script(Peer.request, send(CHUNKED + b"6\r\none \xe2\x82\r\n"))
    words: list[str] = []
    with pytest.raises(ConnectionLost):
        words.extend(client.words())
    assert "".join(words) == "one "
    assert_right(client)


@pytest.mark.parametrize("end", ENDS)
def test_an_error_whose_body_is_cut_off_is_that_error(client: SyncHTTPClient, server: Server, end: str) -> None:
    server.script(Peer.request, send(b'HTTP/1.1 500 Oops\r\nContent-Length: 99\r\n\r\n{"error": "no'), ENDS[end])
    with pytest.raises(InternalServerError):
        client.echo()
    assert_right(client)


def test_json_that_is_cut_off_by_its_sender_is_no_value(client: SyncHTTPClient, server: Server) -> None:
    server.script(Peer.request, send(b'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n{"a": '), Peer.serve)
    with pytest.raises(BentoMLException, match="not JSON"):
        client.value()
    assert_right(client)


def test_a_half_closed_connection_that_goes_on_is_a_whole_answer(client: SyncHTTPClient, server: Server) -> None:
    server.script(Peer.request, send(b"HTTP/1.1 200 OK\r\n\r\nuntil the end"), Peer.half_close, Peer.stall)
    assert client.echo() == "until the end"
    assert_right(client)


@pytest.mark.parametrize("size", [70_000, 100_000, 200_000, 300_000])
def test_an_answer_that_comes_as_the_last_byte_is_sent_is_whole(client: SyncHTTPClient, size: int) -> None:
    """Who watches for an early refusal meanwhile must lose nothing of it."""
    for _ in range(5):
        assert client.echo(text="a" * size) == "a" * size


@pytest.mark.parametrize("read", ["text", "bytes", "file"])
def test_over_tls_a_response_ends_with_tls_and_not_with_the_connection(
    connect: Connect, tmp_path: Path, read: str
) -> None:
    """Anybody on the way can end a connection (RFC 9112 section 9.8)."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with Server(tls=context) as secure:
        client = connect(secure.url, ssl_context=trusting, download_dir=tmp_path)
        secure.script(Peer.request, send(b"HTTP/1.1 200 OK\r\n\r\ncut"))
        with pytest.raises(ConnectionLost):
            READS[read](client)
        assert not list(tmp_path.iterdir())
        secure.script(Peer.request, send(b"HTTP/1.1 200 OK\r\n\r\nwhole"), end_tls)
        READS[read](client)


def end_tls(peer: Peer) -> None:
    assert isinstance(peer.sock, ssl.SSLSocket)
    with contextlib.suppress(OSError):  # the client need not answer
        peer.sock.unwrap()
