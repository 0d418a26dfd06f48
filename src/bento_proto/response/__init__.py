"""From the bytes of a response's body to results: text, bytes, JSON, streams, server-sent events, arrays.

In go the bytes as they arrive, cut anywhere; out come values. Any split of the bytes gives the same result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._arrays import modules_of
    from ._decoders import RawDecoder, TextDecoder, WholeDecoder
    from ._json_stream import JSONStreamDecoder
    from ._response import Content, Response
    from ._sse import EventStreamDecoder, ServerSentEvent


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "Content": "._response",
        "EventStreamDecoder": "._sse",
        "JSONStreamDecoder": "._json_stream",
        "RawDecoder": "._decoders",
        "Response": "._response",
        "ServerSentEvent": "._sse",
        "TextDecoder": "._decoders",
        "WholeDecoder": "._decoders",
        "modules_of": "._arrays",
    }

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_MODULES[name], __name__), name)
        return value

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "Content",
    "EventStreamDecoder",
    "JSONStreamDecoder",
    "RawDecoder",
    "Response",
    "ServerSentEvent",
    "TextDecoder",
    "WholeDecoder",
    "modules_of",
)
