"""One deadline over everything up to an answer: looking the name up, all addresses, a proxy, TLS.

Each test has a host that can't be reached, in one way; each limit that a caller can give holds there. ``INFRA_EXCESS``
is how many seconds later than its limit a call may end, where the machine is not busy; by how much they did is printed.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from bento_sync import BentoMLException, CallTimeout, Limits, ServiceUnavailable, Timeout
from tests.hostile.server import Server
from tests.hostile.service import SCHEMA
from tests.parity.faces import Connect, Face

from .addresses import Names, dead, silent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 and a full backlog are Linux's")

HOST = "service.test"
LIMIT = 1.0
EXCESS = float(os.environ.get("INFRA_EXCESS", "4.0"))
GIVEN = json.dumps(SCHEMA).encode()

Unreachable: TypeAlias = "dict[str, object]"
"""The arguments of a client of a host that can't be reached."""


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    names = Names(monkeypatch)
    yield names
    names.end()


def many_dead(names: Names, stack: ExitStack) -> Unreachable:
    addresses, port = stack.enter_context(
        dead(8)
    )  # one after the other, they would take all of what a call may be late
    names.has(HOST, addresses)
    return {"url": f"http://{HOST}:{port}"}


def many_dead_tls(names: Names, stack: ExitStack) -> Unreachable:
    return {"url": str(many_dead(names, stack)["url"]).replace("http:", "https:")}


def silent_tls_behind_a_dead_one(names: Names, stack: ExitStack) -> Unreachable:
    addresses, port = stack.enter_context(dead(1))
    stack.enter_context(silent("127.0.0.31", port))
    names.has(HOST, [*addresses, "127.0.0.31"])
    return {"url": f"https://{HOST}:{port}"}


def slow_resolver(names: Names, stack: ExitStack) -> Unreachable:
    names.takes(HOST, 10, ["127.0.0.1"])
    return {"url": f"http://{HOST}:9"}


def proxy_with_dead_addresses(names: Names, stack: ExitStack) -> Unreachable:
    addresses, port = stack.enter_context(dead(8))
    names.has("proxy.test", addresses)
    return {"url": f"http://{HOST}", "proxy": f"http://proxy.test:{port}"}


def tunnel_with_dead_addresses(names: Names, stack: ExitStack) -> Unreachable:
    return {**proxy_with_dead_addresses(names, stack), "url": f"https://{HOST}"}


def silent_proxy(names: Names, stack: ExitStack) -> Unreachable:
    """It takes the connection, and never answers to CONNECT."""
    addresses, port = stack.enter_context(dead(1))
    stack.enter_context(silent("127.0.0.32", port))
    names.has("proxy.test", [*addresses, "127.0.0.32"])
    return {"url": f"https://{HOST}", "proxy": f"http://proxy.test:{port}"}


def silent_proxy_tls(names: Names, stack: ExitStack) -> Unreachable:
    there = silent_proxy(names, stack)
    return {**there, "proxy": str(there["proxy"]).replace("http:", "https:")}


WAYS = [
    many_dead, many_dead_tls, silent_tls_behind_a_dead_one, slow_resolver, proxy_with_dead_addresses,
    tunnel_with_dead_addresses, silent_proxy, silent_proxy_tls,
]  # fmt: skip


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__.replace("_", " "))
def unreachable(request: pytest.FixtureRequest, names: Names) -> Iterator[Unreachable]:
    with ExitStack() as stack:
        yield request.param(names, stack)


def total(face: Face, there: Unreachable) -> None:
    late = (CallTimeout, ServiceUnavailable)  # the first use waits for readiness, too
    options = {"schema": GIVEN, "timeout": Timeout(total=LIMIT)}
    with face.client(**there, **options) as client, pytest.raises(late) as caught:
        client.echo(text="hello")
    assert not getattr(caught.value, "sent", False)


def total_of_one_call(face: Face, there: Unreachable) -> None:
    with face.client(**there, schema=GIVEN, server_ready_timeout=0) as client:
        _times_out(lambda: client.with_options(timeout=Timeout(total=LIMIT)).echo(text="hello"))


def connecting(face: Face, there: Unreachable) -> None:
    timeout = Timeout(connect=LIMIT)
    with face.client(**there, schema=GIVEN, timeout=timeout, retries=0, server_ready_timeout=0) as client:
        _times_out(lambda: client.echo(text="hello"))


def a_number(face: Face, there: Unreachable) -> None:
    with face.client(**there, schema=GIVEN, timeout=LIMIT, retries=0, server_ready_timeout=0) as client:
        _times_out(lambda: client.echo(text="hello"))


def is_ready(face: Face, there: Unreachable) -> None:
    with face.client(**there) as client:
        assert client.is_ready(LIMIT) is False


def is_ready_with_a_total(face: Face, there: Unreachable) -> None:
    with face.client(**there, timeout=Timeout(total=LIMIT)) as client:
        assert client.is_ready() is False


def wait_until_ready(face: Face, there: Unreachable) -> None:
    with face.client(**there) as client, pytest.raises(BentoMLException) as caught:
        client.wait_until_server_ready(LIMIT)
    assert isinstance(caught.value, (CallTimeout, ServiceUnavailable)), repr(caught.value)


def ready_timeout(face: Face, there: Unreachable) -> None:
    with face.client(**there, server_ready_timeout=LIMIT) as client, pytest.raises(BentoMLException) as caught:
        client.echo(text="hello")
    assert isinstance(caught.value, (CallTimeout, ServiceUnavailable)), repr(caught.value)


def total_under_a_longer_wait(face: Face, there: Unreachable) -> None:
    options = {"server_ready_timeout": 30, "timeout": Timeout(total=LIMIT)}
    with face.client(**there, **options) as client, pytest.raises(BentoMLException):
        client.echo(text="hello")


def _times_out(call: Callable[[], object]) -> None:
    with pytest.raises(CallTimeout) as caught:
        call()
    assert caught.value.sent is False, f"sent is {caught.value.sent}: {caught.value!r}"


LIMITS = [
    total, total_of_one_call, connecting, a_number, is_ready, is_ready_with_a_total, wait_until_ready, ready_timeout,
    total_under_a_longer_wait,
]  # fmt: skip


def test_every_limit_holds(
    face: Face, unreachable: Unreachable, trusting: ssl.SSLContext, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of them at a time, each with a client of its own."""
    unreachable["ssl_context"] = trusting  # to load the system's certificates takes a busy machine long

    def timed(limit: Callable[[Face, Unreachable], None]) -> tuple[float, str]:
        started = time.monotonic()
        wrong = ""
        try:
            limit(face, unreachable)
        except (AssertionError, BentoMLException, pytest.fail.Exception) as error:
            wrong = f"{type(error).__name__}: {error}".splitlines()[0]
        return time.monotonic() - started - LIMIT, wrong

    with ThreadPoolExecutor(len(LIMITS)) as pool:
        results = dict(zip((limit.__name__ for limit in LIMITS), pool.map(timed, LIMITS), strict=True))
    with capsys.disabled():
        print(f"\n  {face.name}, seconds late: {max(late for late, _ in results.values()):.2f}")
    faults = [f"{name}: {wrong}" for name, (_, wrong) in results.items() if wrong]
    faults += [f"{name}: {late:.1f} s late" for name, (late, _) in results.items() if late > EXCESS]
    faults += [f"{name}: {-late:.1f} s early" for name, (late, _) in results.items() if late < -0.1]
    assert not faults, "\n".join(faults)


def test_one_dead_and_one_live(connect: Connect, names: Names, capsys: pytest.CaptureFixture[str]) -> None:
    with Server() as server, dead(1, server.port) as (addresses, port):
        names.has(HOST, [*addresses, "127.0.0.1"])
        client = connect(
            f"http://{HOST}:{port}", schema=GIVEN, server_ready_timeout=0, timeout=Timeout(total=LIMIT + EXCESS)
        )
        started = time.monotonic()
        assert client.echo(text="alive") == "alive"
        with capsys.disabled():
            print(f"\n  the answer came after {time.monotonic() - started:.2f} s")


def test_one_refuses_and_one_is_alive(connect: Connect, names: Names) -> None:
    with Server() as server:
        names.has(HOST, ["127.0.0.41", "127.0.0.1"])
        client = connect(f"http://{HOST}:{server.port}", schema=GIVEN, server_ready_timeout=0, retries=0)
        assert client.echo(text="alive") == "alive"
        assert server.connections == 1


def test_a_dead_address_costs_no_place_in_the_pool(connect: Connect, names: Names) -> None:
    with Server() as server, dead(3, server.port) as (addresses, port):
        names.has(HOST, addresses)
        options = {"schema": GIVEN, "server_ready_timeout": 0, "limits": Limits(connections=1)}
        client = connect(f"http://{HOST}:{port}", timeout=Timeout(total=0.3), **options)
        for _ in range(3):
            with pytest.raises(CallTimeout):
                client.echo(text="dead")
        names.has(HOST, ["127.0.0.1"])
        assert client.with_options(timeout=10).echo(text="alive") == "alive"


PROGRAM = """
import socket, time, sys
def slow(host, port, family=0, type=0, proto=0, flags=0):
    time.sleep(10)
    raise socket.gaierror("slow")
socket.getaddrinfo = slow
from bento_sync import Timeout
options = dict(schema={schema!r}, server_ready_timeout=0, timeout=Timeout(total=0.5))
from bento_proto import CallTimeout
started = time.monotonic()
if {face!r} == "sync":
    from bento_sync import SyncHTTPClient
    with SyncHTTPClient("http://service.test", **options) as client:
        try:
            client.echo(text="x")
        except CallTimeout as error:
            assert not error.sent
else:
    import anyio
    from bento_async import AsyncHTTPClient
    async def main():
        async with AsyncHTTPClient("http://service.test", **options) as client:
            try:
                await client.echo(text="x")
            except CallTimeout as error:
                assert not error.sent
    anyio.run(main, backend={face!r})
print(time.monotonic() - started)
"""


def test_neither_the_loop_nor_the_interpreter_waits_for_the_resolver(face: Face, tmp_path: Path) -> None:
    """A thread that is left in ``getaddrinfo`` delays no end."""
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(PROGRAM).format(schema=GIVEN, face=face.name), encoding="utf-8")
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-I", path], check=False, capture_output=True, text=True, timeout=60)
    took = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 8, f"the loop took {done.stdout} s to end"
    assert took < 9.5, f"the interpreter took {took:.1f} s to end, and the loop {done.stdout}"
