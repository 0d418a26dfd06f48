"""An exchange as the messages of ASGI 3, so that an adapter needs nothing but an application to call.

In go an `Exchange` and the messages that the application sends; out come the scope of the call and the messages that
the application receives. It calls nothing and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from typing import Final, Generic, TypeAlias, TypeVar, cast
from urllib.parse import unquote

from . import exchange as exchanges
from ._types import ASGIApplication
from .http._messages import ConnectionFailed, Data, End, FailureKind, Head

__all__ = ("ASGIApplication", "ASGIExchange", "ASGIMessage", "VERSIONS")

T = TypeVar("T")

ASGIMessage: TypeAlias = MutableMapping[str, object]
"""A scope, or a message that an application receives or sends."""

VERSIONS: Final = {"version": "3.0", "spec_version": "2.3"}
"""What a scope says of ASGI."""


class ASGIExchange(Generic[T]):
    """One exchange with one call of an application.

    Let the application receive a `request` message for each piece of the body and `request_end` after them, then
    ``http.disconnect`` when the response is no longer wanted. Hand what it sends to `receive`, and report by
    `application_ended` that it returned or raised, until the exchange is over.

    Args:
        exchange: what to carry out. What the application does wrong becomes its ``error``.
    """

    def __init__(self, exchange: exchanges.Exchange[T]) -> None:
        self._exchange = exchange
        self._upload = exchange.upload if exchange.request.body else None
        self._is_sending = False
        self._is_chunked = False

    def scope(self, state: dict[str, object]) -> ASGIMessage:
        """The scope to call the application with.

        Args:
            state: what the application's lifespan keeps for its requests.
        """
        request = self._exchange.request
        path, _, query = request.target.partition("?")
        headers = [("host", request.origin.authority), *request.headers]
        length = request.content_length
        if length is None:
            headers.append(("transfer-encoding", "chunked"))
        elif request.body:
            headers.append(("content-length", str(length)))
        return {
            "type": "http",
            "asgi": VERSIONS,
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.origin.scheme,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            "client": ("127.0.0.1", 0),
            "server": (request.origin.host, request.origin.port),
            "state": dict(state),
        }

    # --- the request

    def request(self, data: bytes) -> ASGIMessage:
        """The message for a piece of the request's body."""
        if self._upload is not None:
            if not self._is_sending:
                self._upload.start(self._exchange.request.content_length)
                self._is_sending = True
            self._upload.send(len(data))
        return {"type": "http.request", "body": data, "more_body": True}

    def request_end(self) -> ASGIMessage:
        """The message for the end of the request's body."""
        if self._upload is not None:
            self._upload.finish()
        return {"type": "http.request", "body": b"", "more_body": False}

    # --- the response

    def receive(self, message: ASGIMessage) -> Sequence[T]:
        """Take a message that the application sent; return the items that are complete."""
        exchange, kind = self._exchange, message["type"]
        if kind == "http.response.start" and exchange.head is None:
            fields = cast("Iterable[tuple[bytes, bytes]]", message.get("headers", ()))
            headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields)
            head = Head(cast("int", message["status"]), headers)
            self._is_chunked = head.get("content-length") is None
            return exchange.receive(head)
        if kind != "http.response.body" or exchange.head is None:
            reason = f"the application sent {kind!r} out of turn"
            return exchange.receive(ConnectionFailed(FailureKind.PROTOCOL, reason))
        data = bytes(cast("bytes", message.get("body", b"")))
        items = list(exchange.receive(Data(data, ends_chunk=self._is_chunked))) if data else []
        if not message.get("more_body", False) and not exchange.is_over:
            items += exchange.receive(End())
        return items

    def application_ended(self, cause: BaseException | None) -> None:
        """Report that the application has ended, and its response has not: without a head, that is a status 500.

        Args:
            cause: what it raised.
        """
        exchange = self._exchange
        if exchange.head is not None:
            reason = "the application broke off its response"
            exchange.receive(ConnectionFailed(FailureKind.DISCONNECTED, reason, cause=cause))
            return
        exchange.receive(Head(500, (("content-type", "text/plain; charset=utf-8"),)))
        exchange.receive(Data(b"Internal Server Error"))
        exchange.receive(End())
        assert exchange.error is not None
        exchange.error.__cause__ = cause
