"""Recorded answers, fed as bytes through the protocol and the reader of the endpoint that gave them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bento_proto import BentoMLException, Endpoint, Exchange, Limits, Request, ResultKind
from bento_proto.exchange import Reader, State
from bento_proto.http import Origin
from bento_proto.http11 import HTTP11Exchange
from bento_proto.response._readers import stream_reader, value_reader, whole_reader
from tests.proto.shapes import service
from tests.recordings import Recording, schema_names

ACTIONS = ("submit", "status", "retry", "cancel")  # on a task; `get` gives what a call would have given


class Outcome(NamedTuple):
    state: State
    result_kind: ResultKind | None
    value: Any
    """The result, the items of a stream (of text and bytes their sum), or the content of a file."""
    error: BentoMLException | None
    reusable: bool

    @property
    def sum(self) -> Any:
        """The items of a stream, those of text or bytes put together."""
        items = self.value
        return items[0][:0].join(items) if items and isinstance(items[0], (str, bytes)) else items


@cache
def endpoint(recording: Recording) -> Endpoint | None:
    """The endpoint that was called, if any was."""
    name = recording.service if recording.service != "Old" else f"Old-{recording.version}"
    if recording.endpoint is None or name not in schema_names():
        return None
    found = service(name).endpoints.get(recording.endpoint)
    path = recording.target.partition("?")[0]
    is_action = found is not None and found.is_task and path.rpartition("/")[2] in ACTIONS and path != found.route
    return None if is_action else found


def reader(recording: Recording) -> Reader[object]:
    called = endpoint(recording)
    if called is None:
        return whole_reader(bytes, 1 << 24)
    return (stream_reader if called.output.is_stream else value_reader)(called.output, Limits())


def fed(recording: Recording, pieces: Iterable[bytes], read: Reader[object] | None = None) -> Outcome:
    request = Request(recording.method, Origin("http", "h", 80), recording.target)
    exchange = Exchange(request, read or reader(recording), Limits())
    wire = HTTP11Exchange(exchange)
    list(wire.segments())
    items = [item for piece in pieces for item in wire.receive(piece)]
    reusable = wire.is_reusable
    items += wire.receive(b"")
    value: object = plain(items)
    if exchange.result_kind is ResultKind.VALUE:
        value = plain(exchange.result) if exchange.state is State.DONE else None
    elif exchange.result_kind is not ResultKind.ITEMS:
        value = b"".join(item for item in items if isinstance(item, bytes))
    return Outcome(exchange.state, exchange.result_kind, value, exchange.error, reusable)


def plain(value: object) -> object:
    """Arrays as lists, frames as columns."""
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, pd.DataFrame):
        # What is missing is None in older versions of pandas.
        columns = value.astype(object).where(value.notna(), math.nan)
        return {str(name): column.tolist() for name, column in columns.items()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def cuts(data: bytes) -> Iterable[list[bytes]]:
    """Byte by byte, or in pieces of odd sizes if there is much of it."""
    if len(data) < 4000:
        yield [data[at : at + 1] for at in range(len(data))]
    for size in (len(data) // 7 | 1, len(data) // 3 | 1):
        yield [data[at : at + size] for at in range(0, len(data), size)]
