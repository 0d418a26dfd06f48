"""The client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import bento_files
import bento_sync
from bento_proto import Value, request, response, schema, session

if TYPE_CHECKING:
    from typing import TypeAlias

    from ._driver import Driver

    Base: TypeAlias = session.BaseClient[
        Driver, response.Content, response.StreamedContent, Iterable[Value], bento_sync.Batch[Value], Value
    ]
else:
    Base = session.BaseClient

ClientT = TypeVar("ClientT", bound="SyncHTTPClient")


class SyncHTTPClient(bento_files.ProcessMixin, Base):
    """A client of one BentoML Service, with a method for each of its endpoints.

    Making one, and entering it, does nothing yet: the first use waits until the Service is ready and reads its schema.
    One client serves any number of threads: they share its connections, cookies and what it knows of the Service, and
    nothing of any call.

    An endpoint whose name the client uses itself, such as ``call``, is reached as ``api_call``; one whose name is no
    identifier by `call`.

    An ASGI application that is given as ``app`` is served by uvicorn, in a thread: that needs the extra ``asgi``.
    """

    def _new_driver(self, config: session.ClientConfig, options: session.Options) -> Driver:
        # What a client is made of is loaded by the first one: to import the class, or to declare it, takes no time.
        from ._driver import Driver

        return Driver(config, options)

    @property
    def endpoints(self) -> Mapping[str, schema.Endpoint]:
        """The endpoints of the Service, by name.

        Raises:
            ServiceUnavailable: it did not become ready.
            BentoMLException: its schema can't be had.
        """
        return schema.Endpoints(self._driver.connect().endpoints)

    # --- readiness

    def connect(self) -> schema.Service:
        """Wait until the Service is ready and read its schema, as the first use would; what is known is not asked for.

        Raises:
            ServiceUnavailable: it did not become ready.
            BentoMLException: its schema can't be had.
        """
        return self._driver.connect()

    def is_ready(self, timeout: float | None = None) -> bool:
        """Whether the Service is ready; whatever goes wrong means that it isn't.

        Args:
            timeout: seconds to wait for its answer; by default as long as for any, but at most 5.
        """
        return self._driver.result(self._driver.session.is_ready, timeout)

    def wait_until_server_ready(self, timeout: float | None = None) -> None:
        """Wait until the Service is ready.

        Args:
            timeout: how many seconds; None for as long as it takes.

        Raises:
            ServiceUnavailable: it did not become ready; the cause is what the last request met.
        """
        self._driver.result(self._driver.session.wait_until_ready, timeout)

    # --- calls

    def __getattr__(self, name: str) -> bento_sync.EndpointMethod:
        if name.startswith("_"):  # never a request for what Python itself, or a debugger, looks for
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        service = self._driver.connect()
        found = schema.endpoint_for(service, name, schema.RESERVED)
        if found is None:
            raise AttributeError(schema.unknown_endpoint(service, name))
        method = bento_sync.EndpointMethod(self._driver, found)
        self._keep(name, method)
        return method

    def _method(self, name: str) -> bento_sync.EndpointMethod:
        self._driver.connect()
        return bento_sync.EndpointMethod(self._driver, self._driver.session.endpoint(name).name)

    def _send(self, asked: request.ClientRequest, options: session.Options) -> response.Content:
        driver = self._driver.under(options)
        return driver.result(driver.session.send, asked, *bento_files.form(asked.sources))

    def _stream(self, asked: request.ClientRequest, options: session.Options) -> response.StreamedContent:
        driver = self._driver.under(options)
        return driver.stream(driver.session.stream, asked, *bento_files.form(asked.sources))

    # --- the end

    def close(self) -> None:
        """Close the connections. Calls that are under way go on to their end; files that were received stay."""
        self._driver.close()

    def __enter__(self: ClientT) -> ClientT:  # noqa: PYI019 - `Self` could not be evaluated at run time
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class TypedSyncHTTPClient(SyncHTTPClient):
    """A client that knows its Service from the start, and whose endpoints the type checker knows.

    ``bento-client types URL`` writes its subclasses: ``class Summarizer(TypedSyncHTTPClient, schema=...)``, with the
    content of the Service's ``/schema.json``. They take the arguments of `SyncHTTPClient` and do the same, but ask for
    no schema. To a type checker they have the endpoints that are declared in them, and no others.
    """

    if TYPE_CHECKING:
        __getattr__: None  # type: ignore[assignment,misc]  # what is not declared is an error
