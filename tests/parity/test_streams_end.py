"""How streams end: read to the end, left early, cut, broken, or too slow."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from bento_proto import (
    BentoMLException,
    CallTimeout,
    ConnectionLost,
    LimitExceeded,
    Limits,
    LocalProtocolError,
    RemoteProtocolError,
    ServerSentEvent,
    Timeout,
)
from bento_sync import SyncHTTPClient
from tests.servers import Servers
from tests.waiting import until

from .faces import Connect
from .proxies import End, Piece, Stub, chunk, endpoint, forward, head, routes, schema


def test_leaving_stops_the_server_and_frees_the_connection(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("zoo:Zoo"), limits=Limits(connections=1), timeout=10)
    for number in range(5):
        tag = f"{client!r} {number}"
        with client.stream_endless(tag=tag) as stream:
            for _ in range(3):
                next(stream)
        _wait_for_the_end_of(client, tag)
        with pytest.raises(StopIteration):
            next(stream)


def _wait_for_the_end_of(client: SyncHTTPClient, tag: str) -> None:
    ended: list[str] = []

    def has_ended() -> bool:
        ended[:] = [entry for entry in client.stream_closed_log() if entry.startswith(f"{tag}@")]
        return bool(ended)

    until(has_ended)
    assert int(ended[0].rpartition("@")[2]) < 1500, "it was left to run for half a minute"


def test_every_way_to_leave(zoo: SyncHTTPClient, servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("zoo:Zoo"), limits=Limits(connections=1), timeout=10)

    for item in client.stream_endless(tag="break"):
        assert item.startswith("0 ")
        break
    gc.collect()
    assert client.no_args_str() == "ok"

    stream = client.stream_endless(tag="close")
    next(stream)
    stream.close()
    stream.close()
    assert client.no_args_str() == "ok"

    with pytest.raises(KeyError), client.stream_endless(tag="raise"):
        raise KeyError

    client.stream_endless(tag="never begun").close()
    assert client.no_args_str() == "ok"
    for tag in ("break", "close", "raise", "never begun"):
        _wait_for_the_end_of(zoo, tag)


def test_a_stream_that_was_read_to_its_end_leaves_its_connection_for_others(connect: Connect) -> None:
    given = schema(endpoint("f", output={"type": "string", "is_stream": True}))
    whole = head(200, {"transfer-encoding": "chunked"}) + chunk(b"a") + chunk(b"")
    with Stub(routes({"/f": whole})) as stub:
        client = connect(stub.url, schema=given)
        for _ in range(3):
            assert list(client.f()) == ["a"]
        assert stub.connections == 1


def test_a_stream_that_is_under_way_goes_on_when_the_client_closes(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("zoo:Zoo"))
    stream = client.stream_async_str(n=5)
    came = next(stream)
    client.close()
    assert came + "".join(stream) == "".join(f"tok{i} " for i in range(5))
    with pytest.raises(LocalProtocolError, match="closed"):
        client.stream_async_str()


# --- broken ones


def test_a_stream_that_is_cut_raises_after_what_came(zoo: SyncHTTPClient, servers: Servers, connect: Connect) -> None:
    known = zoo.request("GET", "/schema.json").json()
    with Stub(partial(forward, servers.server("zoo:Zoo").port, cut=60)) as proxy:
        client = connect(proxy.url, schema=known)
        text: list[str] = []
        with pytest.raises(ConnectionLost) as caught:
            text.extend(client.stream_fast_str())
        assert "".join(text) == "".join(f"tok{i} " for i in range(50))[:60]
        assert caught.value.sent
        items: list[dict[str, Any]] = []
        with pytest.raises(ConnectionLost):
            items.extend(client.stream_dict(n=50, delay=0))
        assert items == [{"i": 0, "text": "tök0"}, {"i": 1, "text": "tök1"}]
        events: list[ServerSentEvent] = []
        with pytest.raises(ConnectionLost):
            events.extend(client.stream_sse.events())
        assert [event.id for event in events] == ["0"]
        assert client.no_args_str() == "ok"


@pytest.mark.parametrize("end", [End.CLOSE, End.RESET])
def test_a_connection_that_breaks(connect: Connect, end: End) -> None:
    def answer(asked: object) -> Iterator[Piece]:
        yield head(200, {"transfer-encoding": "chunked"})
        yield chunk(b"one ")
        time.sleep(0.1)
        yield end

    given = schema(endpoint("f", output={"type": "string", "is_stream": True}))
    with Stub(routes({"/f": answer})) as stub:
        stream = connect(stub.url, schema=given, retries=3).f()
        assert next(stream) == "one "
        with pytest.raises(ConnectionLost):
            next(stream)
        with pytest.raises(StopIteration):
            next(stream)
        assert len(stub.targets()) == 2  # a stream that has begun is not tried again


@pytest.mark.parametrize(
    ("output", "sent", "came", "error"),
    [
        ({"type": "object"}, b'{"a": 1}{"a": nonsense}', [{"a": 1}], RemoteProtocolError),
        ({"type": "object"}, b'{"a": 1}{"a": ', [{"a": 1}], RemoteProtocolError),
        ({"type": "string"}, b"ok \xff", [], RemoteProtocolError),
        ({"type": "string"}, "日".encode()[:2], [], RemoteProtocolError),
        ({"type": "object"}, b'{"a": "' + b"x" * 2000, [], LimitExceeded),
    ],
)
def test_items_that_can_not_be_decoded(
    connect: Connect, output: dict[str, str], sent: bytes, came: list[object], error: type[BentoMLException]
) -> None:
    given = schema(endpoint("f", output={**output, "is_stream": True}))
    whole = head(200, {"transfer-encoding": "chunked"}) + chunk(sent) + chunk(b"")
    with Stub(routes({"/f": whole})) as stub:
        client = connect(stub.url, schema=given, limits=Limits(item=1000))
        items: list[object] = []
        with pytest.raises(error):
            items.extend(client.f())
        assert items[: len(came)] == came


def test_a_stream_without_chunks_lasts_until_the_server_closes(connect: Connect) -> None:
    given = schema(endpoint("f", output={"type": "string", "is_stream": True}))
    with Stub(routes({"/f": [head(200, {}), b"a", b"b", End.CLOSE]})) as stub:
        assert "".join(connect(stub.url, schema=given).f()) == "ab"


def test_timeouts(zoo: SyncHTTPClient) -> None:
    with pytest.raises(CallTimeout):
        zoo.with_options(timeout=0.3).stream_slow_first(delay=5)
    stream = zoo.with_options(timeout=2).stream_stall(delay=10)
    assert next(stream) == "first "
    with pytest.raises(CallTimeout):
        next(stream)


def test_a_timeout_is_for_each_item(connect: Connect) -> None:
    def slow(asked: object) -> Iterator[Piece]:
        yield head(200, {"transfer-encoding": "chunked"})
        for _ in range(12):
            time.sleep(0.25)
            yield chunk(b"x")
        yield chunk(b"")

    given = schema(endpoint("f", output={"type": "string", "is_stream": True}))
    with Stub(routes({"/f": slow})) as stub:
        client = connect(stub.url, schema=given, timeout=2)
        assert "".join(client.f()) == "x" * 12
        with pytest.raises(CallTimeout):
            list(client.with_options(timeout=Timeout(total=0.5)).f())
