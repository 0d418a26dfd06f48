"""Clients for BentoML Services: the import to try first.

``from bento_client import SyncHTTPClient, AsyncHTTPClient``; ``python -m bento_client`` is the command line. The rest
is in sub-packages: `bento_client.observe` (tracing, progress bars), `bento_client.codegen` (typed clients),
`bento_client.batch` (batches from files), `bento_client.bench` (load tests), `bento_client.embedding` (an event loop or
an HTTP library of your own), `bento_client.mcp` (tools for assistants), ``bento_client.cli`` (the command line),
`bento_client.pytest_plugin`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bento_async import (
        AsyncBatch,
        AsyncCall,
        AsyncEndpointMethod,
        AsyncHTTPClient,
        AsyncStream,
        AsyncTask,
        TypedAsyncHTTPClient,
    )
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
    from bento_proto.http import AuthRequest, Headers
    from bento_proto.observe import EndEvent, RequestEvent, ResponseEvent, RetryEvent
    from bento_proto.policy import Poll
    from bento_proto.response import AsyncStreamedContent, Content, StreamedContent
    from bento_sync import Batch, EndpointMethod, Stream, SyncHTTPClient, Task, TypedSyncHTTPClient


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "bento_async": (
            "AsyncBatch AsyncCall AsyncEndpointMethod AsyncHTTPClient AsyncStream AsyncTask TypedAsyncHTTPClient"
        ),
        "bento_files": "tls_context",
        "bento_proto": (
            "BentoMLException CallTimeout Conflict ConnectError ConnectionLost Endpoint File FileInput Forbidden "
            "GatewayTimeout Hooks InternalServerError InvalidArgument LimitExceeded Limits LocalProtocolError NotFound "
            "Progress RemoteProtocolError Response ResultStatus RetryPolicy SchemaError ServerSentEvent Service "
            "ServiceUnavailable TaskFailed TaskNotCompleted Timeout TooManyRequests Unauthorized UnprocessableEntity "
            "__version__"
        ),
        "bento_proto.batch": "Outcome",
        "bento_proto.http": "AuthRequest Headers",
        "bento_proto.observe": "EndEvent RequestEvent ResponseEvent RetryEvent",
        "bento_proto.policy": "Poll",
        "bento_proto.response": "AsyncStreamedContent Content StreamedContent",
        "bento_sync": "Batch EndpointMethod Stream SyncHTTPClient Task TypedSyncHTTPClient",
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
    "AsyncBatch", "AsyncCall", "AsyncEndpointMethod", "AsyncHTTPClient", "AsyncStream", "AsyncStreamedContent",
    "AsyncTask", "AuthRequest", "Batch", "BentoMLException", "CallTimeout", "Conflict", "ConnectError",
    "ConnectionLost", "Content", "EndEvent", "Endpoint", "EndpointMethod", "File", "FileInput", "Forbidden",
    "GatewayTimeout", "Headers", "Hooks", "InternalServerError", "InvalidArgument", "LimitExceeded", "Limits",
    "LocalProtocolError", "NotFound", "Outcome", "Poll", "Progress", "RemoteProtocolError", "RequestEvent", "Response",
    "ResponseEvent", "ResultStatus", "RetryEvent", "RetryPolicy", "SchemaError", "ServerSentEvent", "Service",
    "ServiceUnavailable", "Stream", "StreamedContent", "SyncHTTPClient", "Task", "TaskFailed", "TaskNotCompleted",
    "Timeout", "TooManyRequests", "TypedAsyncHTTPClient", "TypedSyncHTTPClient", "Unauthorized", "UnprocessableEntity",
    "__version__", "tls_context",
)  # fmt: skip
