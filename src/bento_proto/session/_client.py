"""What clients have in common that needs no request: how they are made, how they look, and views of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from os import PathLike
from types import EllipsisType
from typing import TYPE_CHECKING, ClassVar, Final, Generic, Literal, NoReturn, TypeVar, overload

from bento_proto import batch, exchange, http, observe, policy, schema, session
from bento_proto import request as arguments  # a client has a method of that name
from bento_proto._guesses import OF_CLIENTS, OF_REQUESTS, attribute_hint, explains
from bento_proto._tracebacks import prepare_shell
from bento_proto._types import JSON, ASGIApplication, Value
from bento_proto.http._redaction import without_frames

from ._options import FileStrings, Images, Options, SocketOptions
from ._responder import ExchangeRecorder, Responder

if TYPE_CHECKING:
    from ._config import ClientConfig
    from ._driver import Driver

_OPTIONS: Final = (
    "timeout", "headers", "retries", "download_dir", "images", "hooks", "on_progress", "file_strings",
)  # fmt: skip
_ARGUMENTS: Final = (
    "url", "token", "auth", *_OPTIONS, "server_ready_timeout", "limits", "schema", "ssl_context", "proxy", "app",
    "recorder", "socket_options", "transport",
)  # fmt: skip

ClientT = TypeVar("ClientT", bound="BaseClient[Driver, object, object, NoReturn, object, object]")
DriverT_co = TypeVar("DriverT_co", bound="Driver", covariant=True)
ResponseT_co = TypeVar("ResponseT_co", covariant=True)
InputsT_contra = TypeVar("InputsT_contra", contravariant=True)
BatchT_co = TypeVar("BatchT_co", covariant=True)
CallT_co = TypeVar("CallT_co", covariant=True)
StreamedT_co = TypeVar("StreamedT_co", covariant=True)


class BaseClient(ABC, Generic[DriverT_co, ResponseT_co, StreamedT_co, InputsT_contra, BatchT_co, CallT_co]):
    """A client of one BentoML Service. An adapter adds what makes its requests, and a method for each endpoint."""

    _is_asynchronous: ClassVar[bool] = False  # whether functions for credentials may be async
    _schema: ClassVar[schema.Service | bytes | JSON] = None  # what a typed client knows of its Service

    def __init_subclass__(cls, *, schema: schema.Service | bytes | JSON = None, **others: object) -> None:
        super().__init_subclass__(**others)
        if schema is not None:
            cls._schema = schema

    @without_frames
    @explains(OF_CLIENTS)
    def __init__(
        self,
        url: str = "http://localhost:3000",
        *,
        token: str | Callable[[], str | Awaitable[str]] | None = None,
        auth: http.Auth | None = None,
        timeout: http.Timeout | float | None = 30.0,
        server_ready_timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        retries: policy.RetryPolicy | int | None = None,
        limits: http.Limits | None = None,
        schema: schema.Service | bytes | JSON = None,
        download_dir: str | PathLike[str] | None = None,
        images: Images = "pillow",
        ssl_context: http.SSLContext | None = None,
        proxy: str | EllipsisType | None = ...,
        hooks: observe.Hooks | Iterable[observe.Hooks] | None = None,
        on_progress: exchange.OnProgress | None = None,
        file_strings: FileStrings = "urls",
        app: ASGIApplication | Responder | None = None,
        recorder: ExchangeRecorder | None = None,
        socket_options: SocketOptions = (),
        transport: session.AnyTransport | None = None,
    ) -> None:
        """Make a client; it does nothing yet.

        Args:
            url: where the Service is: ``http://``, ``https://`` or ``tcp://``, with host, and port and path if need be;
                or ``unix:/path`` or ``file:///path`` for a Unix socket.
            token: sent as ``Authorization: Bearer`` to this Service and nowhere else; or a function that gives it,
                which is called on first use and again after a 401; that of an `AsyncHTTPClient` may be an async
                function. By default that of the environment variable
                ``BENTO_CLOUD_API_KEY``, which is used over https or on this machine only; an empty text for none.
            auth: a function that is called with each request that is about to go to this Service, an `AuthRequest`, and
                returns header fields to add to it, such as a signature; they replace those of the same name. After a
                401 it is called once more. That of an `AsyncHTTPClient` may be an async function. The token of the
                environment is not used then.
            timeout: seconds to wait for each single thing, a `Timeout` to say for what, or None for no limit.
            server_ready_timeout: seconds that the first use waits for the Service to become ready; by default as long
                as for a response, 0 for not at all.
            headers: sent with every request.
            retries: what is tried again: a `RetryPolicy`, or how many times beyond the first; by default
                `RetryPolicy()`.
            limits: how much the server may send, and how many connections there may be.
            schema: the content of the Service's ``/schema.json``, which then is not asked for.
            download_dir: where results that are files are put; by default in a directory that goes with the process.
            images: what results that are images become: ``"pillow"`` for a ``PIL.Image.Image``, or a file where Pillow
                is not installed; ``"path"`` for a file in any case, which takes no memory for its content.
            ssl_context: the TLS settings, as `tls_context` makes them; by default Python's, with the system's
                certificates or those that the environment variable ``SSL_CERT_FILE`` names.
            proxy: the URL of an HTTP or SOCKS5 proxy for whatever the client connects to, with user and password if
                need be; None for none. By default what the environment says: ``HTTPS_PROXY``, ``HTTP_PROXY``,
                ``ALL_PROXY`` and ``NO_PROXY``, in lower case too; if none is set, what the settings of macOS and
                Windows say. A loopback address is then reached without one, a Unix socket and ``app`` always are.
            hooks: called for each request: one set of `Hooks`, or several.
            on_progress: told how far each call's upload and download have come, with a `Progress`.
            file_strings: what a ``str`` may be where a file is due: ``"urls"``, a URL, which the server fetches;
                ``"paths"``, the path of a file; ``"both"``; or ``"neither"``. The server's schema says where a file is
                due, so by default it can't make the client read a file whose path was given as text.
            app: an ASGI application of this process, which is called instead of what is at the URL; or a `Responder`,
                such as the double of a Service in a test, which needs no event loop and no socket.
            recorder: records what is exchanged, for replaying it in tests, as `bento_proto.testing.Recorder` does.
            socket_options: options of TCP sockets beside ``TCP_NODELAY`` and ``SO_KEEPALIVE``, which are set: the
                arguments of ``socket.setsockopt`` for each, such as ``(SOL_SOCKET, SO_RCVBUF, 1 << 20)``.
            transport: an HTTP library of yours that carries the requests: a `Transport`, for an async client an
                `AsyncTransport`. Connections, TLS and proxies are its own then, and so is closing it.

        Raises:
            TypeError: there is no such argument; for the names of other libraries the message has ours.
            ValueError: a URL, the token, a header or a number is malformed.
            SchemaError: the given schema is.
        """
        from ._arguments import check_kinds
        from ._config import ClientConfig, checked_socket_options
        from ._session import Session

        prepare_shell()
        check_kinds(
            url=url, token=token, auth=auth, timeout=timeout, server_ready_timeout=server_ready_timeout,
            headers=headers, retries=retries, limits=limits, download_dir=download_dir, ssl_context=ssl_context,
            proxy=proxy, hooks=hooks, on_progress=on_progress, app=app, recorder=recorder,
            socket_options=socket_options,
        )  # fmt: skip

        limits = limits or http.Limits()
        known = Session(
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
            environ=self._environ(),
            random=self._random,
            asynchronous=self._is_asynchronous,
            auth=auth,
        )
        if level := self._environ().get("BENTO_CLIENT_LOG"):
            observe.log_to_stderr(level)
        system = self._system_proxies() if proxy is ... and app is None else None
        proxies = http.Proxies(proxy if app is None else None, self._environ(), system)
        config = ClientConfig(
            known, limits, proxies, ssl_context, app, recorder, checked_socket_options(socket_options), transport
        )
        self._driver = self._new_driver(config, known.options.changed(hooks=observe.LOGGING))
        self._methods: set[str] = set()

    @staticmethod
    @abstractmethod
    def _environ() -> Mapping[str, str]:
        """The environment variables."""

    @staticmethod
    def _system_proxies() -> Mapping[str, str]:
        """The proxies that the system's settings name, by scheme; none unless the adapter looks them up."""
        return {}

    @staticmethod
    @abstractmethod
    def _random() -> float:
        """A random number from 0 to 1."""

    @abstractmethod
    def _new_driver(self, config: ClientConfig, options: Options) -> DriverT_co:
        """What makes the requests of a client with this configuration, under these options."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    def _repr_html_(self) -> str | None:
        """What a notebook shows: a table of the endpoints, if the Service can be had."""
        self._driver.learn()
        service = self._driver.session.service
        return None if service is None else schema.service_html(service, repr(self))

    def __dir__(self) -> Iterable[str]:
        if self._driver.session.service is None:
            self._driver.learn()
        service = self._driver.session.service
        if service is None:
            return super().__dir__()
        # Without the methods that are kept: they may have been reached by another name than the one to show.
        return {*super().__dir__()} - self._methods | {*schema.attributes(service, schema.RESERVED)}

    def _keep(self, name: str, method: object) -> None:
        """Make a method of an endpoint an attribute of this client, so that Python finds it by itself."""
        self._methods.add(name)  # first, since another thread may be copying the attributes
        vars(self)[name] = method

    def __setattr__(self, name: str, value: object) -> None:
        # Endpoints may be replaced, as tests do; a class may declare attributes of its own.
        if not name.startswith("_") and not hasattr(type(self), name) and not self._may_be_endpoint(name):
            declared = any(name in getattr(cls, "__annotations__", ()) for cls in type(self).__mro__)
            if not declared:
                hint = attribute_hint(name, _OPTIONS)
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r} to assign{hint}")
        super().__setattr__(name, value)

    def _may_be_endpoint(self, name: str) -> bool:
        service = self._driver.session.service
        if service is None:
            return name not in _ARGUMENTS and name not in OF_CLIENTS
        return schema.endpoint_for(service, name, schema.RESERVED) is not None

    @property
    def url(self) -> str:
        """The URL of the Service, without user and password."""
        base = self._driver.session.base
        return f"{base.origin}{base.path}"

    @overload
    def request(
        self,
        method: str,
        url: str,
        *,
        params: arguments.Pairs | str | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | str | None = None,
        data: arguments.Pairs | bytes | str | None = None,
        files: Mapping[str, object] | Iterable[tuple[str, object]] | None = None,
        json: object = None,
        timeout: http.Timeout | float | EllipsisType | None = ...,
        cookies: Mapping[str, str] | None = None,
        stream: Literal[False] = False,
    ) -> ResponseT_co: ...
    @overload
    def request(
        self,
        method: str,
        url: str,
        *,
        params: arguments.Pairs | str | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | str | None = None,
        data: arguments.Pairs | bytes | str | None = None,
        files: Mapping[str, object] | Iterable[tuple[str, object]] | None = None,
        json: object = None,
        timeout: http.Timeout | float | EllipsisType | None = ...,
        cookies: Mapping[str, str] | None = None,
        stream: Literal[True],
    ) -> StreamedT_co: ...
    @explains(OF_REQUESTS)
    def request(
        self,
        method: str,
        url: str,
        *,
        params: arguments.Pairs | str | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | str | None = None,
        data: arguments.Pairs | bytes | str | None = None,
        files: Mapping[str, object] | Iterable[tuple[str, object]] | None = None,
        json: object = None,
        timeout: http.Timeout | float | EllipsisType | None = ...,
        cookies: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> ResponseT_co | StreamedT_co:
        """Make a request of your own, with the client's credentials: to an application mounted beside the Service, say.

        Args:
            method: the HTTP method.
            url: path and query under the client's URL, percent-encoded; or an absolute URL of the same origin.
            params: added to the query.
            headers: header fields, besides those of the client or in place of them.
            content: the body.
            data: the fields of a form; or the body.
            files: the files of a form, by field: what a file argument takes, or ``(name, content)`` or ``(name,
                content, content_type)``. Text is content, and no path.
            json: what to send as JSON.
            timeout: as for the client.
            cookies: sent with this request.
            stream: whether to return when the head of the response is there, for the body to be read as it arrives.

        Returns:
            The response, whatever its status: see `Content.raise_for_status`. With ``stream`` it is a
            `StreamedContent` or an `AsyncStreamedContent`.

        Raises:
            TypeError: there are several bodies, or a value can't be sent.
            ValueError: method or URL is malformed, or the URL is of another origin.
            BentoMLException: there is no response.
        """
        asked = arguments.client_request(method, url, params=params, content=content, data=data, files=files, json=json)
        options = self._driver.options.of_request(timeout, headers, cookies)
        del url, params, headers, cookies  # which may be secrets: what reports an exception may show local variables
        return self._stream(asked, options) if stream else self._send(asked, options)

    def call(self, name: str, /, *args: Value, **kwargs: Value) -> CallT_co:
        """Call an endpoint by its name: see the method's ``__call__``.

        Raises:
            NotFound: the Service has no endpoint of that name.
        """
        return self._method(name)(*args, **kwargs)

    def __call__(self, /, *args: Value, **kwargs: Value) -> CallT_co:
        """Call the endpoint named ``__call__``."""
        return self.call("__call__", *args, **kwargs)

    def map(
        self,
        endpoint: str | session.EndpointMethodBase[InputsT_contra, BatchT_co, CallT_co],
        inputs: InputsT_contra,
        *,
        concurrency: batch.Concurrency = 8,
        ordered: bool = True,
        on_error: batch.OnError = "raise",
        on_progress: exchange.OnProgress | None = None,
        max_errors: int | None = None,
        ahead: int | None = None,
        start: int = 0,
    ) -> BatchT_co:
        """Call an endpoint, by its name or a method of it, with each of many inputs: see `EndpointMethod.map`.

        Raises:
            NotFound: the Service has no endpoint of that name.
        """
        method = self._method(endpoint) if isinstance(endpoint, str) else endpoint
        return method.map(
            inputs,
            concurrency=concurrency,
            ordered=ordered,
            on_error=on_error,
            on_progress=on_progress,
            max_errors=max_errors,
            ahead=ahead,
            start=start,
        )

    @abstractmethod
    def _method(self, name: str) -> session.EndpointMethodBase[InputsT_contra, BatchT_co, CallT_co]:
        """The method of the endpoint of that name."""

    @abstractmethod
    def _send(self, asked: arguments.ClientRequest, options: Options) -> ResponseT_co:
        """Measure the files of a request, and send it."""

    @abstractmethod
    def _stream(self, asked: arguments.ClientRequest, options: Options) -> StreamedT_co:
        """Do the same, for a response whose body is read as it arrives."""

    @without_frames
    @explains(OF_CLIENTS)
    def with_options(  # noqa: PYI019 - `Self` could not be evaluated at run time
        self: ClientT,
        *,
        timeout: http.Timeout | float | EllipsisType | None = ...,
        headers: Mapping[str, str] | None = None,
        retries: policy.RetryPolicy | int | EllipsisType = ...,
        download_dir: str | PathLike[str] | EllipsisType | None = ...,
        images: Images | EllipsisType = ...,
        hooks: observe.Hooks | Iterable[observe.Hooks] | None = None,
        on_progress: exchange.OnProgress | EllipsisType | None = ...,
        file_strings: FileStrings | EllipsisType = ...,
    ) -> ClientT:
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
            TypeError, ValueError: an option is invalid.
        """
        from copy import copy  # few make views

        from ._arguments import check_kinds

        check_kinds(
            timeout=timeout, headers=headers, retries=retries, download_dir=download_dir, hooks=hooks,
            on_progress=on_progress,
        )  # fmt: skip
        view = copy(self)
        options = self._driver.options.changed(
            timeout, headers, retries, download_dir, images, hooks, on_progress, file_strings
        )
        view._driver = self._driver.under(options)
        view._methods = set()
        for name in list(self._methods):  # which make requests under the options of this client
            vars(view).pop(name, None)
        return view
