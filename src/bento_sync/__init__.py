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
        Content,
        EndEvent,
        Endpoint,
        File,
        FileInput,
        Forbidden,
        GatewayTimeout,
        Headers,
        Hooks,
        InternalServerError,
        InvalidArgument,
        LimitExceeded,
        Limits,
        LocalProtocolError,
        NotFound,
        Outcome,
        Poll,
        Progress,
        RemoteProtocolError,
        RequestEvent,
        Response,
        ResponseEvent,
        ResultStatus,
        RetryEvent,
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

    from ._batch import Batch
    from ._client import SyncHTTPClient
    from ._endpoint import EndpointMethod
    from ._stream import Stream
    from ._task import Task
    from ._typed import TypedSyncHTTPClient
else:  # What nobody asks for is not loaded (PEP 562). A type checker must not see that any name could be there.
    from importlib import import_module as _import_module

    _HOMES = {
        "tls_context": "bento_files",
        "Batch": "._batch",
        "SyncHTTPClient": "._client",
        "EndpointMethod": "._endpoint",
        "Stream": "._stream",
        "Task": "._task",
        "TypedSyncHTTPClient": "._typed",
    }  # all others come from the core

    def __getattr__(name):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_HOMES.get(name, "bento_proto"), __name__), name)
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
