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
    from bento_proto.response import AsyncStreamedContent, Content
    from bento_proto.session import AsyncCall, AsyncStream

    from ._batch import AsyncBatch
    from ._client import AsyncHTTPClient, TypedAsyncHTTPClient
    from ._endpoint import AsyncEndpointMethod, AsyncTask


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._batch": "AsyncBatch",
        "._client": "AsyncHTTPClient TypedAsyncHTTPClient",
        "._endpoint": "AsyncEndpointMethod AsyncTask",
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
        "bento_proto.response": "AsyncStreamedContent Content",
        "bento_proto.session": "AsyncCall AsyncStream",
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
    "AsyncTask", "AuthRequest", "BentoMLException", "CallTimeout", "Conflict", "ConnectError", "ConnectionLost",
    "Content", "EndEvent", "Endpoint", "File", "FileInput", "Forbidden", "GatewayTimeout", "Headers", "Hooks",
    "InternalServerError", "InvalidArgument", "LimitExceeded", "Limits", "LocalProtocolError", "NotFound", "Outcome",
    "Poll", "Progress", "RemoteProtocolError", "RequestEvent", "Response", "ResponseEvent", "ResultStatus",
    "RetryEvent", "RetryPolicy", "SchemaError", "ServerSentEvent", "Service", "ServiceUnavailable", "TaskFailed",
    "TaskNotCompleted", "Timeout", "TooManyRequests", "TypedAsyncHTTPClient", "Unauthorized", "UnprocessableEntity",
    "__version__", "tls_context",
)  # fmt: skip
