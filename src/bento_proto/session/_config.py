"""What a client was made with, for its adapter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bento_proto import http
from bento_proto import session as sessions  # a field has its name
from bento_proto._frozen import Frozen
from bento_proto._types import ASGIApplication

from ._options import SocketOptions
from ._responder import ExchangeRecorder, Responder
from ._session import Session

_HERE: Final = "as that belongs to this process: make the client where it is used"
_WHY: Final[Mapping[str, str]] = {
    "app": _HERE,
    "recorder": _HERE,
    "ssl_context": "as an SSLContext can't: make the client where it is used, or set the environment variable "
    "SSL_CERT_FILE there",
}


class ClientConfig(Frozen):
    """What the adapter of a client makes its driver of. Arguments of the client that can't be pickled prevent that.

    Attributes:
        session: what the client knows and decides.
        limits: how much a server may send, and how many connections there may be.
        proxies: the choice of a proxy for an origin.
        ssl_context: the TLS settings; None for Python's.
        app: the ASGI application, or the responder, that responds in place of a server; None for neither.
        recorder: the recorder of the exchanges, if there is one.
        socket_options: the further options of TCP sockets.
        transport: the HTTP library of the caller's that carries the requests; None for connections of the client.
    """

    session: Session
    limits: http.Limits
    proxies: http.Proxies
    ssl_context: http.SSLContext | None = None
    app: ASGIApplication | Responder | None = None
    recorder: ExchangeRecorder | None = None
    socket_options: SocketOptions = ()
    transport: sessions.AnyTransport | None = None

    @property
    def responder(self) -> Responder | None:
        """The responder, if there is one."""
        return self.app if isinstance(self.app, Responder) else None

    @property
    def application(self) -> ASGIApplication | None:
        """The ASGI application, if there is one."""
        return None if isinstance(self.app, Responder) else self.app

    def __reduce__(self) -> tuple[type[Frozen], tuple[object, ...]]:
        """What another process makes the same of.

        Raises:
            TypeError: an argument of the client can't leave this process.
        """
        for name, why in _WHY.items():
            if getattr(self, name) is not None:
                raise TypeError(f"a client with {name}= can't be pickled, {why}")
        return super().__reduce__()


def checked_socket_options(options: SocketOptions) -> SocketOptions:
    """Check the form of the options, which the operating system sees much later.

    Raises:
        TypeError: an option is not of the form ``(level, name, value)``.
    """
    given: list[tuple[object, ...]] = list(options)
    for option in given:
        parts = option if type(option) is tuple and len(option) == 3 else (None, None, None)
        if not all(isinstance(part, int) for part in parts[:2]) or not isinstance(parts[2], (int, bytes)):
            raise TypeError(f"a socket option must be a tuple (level, name, value) of numbers: {option!r}")
    return tuple(options)
