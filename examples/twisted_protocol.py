"""A client of your own on Twisted: its reactor, its endpoints, its protocols. Over http only, to keep it small.

python examples/twisted_protocol.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import os
import random
import secrets
import sys
import time
from typing import Any, TypeVar

from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure

import bento_proto as bp
from bento_proto.http11 import HTTP11Exchange
from bento_proto.request import bind

T = TypeVar("T")


class Connection(Protocol, TimeoutMixin):
    """One exchange on one connection. `answered` fires when its flow can go on, `over` when nothing more comes."""

    transport: Any  # Twisted's interfaces are too much for a type checker

    def __init__(self, step: bp.Step) -> None:
        self.step, self.wire, self.began = step, HTTP11Exchange(step.exchange), time.monotonic()
        self.answered: Deferred[None] = Deferred()
        self.over: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self.transport.write(self.wire.data_to_send())
        self.go_on()

    def dataReceived(self, data: bytes) -> None:
        for item in self.wire.receive(data):
            print(item, end="", flush=True)
        self.go_on()

    def timeoutConnection(self) -> None:
        self.wire.timed_out("no answer in time")
        self.go_on()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if reason.check(ConnectionDone):
            self.wire.receive(b"")
        else:
            self.wire.connection_lost(reason.getErrorMessage(), reason.value)
        self.go_on()

    def go_on(self) -> None:
        over = self.wire.is_over
        self.setTimeout(None if over else self.step.timeout.after(time.monotonic() - self.began).receive)
        if not self.wire.wants_data and not self.answered.called:
            self.answered.callback(None)
        if over and not self.over.called:
            self.transport.loseConnection()
            self.over.callback(None)


async def drive(reactor: IReactorTime, flow: bp.Flow[T]) -> T:
    """Run a flow step by step, and tell it the time. What the last step left open are the items of a stream."""
    run = bp.FlowRunner(flow)
    step = run.step
    while step is not None:
        await task.deferLater(reactor, step.delay)
        connection, origin = Connection(step), step.exchange.request.origin
        assert origin.scheme == "http", "this example knows no TLS"
        endpoint = HostnameEndpoint(reactor, origin.host, origin.port, step.timeout.connect or 30)
        try:
            await connectProtocol(endpoint, connection)
            await connection.answered
        except (ConnectError, OSError) as exc:
            step.exchange.receive(bp.ConnectionFailed(bp.FailureKind.CONNECT, f"can't connect: {exc}", cause=exc))
        step = run.resume(time.monotonic())
        if step is None and not connection.wire.is_over:
            await connection.over
    return run.result


async def main(reactor: IReactorTime) -> None:
    session = bp.Session(sys.argv[1], environ=os.environ, random=random.random)
    await drive(reactor, session.connect(session.options, time.monotonic()))
    call = bind(session.endpoint(sys.argv[2]), (), dict(argument.split("=", 1) for argument in sys.argv[3:]))
    done = await drive(reactor, session.call(call, (), secrets.token_hex(16), session.options, time.monotonic()))
    print(done.result if done.result_kind is bp.ResultKind.VALUE else done.error or "")


if __name__ == "__main__":
    task.react(lambda reactor: Deferred.fromCoroutine(main(reactor)))
