"""The client."""

from __future__ import annotations

from collections.abc import AsyncIterable, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import bento_async
import bento_files
from bento_proto import Value, request, response, schema, session

if TYPE_CHECKING:
    from typing import TypeAlias

    Base: TypeAlias = session.BaseClient[
        session.AsyncDriver,
        Coroutine[object, object, response.Content],
        Coroutine[object, object, response.AsyncStreamedContent],
        Iterable[Value] | AsyncIterable[Value],
        bento_async.AsyncBatch[Value],
        bento_async.AsyncCall[Value, Value],
    ]
else:
    Base = session.BaseClient

ClientT = TypeVar("ClientT", bound="AsyncHTTPClient")


class AsyncHTTPClient(bento_files.ProcessMixin, Base):
    """A client of one BentoML Service, with a method for each of its endpoints, on asyncio and on trio.

    Making one, and entering it, does nothing yet: the first use waits until the Service is ready and reads its schema.
    One client serves any number of tasks: they share its connections, cookies and what it knows of the Service, and
    nothing of any call. It may be used on several event loops, one after the other or each in a thread of its own, and
    after a fork: each loop has connections of its own, and what remains of one that has ended is closed when the next
    one comes. In the child of a fork that loop must be a new one. On the loop that the fork was made in a call raises
    `LocalProtocolError` there, or on asyncio, where nothing at all can be awaited there, asyncio's ``RuntimeError``.

    Nothing blocks the event loop: files are read and written, and NumPy, pandas and Pillow imported for the first call
    that needs them, in worker threads. JSON is encoded and decoded on the loop, large values piece by piece. What can't
    be taken apart, such as one string of many megabytes, or a data frame, keeps the loop waiting.

    Cancelling is safe anywhere: it closes the connection of the call that is cancelled, at once, and nothing else.

    An endpoint whose name the client uses itself, such as ``call``, is reached as ``api_call``; one whose name is no
    identifier by `call`.

    An ASGI application that is given as ``app`` is called without a socket. It runs within ``async with`` the client,
    its lifespan from the first use to the end of that, and on the same event loop: BentoML's own applications can only
    run on asyncio, and are never ready on trio.
    """

    _is_asynchronous = True

    def _new_driver(self, config: session.ClientConfig, options: session.Options) -> session.AsyncDriver:
        # What a client is made of is loaded by the first one: to import the class, or to declare it, takes no time.
        from ._driver import ClientState, Driver

        return Driver(ClientState(config), options)

    @property
    def endpoints(self) -> Mapping[str, schema.Endpoint]:
        """The endpoints of the Service, by name.

        Raises:
            LocalProtocolError: they are not known yet, neither from a call nor from `connect`.
        """
        service = self._driver.session.service
        if service is None:
            raise bento_async.LocalProtocolError("the endpoints are not known yet: `await client.connect()` first")
        return schema.Endpoints(service.endpoints)

    async def connect(self) -> schema.Service:
        """Wait until the Service is ready and read its schema, as the first use would; what is known is not asked for.

        Raises:
            ServiceUnavailable: it did not become ready.
            BentoMLException: its schema can't be had.
        """
        return await self._driver.connect()

    async def is_ready(self, timeout: float | None = None) -> bool:
        """Whether the Service is ready; whatever goes wrong means that it isn't.

        Args:
            timeout: seconds to wait for its response; by default as long as for any, but at most 5.
        """
        return await self._driver.result(self._driver.session.is_ready, timeout)

    async def wait_until_server_ready(self, timeout: float | None = None) -> None:
        """Wait until the Service is ready.

        Args:
            timeout: how many seconds; None for as long as it takes.

        Raises:
            ServiceUnavailable: it did not become ready; the cause is what the last request met.
        """
        await self._driver.result(self._driver.session.wait_until_ready, timeout)

    def __getattr__(self, name: str) -> bento_async.AsyncEndpointMethod:
        if name.startswith("_"):  # never a request for what Python itself, or a debugger, looks for
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        service = self._driver.session.service
        if service is not None and schema.endpoint_for(service, name, schema.RESERVED) is None:
            raise AttributeError(schema.unknown_endpoint(service, name))
        method = bento_async.AsyncEndpointMethod(self._driver, name, schema.RESERVED)
        if service is not None:
            self._keep(name, method)
        return method

    async def _send(self, asked: request.ClientRequest, options: session.Options) -> response.Content:
        driver = self._driver.under(options)
        return await driver.result(driver.session.send, asked, *await driver.form(asked.sources))

    async def _stream(self, asked: request.ClientRequest, options: session.Options) -> response.AsyncStreamedContent:
        driver = self._driver.under(options)
        return await driver.stream(driver.session.stream, asked, *await driver.form(asked.sources))

    def _method(self, name: str) -> bento_async.AsyncEndpointMethod:
        return bento_async.AsyncEndpointMethod(self._driver, name)

    async def close(self) -> None:
        """Close the connections. Calls that are under way go on to their end; files that were received stay."""
        await self._driver.close()

    aclose = close
    """The same, by the name that `contextlib.aclosing` knows."""

    async def __aenter__(self: ClientT) -> ClientT:  # noqa: PYI019
        self._driver.enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        try:
            await self.close()
        finally:
            await self._driver.leave()


class TypedAsyncHTTPClient(AsyncHTTPClient):
    """A client that knows its Service from the start, and whose endpoints the type checker knows.

    ``bento-client types URL`` writes its subclasses: ``class AsyncSummarizer(TypedAsyncHTTPClient, schema=...)``, with
    the content of the Service's ``/schema.json``. They take the arguments of `AsyncHTTPClient` and do the same, but ask
    for no schema. To a type checker they have the endpoints that are declared in them, and no others.
    """

    if TYPE_CHECKING:
        __getattr__: None  # type: ignore[assignment,misc]  # what is not declared is an error
