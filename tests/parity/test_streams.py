"""Streams: items of every kind, as they arrive, and right however the network cuts them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from bento_proto import InternalServerError, InvalidArgument, ServerSentEvent
from bento_sync import SyncHTTPClient
from tests.servers import Servers

from .faces import Connect
from .proxies import End, Piece, Stub, chunk, endpoint, forward, head, routes, schema

TEXT = "héllo wörld — 日本語 🐘"

JOINED: dict[str, str] = {
    "stream_sync_str": "tok0 tok1 tok2 ",
    "stream_async_str": "tok0 tok1 tok2 ",
    "stream_fast_str": "".join(f"tok{i} " for i in range(50)),
    "stream_multibyte": TEXT,
    "stream_split_utf8_as_str": "日本",
    "stream_untyped": "tok0 tok1 tok2 ",
    "stream_annotated_plain": "line 0\nline 1\nline 2\n",
    "stream_sse_annotated": "data: 0\n\ndata: 1\n\ndata: 2\n\n",
    "stream_ndjson": '{"i": 0}\n{"i": 1}\n{"i": 2}\n',
    "stream_empty": "",
    "stream_empty_items": "ab",
    "stream_none_items": "anullb",
    "stream_ctx": "ab",
    "stream_multibyte_big": "x" + "日" * 200_000,
}

ITEMS: dict[str, list[Any]] = {
    "stream_dict": [{"i": i, "text": f"tök{i}"} for i in range(3)],
    "stream_model": [{"i": i, "text": f"tök{i}"} for i in range(3)],
    "stream_big_dict": [{"i": i, "pad": "x" * 200_000} for i in range(3)],
    "stream_int": list(range(12)),
}


@pytest.mark.parametrize("name", JOINED)
def test_text(zoo: SyncHTTPClient, name: str) -> None:
    items = list(getattr(zoo, name)())
    assert all(isinstance(item, str) and item for item in items)
    assert "".join(items) == JOINED[name]


@pytest.mark.parametrize("name", ITEMS)
def test_json_items(zoo: SyncHTTPClient, name: str) -> None:
    assert list(getattr(zoo, name)()) == ITEMS[name]


def test_bytes(zoo: SyncHTTPClient) -> None:
    assert b"".join(zoo.stream_bytes(n=3, size=5)) == b"\0" * 5 + b"\1" * 5 + b"\2" * 5
    assert b"".join(zoo.stream_split_utf8()) == "日本".encode()
    assert b"".join(zoo.stream_bytes(n=2, size=300_000, delay=0)) == b"\0" * 300_000 + b"\1" * 300_000


def test_arrays(zoo: SyncHTTPClient) -> None:
    first, second = zoo.stream_nd()
    assert isinstance(first, np.ndarray)
    assert (first.tolist(), second.tolist()) == ([0, 1, 2], [1, 2, 3])


def test_events(zoo: SyncHTTPClient) -> None:
    assert list(zoo.stream_sse.events(n=2)) == [
        ServerSentEvent('{"i": 0, "t": "ö"}', "token", "0"),
        ServerSentEvent('{"i": 1, "t": "ö"}', "token", "1"),
        ServerSentEvent("[DONE]", "message", "1"),
    ]
    for call in (zoo.stream_sse_fast.events, zoo.stream_sse_annotated.events):
        assert [event.data for event in call(n=3)] == ["0", "1", "2"]


def test_a_stream_has_status_and_headers(zoo: SyncHTTPClient) -> None:
    with zoo.stream_ctx() as stream:
        assert stream.response.status_code == 201
        assert stream.response.headers["x-zoo"] == "stream"
        assert stream.response.request_id
        assert stream.response.value is stream
        assert "".join(stream) == "ab"
    response = zoo.stream_ctx.raw()
    assert response.status_code == 201
    assert "".join(response.value) == "ab"


# --- however it is cut


@pytest.fixture(scope="module", params=[1, 7, 64, 4096])
def cutting(request: pytest.FixtureRequest, servers: Servers) -> Iterator[str]:
    """The URL of a proxy that makes chunks of so many bytes, whatever was in them before."""
    with Stub(partial(forward, servers.server("zoo:Zoo").port, piece=request.param)) as proxy:
        yield proxy.url


def test_text_is_whole_however_it_is_cut(cutting: str, connect: Connect) -> None:
    client = connect(cutting)
    for name in ("stream_untyped", "stream_empty_items", "stream_annotated_plain", "stream_ctx"):
        assert "".join(getattr(client, name)()) == JOINED[name]
    assert "".join(client.stream_multibyte(delay=0)) == TEXT
    assert "".join(client.stream_multibyte_big(2_000)) == "x" + "日" * 2_000


def test_items_are_whole_however_they_are_cut(cutting: str, connect: Connect) -> None:
    client = connect(cutting)
    for name in ("stream_dict", "stream_model"):
        assert list(getattr(client, name)(delay=0)) == ITEMS[name]
    assert [len(item["pad"]) for item in client.stream_big_dict(2, size=5_000)] == [5_000] * 2
    assert [item.tolist() for item in client.stream_nd()] == [[0, 1, 2], [1, 2, 3]]
    assert b"".join(client.stream_bytes(delay=0)) == b"\0\0\0\0\1\1\1\1\2\2\2\2"


def test_events_are_whole_however_they_are_cut(cutting: str, connect: Connect) -> None:
    client = connect(cutting)
    assert [event.id for event in client.stream_sse.events(delay=0)] == ["0", "1", "2", "2"]
    assert [event.data for event in client.stream_sse_fast.events(20)] == [str(n) for n in range(20)]


def test_many_small_items_for_a_reader_that_pauses(zoo: SyncHTTPClient) -> None:
    with zoo.stream_dict(n=5_000, delay=0) as stream:
        first = next(stream)
        time.sleep(0.3)  # until the socket's buffers are full, and cut the items anywhere
        assert [first, *stream] == [{"i": i, "text": f"tök{i}"} for i in range(5_000)]


# --- as it arrives


def test_the_first_item_is_there_before_the_last_is_made(zoo: SyncHTTPClient) -> None:
    with zoo.stream_stall(delay=30) as stream:
        assert next(stream) == "first "
    with zoo.stream_endless(tag="first item") as stream:
        assert "".join(next(stream) for _ in range(3)).startswith("0 1 2 ")


def test_a_json_item_is_there_as_soon_as_it_is_whole(connect: Connect) -> None:
    given = schema(endpoint("f", output={"type": "object", "is_stream": True}))
    pieces: list[Piece] = [head(200, {"transfer-encoding": "chunked"}), chunk(b'{"a": 1}{"a": 2}{"a"'), End.SILENCE]
    with Stub(routes({"/f": pieces})) as stub, connect(stub.url, schema=given).f() as stream:
        assert [next(stream), next(stream)] == [{"a": 1}, {"a": 2}]


def test_the_call_sends_the_request_and_raises_its_errors(zoo: SyncHTTPClient) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'nope'"):
        zoo.stream_dict(nope=1)
    with pytest.raises(InvalidArgument, match="n: Input should be a valid integer"):
        zoo.stream_dict(n="x")
    with pytest.raises(InvalidArgument, match="bad before the first item") as caught:
        zoo.stream_raise_first()
    assert caught.value.request_id
    with pytest.raises(InternalServerError):
        zoo.stream_raise_first_plain()


def test_an_error_in_the_middle_looks_like_the_end(zoo: SyncHTTPClient) -> None:
    # BentoML's server ends the stream as if it were whole: nobody can tell.
    assert "".join(zoo.stream_raise_mid()) == "".join(zoo.stream_raise_mid_sync()) == "tok0 tok1 "
