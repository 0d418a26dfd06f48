"""The keep-alive race: a server closes an idle connection just as the client sends its next request on it.

Connections stay idle for about as long as the server keeps them, and then there is a call: how many fail is printed,
and none may be executed twice. ``INFRA_TRIES`` is how many calls there are.
"""

from __future__ import annotations

import os
import random
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeAlias

import pytest

from bento_sync import BentoMLException, Limits, SyncHTTPClient
from tests.parity.faces import Face

from .gateways import haproxy, nginx
from .service import Service, new_key

TRIES = int(os.environ.get("INFRA_TRIES", "80"))
CONNECTIONS = 40
SPREAD = 0.006  # seconds before and after the moment at which the server closes

Front: TypeAlias = "tuple[str, Service]"


@pytest.fixture(scope="module", params=["uvicorn", "uvicorn TLS", "nginx", "haproxy", "haproxy TLS"])
def front(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mortal: Service, certificate: Path
) -> Iterator[Front]:
    """What keeps idle connections for one second."""
    name, _, tls = request.param.partition(" ")
    folder = tmp_path_factory.mktemp(name)
    if name == "uvicorn":
        with Service.started(folder, keep_alive=1, certificate=certificate if tls else None) as service:
            yield service.url, service
        return
    gateway = haproxy if name == "haproxy" else nginx
    with gateway(folder, [mortal.port], keep_alive=1, certificate=certificate if tls else None) as port:
        yield f"http{'s' * bool(tls)}://127.0.0.1:{port}", mortal


def race(
    make: Callable[[], AbstractContextManager[SyncHTTPClient]], service: Service, *, idle: float, calls: int
) -> str:
    """Make calls on connections that were idle for about so long, and return what became of them.

    Args:
        make: a client, which has one connection.
        service: what executes the calls.
        idle: how long the connections are idle.
        calls: how many there are, on all connections together.
    """

    def one_connection(number: int) -> tuple[list[str], Counter[str]]:
        chance, keys, outcomes = random.Random(number), [], Counter[str]()
        with make() as client:
            client.echo(text="first")
            for _ in range(max(1, calls // CONNECTIONS)):
                time.sleep(max(0, idle + chance.uniform(-SPREAD, SPREAD)))
                keys.append(new_key())
                try:
                    client.with_options(headers={"X-Key": keys[-1]}).echo(text="again")
                except BentoMLException as error:
                    outcomes[f"{type(error).__name__} sent={getattr(error, 'sent', None)}"] += 1
                    outcomes["failed"] += 1
                else:
                    outcomes["right"] += 1
        return keys, outcomes

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        results = list(pool.map(one_connection, range(CONNECTIONS)))
    keys = [key for keys, _ in results for key in keys]
    ran = service.executions()
    outcomes = sum((outcomes for _, outcomes in results), Counter[str]())
    twice = [key for key in keys if ran[key] > 1]
    assert not twice, f"{len(twice)} of {len(keys)} calls were executed twice; {dict(outcomes)}"
    assert outcomes["right"] <= sum(1 for key in keys if ran[key] == 1)
    return f"{len(keys)} calls after {idle:g} s: {dict(outcomes)}"


def test_the_server_closes_as_the_client_sends(
    face: Face, front: Front, trusting: ssl.SSLContext, capsys: pytest.CaptureFixture[str]
) -> None:
    url, service = front
    told = race(lambda: face.client(url, ssl_context=trusting, retries=0), service, idle=1.0, calls=TRIES)
    with capsys.disabled():
        print(f"\n  {face.name}, {url.partition(':')[0]}: {told}")


def test_a_client_that_knows_the_time(
    face: Face, front: Front, trusting: ssl.SSLContext, capsys: pytest.CaptureFixture[str]
) -> None:
    url, service = front
    limits = Limits(keepalive_expiry=0.5)
    told = race(lambda: face.client(url, ssl_context=trusting, retries=0, limits=limits), service, idle=1, calls=TRIES)
    with capsys.disabled():
        print(f"\n  {face.name}, {url.partition(':')[0]}, keepalive_expiry=0.5: {told}")
    assert "failed" not in told


def test_the_time_of_uvicorn_itself(face: Face, mortal: Service, capsys: pytest.CaptureFixture[str]) -> None:
    """It keeps connections for five seconds; the client uses none that long."""
    told = race(lambda: face.client(mortal.url, retries=0), mortal, idle=5.0, calls=CONNECTIONS)
    with capsys.disabled():
        print(f"\n  {face.name}: {told}")
    assert "failed" not in told
