"""A light client for BentoML Services, over urllib3."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bento_files import tls_context
    from bento_proto import (
        BentoMLException,
        CallTimeout,
        Conflict,
        ConnectError,
        ConnectionLost,
        Endpoint,
        File,
        FileInput,
        Forbidden,
        GatewayTimeout,
        Hooks,
        InternalServerError,
        InvalidArgument,
        LimitExceeded,
        Limits,
        LocalProtocolError,
        NotFound,
        Progress,
        RemoteProtocolError,
        Response,
        ResultStatus,
        RetryPolicy,
        SchemaError,
        ServerSentEvent,
        Service,
        ServiceUnavailable,
        TaskFailed,
        TaskNotCompleted,
        Timeout,
        TooManyRequests,
        Unauthorized,
        UnprocessableEntity,
        __version__,
    )
    from bento_proto.batch import Outcome
    from bento_proto.http import Headers
    from bento_proto.observe import EndEvent, RequestEvent, ResponseEvent, RetryEvent
    from bento_proto.policy import Poll
    from bento_proto.response import Content

    from ._batch import Batch
    from ._client import SyncHTTPClient
    from ._endpoint import EndpointMethod, Task
    from ._stream import Stream
    from ._typed import TypedSyncHTTPClient


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "Batch": "._batch",
        "BentoMLException": "bento_proto",
        "CallTimeout": "bento_proto",
        "Conflict": "bento_proto",
        "ConnectError": "bento_proto",
        "ConnectionLost": "bento_proto",
        "Content": "bento_proto.response",
        "EndEvent": "bento_proto.observe",
        "Endpoint": "bento_proto",
        "EndpointMethod": "._endpoint",
        "File": "bento_proto",
        "FileInput": "bento_proto",
        "Forbidden": "bento_proto",
        "GatewayTimeout": "bento_proto",
        "Headers": "bento_proto.http",
        "Hooks": "bento_proto",
        "InternalServerError": "bento_proto",
        "InvalidArgument": "bento_proto",
        "LimitExceeded": "bento_proto",
        "Limits": "bento_proto",
        "LocalProtocolError": "bento_proto",
        "NotFound": "bento_proto",
        "Outcome": "bento_proto.batch",
        "Poll": "bento_proto.policy",
        "Progress": "bento_proto",
        "RemoteProtocolError": "bento_proto",
        "RequestEvent": "bento_proto.observe",
        "Response": "bento_proto",
        "ResponseEvent": "bento_proto.observe",
        "ResultStatus": "bento_proto",
        "RetryEvent": "bento_proto.observe",
        "RetryPolicy": "bento_proto",
        "SchemaError": "bento_proto",
        "ServerSentEvent": "bento_proto",
        "Service": "bento_proto",
        "ServiceUnavailable": "bento_proto",
        "Stream": "._stream",
        "SyncHTTPClient": "._client",
        "Task": "._endpoint",
        "TaskFailed": "bento_proto",
        "TaskNotCompleted": "bento_proto",
        "Timeout": "bento_proto",
        "TooManyRequests": "bento_proto",
        "TypedSyncHTTPClient": "._typed",
        "Unauthorized": "bento_proto",
        "UnprocessableEntity": "bento_proto",
        "__version__": "bento_proto",
        "tls_context": "bento_files",
    }

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_MODULES[name], __name__), name)
        return value

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "Batch",
    "BentoMLException",
    "CallTimeout",
    "Conflict",
    "ConnectError",
    "ConnectionLost",
    "Content",
    "EndEvent",
    "Endpoint",
    "EndpointMethod",
    "File",
    "FileInput",
    "Forbidden",
    "GatewayTimeout",
    "Headers",
    "Hooks",
    "InternalServerError",
    "InvalidArgument",
    "LimitExceeded",
    "Limits",
    "LocalProtocolError",
    "NotFound",
    "Outcome",
    "Poll",
    "Progress",
    "RemoteProtocolError",
    "RequestEvent",
    "Response",
    "ResponseEvent",
    "ResultStatus",
    "RetryEvent",
    "RetryPolicy",
    "SchemaError",
    "ServerSentEvent",
    "Service",
    "ServiceUnavailable",
    "Stream",
    "SyncHTTPClient",
    "Task",
    "TaskFailed",
    "TaskNotCompleted",
    "Timeout",
    "TooManyRequests",
    "TypedSyncHTTPClient",
    "Unauthorized",
    "UnprocessableEntity",
    "__version__",
    "tls_context",
)
