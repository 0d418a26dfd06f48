"""A secret is shown by nothing that a person or a log may come to see."""

from __future__ import annotations

import base64
import logging
import pickle
import traceback
from collections.abc import Iterator

import pytest

from bento_sync import BentoMLException, Unauthorized
from tests.parity.faces import Connect
from tests.reports import reported

from .promises import assert_right
from .server import Peer, Server, Step, answer, send

SECRET = "s3cr3t-t0k3n"
BASIC = base64.b64encode(f"me:{SECRET}".encode()).decode()


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


TROUBLES: dict[str, tuple[Step, ...]] = {
    "closed": (Peer.request,),
    "reset": (Peer.request, Peer.reset),
    "stalled": (Peer.request, Peer.stall),
    "garbage": (Peer.request, send(b"garbage\r\n\r\n")),
    "refused": (Peer.request, send(answer(b'{"error": "no"}', status="401 No"))),
    "no JSON": (Peer.request, send(answer(b"{"))),
    "redirect": (Peer.request, send(answer(b"", "Location: ftp://x/", status="302 On"))),
}
SECRETS: dict[str, dict[str, object]] = {
    "a token": {"token": SECRET},
    "a function's token": {"token": lambda: SECRET},
    "headers": {"headers": {"Authorization": f"Bearer {SECRET}", "X-Api-Key": SECRET, "Cookie": f"a={SECRET}"}},
    "a function of the request": {"auth": lambda request: {"Authorization": f"Bearer {SECRET}", "X-Api-Key": SECRET}},
    "the URL": {},
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_shows_a_secret(
    connect: Connect, server: Server, caplog: pytest.LogCaptureFixture, secret: str, trouble: str
) -> None:
    caplog.set_level(logging.DEBUG)
    url = server.url.replace("//", f"//me:{SECRET}@") if secret == "the URL" else server.url
    client = connect(url, **SECRETS[secret], timeout=0.6)
    server.script(*TROUBLES[trouble])
    with pytest.raises(BentoMLException) as info:
        client.value()
    shown = [repr(client), client.url, repr(client.value), repr(client.with_options(timeout=3))]
    for error in chain(info.value):
        shown += [str(error), repr(error), *traceback.format_exception(error)]
    shown += [repr(vars(info.value)), repr(pickle.loads(pickle.dumps(info.value)))]
    shown += [record.getMessage() for record in caplog.records]
    shown += reported(info.value)
    for text in shown:
        assert SECRET not in text
        assert BASIC not in text
    assert SECRET in repr(server.requests) or BASIC in repr(server.requests), "it was sent, or there was nothing to see"
    assert_right(client)


def test_a_function_is_asked_again_after_a_401_once(connect: Connect, server: Server) -> None:
    tokens = iter(["old", "new", "newer"])
    client = connect(token=lambda: next(tokens))
    server.script(Peer.request, send(answer(b"{}", status="401 No")), Peer.serve)
    assert client.echo(text="in") == "in"
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer old", "Bearer new"]
    assert_right(client)
    assert server.requests[-1].headers["authorization"] == "Bearer new"


def test_and_not_twice(connect: Connect, server: Server) -> None:
    tokens = iter(["old", "new", "newer"])
    client = connect(token=lambda: next(tokens))
    refused = send(answer(b"{}", status="401 No"))
    server.script(Peer.request, refused, Peer.request, refused, Peer.serve)
    with pytest.raises(Unauthorized):
        client.echo()
    assert len(server.requests) == 2
    assert next(tokens) == "newer"


def test_a_fixed_token_is_sent_once(connect: Connect, server: Server) -> None:
    server.script(Peer.request, send(answer(b"{}", status="401 No")), Peer.serve)
    with pytest.raises(Unauthorized):
        connect(token=SECRET).echo()
    assert len(server.requests) == 1


def test_what_a_server_sets_in_a_cookie_is_not_shown(connect: Connect, server: Server) -> None:
    server.script(Peer.request, send(answer(b"{}", f"Set-Cookie: a={SECRET}", status="400 No")))
    with pytest.raises(BentoMLException) as info:
        connect().echo()
    assert SECRET not in repr(info.value.headers)
    assert SECRET not in str(info.value)
