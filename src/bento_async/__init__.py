"""A light client for BentoML Services, on asyncio and trio, over anyio and h11."""

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

    from ._batch import AsyncBatch
    from ._call import AsyncCall
    from ._client import AsyncHTTPClient
    from ._endpoint import EndpointMethod
    from ._stream import AsyncStream
    from ._task import AsyncTask
    from ._typed import TypedAsyncHTTPClient
else:  # What nobody asks for is not loaded (PEP 562). A type checker must not see that any name could be there.
    from importlib import import_module as _import_module

    _HOMES = {
        "tls_context": "bento_files",
        "AsyncBatch": "._batch",
        "AsyncCall": "._call",
        "AsyncHTTPClient": "._client",
        "EndpointMethod": "._endpoint",
        "AsyncStream": "._stream",
        "AsyncTask": "._task",
        "TypedAsyncHTTPClient": "._typed",
    }  # all others come from the core

    def __getattr__(name):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_HOMES.get(name, "bento_proto"), __name__), name)
        return value

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "AsyncBatch",
    "AsyncCall",
    "AsyncHTTPClient",
    "AsyncStream",
    "AsyncTask",
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
    "TaskFailed",
    "TaskNotCompleted",
    "Timeout",
    "TooManyRequests",
    "TypedAsyncHTTPClient",
    "Unauthorized",
    "UnprocessableEntity",
    "__version__",
    "tls_context",
)
