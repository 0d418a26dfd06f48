"""An HTTP library of the caller's, which carries the requests of a client in place of its own connections."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager, suppress
from functools import partial
from typing import Generic, Protocol, TypeAlias, TypeVar, cast

from bento_proto import policy
from bento_proto._frozen import Frozen
from bento_proto._types import Fields, as_bytes
from bento_proto.errors import ConnectError
from bento_proto.http import ConnectionFailed, Data, End, FailureKind, Head, Timeout
from bento_proto.http._headers import without_coding

BlocksT = TypeVar("BlocksT")
BlocksT_co = TypeVar("BlocksT_co", covariant=True)


class TransportRequest(Frozen):
    """A request that a transport sends.

    Attributes:
        method: the HTTP method.
        url: the absolute URL, percent-encoded.
        headers: the header fields, without ``Host``, ``Content-Length`` and ``Transfer-Encoding``: the library adds
            these.
        content: the body: bytes, empty for none; or, with a file in it, an iterable of bytes, for an `AsyncTransport`
            an asynchronous one, which can be iterated over once.
        length: the size of the body in bytes; None if it is unknown.
        timeout: how long to wait for what. ``total`` is what is left of it, which the client watches as far as it can.
    """

    method: str
    url: str
    headers: Fields
    content: bytes | Iterable[bytes] | AsyncIterable[bytes]
    length: int | None
    timeout: Timeout

    def __repr__(self) -> str:  # the headers hold the token
        return f"<TransportRequest {self.method} {self.url}>"


class TransportResponse(Generic[BlocksT_co]):
    """A response as a transport returns it, when its head is there.

    Args:
        status: the final status.
        headers: the header fields, as pairs.
        blocks: the body, in blocks as they arrive; the client may stop to iterate over it at any time.
        close: called once, when the client stops: it ends the response, and lets go of its connection. Of an
            `AsyncTransport` it may return an awaitable.
        decoded: whether the library has decoded the content coding (gzip) of the body.
    """

    def __init__(
        self,
        status: int,
        headers: Iterable[tuple[str, str]],
        blocks: BlocksT_co,
        close: Callable[[], object] = lambda: None,
        *,
        decoded: bool = False,
    ) -> None:
        self.status: int = status
        self.headers: Fields = tuple((name, value) for name, value in headers)
        self.blocks: BlocksT_co = blocks
        self.close: Callable[[], object] = close
        if decoded:
            self.headers = without_coding(self.headers)


class Transport(Protocol):
    """Sends the requests of a `SyncHTTPClient`, as its ``transport=``."""

    def send(self, request: TransportRequest, /) -> TransportResponse[Iterable[bytes]]:
        """Send one request, follow no redirect, and return its response, whatever its status.

        Raises:
            ConnectError: no connection was made, so nothing was sent.
            TimeoutError: a timeout expired; also while the blocks are iterated over.
            OSError: the connection broke; also while the blocks are iterated over.
        """
        ...


class AsyncTransport(Protocol):
    """Sends the requests of an `AsyncHTTPClient`, as its ``transport=``. Cancelling `send` ends the request."""

    async def send(self, request: TransportRequest, /) -> TransportResponse[AsyncIterable[bytes]]:
        """Send one request, as `Transport.send` does."""
        ...


AnyTransport: TypeAlias = Transport | AsyncTransport
"""A transport of either client."""


@contextmanager
def map_exceptions(meanings: Mapping[type[Exception], Callable[[str], Exception]]) -> Generator[None, None, None]:
    """Raise within the context, in place of a library's exception, the one that says to a client what it means.

    Use it in `send`, and around the loop that yields the blocks of the response.

    Args:
        meanings: for each class of the library's exceptions, `ConnectError`, ``TimeoutError`` or `ConnectionLost`. The
            first class that an exception belongs to counts, so name a subclass before its base class.
    """
    try:
        yield
    except tuple(meanings) as exc:
        raise next(
            meaning(str(exc) or type(exc).__name__) for kind, meaning in meanings.items() if isinstance(exc, kind)
        ) from exc


class TransportExchange:
    """An exchange that a transport carries: its request in the library's terms, and what the library returns as events.

    Args:
        step: what is carried out.
    """

    def __init__(self, step: policy.Step) -> None:
        self._exchange = step.exchange
        self._timeout = step.timeout
        self._close: Callable[[], object] = lambda: None
        self._blocks: object = None
        self._raised: BaseException | None = None  # by what is the caller's own, while the library took the request

    def request(self, blocks: Iterable[bytes] | AsyncIterable[bytes]) -> TransportRequest:
        """The request for the transport.

        Args:
            blocks: reads the body; used if there is a file in it.
        """
        request = self._exchange.request
        content: bytes | Iterable[bytes] | AsyncIterable[bytes]
        if all(isinstance(segment, bytes) for segment in request.body):
            content = request.content
            if content:
                self._count(None)
                self._count(content)
        elif isinstance(blocks, AsyncIterable):
            content = self._async_sending(blocks)
        else:
            content = self._sending(blocks)
        url = f"{request.origin.scheme}://{request.origin.authority}{request.target}"
        return TransportRequest(request.method, url, request.headers, content, request.content_length, self._timeout)

    def _sending(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        try:
            self._count(None)
            for block in blocks:
                self._count(block)
                yield block
        except Exception as exc:  # of a file, or of who is told of the progress: the library must not hide it
            self._raised = exc
            raise

    async def _async_sending(self, blocks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        try:
            self._count(None)
            async for block in blocks:
                self._count(block)
                yield block
        except Exception as exc:
            self._raised = exc
            raise

    def _count(self, block: bytes | None) -> None:
        upload = self._exchange.upload
        if upload is not None and block is None:
            upload.start(self._exchange.request.content_length)
        elif upload is not None and block is not None:
            upload.send(len(block))

    def respond(self, response: TransportResponse[BlocksT]) -> BlocksT:
        """Take the head of the response; return what its body is to be read from, for `receive`.

        Raises:
            TypeError: it is no response, but the awaitable of a transport for the other client, say.
        """
        given, kind = cast("object | Coroutine[object, object, object]", response), type(response).__name__
        if not isinstance(given, TransportResponse):
            if isinstance(given, Coroutine):
                given.close()  # it would warn that nobody awaits it
            raise TypeError(f"send() of a transport returns a TransportResponse, not a {kind}")
        self._close, self._blocks = response.close, response.blocks
        if self._exchange.upload is not None and self._exchange.request.body:
            self._exchange.upload.finish()
        self._exchange.receive(Head(response.status, response.headers))
        return response.blocks

    def receive(self, block: bytes | None) -> Sequence[object]:
        """Take a block of the body, None at its end; return the items that it completes.

        Raises:
            TypeError: it is no bytes: the blocks of the response were one bytes object, say.
        """
        if self._exchange.is_over or block == b"":
            return ()
        if block is None:
            return self._exchange.receive(End())
        data = as_bytes(block)
        if data is None:
            raise TypeError(
                f"the blocks of a response are bytes, not {type(block).__name__}; bytes alone are one block"
            )
        return self._exchange.receive(Data(data))

    @contextmanager
    def failures(self) -> Generator[None, None, None]:
        """Take what the transport raises within the context, as `failed` does."""
        try:
            yield
        except Exception as exc:  # noqa: BLE001 - what says nothing of a connection is raised again
            self.failed(exc)

    def failed(self, exc: Exception) -> None:
        """Take what the transport raised, which is raised again if it says nothing of a connection."""
        if self._raised is not None:
            raise self._raised from None
        if not isinstance(exc, OSError) or self._exchange.is_over:  # then it is from who is told of the progress
            raise exc
        kind, cause = FailureKind.DISCONNECTED, cast("BaseException", exc)
        if isinstance(exc, ConnectError):
            kind, cause = FailureKind.CONNECT, exc.__cause__ or exc  # the flow makes one of its own
        elif isinstance(exc, TimeoutError):
            kind = FailureKind.TIMEOUT
        self._exchange.receive(ConnectionFailed(kind, str(exc) or type(exc).__name__, cause=cause))

    def close(self) -> Callable[[], Coroutine[object, object, None]] | None:
        """End the response; return the rest of that, if there is something to await. Idempotent."""
        close, self._close = self._close, lambda: None
        blocks, self._blocks = self._blocks, None
        self._exchange.close()
        if isinstance(blocks, Generator):
            blocks.close()
        closing = close()
        rest: list[Awaitable[object]] = [blocks.aclose()] if isinstance(blocks, AsyncGenerator) else []
        if isinstance(closing, Awaitable):
            rest.append(cast("Awaitable[object]", closing))
        return partial(_awaited, rest) if rest else None


async def _awaited(closing: Iterable[Awaitable[object]]) -> None:
    for each in closing:
        with suppress(Exception):  # the response is over: nobody is interested
            await each
