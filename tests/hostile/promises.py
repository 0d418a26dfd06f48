"""What has to hold in every case: an end in time, and a client that goes on working."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bento_sync import RetryPolicy, SyncHTTPClient

_numbers = itertools.count()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What happens inside ends in that time, which is generous: it is a promise, not a measure of speed."""
    started = time.monotonic()
    try:
        yield
    finally:
        took = time.monotonic() - started
        assert took < seconds, f"it took {took:.1f} seconds"


def assert_right(client: SyncHTTPClient) -> None:
    """The next call of the same client gives the right answer.

    It may be repeated: a connection that the server is just closing is not what is asked about.
    """
    text = f"right {next(_numbers)}"
    patient = client.with_options(timeout=30, retries=RetryPolicy(3, idempotent=True))
    assert patient.echo(text=text) == text


def _joined(client: SyncHTTPClient, endpoint: str) -> object:
    return list(client.call(endpoint))


READS: dict[str, Callable[[SyncHTTPClient], object]] = {
    "text": lambda client: client.echo(),
    "json": lambda client: client.value(),
    "bytes": lambda client: client.blob(),
    "file": lambda client: client.file(),
    "image": lambda client: client.picture(),
    "stream of text": lambda client: _joined(client, "words"),
    "stream of bytes": lambda client: _joined(client, "bytes"),
    "stream of objects": lambda client: _joined(client, "objects"),
    "events": lambda client: list(client.words.events()),
    "request": lambda client: client.request("GET", "/anything").raise_for_status(),
}
"""A call for each way of reading an answer."""
