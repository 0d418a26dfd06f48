"""A worker that dies with a request in its hands: the endpoint ran once, and the client says that it may have.

Each row of deaths is made by clients without retries, with the default ones and with a policy, over a kept-alive
connection and over a new one. ``INFRA_TRIES`` is how many each test makes.
"""

from __future__ import annotations

import itertools
import json
import os
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from bento_sync import BentoMLException, ConnectionLost, RetryPolicy, SyncHTTPClient
from tests.parity.faces import Connect

from .gateways import haproxy, nginx
from .service import Service, new_key
from .workers import SCHEMA

TRIES = int(os.environ.get("INFRA_TRIES", "9"))
POLICIES = {
    "default retries": None,
    "no retries": 0,
    "a policy": RetryPolicy(attempts=5, backoff=0.01),
}
CALLS: dict[str, Callable[[SyncHTTPClient], object]] = {
    "call": lambda client: client.echo(text="hello"),
    "submit": lambda client: client.job.submit(text="hello"),
    "small file": lambda client: client.upload(b"x" * 100),
    "large file": lambda client: client.upload(b"x" * 3_000_000),
}


class Front(NamedTuple):
    """What a client calls.

    Attributes:
        url: where it is.
        service: the Service behind it.
        direct: whether there is nothing in between.
    """

    url: str
    service: Service
    direct: bool


@pytest.fixture(scope="module", params=["plain", "TLS", "haproxy", "haproxy TLS", "nginx", "nginx TLS"])
def front(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mortal: Service, certificate: Path
) -> Iterator[Front]:
    name, _, tls = request.param.partition(" ")
    if name in ("plain", "TLS"):
        service = mortal if name == "plain" else request.getfixturevalue("mortal_tls")
        yield Front(service.url, service, direct=True)
        return
    gateway = haproxy if name == "haproxy" else nginx
    with gateway(tmp_path_factory.mktemp(name), [mortal.port], certificate=certificate if tls else None) as port:
        yield Front(f"http{'s' * bool(tls)}://127.0.0.1:{port}", mortal, direct=False)


@pytest.fixture
def clients(connect: Connect, front: Front, trusting: ssl.SSLContext) -> dict[str, SyncHTTPClient]:
    """A client for each policy."""
    return {
        name: connect(front.url, schema=json.dumps(SCHEMA).encode(), retries=policy, ssl_context=trusting, timeout=5)
        for name, policy in POLICIES.items()
    }


def deaths(
    clients: dict[str, SyncHTTPClient],
    front: Front,
    call: str,
    *,
    after: float,
    tries: int = TRIES,
    more: Mapping[str, str] | None = None,
) -> None:
    """Make a call that kills its worker so many times; it fails as it should, and has run once each time."""
    wrong: Counter[str] = Counter()
    keys: dict[str, str] = {}
    for number, policy in zip(range(tries), itertools.cycle(clients), strict=False):
        client = clients[policy]
        if number % 4:  # over a kept-alive connection; otherwise over whatever is left after the last one
            _prepared(client)
        key = new_key()
        keys[key] = policy
        by = "kill" if number % 2 else "exit"
        headers = {"X-Key": key, "X-Die-After": str(after), "X-Die-By": by, **(more or {})}
        try:
            value = CALLS[call](client.with_options(headers=headers))
        except BentoMLException as error:
            if not _is_right(error, front):
                wrong[f"with {policy}, {error!r} sent={getattr(error, 'sent', None)}"] += 1
        else:
            wrong[f"with {policy}, the call gave {value!r}"] += 1
    ran = front.service.executions()
    for key, policy in keys.items():
        if ran[key] != 1:
            wrong[f"with {policy}, it ran {ran[key]} times"] += 1
    assert not wrong, f"of {tries} {call}s: {dict(wrong)}"


def _is_right(error: BentoMLException, front: Front) -> bool:
    if isinstance(error, ConnectionLost):
        return error.sent
    return not front.direct and error.error_code == 502  # what a gateway says of a server that was lost


def _prepared(client: SyncHTTPClient) -> None:
    """A call that goes well. It may be repeated: that a connection was lost by a death before it is none of its own."""
    repeated = client.with_options(retries=RetryPolicy(attempts=10, backoff=0.02, idempotent=True))
    assert repeated.echo(text="well") == "well"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("after", [0, 0.02])
def test_it_dies_at_once(clients: dict[str, SyncHTTPClient], front: Front, call: str, after: float) -> None:
    deaths(clients, front, call, after=after)


def test_it_dies_in_the_middle_of_the_work(clients: dict[str, SyncHTTPClient], front: Front) -> None:
    deaths(clients, front, "call", after=1, tries=max(2, TRIES // 10))


def test_it_dies_before_it_has_read_the_file(clients: dict[str, SyncHTTPClient], front: Front) -> None:
    """What is unread when a socket is closed makes the system answer with a reset."""
    deaths(clients, front, "large file", after=0, more={"X-Die-Unread": "1"})


def test_an_endpoint_that_may_be_repeated_is(connect: Connect, mortal: Service) -> None:
    policy = RetryPolicy(attempts=3, backoff=0.01, idempotent=True)
    client = connect(mortal.url, retries=policy)
    key = new_key()
    with pytest.raises(ConnectionLost) as caught:
        client.with_options(headers={"X-Key": key, "X-Die-After": "0"}).echo(text="again")
    assert len(caught.value.attempts) == 3
    assert mortal.executions()[key] == 3
