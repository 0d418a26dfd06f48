"""The state of one client (options, credential, cookies, the Service), and the flows of its calls.

In go bound calls and options; out come flows, which an adapter runs. It never sends anything and never reads the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._call import AsyncCall, Following, ValueCall
    from ._client import BaseClient
    from ._config import ClientConfig
    from ._connect_attempt import ConnectAttempt
    from ._driver import AsyncDriver
    from ._method import EndpointMethodBase
    from ._options import FileStrings, Images, Options, SocketOptions
    from ._session import Session
    from ._stream import ActiveStream, AsyncStream, BaseAsyncStream, ShownStream, stream_text, thrown
    from ._task import BaseTask, TaskHandle, TaskId
    from ._tasks import Tasks
    from ._transport import (
        AnyTransport,
        AsyncTransport,
        Transport,
        TransportExchange,
        TransportRequest,
        TransportResponse,
        map_exceptions,
    )


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._call": "AsyncCall Following ValueCall",
        "._client": "BaseClient",
        "._config": "ClientConfig",
        "._connect_attempt": "ConnectAttempt",
        "._driver": "AsyncDriver",
        "._method": "EndpointMethodBase",
        "._options": "FileStrings Images Options SocketOptions",
        "._session": "Session",
        "._stream": "ActiveStream AsyncStream BaseAsyncStream ShownStream stream_text thrown",
        "._task": "BaseTask TaskHandle TaskId",
        "._tasks": "Tasks",
        "._transport": (
            "AnyTransport AsyncTransport Transport TransportExchange TransportRequest TransportResponse map_exceptions"
        ),
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
    "ActiveStream", "AnyTransport", "AsyncCall", "AsyncDriver", "AsyncStream", "AsyncTransport", "BaseAsyncStream",
    "BaseClient", "BaseTask", "ClientConfig", "ConnectAttempt", "EndpointMethodBase", "FileStrings", "Following",
    "Images", "Options", "Session", "ShownStream", "SocketOptions", "TaskHandle", "TaskId", "Tasks", "Transport",
    "TransportExchange", "TransportRequest", "TransportResponse", "ValueCall", "map_exceptions", "stream_text",
    "thrown",
)  # fmt: skip
