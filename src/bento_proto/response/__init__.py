"""From the bytes of a response's body to results: text, bytes, JSON, streams, server-sent events, arrays.

In go the bytes as they arrive, cut anywhere; out come values. Any split of the bytes gives the same result. Where
something else has received the response of an endpoint, `read_response` decodes it whole, and `exchange_for` in pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._arrays import modules_of
    from ._json_stream import JSONStreamDecoder
    from ._readers import RawDecoder, TextDecoder
    from ._reading import exchange_for, read_response
    from ._response import Content, Response
    from ._sse import EventStreamDecoder, ServerSentEvent
    from ._streamed import AsyncStreamedContent, StreamedContent
    from ._whole import WholeDecoder


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._arrays": "modules_of",
        "._json_stream": "JSONStreamDecoder",
        "._readers": "RawDecoder TextDecoder",
        "._reading": "exchange_for read_response",
        "._response": "Content Response",
        "._sse": "EventStreamDecoder ServerSentEvent",
        "._streamed": "AsyncStreamedContent StreamedContent",
        "._whole": "WholeDecoder",
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
    "AsyncStreamedContent", "Content", "EventStreamDecoder", "JSONStreamDecoder", "RawDecoder", "Response",
    "ServerSentEvent", "StreamedContent", "TextDecoder", "WholeDecoder", "exchange_for", "modules_of", "read_response",
)  # fmt: skip
