"""The client."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, ClassVar

from bento_proto.schema import RESERVED, attributes, endpoint_for

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Mapping
    from types import EllipsisType, TracebackType

    from typing_extensions import Self

    from bento_proto import JSON, Endpoint, Hooks, Limits, RetryPolicy, Service, Timeout, Value
    from bento_proto.batch import OnError
    from bento_proto.exchange import OnProgress
    from bento_proto.response import Content
    from bento_proto.session import FileStrings, Images
    from bento_proto.testing import ExchangeRecorder, Responder

    from ._asgi import ASGIApplication
    from ._batch import Batch
    from ._endpoint import EndpointMethod


def _chance() -> float:
    import random  # slow to load, and only retries have use for it

    return random.random()  # noqa: S311 - it spreads retries; by its name it pickles without the generator's state


class SyncHTTPClient:
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

    _schema: ClassVar[Service | bytes | JSON] = None  # what a typed client knows of its Service

    def __init__(
        self,
        url: str = "http://localhost:3000",
        *,
        token: str | Callable[[], str] | None = None,
        timeout: Timeout | float | None = 30.0,
        server_ready_timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        retries: RetryPolicy | int | None = None,
        limits: Limits | None = None,
        schema: Service | bytes | JSON = None,
        download_dir: str | os.PathLike[str] | None = None,
        images: Images = "pillow",
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | EllipsisType | None = ...,
        hooks: Hooks | Iterable[Hooks] | None = None,
        on_progress: OnProgress | None = None,
        file_strings: FileStrings = "urls",
        app: ASGIApplication | Responder | None = None,
        recorder: ExchangeRecorder | None = None,
    ) -> None:
        # What a client is made of is loaded by the first one: to import the class, or to declare it, takes no time.
        from bento_proto import Limits, Session
        from bento_proto.http import Proxies
        from bento_proto.observe import LOGGING

        from ._connection_pool import PoolManager
        from ._driver import Driver

        server, responder = None, None
        if app is not None:
            from bento_proto.testing import Responder  # few have use for it

            if isinstance(app, Responder):
                responder = app
            else:
                from ._asgi import ASGIServer

                server = ASGIServer(app)
                url = server.url
        limits = limits or Limits()
        session = Session(
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
            random=_chance,
        )
        pools = PoolManager(limits, ssl_context, Proxies(proxy if app is None else None, os.environ))
        options = session.options.changed(hooks=LOGGING)
        self._driver = Driver(session, options, pools, server, responder, recorder)
        self._methods: dict[str, EndpointMethod] = {}

    # --- what there is

    @property
    def url(self) -> str:
        """The URL of the Service, without user and password."""
        base = self._driver.session.base
        return f"{base.origin}{base.path}"

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """The endpoints of the Service, by name.

        Raises:
            ServiceUnavailable: it did not become ready.
            BentoMLException: its schema can't be had.
        """
        return self._driver.connect().endpoints

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    def __dir__(self) -> Iterable[str]:
        service = self._driver.session.service
        return [*super().__dir__(), *(attributes(service, RESERVED) if service else ())]

    # --- readiness

    def connect(self) -> Service:
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
        driver = self._driver
        driver.start_server()
        return driver.result(driver.session.is_ready(timeout, driver.options, time.monotonic()))

    def wait_until_server_ready(self, timeout: float | None = None) -> None:
        """Wait until the Service is ready.

        Args:
            timeout: how many seconds; None for as long as it takes.

        Raises:
            ServiceUnavailable: it did not become ready; the cause is what the last request met.
        """
        driver = self._driver
        driver.start_server()
        driver.result(driver.session.wait_until_ready(timeout, driver.options, time.monotonic()))

    # --- calls

    def __getattr__(self, name: str) -> EndpointMethod:
        if name.startswith("_"):  # never a request for what Python itself, or a debugger, looks for
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        method = self._methods.get(name)
        if method is not None:
            return method
        service = self._driver.connect()
        found = endpoint_for(service, name, RESERVED)
        if found is None:
            raise AttributeError(f"the Service {service.name} has no endpoint {name!r}")
        from ._endpoint import EndpointMethod

        return self._methods.setdefault(name, EndpointMethod(self._driver, service.endpoints[found]))

    def call(self, name: str, /, *args: Value, **kwargs: Value) -> Value:
        """Call an endpoint by its name: see `EndpointMethod.__call__`.

        Raises:
            NotFound: the Service has no endpoint of that name.
        """
        return self._endpoint(name)(*args, **kwargs)

    def __call__(self, /, *args: Value, **kwargs: Value) -> Value:
        """Call the endpoint named ``__call__``."""
        return self._endpoint("__call__")(*args, **kwargs)

    def _endpoint(self, name: str) -> EndpointMethod:
        from ._endpoint import EndpointMethod

        self._driver.connect()
        return EndpointMethod(self._driver, self._driver.session.endpoint(name))

    def request(self, method: str, path: str, *, content: bytes | None = None, json: object = None) -> Content:
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
        from bento_proto.response import Content

        driver = self._driver
        driver.start_server()
        flow = driver.session.request(method, path, content, json, driver.options, time.monotonic())
        exchange = driver.result(flow)
        assert exchange.head is not None
        return Content(exchange.head, exchange.result, exchange)

    def map(
        self,
        endpoint: str | EndpointMethod,
        inputs: Iterable[Value],
        *,
        concurrency: int = 8,
        ordered: bool = True,
        on_error: OnError = "raise",
        on_progress: OnProgress | None = None,
    ) -> Batch[Value]:
        """Call an endpoint with each of many inputs, some at a time: see `EndpointMethod.map`.

        Args:
            endpoint: its name; or a method, of a view with other options, say.
            inputs: as there, and so are all others.
            concurrency: how many calls there are at a time.
            ordered: whether the results come in the order of the inputs.
            on_error: what becomes of a call that fails.
            on_progress: told how many calls are over.

        Raises:
            NotFound: the Service has no endpoint of that name.
        """
        method = self._endpoint(endpoint) if isinstance(endpoint, str) else endpoint
        return method.map(inputs, concurrency=concurrency, ordered=ordered, on_error=on_error, on_progress=on_progress)

    def with_options(
        self,
        *,
        timeout: Timeout | float | EllipsisType | None = ...,
        headers: Mapping[str, str] | None = None,
        retries: RetryPolicy | int | EllipsisType = ...,
        download_dir: str | os.PathLike[str] | EllipsisType | None = ...,
        images: Images | EllipsisType = ...,
        hooks: Hooks | Iterable[Hooks] | None = None,
        on_progress: OnProgress | EllipsisType | None = ...,
        file_strings: FileStrings | EllipsisType = ...,
    ) -> Self:
        """A view of this client with other options, for one call or many; it shares everything else.

        Args:
            timeout: as for the client.
            headers: sent besides the client's own, or in place of those of the same name.
            retries: as for the client.
            download_dir: as for the client.
            images: as for the client.
            hooks: called besides the client's own.
            on_progress: as for the client.
            file_strings: as for the client.

        Raises:
            ValueError: one of them is malformed.
        """
        import copy  # few have use for it

        view = copy.copy(self)
        options = self._driver.options.changed(
            timeout, headers, retries, download_dir, images, hooks, on_progress, file_strings
        )
        view._driver = self._driver.under(options)
        view._methods = {}
        return view

    # --- the end

    def close(self) -> None:
        """Close the connections. Calls that are under way go on to their end; files that were received stay."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class TypedSyncHTTPClient(SyncHTTPClient):
    """A client that knows its Service from the start, and whose endpoints the type checker knows.

    ``bento-client types URL`` writes its subclasses: ``class Summarizer(TypedSyncHTTPClient, schema=...)``. They
    take the arguments of `SyncHTTPClient` and do the same, but ask for no schema. To a type checker they have the
    endpoints that are declared in them, and no others.

    Args:
        schema: of a subclass: the content of the Service's ``/schema.json``; by default that of its own base.
    """

    def __init_subclass__(cls, *, schema: Service | bytes | JSON = None, **others: object) -> None:
        super().__init_subclass__(**others)
        if schema is not None:
            cls._schema = schema

    if TYPE_CHECKING:
        __getattr__: None  # type: ignore[assignment,misc]  # what is not declared is an error
