"""Flows played as scripts, and bytes cut in all ways that matter."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from bento_proto import (
    JSON,
    BentoMLException,
    ConnectionFailed,
    Data,
    End,
    FailureKind,
    Flow,
    FlowRunner,
    Head,
    Request,
    Timeout,
)
from bento_proto.http import Received

T = TypeVar("T")


class Answer(NamedTuple):
    """What comes for one request, and how long it takes."""

    events: Sequence[Received]
    seconds: float = 0.0

    def after(self, seconds: float) -> Answer:
        return self._replace(seconds=seconds)


class Forever(NamedTuple):
    """The same answer to all further requests: a script must end with it."""

    answer: Answer


Script: TypeAlias = "Answer | Forever"


def reply(status: int = 200, body: bytes | str | JSON = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that is whole; a body that is neither bytes nor text goes as JSON."""
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return Answer((Head(status, tuple((headers or {}).items())), *((Data(data),) if data else ()), End()))


def lost(
    kind: FailureKind = FailureKind.DISCONNECTED,
    reason: str = "lost",
    cause: BaseException | None = None,
    *,
    sent: bool = True,
) -> Answer:
    """An exchange without a response."""
    return Answer((ConnectionFailed(kind, reason, sent=sent, cause=cause),))


def moved(status: int, location: str, headers: Mapping[str, str] | None = None) -> Answer:
    """A redirect, whose body no adapter hands over."""
    return Answer((Head(status, (("location", location), *(headers or {}).items())),))


class Asked(NamedTuple):
    """One step of a flow: what was to be sent, and how."""

    request: Request
    delay: float
    fresh: bool
    timeout: Timeout

    @property
    def line(self) -> str:
        """Method and URL."""
        return f"{self.request.method} {self.request.origin}{self.request.target}"

    @property
    def headers(self) -> dict[str, str]:
        found = dict(self.request.headers)
        assert len(found) == len(self.request.headers), "a header is sent twice"
        return found


@dataclass
class Played(Generic[T]):
    """What a flow asked for, and what it came to."""

    asked: list[Asked]
    value: T | None = None
    error: BentoMLException | None = None
    now: float = 0.0

    @property
    def result(self) -> T:
        assert self.error is None, self.error
        assert self.value is not None
        return self.value

    @property
    def lines(self) -> list[str]:
        return [asked.line for asked in self.asked]

    @property
    def delays(self) -> list[float]:
        return [asked.delay for asked in self.asked]


@dataclass
class CallCounter:
    """The calls of Python and C functions, resumed generators included."""

    calls: int = 0


@contextmanager
def counted_calls() -> Iterator[CallCounter]:
    """Count calls: a measure of time that does not depend on the machine."""
    counter = CallCounter()

    def count(frame: FrameType, event: str, argument: object) -> None:
        counter.calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        yield counter
    finally:
        sys.setprofile(None)


def play(flow: Flow[T], *script: Script, now: float = 0.0) -> Played[T]:
    """Run a flow, one answer of the script for each of its steps; fails unless it takes exactly these.

    The clock reads `now` at first and moves by what the flow waits and the answers take.
    """
    played: Played[T] = Played([], now=now)
    answers = _answers(script)
    try:
        run = FlowRunner(flow)
        while run.step is not None:
            step, exchange = run.step, run.step.exchange
            if step.authorization is not None:
                step.authorization.complete()
            assert step.delay >= 0
            while seconds := step.wait(played.now):
                played.now += seconds
            played.asked.append(Asked(exchange.request, step.delay, step.fresh, step.timeout))
            answer = next(answers, None)
            assert answer is not None, f"one answer too few: {played.lines}"
            for event in answer.events:
                exchange.receive(event)
            played.now += answer.seconds
            run.resume(played.now)
        played.value = run.result
    except BentoMLException as error:
        played.error = error
    assert not script or isinstance(script[-1], Forever) or next(answers, None) is None, "an answer was not asked for"
    return played


def _answers(script: Sequence[Script]) -> Iterator[Answer]:
    for answer in script:
        if isinstance(answer, Forever):
            while True:
                yield answer.answer
        yield answer


def splits(data: bytes, seed: int = 0) -> Iterator[list[bytes]]:
    """Data in pieces: whole, byte by byte, cut once at each of its bytes if they are few, and at random."""
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    chance = random.Random(seed)
    once = range(1, len(data)) if len(data) <= 200 else sorted(chance.sample(range(1, len(data)), 50))
    for at in once:
        yield [data[:at], data[at:]]
    for _ in range(20):
        yield cut(data, sorted(chance.choices(range(len(data) + 1), k=chance.randint(1, 8))))


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Data cut at these places, in their order; pieces may be empty."""
    return [data[start:end] for start, end in zip((0, *places), (*places, len(data)), strict=True)]
