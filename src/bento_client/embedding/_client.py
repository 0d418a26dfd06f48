"""The client for embedders."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterable, Callable
from typing import TypeVar

from bento_async import AsyncHTTPClient
from bento_proto import Timeout
from bento_proto.http import Origin
from bento_proto.session import AsyncDriver, ClientConfig, Options, TransportRequest, TransportResponse

from ._driver import EmbeddedDriver
from ._streams import NetworkStream

T = TypeVar("T")


class AbstractAsyncClient(AsyncHTTPClient):
    """An `AsyncHTTPClient` over I/O of your own, for any event loop, or for none that Python knows.

    A subclass writes `sleep`, and `send` or `open`: the first if it has an HTTP library, the second if it has
    connections. Everything else is as for `AsyncHTTPClient`: endpoints, streams, files, progress, tasks, retries,
    redirects, readiness, credentials. No event loop is looked for, no thread started, no socket opened.

    * The client interrupts nothing: `send`, and the streams of `open`, end at their timeouts. ``Timeout.total`` is
      looked at after each wait.
    * Files are read and written on the event loop, unless `run_sync` has a thread for it.
    * Connections of `open` serve one exchange each, and no proxy is used.
    * ``dir()`` and ``help()`` ask the Service for nothing: ``await client.connect()`` first.
    * ``map()`` starts tasks, which it can on asyncio and on trio only.
    * An endpoint that is named as a method of this class, such as ``send``, is reached by `call`.

    Raises:
        TypeError: an argument is for clients with connections of their own: ``ssl_context``, ``socket_options``,
            ``app``, ``transport``; or the subclass has neither `send` nor `open`.
    """

    def _new_driver(self, config: ClientConfig, options: Options) -> AsyncDriver:
        opens = type(self).open is not AbstractAsyncClient.open
        if not opens and type(self).send is AbstractAsyncClient.send:
            raise TypeError(f"{type(self).__name__} has neither a method send() nor a method open()")
        return EmbeddedDriver(config, options, self, opens=opens)

    async def send(self, request: TransportRequest, /) -> TransportResponse[AsyncIterable[bytes]]:
        """Send one request, follow no redirect, and return its response when its head is there, whatever its status.

        Args:
            request: the request. Its ``timeout`` says how long to wait for what.

        Raises:
            ConnectError: no connection was made, so nothing was sent.
            TimeoutError: a timeout expired; also while the blocks are iterated over.
            OSError: the connection broke; also while the blocks are iterated over.
        """
        raise NotImplementedError

    async def open(self, origin: Origin, timeout: Timeout, /) -> NetworkStream:
        """Connect to an origin.

        Args:
            origin: its ``scheme`` is ``http``, or ``https`` for TLS; ``host`` and ``port`` say where.
            timeout: ``connect`` says how long to wait.

        Raises:
            TimeoutError: that was too long.
            OSError: there is no connection. An ``ssl.SSLError`` is final.
        """
        raise NotImplementedError

    @abstractmethod
    async def sleep(self, seconds: float, /) -> None:
        """Wait, and let the event loop go on; also for 0 seconds."""

    async def run_sync(self, function: Callable[[], T], /) -> T:
        """Call a function that may block, for files. By default it is called at once; a thread may do it."""
        return function()
