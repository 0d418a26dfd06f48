"""A client of your own on plain blocking sockets: all that a driver has to do, in its order.

python examples/plain_socket.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import os
import random
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from typing import TypeVar

from bento_proto import BentoMLException, Delivery, FilePart, Flow, Loss, Lost, Run, Session, Step, bind
from bento_proto.http11 import Wire

T = TypeVar("T")


def drive(flow: Flow[T]) -> tuple[T, Iterator[object]]:
    """Duty 1: run a flow step by step, and tell it the time. What the last step left open are the items of a stream."""
    run = Run(flow)
    items: Iterator[object] = iter(())
    while run.step is not None:
        time.sleep(run.step.delay)
        items = carry_out(run.step)
        run.resume(time.monotonic())
    return run.result, items


def carry_out(step: Step) -> Iterator[object]:
    """Duty 2: carry out one exchange, here on a connection of its own, until it wants no more."""
    exchange, origin = step.exchange, step.exchange.request.origin
    try:
        sock = socket.create_connection((origin.host, origin.port), step.timeout.connect)
    except OSError as exc:  # Duty 3: say what an error means. Here, that nothing was sent.
        exchange.receive(Lost(Loss.CONNECT, f"can't connect to {origin}: {exc}", cause=exc))
        return iter(())
    sock.settimeout(step.timeout.receive)
    wire = Wire(exchange)
    for segment in wire.segments():
        assert not isinstance(segment, FilePart), "this example sends no files"
        sock.sendall(segment)
    early: list[object] = []
    while wire.wants_data:
        early += receive(sock, wire)
    if exchange.is_handed_over:
        return rest(sock, wire, early)
    sock.close()  # Duty 4; one that `is_reusable` could serve the next exchange
    return iter(())


def receive(sock: socket.socket, wire: Wire[object]) -> list[object]:
    """Hand over what arrives next."""
    try:
        return list(wire.receive(sock.recv(65536)))
    except TimeoutError as exc:
        wire.timed_out("no answer in time", exc)
    except OSError as exc:
        wire.broken(str(exc), exc)
    return []


def rest(sock: socket.socket, wire: Wire[object], early: list[object]) -> Iterator[object]:
    """The items of a stream, as they arrive."""
    with sock:
        yield from early
        while not wire.is_over:
            yield from receive(sock, wire)


def main(url: str, name: str, *arguments: str) -> None:
    session = Session(url, environ=os.environ, chance=random.random)
    drive(session.connect(session.options, time.monotonic()))
    call = bind(session.endpoint(name), (), dict(argument.split("=", 1) for argument in arguments))
    exchange, items = drive(session.call(call, (), secrets.token_hex(16), session.options, time.monotonic()))
    if exchange.delivery is Delivery.VALUE:
        print(exchange.result)
    for item in items:
        print(item, end="", flush=True)
    if exchange.error is not None:  # the stream broke off, after what came
        raise exchange.error


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except BentoMLException as exc:
        sys.exit(f"{type(exc).__name__}: {exc}")
