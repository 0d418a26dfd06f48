"""Whole exchanges: the flows of a `Session`, driven by whatever a server may send."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import h11

from bento_proto import (
    JSON,
    BentoMLException,
    ConnectionFailed,
    Exchange,
    FailureKind,
    Flow,
    FlowRunner,
    Head,
    Limits,
    LocalProtocolError,
    RemoteProtocolError,
    Request,
    RetryPolicy,
    Session,
    Timeout,
)
from bento_proto.exchange import State
from bento_proto.http import FilePart, Origin, file_name
from bento_proto.http11 import HTTP11Exchange
from bento_proto.request import Upload, bind
from bento_proto.schema import parse_service
from bento_proto.session import Options
from fuzz.support import Source, held, same, splits, unread

SECRET = "s3cr3t"
# Parts what the server sends on one connection from what it sends on the next; at the end, it goes on with the last.
BETWEEN = b"\n~~~\n"
LIMITS = Limits(schema=4096, body=2048, item=256, error=512, head=4096, interim=2, redirects=3)
HARMLESS = {"accept", "accept-encoding", "content-type", "user-agent"}
BASES = ("http://here:3000", "https://here", "http://here/under/it", "unix:/run/here.sock", "https://u:s3cr3t@here")
MOST_STEPS = 100
MOST_HELD = LIMITS.head + max(LIMITS.schema, LIMITS.body, LIMITS.item) + 5000  # digits of a number are never cut

OUTPUTS: dict[str, JSON] = {
    "json": {"type": "object"},
    "text": {"type": "string"},
    "moment": {"type": "string", "format": "date-time"},
    "raw": {"type": "string", "format": "binary"},
    "file": {"type": "file"},
    "image": {"type": "file", "format": "image", "pil": True},
    "maybe": {"anyOf": [{"type": "file"}, {"type": "null"}]},
    "either": {},
    "texts": {"type": "string", "is_stream": True},
    "numbers": {"type": "integer", "is_stream": True},
    "objects": {"type": "object", "is_stream": True},
    "blobs": {"type": "string", "format": "binary", "is_stream": True},
}
ROUTES: list[JSON] = [
    {"name": name, "route": f"/{name}", "is_task": True, "input": {"properties": {}}, "output": output}
    for name, output in OUTPUTS.items()
]
UPLOAD: JSON = {
    "name": "upload",
    "route": "/upload",
    "input": {"properties": {"what": {"type": "file"}}},
    "output": {"type": "string"},
}
SERVICE = parse_service({"name": "Here", "routes": [*ROUTES, UPLOAD]})
ENDPOINTS = tuple(SERVICE.endpoints.values())


class Plan(NamedTuple):
    """All that a run depends on but for the server's bytes."""

    base: str
    doing: int
    endpoint: int
    options: Options
    asks: bool
    endings: int
    reused: int
    replayable: bool


def test_one_input(data: bytes) -> None:
    """Whatever a server sends, a flow comes to an end, in few steps.

    It has a result, or it raises a `BentoMLException` other than `LocalProtocolError`, which would be a defect of ours.
    However the bytes are cut, it is the same requests and the same result. What goes to another origin than the
    Service's has no credential, and nothing goes from https to http. Each request, parsed as a server does, is what was
    meant. No more is held than the limits allow, and no error shows the secret.
    """
    source = Source(data)
    plan = Plan(
        base=source.choice(BASES),
        doing=source.integer(0, len(DOINGS) - 1),
        endpoint=source.integer(0, len(ENDPOINTS) - 1),
        options=Options(
            Timeout(total=source.choice((None, 5.0))),
            (("accept", "*/*"), ("x-key", SECRET)),
            RetryPolicy(attempts=source.integer(1, 3), idempotent=source.flag()),
        ),
        asks=source.flag(),
        endings=source.integer(0, 0xFFFF),
        reused=source.integer(0, 0xFF),
        replayable=source.flag(),
    )
    seed = source.integer(0, 0xFFFF)
    answers = source.rest().split(BETWEEN)
    if len(answers) > 1 and not answers[-1]:
        answers[-1:] = [answers[-2]] * MOST_STEPS
    same(outcome(plan, pieces) for pieces in zip(*(splits(answer, seed) for answer in answers), strict=True))


def outcome(plan: Plan, answers: Sequence[Sequence[bytes]]) -> tuple[object, ...]:
    """What comes of it: the requests, and the result or the error."""
    asked = iter(range(1000))
    session = Session(
        plan.base,
        token=(lambda: f"{SECRET}-{next(asked)}") if plan.asks else None if "@" in plan.base else SECRET,
        limits=LIMITS,
        schema=SERVICE if plan.doing else None,
        server_ready_timeout=3.0,
        environ={},
        random=lambda: 0.5,
    )
    requests: list[tuple[object, ...]] = []
    items: list[object] = []
    seen: list[tuple[Origin, Head]] = []
    try:
        run = FlowRunner(DOINGS[plan.doing](session, plan))
        now = 0.0
        waiting = iter(answers)
        while run.step is not None:
            step = run.step
            assert len(requests) < MOST_STEPS, "the flow does not come to an end"
            assert 0 <= step.delay <= max(plan.options.retries.max_retry_after, plan.options.retries.max_backoff)
            exchange = step.exchange
            check(exchange.request, session, seen)
            requests.append((exchange.request.method, exchange.request.origin, exchange.request.target, step.delay))
            now += step.delay + 1.0
            items = carry_out(exchange, next(waiting, None), plan, len(requests))
            if exchange.head is not None:
                seen.append((exchange.request.origin, exchange.head))
            run.resume(now)
        result = shown(run.result, items)
    except BentoMLException as error:
        assert not isinstance(error, LocalProtocolError), "a defect of the flow"
        assert SECRET not in f"{error!r} {error} {error.attempts}"
        result = told(error, [head for _, head in seen])
    return (*requests, result)


def told(error: BentoMLException, seen: Iterable[Head]) -> tuple[object, ...]:
    """What a caller may go by. Of a compressed body, how much comes out before a fault depends on how it was cut."""
    if any(head.get("content-encoding") for head in seen):
        kind = RemoteProtocolError if isinstance(error, RemoteProtocolError) else type(error)
        return (kind, error.error_code)
    return (type(error), error.error_code, error.detail, len(error.attempts))


def carry_out(exchange: Exchange[object], pieces: Sequence[bytes] | None, plan: Plan, number: int) -> list[object]:
    """Do as an adapter does; None is a server that takes no connection. Returns the items of a stream."""
    if pieces is None:
        exchange.receive(ConnectionFailed(FailureKind.CONNECT, "refused"))
        return []
    wire = HTTP11Exchange(exchange, reused=bool(plan.reused >> number % 8 & 1))
    sent = b"".join(block for segment in wire.segments() for block in blocks(segment, wire))
    understood(sent, exchange.request)
    items: list[object] = []
    for piece in pieces:
        if wire.is_over:
            break
        if piece:
            items += received(piece, wire)
        if len(piece) > 1:  # weighing takes longer than all else
            assert held(exchange._decoder, *unread(wire)) <= MOST_HELD + len(piece)
    if not wire.is_over:
        ending = plan.endings >> 2 * (number % 8) & 3
        if ending == 0:
            items += wire.receive(b"")
        elif ending == 1:
            wire.timed_out("stalled")
        else:
            wire.connection_lost("reset")
    assert exchange.state in (State.DONE, State.FAILED, State.REDIRECTED)
    assert (exchange.error is not None) is (exchange.state is State.FAILED)
    assert len(exchange._error_body) <= LIMITS.error
    return items


def received(piece: bytes, wire: HTTP11Exchange[object]) -> Sequence[object]:
    """What comes of it; where that may be, it goes past, or lies in memory that holds something else afterwards."""
    if len(piece) % 2 and len(piece) <= wire.max_direct_read:
        wire.direct_read(len(piece))
        return [piece]
    if not wire.accepts_memoryview:
        return wire.receive(piece)
    room = bytearray(piece)
    items = [bytes(item) for item in wire.receive(memoryview(room)) if isinstance(item, memoryview)]
    room[:] = bytes(len(room))
    return items


def blocks(segment: bytes | FilePart, wire: HTTP11Exchange[object]) -> Iterator[bytes]:
    if isinstance(segment, bytes):
        yield segment
    else:
        yield from (wire.frame(block) for block in (b"abc", b"", b"de"))


def check(request: Request, session: Session, seen: Sequence[tuple[Origin, Head]]) -> None:
    """What may go where, after these heads came from these origins."""
    home = session.base.origin
    if request.origin != home:
        sent = {name: value for name, value in request.headers if name not in HARMLESS}
        own = [each for origin, head in seen if origin == request.origin for each in head.get_all("set-cookie")]
        for pair in sent.pop("cookie", "").split("; "):
            assert not pair or any(pair in each for each in own), "a cookie leaves its origin"
        assert not sent, "a header that may be a credential leaves its origin"
        assert SECRET not in f"{request.headers} {request.target}"
        assert (home.scheme, request.origin.scheme) != ("https", "http"), "from https to http"
    assert SECRET not in repr(request)


def understood(sent: bytes, request: Request) -> None:
    """A server reads in the bytes one request, which is that which was to be sent."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(sent)
    head = server.next_event()
    assert isinstance(head, h11.Request), head
    assert (head.method.decode(), head.target.decode()) == (request.method, request.target)
    names = {"host", "content-length", "transfer-encoding"}
    got = [(name.decode(), value.decode("latin-1")) for name, value in head.headers if name.decode() not in names]
    assert got == list(request.headers)
    body = b""
    while isinstance(event := server.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage), event
    assert body == b"".join(part if isinstance(part, bytes) else b"abcde" for part in request.body)
    assert server.trailing_data == (b"", False), "more than one request"


def shown(result: object, items: Sequence[object]) -> tuple[object, ...]:
    """The result as something that can be compared; of text and bytes only the sum counts."""
    if not isinstance(result, Exchange):
        return (result,)
    assert result.head is not None
    if not result.is_streaming:
        return (result.head.status, result.result)
    if result.error is not None and result.head.get("content-encoding"):
        return (result.head.status, *told(result.error, [result.head])[:1])
    error = type(result.error)
    if all(isinstance(item, str) for item in items):
        return (result.head.status, "".join(map(str, items)), error)
    if all(isinstance(item, bytes) for item in items):
        name = file_name(result.head)
        assert name is None or "/" not in name
        return (result.head.status, b"".join(item for item in items if isinstance(item, bytes)), name, error)
    return (result.head.status, items, error)


def call(session: Session, plan: Plan) -> Flow[Exchange[object]]:
    endpoint = ENDPOINTS[plan.endpoint]
    arguments: dict[str, object] = {"what": b""} if endpoint.name == "upload" else {}
    part = FilePart(b"abcde", 5 if plan.endings & 1 else None, plan.replayable)
    uploads = [Upload(part, "a.txt")] if arguments else []
    return session.call(bind(endpoint, (), arguments), uploads, "b0undary", plan.options, 0.0)


def task(session: Session, plan: Plan) -> Flow[object]:
    task_id = yield from session.tasks.submit(bind(ENDPOINTS[0], (), {}), (), "b0undary", plan.options, 0.0)
    return (yield from session.tasks.status(ENDPOINTS[0], task_id, plan.options, 0.0))


DOINGS: tuple[Callable[[Session, Plan], Flow[object]], ...] = (
    lambda session, plan: session.connect(plan.options, 0.0),
    call,
    lambda session, plan: session.is_ready(None, plan.options, 0.0),
    lambda session, plan: session.wait_until_ready(3.0, plan.options, 0.0),
    lambda session, plan: session.events(bind(ENDPOINTS[0], (), {}), (), "b0undary", plan.options, 0.0),
    lambda session, plan: session.request("GET", "/metrics?a=b", None, None, plan.options, 0.0),
    lambda session, plan: session.request("HEAD", "/", None, None, plan.options, 0.0),
    lambda session, plan: session.tasks.submit(bind(ENDPOINTS[0], (), {}), (), "b0undary", plan.options, 0.0),
    lambda session, plan: session.tasks.status(ENDPOINTS[0], "t&1", plan.options, 0.0),
    lambda session, plan: session.tasks.get(ENDPOINTS[plan.endpoint], "t/2", plan.options, 0.0),
    lambda session, plan: session.tasks.cancel(ENDPOINTS[0], "t 3", plan.options, 0.0),
    lambda session, plan: session.tasks.retry(ENDPOINTS[0], "t4", plan.options, 0.0),
    call,
    call,
    task,
)
