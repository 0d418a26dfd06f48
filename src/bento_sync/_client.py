"""The client."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import EllipsisType, TracebackType
from typing import TYPE_CHECKING, TypeVar

import bento_files
import bento_sync
from bento_proto import JSON, Value, batch, exchange, http, observe, policy, response, schema, session, testing

if TYPE_CHECKING:
    from typing import TypeAlias

    from ._driver import Driver
    from ._endpoint import EndpointMethod

    Base: TypeAlias = session.BaseClient[Driver, EndpointMethod]
else:
    Base = session.BaseClient

ClientT = TypeVar("ClientT", bound="SyncHTTPClient")


def _random() -> float:
    import random  # slow to load, and only retries have use for it

    return random.random()  # noqa: S311 - it spreads retries; by its name it pickles without the generator's state


class SyncHTTPClient(Base):
    """A client of one BentoML Service, with a method for each of its endpoints.

    Making one, and entering it, does nothing yet: the first use waits until the Service is ready and reads its schema.
    One client serves any number of threads: they share its connections, cookies and what it knows of the Service, and
    nothing of any call.

    An endpoint whose name the client uses itself, such as ``call``, is reached as ``api_call``; one whose name is no
    identifier by `call`.

    Args:
        url: where the Service is: ``http://``, ``https://`` or ``tcp://``, with host, and port and path if need be; or
            ``unix:/path`` or ``file:///path`` for a Unix socket.
        token: sent as ``Authorization: Bearer`` to this Service and nowhere else; or a function that gives it, which
            is asked on first use and again after a 401. By default that of the environment variable
            ``BENTO_CLOUD_API_KEY``, which is used over https or on this machine only; an empty text for none.
        timeout: seconds to wait for each single thing, a `Timeout` to say for what, or None for no limit.
        server_ready_timeout: seconds that the first use waits for the Service to become ready; by default as long as
            for an answer, 0 for not at all.
        headers: sent with every request.
        retries: what is tried again: a `RetryPolicy`, or how many times beyond the first; by default `RetryPolicy()`.
        limits: how much the server may send, and how many connections there may be.
        schema: the content of the Service's ``/schema.json``, which then is not asked for.
        download_dir: where results that are files are put; by default in a directory that goes with the process.
        images: what results that are images become: ``"pillow"`` for a ``PIL.Image.Image``, or a file where Pillow is
            not installed; ``"path"`` for a file in any case, which takes no memory for its content.
        ssl_context: the TLS settings, as `tls_context` makes them; by default Python's, with the system's certificates
            or those that the environment variable ``SSL_CERT_FILE`` names.
        proxy: the URL of an HTTP proxy for whatever the client connects to, with user and password if need be; None
            for none. By default what the environment says: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and
            ``NO_PROXY``, in lower case too; a loopback address is then reached without one. A Unix socket and ``app``
            always are.
        hooks: called for each request: one set of `Hooks`, or several.
        on_progress: told how far each call's upload and download have come, with a `Progress`.
        file_strings: what a ``str`` may be where a file is due: ``"urls"``, a URL, which the server fetches;
            ``"paths"``, the path of a file; ``"both"``; or ``"neither"``. The server's schema says where a file is due,
            so by default it can't make the client read a file whose path was given as text.
        app: an ASGI application of this process, to call instead of a URL, which needs the extra ``asgi``; or a
            `Responder`, such as the double of a Service in a test, which needs no socket.
        recorder: notes what is exchanged, for replaying it in tests, as `bento_proto.testing.Recorder` does.

    Raises:
        ValueError: a URL, the token, a header or a number is malformed.
        SchemaError: the given schema is.
    """

    def __init__(
        self,
        url: str = "http://localhost:3000",
        *,
        token: str | Callable[[], str] | None = None,
        timeout: http.Timeout | float | None = 30.0,
        server_ready_timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        retries: policy.RetryPolicy | int | None = None,
        limits: http.Limits | None = None,
        schema: schema.Service | bytes | JSON = None,
        download_dir: str | os.PathLike[str] | None = None,
        images: session.Images = "pillow",
        ssl_context: bento_files.SSLContext | None = None,
        proxy: str | EllipsisType | None = ...,
        hooks: observe.Hooks | Iterable[observe.Hooks] | None = None,
        on_progress: exchange.OnProgress | None = None,
        file_strings: session.FileStrings = "urls",
        app: Callable[..., Awaitable[None]] | testing.Responder | None = None,
        recorder: testing.ExchangeRecorder | None = None,
    ) -> None:
        # What a client is made of is loaded by the first one: to import the class, or to declare it, takes no time.
        from ._connection_pool import PoolManager
        from ._driver import Driver

        server, responder = None, None
        if app is not None:
            if isinstance(app, testing.Responder):
                responder = app
            else:
                from ._asgi import ASGIServer  # few have use for it

                server = ASGIServer(app)
                url = server.url
        limits = limits or http.Limits()
        known = session.Session(
            url,
            token=token,
            timeout=timeout,
            server_ready_timeout=server_ready_timeout,
            headers=headers,
            retries=retries,
            limits=limits,
            schema=self._schema if schema is None else schema,
            download_dir=download_dir,
            images=images,
            hooks=hooks,
            on_progress=on_progress,
            file_strings=file_strings,
            environ=os.environ,
            random=_random,
        )
        pools = PoolManager(limits, ssl_context, http.Proxies(proxy if app is None else None, os.environ))
        options = known.options.changed(hooks=observe.LOGGING)
        super().__init__(Driver(known, options, pools, server, responder, recorder))

    @property
    def endpoints(self) -> Mapping[str, schema.Endpoint]:
        """The endpoints of the Service, by name.

        Raises:
            ServiceUnavailable: it did not become ready.
            BentoMLException: its schema can't be had.
        """
        return self._driver.connect().endpoints

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
        method = self._methods.get(name)
        if method is not None:
            return method
        service = self._driver.connect()
        found = schema.endpoint_for(service, name, schema.RESERVED)
        if found is None:
            raise AttributeError(schema.unknown_endpoint(service, name))
        return self._methods.setdefault(name, bento_sync.EndpointMethod(self._driver, found))

    def call(self, name: str, /, *args: Value, **kwargs: Value) -> Value:
        """Call an endpoint by its name: see `EndpointMethod.__call__`.

        Raises:
            NotFound: the Service has no endpoint of that name.
        """
        return self._endpoint(name)(*args, **kwargs)

    def __call__(self, /, *args: Value, **kwargs: Value) -> Value:
        """Call the endpoint named ``__call__``."""
        return self._endpoint("__call__")(*args, **kwargs)

    def _endpoint(self, name: str) -> bento_sync.EndpointMethod:
        self._driver.connect()
        return bento_sync.EndpointMethod(self._driver, self._driver.session.endpoint(name).name)

    def request(self, method: str, path: str, *, content: bytes | None = None, json: object = None) -> response.Content:
        """Make a request of your own, with the client's credentials: to an application mounted beside the Service, say.

        Args:
            method: the HTTP method.
            path: path and query under the client's URL, percent-encoded.
            content: the body.
            json: what to send as JSON instead.

        Raises:
            ValueError: method or path is malformed.
            BentoMLException: the request failed, or the answer has an error status.
        """
        exchange = self._driver.result(self._driver.session.request, method, path, content, json)
        assert exchange.head is not None
        return response.Content(exchange.head, exchange.result, exchange)

    def map(
        self,
        endpoint: str | bento_sync.EndpointMethod,
        inputs: Iterable[Value],
        *,
        concurrency: int = 8,
        ordered: bool = True,
        on_error: batch.OnError = "raise",
        on_progress: exchange.OnProgress | None = None,
    ) -> bento_sync.Batch[Value]:
        """Call an endpoint, by its name or a method of it, with each of many inputs: see `EndpointMethod.map`.

        Raises:
            NotFound: the Service has no endpoint of that name.
        """
        method = self._endpoint(endpoint) if isinstance(endpoint, str) else endpoint
        return method.map(inputs, concurrency=concurrency, ordered=ordered, on_error=on_error, on_progress=on_progress)

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
