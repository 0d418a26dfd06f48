"""A hundred calls at a time over libcurl, which tells of the answers by callbacks.

python examples/pycurl_multi.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import math
import os
import random
import secrets
import sys
import time
from collections.abc import Sequence
from typing import Generic, TypeVar

import pycurl

import bento_proto as bp
from bento_proto import FailureKind
from bento_proto.request import bind

T = TypeVar("T")
# What libcurl's errors mean; any other, that the connection broke.
LOSSES = dict.fromkeys((pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_COULDNT_CONNECT), FailureKind.CONNECT)
LOSSES |= dict.fromkeys((pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_FTP_WEIRD_SERVER_REPLY), FailureKind.PROTOCOL)
LOSSES[pycurl.E_PEER_FAILED_VERIFICATION] = FailureKind.TLS
LOSSES[pycurl.E_OPERATION_TIMEDOUT] = FailureKind.TIMEOUT


class Caller(Generic[T]):
    """A flow on its way, and the transfer of its step."""

    def __init__(self, flow: bp.Flow[T]) -> None:
        self.run, self.items, self.due = bp.FlowRunner(flow), list[object](), 0.0

    def transfer(self) -> pycurl.Curl:
        """The exchange of the step, for libcurl to carry out."""
        assert self.run.step is not None
        self.exchange, timeout = self.run.step.exchange, self.run.step.timeout
        request, self.lines = self.exchange.request, list[str]()
        curl = pycurl.Curl()
        curl.setopt(pycurl.URL, f"{request.origin}{request.target}")
        curl.setopt(pycurl.HTTPHEADER, [*(f"{name}: {value}" for name, value in request.headers), "Expect:"])
        if request.method != "GET":
            curl.setopt(pycurl.POSTFIELDS, request.content)
            curl.setopt(pycurl.CUSTOMREQUEST, request.method)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, math.ceil(1000 * (timeout.connect or 0)))
        curl.setopt(pycurl.TIMEOUT_MS, math.ceil(1000 * (timeout.total or 0)))
        curl.setopt(pycurl.LOW_SPEED_LIMIT, 1)  # that nothing comes is what `receive` bounds
        curl.setopt(pycurl.LOW_SPEED_TIME, math.ceil(timeout.receive or 0))
        curl.setopt(pycurl.HEADERFUNCTION, self.on_line)
        curl.setopt(pycurl.WRITEFUNCTION, self.on_data)
        return curl

    def on_line(self, line: bytes) -> None:
        """A line of a head. There may be interim ones before the final one, and trailers behind the body."""
        self.lines.append(line.decode("latin-1").strip())
        if not self.lines[-1] and self.exchange.head is None:
            first, *fields = [line.partition(":") for line in self.lines[:-1]]
            self.lines, status = [], int(first[0].split()[1])
            if status >= 200:
                self.exchange.receive(bp.Head(status, tuple((name, value.strip()) for name, _, value in fields)))

    def on_data(self, data: bytes) -> int:
        if self.exchange.is_over:
            return 0  # enough
        self.items += self.exchange.receive(bp.Data(data))
        return len(data)

    def finish(self, code: int, reason: str) -> None:
        if not self.exchange.is_over:
            kind = LOSSES.get(code, FailureKind.DISCONNECTED)
            self.exchange.receive(bp.ConnectionFailed(kind, reason) if code else bp.End())
        step = self.run.resume(time.monotonic())
        self.due = time.monotonic() + step.delay if step is not None else math.inf


def together(callers: Sequence[Caller[T]]) -> None:
    """Run them until all are through."""
    multi, transfers = pycurl.CurlMulti(), dict[pycurl.Curl, Caller[T]]()
    while transfers or any(caller.due < math.inf for caller in callers):
        for caller in [caller for caller in callers if caller.due <= time.monotonic()]:
            curl, caller.due = caller.transfer(), math.inf
            transfers[curl] = caller
            multi.add_handle(curl)
        multi.perform()
        _, done, failed = multi.info_read()
        for curl, code, reason in [*((curl, 0, "") for curl in done), *failed]:
            multi.remove_handle(curl)
            curl.close()
            transfers.pop(curl).finish(code, reason)
        multi.select(0.05)


if __name__ == "__main__":
    session = bp.Session(sys.argv[1], environ=os.environ, random=random.random)
    together([Caller(session.connect(session.options, time.monotonic()))])
    call = bind(session.endpoint(sys.argv[2]), (), dict(argument.split("=", 1) for argument in sys.argv[3:]))
    flows = [session.call(call, (), secrets.token_hex(16), session.options, time.monotonic()) for _ in range(100)]
    together(callers := list(map(Caller, flows)))
    for done, items in ((caller.run.result, caller.items) for caller in callers):
        print("".join(map(str, items)) if done.is_streaming else done.result, done.error or "")
