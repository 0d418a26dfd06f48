"""The protocol of BentoML's HTTP servers, without I/O: no sockets, no files, no clock, no randomness, no threads.

A `Session` makes flows, a `FlowRunner` steps through one, and an `Exchange` takes the events of a response. Here are
the names that users and adapters need first; the others are public in the sub-packages. From the ground up:

- ``json``, and the errors and aliases of this package
- ``http`` and ``schema``: the values of HTTP, and of a Service
- ``request`` and ``exchange``: arguments to a request; one request and its response
- ``response`` and ``observe``: bytes to results; hooks and the log
- ``http11``, ``asgi`` and ``policy``: an exchange as bytes, or as messages of ASGI; retries, discovery, tasks
- ``pool`` and ``batch``: what one connection pool, and one batch, decides
- ``session``: what one client knows and decides
- ``testing``: a Service without a server, and recordings

A sub-package imports only what stands above it in this list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._types import JSON, Value
    from ._version import __version__
    from .errors import (
        BentoMLException,
        CallTimeout,
        Conflict,
        ConnectError,
        ConnectionLost,
        Forbidden,
        GatewayTimeout,
        InternalServerError,
        InvalidArgument,
        LimitExceeded,
        LocalProtocolError,
        NotFound,
        RemoteProtocolError,
        SchemaError,
        ServiceUnavailable,
        TaskFailed,
        TaskNotCompleted,
        TooManyRequests,
        Unauthorized,
        UnprocessableEntity,
    )
    from .exchange._body import ResultKind
    from .exchange._exchange import Exchange
    from .exchange._progress import Progress
    from .http._limits import Limits, Timeout
    from .http._messages import ConnectionFailed, Data, End, FailureKind, Head, Request
    from .observe._hooks import Hooks
    from .policy._flow import Flow, FlowRunner, Step
    from .policy._retry import RetryPolicy
    from .policy._tasks import ResultStatus
    from .request._file import File
    from .request._inputs import FileInput
    from .response._response import Response
    from .response._sse import ServerSentEvent
    from .schema._service import Endpoint, Service
    from .session._session import Session


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._types": "JSON Value",
        "._version": "__version__",
        ".errors": (
            "BentoMLException CallTimeout Conflict ConnectError ConnectionLost Forbidden GatewayTimeout "
            "InternalServerError InvalidArgument LimitExceeded LocalProtocolError NotFound RemoteProtocolError "
            "SchemaError ServiceUnavailable TaskFailed TaskNotCompleted TooManyRequests Unauthorized "
            "UnprocessableEntity"
        ),
        ".exchange._body": "ResultKind",
        ".exchange._exchange": "Exchange",
        ".exchange._progress": "Progress",
        ".http._limits": "Limits Timeout",
        ".http._messages": "ConnectionFailed Data End FailureKind Head Request",
        ".observe._hooks": "Hooks",
        ".policy._flow": "Flow FlowRunner Step",
        ".policy._retry": "RetryPolicy",
        ".policy._tasks": "ResultStatus",
        ".request._file": "File",
        ".request._inputs": "FileInput",
        ".response._response": "Response",
        ".response._sse": "ServerSentEvent",
        ".schema._service": "Endpoint Service",
        ".session._session": "Session",
    }

    def __getattr__(name):
        for module, names in _MODULES.items():
            if name in names.split():
                value = globals()[name] = getattr(_import_module(module, __name__), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "BentoMLException", "CallTimeout", "Conflict", "ConnectError", "ConnectionFailed", "ConnectionLost", "Data", "End",
    "Endpoint", "Exchange", "FailureKind", "File", "FileInput", "Flow", "FlowRunner", "Forbidden", "GatewayTimeout",
    "Head", "Hooks", "InternalServerError", "InvalidArgument", "JSON", "LimitExceeded", "Limits", "LocalProtocolError",
    "NotFound", "Progress", "RemoteProtocolError", "Request", "Response", "ResultKind", "ResultStatus", "RetryPolicy",
    "SchemaError", "ServerSentEvent", "Service", "ServiceUnavailable", "Session", "Step", "TaskFailed",
    "TaskNotCompleted", "Timeout", "TooManyRequests", "Unauthorized", "UnprocessableEntity", "Value", "__version__",
)  # fmt: skip
