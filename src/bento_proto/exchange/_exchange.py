"""One request and its response, as a state machine without I/O.

An exchange begins in ``WAITING`` and takes events: the response's head, pieces of its body, its end, or the failure of
the connection. Each event is one `Input`, and `TRANSITIONS` says which inputs a state takes and which state follows.

::

    WAITING ──success───▶ RECEIVING ────────end──▶ DONE
       ├──────error─────▶ RECEIVING_ERROR ──end──▶ FAILED
       └──────redirect──▶ REDIRECTED

    any of the first three ──connection_failed or invalid──▶ FAILED, ──close──▶ CLOSED

- The status of the response's head decides. A success (below 400) leads to ``RECEIVING``, where every piece of the body
  is decoded as it comes. An error status leads to ``RECEIVING_ERROR``, where the body is collected for the message of
  the exception. A redirect with a Location leads to ``REDIRECTED`` at once, as nobody needs its body.
- The end of the body completes the exchange: ``DONE`` after a success, ``FAILED`` after an error status. A body that is
  shorter or longer than the head's Content-Length is an error.
- A connection that fails, or bytes that can't be decoded, lead to ``FAILED`` from any state that still takes events.
  After an error status the exception is that of the status even then, since the status is what matters.
- `Exchange.close` leads to ``CLOSED`` from any state that still takes events.
- ``REDIRECTED``, ``DONE``, ``FAILED`` and ``CLOSED`` take no more events.

An event that the table does not allow, or that is none, is an error of the adapter: it raises `LocalProtocolError` and
changes nothing. What the server does wrong raises nothing: it becomes `Exchange.error`, a value. What a function of the
caller raises, such as one that reports progress, is raised again, and the exchange has failed: an event that was taken
in part must not be lost unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from bento_proto import exchange, http
from bento_proto._types import as_bytes, as_view, is_a
from bento_proto.errors import BentoMLException, ConnectionLost, LocalProtocolError, RemoteProtocolError
from bento_proto.http._headers import trace_id
from bento_proto.http._messages import Chunks, ConnectionFailed, Data, End, FailureKind, Head, Received, Request
from bento_proto.http._redaction import redacted_urls

from ._body import Decoder, Reader, ResultKind

if TYPE_CHECKING:
    from bento_proto.http._inflater import Inflater

    from ._progress import Meter

T_co = TypeVar("T_co", covariant=True)


class _Looked(Enum):
    """An Enum that is looked up for every event: the hash of Enum is written in Python, and slow."""

    if TYPE_CHECKING:

        def __hash__(self) -> int: ...
    else:
        __hash__ = object.__hash__


class State(_Looked):
    """The state of an exchange."""

    WAITING = "waiting"
    """No response yet."""
    RECEIVING = "receiving"
    """A successful response began; its body is being decoded."""
    RECEIVING_ERROR = "receiving_error"
    """An error response began; its body is being collected."""
    REDIRECTED = "redirected"
    """The response is a redirect. Its body is not read."""
    DONE = "done"
    """The successful response is complete."""
    FAILED = "failed"
    """`Exchange.error` says why."""
    CLOSED = "closed"
    """`Exchange.close` was called before the response was complete; `Exchange.error` says so to who reads on."""

    is_final: bool
    """Whether no more events are taken in it."""


class Input(_Looked):
    """What an event means to the state machine: the column of the table."""

    SUCCESS = "success"
    """A response head with a status below 400 that is no redirect."""
    ERROR = "error"
    """A response head with a status of 400 or more, or a redirect without a Location."""
    REDIRECT = "redirect"
    """A response head with status 301, 302, 303, 307 or 308 and a Location."""
    DATA = "data"
    """Bytes of the response's body."""
    END = "end"
    """The end of the response's body."""
    CONNECTION_FAILED = "connection_failed"
    """No more of the response will come."""
    INVALID = "invalid"
    """The event could not be decoded: it replaces the event's own meaning."""
    CLOSE = "close"
    """`Exchange.close`, which is no event."""


TRANSITIONS: Final[Mapping[State, Mapping[Input, State]]] = {
    State.WAITING: {
        Input.SUCCESS: State.RECEIVING,
        Input.ERROR: State.RECEIVING_ERROR,
        Input.REDIRECT: State.REDIRECTED,
        Input.CONNECTION_FAILED: State.FAILED,
        Input.INVALID: State.FAILED,
        Input.CLOSE: State.CLOSED,
    },
    State.RECEIVING: {
        Input.DATA: State.RECEIVING,
        Input.END: State.DONE,
        Input.CONNECTION_FAILED: State.FAILED,
        Input.INVALID: State.FAILED,
        Input.CLOSE: State.CLOSED,
    },
    # A refusal whose body is cut is a refusal all the same: its status says what matters.
    State.RECEIVING_ERROR: {
        Input.DATA: State.RECEIVING_ERROR,
        Input.END: State.FAILED,
        Input.CONNECTION_FAILED: State.FAILED,
        Input.INVALID: State.FAILED,
        Input.CLOSE: State.CLOSED,
    },
    State.REDIRECTED: {},
    State.DONE: {},
    State.FAILED: {},
    State.CLOSED: {},
}
"""For each state the inputs that it allows, and the state that follows."""

for _state, _row in TRANSITIONS.items():
    _state.is_final = not _row

_INPUTS: Final[Mapping[type, Input]] = {
    Data: Input.DATA, Chunks: Input.DATA, End: Input.END, ConnectionFailed: Input.CONNECTION_FAILED
}  # fmt: skip
_END: Final = End()
_BODILESS: Final = frozenset({204, 304})
_DIGITS: Final = 20  # of a length; Python makes no number of 5,000, and h11 allows as many
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Exchange(Generic[T_co]):
    """One request and its response. `receive` takes the events of the response and returns the items they complete.

    Args:
        request: what to send.
        reader: chooses how to read the body.
        limits: how much the server may send.

    Attributes:
        request: what to send.
        limits: how much the server may send.
        state: where it stands in `TRANSITIONS`.
        is_over: whether it takes no more events.
        is_busy: whether an event is being taken: what is called meanwhile must not call back.
        is_streaming: whether a successful response has items for the caller: what came of them, then the error, if any.
        wants_data: whether the adapter has to read on before it resumes the flow.
        defers: whether the adapter calls `convert`, in a worker thread, say, and that of each `LargeItem` of a stream.
            False unless the adapter sets it.
        awaits_conversion: whether the whole body of a large result has come, and `convert` is due.
        head: the head of the response; None before it has come.
        error: the exception that the call raises; None while there is none.
        failure: the failure of the connection, if there was one.
        result_kind: what becomes of the items; None before a successful head has come.
        upload: counts the bytes of the request's body, if `measure` was called. The adapter updates it.
        download: counts the bytes of the response's body, if `measure` was called.
        attempts: one line for each earlier attempt of the call that failed.
        elapsed: seconds from the first request of the call to the response of this one.
        on_end: called once, when no more items of a response come that was handed to the caller.
        recorder: called with each event before it takes effect. If it raises, `receive` raises `LocalProtocolError`,
            and nothing changed.
    """

    __slots__ = (
        "_decoder",
        "_error_body",
        "_inflater",
        "_items",
        "_left",
        "_reader",
        "attempts",
        "awaits_conversion",
        "defers",
        "download",
        "elapsed",
        "error",
        "failure",
        "head",
        "is_busy",
        "is_over",
        "is_streaming",
        "limits",
        "on_end",
        "recorder",
        "request",
        "result_kind",
        "state",
        "upload",
        "wants_data",
    )  # fmt: skip

    def __init__(self, request: Request, reader: Reader[T_co], limits: http.Limits) -> None:
        self.request: Request = request
        self.head: Head | None = None
        self.error: BentoMLException | None = None
        self.failure: ConnectionFailed | None = None
        self.result_kind: ResultKind | None = None
        self.state: State = State.WAITING
        self.is_over: bool = False
        self.is_streaming: bool = False
        self.wants_data: bool = True
        self.defers: bool = False
        self.awaits_conversion: bool = False
        self._reader = reader
        self.limits: http.Limits = limits
        self._decoder: Decoder[T_co] | None = None
        self._inflater: Inflater | None = None
        self._error_body = bytearray()
        self._items: list[T_co] = []
        self.is_busy: bool = False
        self._left: int | None = None  # how many bytes of the body are to come, if the head says it
        self.upload: Meter | None = None
        self.download: Meter | None = None
        self.on_end: Callable[[], None] | None = None
        self.attempts: tuple[str, ...] = ()
        self.elapsed: float = 0.0
        self.recorder: Callable[[Received], None] | None = None

    def __repr__(self) -> str:
        return f"<Exchange {self.request.method} {redacted_urls(self.request.target)}: {self.state.value}>"

    @property
    def has_one_deadline(self) -> bool:
        """Whether all that comes next has the time of one receive, and not each part of it.

        So it is for a head, an error, and what the client asks for itself, but not for the body of a result.
        """
        return self.state is not State.RECEIVING or getattr(self._decoder, "has_one_deadline", False)

    @property
    def is_compressed(self) -> bool:
        """Whether the body is compressed, so that few bytes may become many."""
        return self._inflater is not None

    @property
    def result(self) -> T_co:
        """The result, for `ResultKind.VALUE`.

        Raises:
            LocalProtocolError: there is no result, or not yet.
        """
        if self.state is not State.DONE or self.result_kind is not ResultKind.VALUE:
            raise LocalProtocolError(f"there is no result in state {self.state.value!r}")
        return self._items[0]

    def receive(self, event: Received) -> Sequence[T_co]:
        """Take one event; return the items that it completed.

        Raises:
            LocalProtocolError: the state does not allow the event, or it is none, or another one is being taken, or the
                recorder raised; nothing changed.
        """
        if isinstance(event, Head):
            what = Input.SUCCESS if event.status < 300 else _classify(event)
        elif type(event) is End:
            what = Input.END
        elif type(event) is Data and type(event.data) is bytes:
            what = Input.DATA
        else:
            what, event = self._checked(event)
        before = self.state
        after = TRANSITIONS[before].get(what)
        if after is None:
            raise LocalProtocolError(f"{what.value!r} is not allowed in state {before.value!r}")
        if self.is_busy or self.awaits_conversion:
            raise LocalProtocolError(
                "the exchange is taking another event" if self.is_busy else "the whole body has come: call convert()"
            )
        if self.recorder is not None:
            self._record(self.recorder, event)
        items = self._take(event, before, after)
        if self.is_over and (self.error is not None or self.on_end is not None):
            self._conclude()
        if items and self.result_kind is ResultKind.VALUE:
            self._items += items
            return ()
        return items

    def _take(self, event: Received, before: State, after: State) -> Sequence[T_co]:
        """Do what an event means, in the state that it leads to; return the items that it completed."""
        try:
            self.is_busy, self.state = True, after  # here, as a signal handler may raise anywhere
            if isinstance(event, (Data, Chunks)):
                return self._decode(event)
            if isinstance(event, End):
                return self._finish()
            return self._begin(event) if isinstance(event, Head) else self._fail(event)
        except RemoteProtocolError as exc:
            # An error status is what matters, whatever its body is coded in.
            self.error = self._refusal() if self.state is State.RECEIVING_ERROR else exc
            self.state = TRANSITIONS[before][Input.INVALID]
            items, exc.items = cast("Sequence[T_co]", exc.items), ()
            return items
        except BaseException as exc:
            self._broken(exc, before)
            raise
        finally:
            self.is_busy = False
            if self.state is not before:
                self.is_over = self.state.is_final
                self.wants_data = not (self.is_over or self.is_streaming)

    def _broken(self, exc: BaseException, before: State) -> None:
        """Fail, as a function of the caller raised something."""
        self.error = LocalProtocolError(f"a {type(exc).__name__} was raised while an event was taken")
        self.state, self.is_over, self.wants_data = TRANSITIONS[before][Input.INVALID], True, False

    def convert(self) -> None:
        """Convert the body of a large result, if the exchange `awaits_conversion`; this may take a second or more.

        Whether that fails or not, the exchange is over then.
        """
        if self.awaits_conversion:
            self._items += self._take(_END, self.state, State.DONE)
            if self.error is not None:
                self._conclude()

    def count(self, size: int) -> None:
        """Count bytes of a file that were moved to their destination without `receive`.

        Raises:
            LocalProtocolError: no file is being received, it is compressed, or it has fewer bytes left; nothing
                changed.
        """
        left = self._left
        is_file = self.result_kind is ResultKind.FILE and self._inflater is None
        if self.state is not State.RECEIVING or self.is_busy or not is_file or not is_a(size, int) or size < 0:
            raise LocalProtocolError(f"{size!r} bytes of a file are not allowed in state {self.state.value!r}")
        if left is not None:
            if size > left:
                raise LocalProtocolError(f"{size} bytes are more than the {left} that the file has left")
            self._left = left - size
        if self.download is not None:
            try:
                self.download.add(size)
            except BaseException as exc:
                self._broken(exc, State.RECEIVING)
                raise

    @property
    def is_refused(self) -> bool:
        """Whether the response has an error status, so that `error` says what it says."""
        return (
            self.state is State.FAILED and self.head is not None and self._decoder is None and self.head.status >= 300
        )

    @property
    def error_body(self) -> bytes:
        """The body of a response with an error status, up to its limit."""
        return bytes(self._error_body)

    @property
    def trace_id(self) -> str | None:
        """The trace id in the request's ``traceparent``; None without one."""
        return trace_id(self.request.headers)

    @property
    def request_id(self) -> str | None:
        """The id that BentoML gave the request; None before a response from it."""
        return None if self.head is None else self.head.get("x-bentoml-request-id")

    def measure(self, tell: exchange.OnProgress | None) -> None:
        """Count the bytes of both bodies, and report them to `tell`."""
        from ._progress import Meter  # loaded when someone counts

        self.upload, self.download = Meter("upload", tell), Meter("download", tell)

    def close(self) -> None:
        """Stop reading the response: no more events are taken, and hooks learn that it has ended. Idempotent.

        Raises:
            LocalProtocolError: an event is being taken; nothing changed.
        """
        if self.is_busy:
            raise LocalProtocolError("the exchange is taking an event")
        if not self.is_over:  # though the state may be final, if a signal handler raised where it came to that
            after = TRANSITIONS[self.state].get(Input.CLOSE, self.state)
            self.state, self.is_over, self.wants_data, self.awaits_conversion = after, True, False, False
            self.error = self.error or ConnectionLost("the response was closed before it was complete")
        if self.on_end is not None:
            self._end()

    def _conclude(self) -> None:
        error = self.error
        if error is not None:
            error.trace_id, error.request_id = self.trace_id, self.request_id
            if self.is_streaming:  # of all others, the policy knows how long they took, and how often they were tried
                from ._failures import explain

                explain(error, self.request, self.head, self.elapsed)
        self._end()

    def _end(self) -> None:
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end()

    def _checked(self, event: Received) -> tuple[Input, Received]:
        """What an event other than a head means, and the event, with the bytes of a buffer copied unless handed on."""
        what = _INPUTS.get(type(event))
        if what is None:
            raise LocalProtocolError(f"a {type(event).__qualname__} is no event of a response")
        if isinstance(event, Data):
            is_kept = self.result_kind is not ResultKind.FILE or self._inflater is not None
            data = as_bytes(event.data) if is_kept else as_view(event.data)
            if data is None:
                raise LocalProtocolError(f"the data of a body is bytes, and no {type(event.data).__qualname__}")
            event = Data(cast("bytes", data), event.ends_chunk)
        elif isinstance(event, Chunks) and not (
            is_a(event.pieces, list, tuple) and {bytes}.issuperset(map(type, event.pieces))
        ):
            raise LocalProtocolError("the pieces of chunks are a list of bytes")
        return what, event

    def _record(self, recorder: Callable[[Received], None], event: Received) -> None:
        self.is_busy = True
        try:
            recorder(event)
        except Exception as exc:
            raise LocalProtocolError(f"the recorder raised a {type(exc).__name__}") from exc
        finally:
            self.is_busy = False

    def _begin(self, head: Head) -> Sequence[T_co]:
        self.head = head
        if not 200 <= head.status <= 999:
            raise RemoteProtocolError(f"the response has status {head.status}, which is not a final one")
        if self.state is State.REDIRECTED:
            return ()
        if "content-encoding" in head.first:
            from bento_proto.http._content_coding import inflater  # BentoML compresses only where it is told to

            self._inflater = inflater(head, self.limits.expansion)
        if "transfer-encoding" not in head.first and head.status not in _BODILESS:
            self._left = None if self.request.method in ("HEAD", "CONNECT") else _length(head)
        if self.state is State.RECEIVING:
            decoder = self._decoder = self._reader(head)
            kind = self.result_kind = decoder.result_kind
            if self._inflater is not None:
                self._inflater.makes_items = kind is ResultKind.ITEMS
            self.is_streaming = kind is not ResultKind.VALUE
            defer: Callable[[], None] | None = getattr(decoder, "defer", None) if self.defers else None
            if defer is not None:
                defer()
            if self.download is not None:
                self.download.start(_length(head))
        return ()

    def _decode(self, event: Data | Chunks) -> Sequence[T_co]:
        pieces: Sequence[bytes]
        if isinstance(event, Data):
            pieces, ends_chunk, size = (event.data,), event.ends_chunk, len(event.data)
        else:
            pieces, ends_chunk, size = event.pieces, True, sum(map(len, event.pieces))
        if self._left is not None:
            if size > self._left:
                return self._decode_too_much(b"".join(pieces)[: self._left])
            self._left -= size
        if self.download is not None:
            self.download.add(size)
        decoder = self._decoder
        if decoder is not None and self._inflater is None and not ends_chunk:  # as most bodies come
            return decoder.feed(pieces[0])
        feed = self._collect if decoder is None else decoder.feed
        items: list[T_co] = []
        try:
            for piece in pieces:
                for part in (piece,) if self._inflater is None else self._inflater.feed(piece):
                    complete = feed(part)
                    items += complete
                    if self._inflater is not None:
                        self._account(self._inflater, part, complete)
                if ends_chunk and decoder is not None:
                    items += decoder.boundary()
        except RemoteProtocolError as exc:
            exc.items = (*items, *exc.items)
            raise
        return items

    def _decode_too_much(self, data: bytes) -> Sequence[T_co]:
        """Decode the rest of the body, behind which there is more."""
        items = self._decode(Data(data))
        error = RemoteProtocolError("the response is longer than its Content-Length")
        error.items = items
        raise error

    def _account(self, inflater: Inflater, part: bytes, complete: Sequence[T_co]) -> None:
        """Limit what a compressed body makes the client hold in memory."""
        if complete and self.result_kind is not ResultKind.IMAGE:  # whose bytes the adapter holds
            inflater.release()
        elif self.result_kind is not ResultKind.ITEMS or not part.isspace():  # no decoder keeps what separates items
            inflater.hold(part)

    def _collect(self, data: bytes) -> Sequence[T_co]:
        """Keep a piece of an error response's body."""
        self._error_body += data[: self.limits.error - len(self._error_body)]
        if len(self._error_body) == self.limits.error:  # the adapter need not read the rest
            raise RemoteProtocolError("the error's body is over its limit")
        return ()

    def _finish(self) -> Sequence[T_co]:
        if self.awaits_conversion and self._decoder is not None:
            self.awaits_conversion = False
            return self._decoder.finish()
        if self._left:
            reason = f"the response ended {self._left} bytes before its Content-Length"
            self.state = State.FAILED
            return self._fail(ConnectionFailed(FailureKind.DISCONNECTED, reason))
        if self._decoder is None:
            self.error = self._refusal()
            return ()
        if self.download is not None:
            self.download.finish()
        if self._inflater is not None:
            self._inflater.finish()
        if self.defers and getattr(self._decoder, "is_large", False):
            self.state, self.wants_data, self.awaits_conversion = State.RECEIVING, False, True
            return ()
        return self._decoder.finish()

    def _fail(self, event: ConnectionFailed) -> Sequence[T_co]:
        from ._failures import failure  # loaded with the first one

        self.failure = event
        self.error = failure(event) if self.head is None or self._decoder is not None else self._refusal()
        return ()

    def _refusal(self) -> BentoMLException:
        from ._failures import refusal

        assert self.head is not None
        return refusal(self.head, bytes(self._error_body))


def _length(head: Head) -> int | None:
    """The length of a body by its head, if the head says it."""
    length = head.first.get("content-length")
    if length is None or not (length.isdecimal() and length.isascii()):
        return None
    if len(length) > _DIGITS:
        raise RemoteProtocolError(f"the Content-Length of the response has {len(length)} digits")
    return int(length)


def _classify(head: Head) -> Input:
    if head.status in _REDIRECTS:  # without a Location it is an error
        return Input.ERROR if head.get("location") is None else Input.REDIRECT
    return Input.SUCCESS if head.status < 400 else Input.ERROR
