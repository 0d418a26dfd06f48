"""The test kit: decorators keep the type of a function, and both clients accept a double."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from typing_extensions import assert_type

from bento_async import AsyncHTTPClient
from bento_proto.testing import (
    Asked,
    ExchangeRecorder,
    Life,
    Pause,
    Recorder,
    Refusal,
    Replay,
    Reply,
    Responder,
    ServiceDouble,
)
from bento_sync import SyncHTTPClient

if TYPE_CHECKING:
    from bento_client.pytest_plugin import Recording


def endpoints(double: ServiceDouble) -> None:
    @double.endpoint
    def shout(text: str) -> str:
        return text.upper()

    @double.endpoint(name="count", route="/v1/count")
    def numbers(n: int = 3) -> Iterator[int | Pause]:
        yield from range(n)

    @double.task
    def train(steps: int) -> int:
        return steps

    assert_type(shout("a"), str)
    assert_type(numbers(n=2), Iterator[int | Pause])
    assert_type(train(1), int)


def clients(double: ServiceDouble, recorder: Recorder) -> None:
    SyncHTTPClient(app=double)
    SyncHTTPClient(app=Replay(recorder.text()))
    SyncHTTPClient(recorder=recorder)
    SyncHTTPClient(app=double.asgi(asyncio.sleep))
    AsyncHTTPClient(app=double, recorder=recorder)
    AsyncHTTPClient(app=double.asgi(asyncio.sleep))
    responder: Responder = double
    assert_type(responder.speed, float)
    used: ExchangeRecorder = recorder
    assert used is recorder


def scripts(double: ServiceDouble) -> None:
    double.script("shout", "value", Reply(delay=1), Refusal(429, retry_after=2), str.upper, ...)
    double.script("train", Life(pending=2, reply=Refusal(500)))
    assert_type(double.assert_called("shout", text="a"), Asked)
    assert_type(double.calls[0].endpoint, str | None)


def fixtures(bento_recording: Recording) -> None:
    SyncHTTPClient(**bento_recording.options)
