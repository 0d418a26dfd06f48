"""Uploads that are longer than what the system buffers, over TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from bento_sync import BentoMLException
from tests.hostile.server import Peer, Server, answer, send
from tests.hostile.service import SCHEMA
from tests.parity.faces import Connect

LARGE = b"x" * (8 << 20)


@pytest.fixture
def serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_session_ticket_is_no_response(connect: Connect, serving: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    """TLS 1.3 sends tickets after the handshake, which make the socket readable while the client still sends."""
    with Server(serving) as server:
        client = connect(server.url, schema=SCHEMA, ssl_context=trusting, server_ready_timeout=0, timeout=20)
        client.upload(LARGE)
        assert [len(request.body) > len(LARGE) for request in server.requests] == [True]


def test_a_refusal_ends_the_upload(connect: Connect, serving: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    """The server answers after the head, and reads no more."""
    with Server(serving) as server:
        server.script(Peer.head, send(answer(b"no", "Connection: close", status="413 Too Large")), Peer.stall)
        client = connect(server.url, schema=SCHEMA, ssl_context=trusting, server_ready_timeout=0, timeout=20)
        with pytest.raises(BentoMLException) as caught:
            client.upload(LARGE)
        assert caught.value.error_code == 413
