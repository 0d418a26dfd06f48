"""Hooks on event loops: the context of each task, cancellation, streams that are dropped, several threads."""

from __future__ import annotations

import contextvars

import anyio
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bento_async import EndEvent, Hooks, Limits, RequestEvent
from bento_client.observe import tracing

from .peers import CHUNKED, Peer, chunk
from .schemas import client

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_tasks")]

ENDLESS = CHUNKED + chunk(b"one ")
WHO: contextvars.ContextVar[int] = contextvars.ContextVar("WHO")


class Broken(Exception):
    pass


def broken(event: object) -> None:
    raise Broken


async def test_each_task_has_its_own_context(peer: Peer) -> None:
    seen: dict[str, int] = {}

    def look(event: RequestEvent) -> dict[str, str]:
        seen[str(WHO.get())] = seen.get(str(WHO.get()), 0) + 1
        return {}

    async with client(peer.url, hooks=Hooks(request=look), limits=Limits(connections=3)) as called:

        async def call(number: int) -> None:
            WHO.set(number)
            assert await called.echo(x=number) == {"x": number}
            assert WHO.get() == number

        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(call, number)
    assert seen == {str(number): 1 for number in range(20)}


async def test_spans_of_tasks_are_children_of_their_own(peer: Peer) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("tests")
    peer.answers["/stream"] = CHUNKED + chunk(b"one ") + chunk(b"two ") + chunk(b"")
    expected: set[tuple[int, str]] = set()
    async with client(peer.url, hooks=tracing(provider), limits=Limits(connections=3)) as called:

        async def call(number: int) -> None:
            with tracer.start_as_current_span(f"task {number}") as span:
                await called.echo(x=number)
                async for _ in called.stream(x=number):
                    await anyio.sleep(0)
            expected.update((span.get_span_context().span_id, path) for path in ("echo", "stream"))

        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(call, number)
    found = [span for span in exporter.get_finished_spans() if span.name == "POST"]
    assert len(found) == 20
    assert {
        (span.parent.span_id, str((span.attributes or {})["url.full"]).rpartition("/")[2])
        for span in found
        if span.parent is not None
    } == expected
    provider.shutdown()


@pytest.mark.parametrize("path", ["wait", "half", "deaf"])
@pytest.mark.parametrize("raises", [False, True], ids=["", "and it raises"])
async def test_a_call_that_is_cancelled_is_given_up(peer: Peer, path: str, raises: bool) -> None:
    ends: list[EndEvent] = []
    scope = anyio.CancelScope()

    def request(event: RequestEvent) -> None:
        scope.deadline = anyio.current_time() + 0.3

    def end(event: EndEvent) -> None:
        ends.append(event)
        if raises:
            raise Broken

    peer.answers["/wait"] = b"HTTP/1.1 "
    peer.answers["/half"] = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123"
    peer.deaf.add("/deaf")
    peer.answers["/deaf"] = b""
    argument = "x" * (20 << 20) if path == "deaf" else 1
    async with client(peer.url, hooks=Hooks(request, end=end), limits=Limits(connections=1)) as called:
        with scope:
            await called.call(path, x=argument)
        assert scope.cancelled_caught, "what a hook raises must not hide the cancellation"
        assert [(event.abandoned, event.seconds) for event in ends] == [(True, None)]
        assert (ends[0].error or "").startswith("Cancelled")
        raises = False
        await anyio.to_thread.run_sync(peer.wait_until_closed)
        assert await called.echo(x=1) == {"x": 1}


@pytest.mark.parametrize("hooks", [Hooks(), Hooks(end=broken)], ids=["", "and it raises"])
async def test_a_stream_whose_reader_is_cancelled_is_over(peer: Peer, hooks: Hooks) -> None:
    ends: list[EndEvent] = []
    peer.answers["/stream"] = ENDLESS
    async with client(peer.url, hooks=[Hooks(end=ends.append), hooks], limits=Limits(connections=1)) as called:
        with anyio.move_on_after(0.3) as scope:
            async for _ in called.stream(x=1):
                pass
        assert scope.cancelled_caught
        assert len(ends) == 1
        await anyio.to_thread.run_sync(peer.wait_until_closed)


async def test_a_stream_that_is_dropped_is_over_when_the_loop_has_its_turn(peer: Peer) -> None:
    ends: list[EndEvent] = []
    peer.answers["/stream"] = ENDLESS
    async with client(peer.url, hooks=Hooks(end=ends.append)) as called:
        stream = await called.stream(x=1)
        await anext(stream)
        del stream
        await anyio.to_thread.run_sync(peer.wait_until_closed)
        await anyio.sleep(0)
        assert [(event.abandoned, event.error) for event in ends] == [(True, None)]
