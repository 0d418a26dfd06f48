"""No report of an error shows a secret, local variables of all frames included, as pytest and Sentry show them."""

from __future__ import annotations

import asyncio
import base64
import socket
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest

from bento_async import AsyncHTTPClient
from bento_sync import BentoMLException, SyncHTTPClient, Timeout
from tests.hostile.server import Peer, Server, Step, answer, send
from tests.hostile.service import SCHEMA
from tests.reports import held, reported
from tests.waiting import HANGS, until

SECRET = "s3cr3t-t0k3n"
BASIC = base64.b64encode(f"me:{SECRET}".encode()).decode()
SECRETS: dict[str, dict[str, object]] = {
    "a token": {"token": SECRET},
    "a function's token": {"token": lambda: SECRET},
    "headers": {"headers": {"Authorization": f"Bearer {SECRET}", "X-Api-Key": SECRET, "Cookie": f"a={SECRET}"}},
    "a function of the request": {"auth": lambda request: {"Authorization": f"Bearer {SECRET}", "X-Api-Key": SECRET}},
    "the URL": {},
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BENTO_CLOUD_API_KEY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


ANSWER = answer(
    b"{}",
    f"Set-Cookie: a={SECRET}",
    f"Location: //me:{SECRET}@h/;token={SECRET}?code={SECRET}#access_token={SECRET}",
    f"Link: <https://h/?sig={SECRET}>; rel=next",
    f"X-Auth-Token: {SECRET}",
    status="500 No",
)


def call_sync(url: str, options: dict[str, object]) -> None:
    with SyncHTTPClient(url, **options) as client:  # type: ignore[arg-type]  # as a caller gives them
        client.echo(text="in")


def call_async(url: str, options: dict[str, object]) -> None:
    async def main() -> None:
        async with AsyncHTTPClient(url, **options) as client:  # type: ignore[arg-type]
            await asyncio.wait_for(client.echo(text="in"), HANGS)

    asyncio.run(main())


def call_trio(url: str, options: dict[str, object]) -> None:
    async def main() -> None:
        async with AsyncHTTPClient(url, **options) as client:  # type: ignore[arg-type]
            await client.echo(text="in")

    anyio.run(main, backend="trio")


CALLS: dict[str, Callable[[str, dict[str, object]], None]] = {
    "sync": call_sync,
    "asyncio": call_async,
    "trio": call_trio,
}
REPORTED: dict[str, tuple[Step, ...]] = {
    "status 500": (Peer.request, send(ANSWER)),
    "closed": (Peer.request,),
    "garbage": (Peer.request, send(b"garbage\r\n\r\n")),
    "stalled": (Peer.request, Peer.stall),
    "a malformed field": (Peer.request, send(answer(b"{}", f"Set-Cookie: a={SECRET}\0"))),
    "a malformed field without a colon": (Peer.request, send(answer(b"{}", f"Set-Cookie a={SECRET}:"))),
    "a malformed length": (Peer.request, send(answer(b"{}", f"Set-Cookie: a={SECRET}", "Content-Length: 1x"))),
    "a redirect to another protocol": (
        Peer.request,
        send(answer(b"", f"Location: ftp://me:{SECRET}@h/?sig={SECRET}", status="302 On")),
    ),
    "a redirect without end": (
        Peer.request,
        send(answer(b"", f"Location: /;key={SECRET}?sig={SECRET}", status="307 On")),
    )
    * 30,
    "a redirect into the void": (
        Peer.request,
        send(answer(b"", f"Location: https://me:{SECRET}@127.0.0.1:1/?sig={SECRET}", status="307 On")),
    ),
    "odd fields": (
        Peer.request,
        send(answer(b"{}", f"SourceMap: //me:{SECRET}@h/", f"X-Next: /p?code={SECRET}", status="500 No")),
    ),
}


def assert_not_reported(error: BaseException) -> None:
    texts = [*reported(error), *traceback.TracebackException.from_exception(error).format()]
    assert len(texts) > 3
    assert [text for text in texts if SECRET in text or BASIC in text] == []


def with_secret(secret: str, url: str, *, known: bool) -> tuple[str, dict[str, object]]:
    """A URL and options with a secret, for a Service whose schema is known, or one that is asked for it first."""
    options: dict[str, object] = {"timeout": 5, "server_ready_timeout": 1, "retries": 1}
    if known:
        options |= {"timeout": HANGS, "schema": SCHEMA, "server_ready_timeout": 0, "retries": 0}
    if secret == "a proxy":
        return "http://elsewhere.example", {**options, "proxy": url.replace("//", f"//me:{SECRET}@")}
    return (url.replace("//", f"//me:{SECRET}@") if secret == "the URL" else url), {**options, **SECRETS[secret]}


@pytest.mark.parametrize("trouble", REPORTED)
@pytest.mark.parametrize("secret", [*SECRETS, "a proxy"])
@pytest.mark.parametrize("call", CALLS)
def test_no_local_variable_shows_a_secret(server: Server, call: str, secret: str, trouble: str) -> None:
    server.script(*REPORTED[trouble])
    url, options = with_secret(secret, server.url, known=True)
    if trouble == "stalled":
        options["timeout"] = Timeout(HANGS, receive=0.3)
    with pytest.raises((BentoMLException, TimeoutError)) as info:
        CALLS[call](url, options)
    assert_not_reported(info.value)
    until(lambda: SECRET in repr(server.requests) or BASIC in repr(server.requests))


@pytest.mark.parametrize("trouble", REPORTED)
@pytest.mark.parametrize("secret", ["a token", "a function of the request", "the URL", "a proxy"])
@pytest.mark.parametrize("call", CALLS)
def test_nor_does_any_object_that_a_frame_holds(server: Server, call: str, secret: str, trouble: str) -> None:
    server.script(*REPORTED[trouble])
    url, options = with_secret(secret, server.url, known=True)
    if trouble == "stalled":
        options["timeout"] = Timeout(HANGS, receive=0.3)
    with pytest.raises((BentoMLException, TimeoutError)) as info:
        CALLS[call](url, options)
    texts = list(held(info.value))
    assert len(texts) > 50
    assert [(place, text) for place, text in texts if SECRET in text or BASIC in text] == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_call_that_is_cancelled_shows_none(server: Server, backend: str, stream: bool) -> None:
    server.script(Peer.request, Peer.stall)
    errors: list[BaseException] = []

    async def call(client: AsyncHTTPClient) -> None:
        try:
            if stream:
                async for _ in client.words(text="in"):
                    pass
            else:
                await client.echo(text="in")
        except BaseException as exc:
            errors.append(exc)
            raise

    async def main() -> None:
        options: dict[str, Any] = {**SECRETS["headers"], "schema": SCHEMA, "server_ready_timeout": 0}
        async with AsyncHTTPClient(server.url, **options) as client, anyio.create_task_group() as calls:
            calls.start_soon(call, client)
            await anyio.to_thread.run_sync(until, lambda: server.requests)
            calls.cancel_scope.cancel()

    anyio.run(main, backend=backend)
    assert type(errors[0]).__name__.startswith("Cancelled")
    assert_not_reported(errors[0])
    assert [place for place, text in held(errors[0]) if SECRET in text] == []


@pytest.mark.parametrize(
    ("url", "more"),
    [
        (f"/x?access_token={SECRET}", {}),
        ("/x", {"params": {"access_token": SECRET}}),
        ("/x", {"headers": {"X-Api-Key": SECRET}}),
        ("/x", {"cookies": {"session": SECRET}}),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("call", CALLS)
def test_nor_of_a_request_of_the_callers_own(
    server: Server, call: str, url: str, more: dict[str, dict[str, str]], stream: bool
) -> None:
    server.script(Peer.request, send(b"garbage\r\n\r\n"))
    given = (server.url, url, more)
    with pytest.raises(BentoMLException) as info:
        request(call, given, stream=stream)
    assert_not_reported(info.value)
    assert SECRET in repr(server.requests)


def request(call: str, given: tuple[str, str, dict[str, dict[str, str]]], *, stream: bool) -> None:
    options: dict[str, Any] = {"schema": SCHEMA, "server_ready_timeout": 0, "retries": 0, "proxy": None}
    if call == "sync":
        with SyncHTTPClient(given[0], **options) as client:
            client.request("GET", given[1], stream=stream, **given[2])  # type: ignore[call-overload]
        return

    async def main() -> None:
        async with AsyncHTTPClient(given[0], **options) as client:
            await client.request("GET", given[1], stream=stream, **given[2])  # type: ignore[call-overload]

    anyio.run(main, backend=call)


@pytest.mark.parametrize("secret", [*SECRETS, "a proxy"])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("call", CALLS)
def test_none_does_if_the_server_is_unreachable(call: str, known: bool, secret: str) -> None:
    with socket.socket() as taken:  # and not listening
        taken.bind(("127.0.0.1", 0))
        url, options = with_secret(secret, f"http://127.0.0.1:{taken.getsockname()[1]}", known=known)
    with pytest.raises(BentoMLException) as info:
        CALLS[call](url, options)
    assert_not_reported(info.value)


@pytest.mark.parametrize(
    "options",
    [
        {"token": f"{SECRET}\n"},
        {"token": lambda: f"{SECRET} x"},
        {"auth": lambda request: {"X-Key": f"{SECRET}\n\0"}},
        {"headers": {"Authorization": f"{SECRET}\0"}},
        {"headers": {"X-Key": SECRET, "Host": SECRET}},
        {"proxy": f"gopher://me:{SECRET}@h"},
        {"proxy": f"http://me:{SECRET}@h:0"},
        {"url": f"http://me:{SECRET}@h:0"},
        {"url": f"http://me:{SECRET}@[h/"},
        {"url": f"http://h/?token={SECRET}"},
    ],
)
@pytest.mark.parametrize("call", CALLS)
def test_no_error_of_a_malformed_option_shows_it(call: str, options: dict[str, object]) -> None:
    more: dict[str, object] = {"schema": SCHEMA, "server_ready_timeout": 0, **options}
    with pytest.raises(ValueError, match=r".") as info:
        CALLS[call](str(more.pop("url", "http://127.0.0.1:1")), more)
    assert_not_reported(info.value)


@pytest.mark.parametrize("call", CALLS)
def test_no_error_of_the_environments_proxy_shows_it(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    monkeypatch.setenv("http_proxy", f"http://me:{SECRET}@h:0")
    monkeypatch.setenv("BENTO_CLOUD_API_KEY", SECRET)
    with pytest.raises(BentoMLException, match="http_proxy") as info:
        CALLS[call]("http://elsewhere.example", {"schema": SCHEMA, "server_ready_timeout": 0, "retries": 0})
    assert_not_reported(info.value)


def test_none_of_a_view_shows_it() -> None:
    client = SyncHTTPClient(schema=SCHEMA)
    with pytest.raises(ValueError, match="X-Key") as info:
        client.with_options(headers={"X-Key": f"{SECRET}\r\nHost: x"})
    assert_not_reported(info.value)


@pytest.mark.parametrize("secret", [*SECRETS, "a proxy"])
@pytest.mark.parametrize("call", CALLS)
def test_none_does_if_the_schema_is_refused(server: Server, call: str, secret: str) -> None:
    ready = send(answer(b""))
    server.script(Peer.request, ready, Peer.request, send(ANSWER), Peer.request, send(ANSWER))
    url, options = with_secret(secret, server.url, known=False)
    with pytest.raises(BentoMLException) as info:
        CALLS[call](url, options)
    assert_not_reported(info.value)
