"""A client of your own on plain blocking sockets: all that a driver has to do, in its order.

python examples/plain_socket.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import os
import random
import secrets
import socket
import ssl
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import TypeVar

import bento_proto as bp
from bento_proto.http import Origin, connect_failure
from bento_proto.http11 import HTTP11Exchange
from bento_proto.request import bind

T = TypeVar("T")


def drive(flow: bp.Flow[T]) -> tuple[T, Iterator[object]]:
    """Duty 1: run a flow step by step, and tell it the time. What the last step left open are the items of a stream."""
    run = bp.FlowRunner(flow)
    step, items = run.step, iter(list[object]())
    while step is not None:
        while seconds := step.wait(time.monotonic()):
            time.sleep(seconds)
        items = carry_out(step)
        step = run.resume(time.monotonic())
    return run.result, items


def carry_out(step: bp.Step) -> Iterator[object]:
    """Duty 2: carry out one exchange, here on a connection of its own, until it wants no more."""
    exchange, began, wire = step.exchange, time.monotonic(), HTTP11Exchange(step.exchange)
    try:
        sock = connect(exchange.request.origin, step.timeout)
    except OSError as exc:  # Duty 3: say what an error means. Here, that nothing was sent.
        return iter(exchange.receive(connect_failure(exchange.request.origin, exc)))
    with suppress(OSError):  # the server may have answered before it closed: reading tells
        sock.sendall(wire.data_to_send())
    items: list[object] = []
    while wire.wants_data:
        items += receive(sock, wire, step.timeout.after(time.monotonic() - began))
    if exchange.is_streaming:
        return chain(items, rest(sock, wire, step.timeout, began))
    sock.close()  # Duty 4; one that `is_reusable` could serve the next exchange
    return iter(())


def connect(origin: Origin, timeout: bp.Timeout) -> socket.socket:
    sock = socket.create_connection((origin.host, origin.port), timeout.connect)
    if origin.scheme == "https":
        sock = ssl.create_default_context().wrap_socket(sock, server_hostname=origin.host)
    sock.settimeout(timeout.send)
    return sock


def receive(sock: socket.socket, wire: HTTP11Exchange[object], timeout: bp.Timeout) -> Sequence[object]:
    """Hand over what arrives next."""
    sock.settimeout(timeout.receive)
    try:
        return wire.receive(sock.recv(wire.max_read))
    except OSError as exc:
        wire.failed(exc)
    return ()


def rest(sock: socket.socket, wire: HTTP11Exchange[object], timeout: bp.Timeout, began: float) -> Iterator[object]:
    """The items of a stream, as they arrive."""
    with sock:
        while not wire.is_over:
            yield from receive(sock, wire, timeout.after(time.monotonic() - began))


def main(url: str, name: str, *arguments: str) -> None:
    session = bp.Session(url, environ=os.environ, random=random.random)
    drive(session.connect(session.options, time.monotonic()))
    call = bind(session.endpoint(name), (), dict(argument.split("=", 1) for argument in arguments))
    exchange, items = drive(session.call(call, (), secrets.token_hex(16), session.options, time.monotonic()))
    for item in [exchange.result] if exchange.result_kind is bp.ResultKind.VALUE else items:
        print(item, end="", flush=True)
    if exchange.error is not None:  # the stream broke off, after what came
        raise exchange.error


if __name__ == "__main__":
    main(*sys.argv[1:])
