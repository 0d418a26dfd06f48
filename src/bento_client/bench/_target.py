"""Calls of an endpoint, as a target for a load: values, files, streams and tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Final, TypeAlias, cast

from bento_async import AsyncEndpointMethod, AsyncHTTPClient, AsyncStream
from bento_client._methods import method_of
from bento_proto import BentoMLException
from bento_proto.observe import EndEvent, Hooks
from bento_proto.policy import Poll

from ._measure import Call

Input: TypeAlias = tuple[Sequence[object], Mapping[str, object]]
"""The arguments of a call: those by position and those by name."""

_current: ContextVar[Call] = ContextVar("bento_client_bench_call")


def _count_bytes(event: EndEvent) -> None:
    call = _current.get(None)
    if call is not None:
        call.sent += event.request.size or 0
        call.received += event.received


COUNT_BYTES: Final = Hooks(end=_count_bytes)
"""The hooks by which a client counts the bytes of each call of a target."""


class EndpointTarget:
    """Calls an endpoint with one input after the other, again and again.

    A task is submitted, and its result waited for. Results that are files are removed.

    Args:
        method: the endpoint, as a method of a client; the client's options apply.
        inputs: the arguments of the calls.
        poll: how often to ask for the status of a task; see `Poll`.
        first: the number of the input to begin with.

    Raises:
        ValueError: there are no inputs.
    """

    def __init__(
        self,
        method: AsyncEndpointMethod,
        inputs: Sequence[Input],
        *,
        poll: Poll | float | None = None,
        first: int = 0,
    ) -> None:
        if not inputs:
            raise ValueError("there are no inputs to call the endpoint with")
        self._method = method
        self._inputs = inputs
        self._poll = poll
        self._next = first

    async def __call__(self, call: Call) -> None:
        _current.set(call)
        args, kwargs = self._inputs[self._next % len(self._inputs)]
        self._next += 1
        if self._method.endpoint.is_task:
            task = await self._method.submit(*args, **kwargs)
            call.item()
            value: object = await task.result(poll=self._poll)
        else:
            value = await self._method(*args, **kwargs)
        if isinstance(value, AsyncStream):
            async with cast("AsyncStream[object]", value) as stream:
                async for _ in stream:
                    call.item()
        elif isinstance(value, Path):  # a result that is a file: a million of them would fill the disk
            value.unlink(missing_ok=True)


async def connected(
    client: AsyncHTTPClient, endpoint: str, inputs: Sequence[Input], *, poll: Poll | float | None, first: int = 0
) -> EndpointTarget:
    """An endpoint of the Service of a client as a target, whose bytes are counted.

    Raises:
        NotFound: the Service has no such endpoint.
        ValueError: there are no inputs.
        BentoMLException: the Service can't be reached.
    """
    service = await client.connect()
    method = method_of(client.with_options(hooks=COUNT_BYTES), service, endpoint)
    return EndpointTarget(method, inputs, poll=poll, first=first)


def kind_of(exc: Exception) -> str:
    """The kind of an error, to count by: its class, and the HTTP status if there was a response."""
    name = type(exc).__name__
    if isinstance(exc, BentoMLException) and exc.headers and exc.error_code is not None:
        return f"{name} {int(exc.error_code)}"
    return name
