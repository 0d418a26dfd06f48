"""TLS over a stream."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from bento_files import check_protocol

if TYPE_CHECKING:
    from typing import TypeAlias

    from bento_proto.http import Proxy

    from ._backends.base import Bytes, Stream

AnyStream: TypeAlias = "Stream | TLSStream"
_RECORD: Final = (1 << 14) + (1 << 10)  # bytes of the largest record (RFC 8446, section 5.2), and more


class TLSStream:
    """TLS, as a client, over another stream, which may have TLS itself. Its methods are those of `Stream`.

    Args:
        under: the other stream.
        context: the TLS settings.
        host: the name that the peer's certificate must hold.
    """

    __slots__ = ("_incoming", "_is_draining", "_outgoing", "_rest", "_tls", "_under", "forwarder")

    def __init__(self, under: AnyStream, context: ssl.SSLContext, host: str) -> None:
        self.forwarder: Proxy | None = None
        self._under = under
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._rest: Bytes = b""  # what a receiver, such as of a key update, has to send, and what did not go at once
        self._is_draining = False

    async def handshake(self, deadline: float) -> None:
        """Agree on keys, and verify who the peer is.

        Raises:
            ssl.SSLError: the certificate is not valid, or the peer speaks no TLS, or refuses.
            DeadlineExceeded: it took too long.
            OSError: the connection broke.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._under.drain(self._send_pending(), deadline)
                await self._feed(_RECORD, deadline)
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as exc:
                raise ConnectionResetError("the peer closed the connection during the TLS handshake") from exc
            except ssl.SSLError:
                with suppress(OSError):
                    self._send_pending()  # the alert that tells the peer
                raise
            else:
                break
        await self._under.drain(self._send_pending(), deadline)
        check_protocol(self._tls.selected_alpn_protocol())

    def write(self, data: Bytes) -> Bytes:
        """Send what goes without waiting; return what did not, encrypted: for `drain`."""
        view = memoryview(data)
        while view:
            view = view[self._tls.write(view) :]
        return self._send_pending()

    async def drain(self, rest: Bytes, deadline: float) -> None:
        """Send what `write` left."""
        self._is_draining = True
        await self._under.drain(rest, deadline)
        self._is_draining = False

    def _send_pending(self) -> Bytes:
        """Send what is encrypted; return what did not go."""
        data = self._outgoing.read()
        if self._rest:
            data, self._rest = bytes(self._rest) + data, b""
        return self._under.write(data) if data else b""

    async def receive(self, max_bytes: int, deadline: float) -> bytes:
        """The next bytes; ``b""`` once the peer has said that it closes. That it closes unsaid is an `OSError`."""
        while True:
            try:
                data = self._tls.read(max_bytes)
                if len(data) == max_bytes or not (data and self._incoming.pending):
                    return data
            except ssl.SSLWantReadError:
                await self._feed(max_bytes, deadline)
                continue
            pieces, left = [data], max_bytes - len(data)
            with suppress(ssl.SSLWantReadError):
                while left and data:
                    data = self._tls.read(left)
                    pieces.append(data)
                    left -= len(data)
            return b"".join(pieces)

    async def receive_into(self, buffer: memoryview, deadline: float) -> Bytes:
        """The same as a view of the start of the buffer, into which they are decrypted."""
        size = 0
        while not size:
            with suppress(ssl.SSLWantReadError):
                while size < len(buffer):
                    count = cast("int", self._tls.read(len(buffer) - size, buffer[size:]))  # with a buffer, a number
                    size += count
                    if not count:
                        return buffer[:size]
            if not size:
                await self._feed(len(buffer), deadline)
        return buffer[:size]

    async def _feed(self, max_bytes: int, deadline: float) -> None:
        """Receive more to decrypt."""
        if self._outgoing.pending and not self._is_draining:
            self._rest = self._send_pending()
        data = await self._under.receive(max(max_bytes, _RECORD), deadline)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()  # without a close_notify before it, reading says so

    @property
    def direct_socket(self) -> None:
        """None: what can be read from the socket is encrypted."""

    @property
    def has_buffered(self) -> bool:
        """Whether something was received or decrypted that nobody has received."""
        return bool(self._tls.pending() or self._incoming.pending or self._under.has_buffered)

    @property
    def is_readable(self) -> bool:
        """`has_buffered`, or there is something to read from the socket, its end included."""
        return self.has_buffered or self._under.is_readable

    def close(self) -> None:
        """Close the connection at once. Idempotent."""
        self._under.close()

    def abandon(self) -> None:
        """`close` from any thread, in the midst of anything."""
        self._under.abandon()
