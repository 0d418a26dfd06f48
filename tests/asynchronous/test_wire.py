"""What servers do with a connection: refuse early, close, close to end an answer, speak in between, or keep it."""

from __future__ import annotations

import gc
import os
import random
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
import trustme

from bento_async import BentoMLException, ConnectError, ConnectionLost, LimitExceeded, Limits, RemoteProtocolError

from .peers import CHUNKED, Peer, chunk, reply
from .schemas import client

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_tasks")]

JSON = "Content-Type: application/json"


@pytest.mark.parametrize("kind", ["bytes", "file"])
async def test_an_upload_that_is_refused_is_not_sent_to_its_end(peer: Peer, kind: str, tmp_path: Path) -> None:
    content: bytes | Path = bytes(20_000_000)
    if kind == "file":
        content = tmp_path / "large"
        content.write_bytes(bytes(20_000_000))
    peer.answers["/deaf_upload"] = reply(b'{"error": "too large"}', JSON, status="413 Too Large")
    peer.deaf.add("/deaf_upload")  # it neither reads on nor closes
    async with client(peer.url, timeout=60) as called:
        with anyio.fail_after(30), pytest.raises(BentoMLException, match="too large") as caught:
            await called.deaf_upload(x=content)
        assert caught.value.error_code == 413
        await anyio.to_thread.run_sync(peer.wait_until_closed)
        assert await called.upload(x=b"abc") is not None


async def test_a_whole_upload_arrives(peer: Peer, tmp_path: Path) -> None:
    content = random.Random(1).randbytes(3_000_000)
    (tmp_path / "large").write_bytes(content)
    async with client(peer.url) as called:
        form = await called.upload.raw(x=tmp_path / "large")
        assert content in form.value
        assert content in await called.upload(x=content)
        assert peer.accepted == 1


async def test_a_connection_is_used_again(peer: Peer) -> None:
    async with client(peer.url) as called:
        for number in range(5):
            assert await called.echo(x=number) == {"x": number}
    assert peer.accepted == 1


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"[1]", JSON, "Connection: close"),
        b"HTTP/1.0 200 OK\r\n" + JSON.encode() + b"\r\n\r\n[1]",
        b"HTTP/1.1 200 OK\r\n" + JSON.encode() + b"\r\n\r\n[1]",
    ],
    ids=["close", "HTTP/1.0", "until the close"],
)
async def test_a_connection_that_the_server_gives_up_is_not_used_again(peer: Peer, answer: bytes) -> None:
    peer.answers["/echo"] = answer
    peer.closing.add("/echo")
    async with client(peer.url) as called:
        assert [await called.echo(x=1), await called.echo(x=1)] == [[1], [1]]
    assert peer.accepted == 2


async def test_a_connection_that_the_server_closes_while_it_is_idle(peer: Peer) -> None:
    peer.closing.add("/echo")  # without a word
    async with client(peer.url) as called:
        for number in range(3):
            assert await called.echo(x=number) == {"x": number}
            await anyio.sleep(0.02)
    assert peer.accepted == 3


async def test_a_connection_on_which_nobody_asked_for_more(peer: Peer) -> None:
    peer.answers["/echo"] = reply(b"[1]", JSON) + reply(b"[666]", JSON)
    async with client(peer.url) as called:
        assert [await called.echo(x=1), await called.echo(x=1)] == [[1], [1]]
    assert peer.accepted == 2


async def test_a_connection_on_which_more_comes_later(peer: Peer) -> None:
    """At once as after a while: what the system holds is looked for, and what the loop has read is remembered."""
    peer.answers["/text"] = reply(b"x" * 1024 + b"y" * 1024) + b"z" * 100_000  # more than is read for the first answer
    async with client(peer.url) as called:
        for pause in (0, 0.05):
            for _ in range(3):
                assert len(await called.text(x=1)) == 2048
                await anyio.sleep(pause)


async def test_clients_that_are_dropped_while_their_loop_goes_on(peer: Peer) -> None:
    """Their sockets close, and those that get the same numbers are no worse for it."""
    for number in range(20):
        assert await client(peer.url).echo(x=number) == {"x": number}
        gc.collect()
    await anyio.sleep(0.05)
    await anyio.to_thread.run_sync(peer.wait_until_closed)


async def test_a_stream_that_is_read_slowly(peer: Peer) -> None:
    """What comes meanwhile stays with the system; nothing of it is lost, or changes places."""
    pieces = [f"{number:08}" * 8000 for number in range(100)]
    peer.answers["/stream"] = CHUNKED + b"".join(chunk(piece.encode()) for piece in pieces) + chunk(b"")
    async with client(peer.url) as called, called.stream(x=1) as stream:
        got = ""
        async for item in stream:
            if len(got) < 3_000_000:
                await anyio.sleep(0.002)
            got += item
    assert got == "".join(pieces)


async def test_interim_answers(peer: Peer) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    peer.answers["/echo"] = interim + b"HTTP/1.1 100 Continue\r\n\r\n" + reply(b"[1]", JSON)
    peer.answers["/half"] = interim * 100
    async with client(peer.url) as called:
        assert await called.echo(x=1) == [1]
        with pytest.raises(RemoteProtocolError, match="interim"):
            await called.half(x=1)


async def test_a_body_of_unknown_length_goes_in_chunks(peer: Peer) -> None:
    if not hasattr(os, "pipe"):
        pytest.skip("there are no pipes here")
    reading, writing = os.pipe()
    os.write(writing, b"from the pipe")
    os.close(writing)
    with open(reading, "rb") as pipe:
        async with client(peer.url) as called:
            assert b"from the pipe" in await called.upload(x=pipe)


async def test_an_answer_that_is_cut(peer: Peer) -> None:
    peer.answers |= {
        "/half": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1",
        "/stream": CHUNKED + chunk(b"one"),
        "/download": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1",
    }
    peer.closing |= set(peer.answers)
    async with client(peer.url) as called:
        for name in ("half", "download"):
            with pytest.raises(ConnectionLost):
                await called.call(name, x=1)
        async with called.stream(x=1) as stream:
            assert await stream.__anext__() == "one"
            with pytest.raises(ConnectionLost):
                await stream.__anext__()


async def test_a_limit(peer: Peer) -> None:
    peer.answers["/text"] = reply(b"x" * 2000)
    async with client(peer.url, limits=Limits(body=1000)) as called:
        with pytest.raises(LimitExceeded):
            await called.text(x=1)


async def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://localhost:{closed.getsockname()[1]}"
    async with client(url) as called:
        with pytest.raises(ConnectError, match="can't connect to http://localhost") as caught:
            await called.echo(x=1)
        assert isinstance(caught.value.__cause__, ConnectionRefusedError)
        assert not await called.is_ready()


async def test_a_name_with_several_addresses(peer: Peer) -> None:
    """The peer listens on one of the addresses of localhost; the other one refuses."""
    async with client(f"http://localhost:{peer.port}") as called:
        assert await called.echo(x=1) == {"x": 1}


async def test_a_unix_socket(tmp_path: Path, peer: Peer) -> None:
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("there are no Unix sockets here")
    path = tmp_path / "socket"
    with Peer(socket.socket(socket.AF_UNIX), str(path)) as there:
        async with client(f"unix:{path}") as called:
            assert [await called.echo(x=1), await called.echo(x=2)] == [{"x": 1}, {"x": 2}]
        assert there.accepted == 1
    async with client(f"unix:{tmp_path}/none") as called:
        with pytest.raises(ConnectError) as caught:
            await called.echo(x=1)
        assert isinstance(caught.value.__cause__, FileNotFoundError)


# --- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[Peer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    with Peer(context=context) as peer:
        yield peer


async def test_tls(secure: Peer, authority: trustme.CA) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    secure.answers["/stream"] = CHUNKED + chunk(b"one") * 1000 + chunk(b"")
    secure.answers["/download"] = reply(bytes(2_000_000), "Content-Disposition: attachment; filename=x.bin")
    async with client(secure.url, ssl_context=context) as called:
        assert await called.echo(x=1) == {"x": 1}
        assert "".join([item async for item in called.stream(x=1)]) == "one" * 1000
        assert bytes(1_000_000) in await called.upload(x=bytes(1_000_000))
        saved: Path = await called.download(x=1)
        assert saved.stat().st_size == 2_000_000
    assert secure.accepted == 1


async def test_a_response_over_tls_that_ends_with_the_connection_but_not_with_tls(
    secure: Peer, authority: trustme.CA
) -> None:
    """Anybody on the way can end a connection; that the response is complete, only the server can say."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    secure.answers["/text"] = b"HTTP/1.1 200 OK\r\n\r\ncut"
    secure.closing.add("/text")
    async with client(secure.url, ssl_context=context) as called:
        with pytest.raises(ConnectionLost):
            await called.text(x=1)


async def test_a_certificate_of_nobody_that_is_trusted(secure: Peer) -> None:
    async with client(secure.url, retries=3) as called:
        with pytest.raises(ConnectError, match="certificate") as caught:
            await called.echo(x=1)
        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert secure.accepted == 1  # trying again does not help


async def test_a_certificate_of_the_clients_own(authority: trustme.CA) -> None:
    demanding = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(demanding)
    authority.configure_trust(demanding)
    demanding.verify_mode = ssl.CERT_REQUIRED
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with Peer(context=demanding) as peer:
        async with client(peer.url, ssl_context=context) as called:
            with pytest.raises(ConnectError, match="no TLS with https://"):
                await called.echo(x=1)
        authority.issue_cert("me@example.org").configure_cert(context)
        async with client(peer.url, ssl_context=context) as called:
            assert await called.echo(x=1) == {"x": 1}
