"""A hundred calls at a time in one thread, on sockets that never block. Over http and IPv4 only.

python examples/selectors_hundred.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import os
import random
import secrets
import selectors
import socket
import sys
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TypeAlias, TypeVar

import bento_proto as bp
from bento_proto.http11 import HTTP11Exchange
from bento_proto.request import bind

T = TypeVar("T")
Task: TypeAlias = "Generator[tuple[socket.socket | None, int, float | None], None, T]"
"""Yields a socket, what that is to be ready for, and the seconds to wait at most; then it goes on, ready or not."""


def drive(flow: bp.Flow[T], show: Callable[[T, Sequence[object]], object]) -> Task[None]:
    """Run a flow step by step, and tell it the time. What its last step left open are the items of a stream."""
    run = bp.FlowRunner(flow)
    step, items = run.step, list[object]()
    while step is not None:
        yield None, 0, step.delay
        began, timeout, wire = time.monotonic(), step.timeout, HTTP11Exchange(step.exchange)
        with socket.socket() as sock:
            yield from send(sock, wire, step)
            while wire.wants_data:
                items += yield from receive(sock, wire, timeout.after(time.monotonic() - began).receive)
            step = run.resume(time.monotonic())
            while step is None and not wire.is_over:
                items += yield from receive(sock, wire, timeout.after(time.monotonic() - began).receive)
    show(run.result, items)


def send(sock: socket.socket, wire: HTTP11Exchange[object], step: bp.Step) -> Task[None]:
    origin = step.exchange.request.origin
    assert origin.scheme == "http", "this example has no TLS"
    sock.setblocking(False)
    sock.connect_ex((origin.host, origin.port))
    yield sock, selectors.EVENT_WRITE, step.timeout.connect
    try:
        sock.getpeername()
    except OSError as exc:
        step.exchange.receive(bp.ConnectionFailed(bp.FailureKind.CONNECT, f"can't connect to {origin}", cause=exc))
        return
    unsent = wire.data_to_send()
    try:
        while unsent:
            yield sock, selectors.EVENT_WRITE, step.timeout.send
            unsent = unsent[sock.send(unsent) :]
    except OSError:
        return  # it takes no more, and may have answered already: reading tells


def receive(sock: socket.socket, wire: HTTP11Exchange[object], seconds: float | None) -> Task[Sequence[object]]:
    yield sock, selectors.EVENT_READ, seconds
    try:
        return wire.receive(sock.recv(wire.max_read))
    except BlockingIOError as exc:
        wire.timed_out("no answer in time", exc)
    except OSError as exc:
        wire.connection_lost(str(exc), exc)
    return ()


def together(tasks: Iterable[Task[None]]) -> None:
    """Run tasks until all are through, each when its socket is ready or its time is up: an event loop."""
    poll, turns = selectors.DefaultSelector(), list(tasks)
    waiting: dict[Task[None], tuple[socket.socket | None, float]] = {}
    while turns or waiting:
        for task, (sock, events, seconds) in [(task, wait) for task in turns if (wait := next(task, None))]:
            waiting[task] = sock, time.monotonic() + (1e6 if seconds is None else seconds)
            if sock is not None:
                poll.register(sock, events, task)
        pause = min((end for _, end in waiting.values()), default=0.0) - time.monotonic()
        ready = {key.data for key, _ in poll.select(max(0.0, pause))}
        turns = [task for task, (_, end) in waiting.items() if task in ready or end <= time.monotonic()]
        for sock in filter(None, [waiting.pop(task)[0] for task in turns]):
            poll.unregister(sock)


def show(exchange: bp.Exchange[object], items: Sequence[object]) -> None:
    print("".join(map(str, items)) if exchange.is_streaming else exchange.result, exchange.error or "")


if __name__ == "__main__":
    session = bp.Session(sys.argv[1], environ=os.environ, random=random.random)
    together([drive(session.connect(session.options, time.monotonic()), lambda *_: None)])
    call = bind(session.endpoint(sys.argv[2]), (), dict(argument.split("=", 1) for argument in sys.argv[3:]))
    flows = [session.call(call, (), secrets.token_hex(16), session.options, time.monotonic()) for _ in range(100)]
    together(drive(flow, show) for flow in flows)
