"""A sync stream is a generator: what `inspect`-like checks and callers of ``send``, ``throw`` and ``close`` see."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from bento_proto.testing import ServiceDouble
from bento_sync import Stream, SyncHTTPClient


@pytest.fixture
def client() -> Iterator[SyncHTTPClient]:
    double = ServiceDouble()

    @double.endpoint
    def words() -> Iterator[str]:
        yield from ("one ", "two ", "three")

    with SyncHTTPClient(app=double) as client:
        yield client


def delegate(stream: Generator[str, None, None]) -> Generator[str, None, None]:
    yield from stream


def test_a_stream_is_a_generator(client: SyncHTTPClient) -> None:
    stream = client.words()
    assert isinstance(stream, Stream)
    assert isinstance(stream, Generator)
    assert stream.send(None) == "one "
    assert next(stream) == "two "
    with pytest.raises(LookupError, match="mine"):
        stream.throw(LookupError("mine"))
    with pytest.raises(StopIteration):
        next(stream)
    stream.close()
    assert list(delegate(client.words())) == ["one ", "two ", "three"]
    outer = delegate(stream := client.words())
    assert next(outer) == "one "
    with pytest.raises(KeyError):
        outer.throw(KeyError)
    with pytest.raises(StopIteration):
        next(stream)
