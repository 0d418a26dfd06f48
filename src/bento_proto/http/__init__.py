"""HTTP's own values: requests and responses as events, header fields, URLs, cookies, dates, content codings, proxies.

In go texts and bytes of either side; out come checked values. It knows nothing of BentoML, and never sends anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bento_proto._types import Fields

    from ._addresses import ConnectionRace
    from ._content_headers import file_name, media_type, safe_name
    from ._headers import Headers
    from ._limits import Limits, Timeout
    from ._messages import (
        Chunks,
        Complete,
        ConnectionFailed,
        Data,
        End,
        FailureKind,
        FilePart,
        Head,
        Origin,
        Received,
        Request,
        Segment,
    )
    from ._proxy import Proxies, Proxy, ProxyError, Route
    from ._url import Base, parse_base


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "Base": "._url",
        "Chunks": "._messages",
        "Complete": "._messages",
        "ConnectionFailed": "._messages",
        "ConnectionRace": "._addresses",
        "Data": "._messages",
        "End": "._messages",
        "FailureKind": "._messages",
        "Fields": "bento_proto._types",
        "FilePart": "._messages",
        "Head": "._messages",
        "Headers": "._headers",
        "Limits": "._limits",
        "Origin": "._messages",
        "Proxies": "._proxy",
        "Proxy": "._proxy",
        "ProxyError": "._proxy",
        "Received": "._messages",
        "Request": "._messages",
        "Route": "._proxy",
        "Segment": "._messages",
        "Timeout": "._limits",
        "file_name": "._content_headers",
        "media_type": "._content_headers",
        "parse_base": "._url",
        "safe_name": "._content_headers",
    }

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_MODULES[name], __name__), name)
        return value

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "Base",
    "Chunks",
    "Complete",
    "ConnectionFailed",
    "ConnectionRace",
    "Data",
    "End",
    "FailureKind",
    "Fields",
    "FilePart",
    "Head",
    "Headers",
    "Limits",
    "Origin",
    "Proxies",
    "Proxy",
    "ProxyError",
    "Received",
    "Request",
    "Route",
    "Segment",
    "Timeout",
    "file_name",
    "media_type",
    "parse_base",
    "safe_name",
)
