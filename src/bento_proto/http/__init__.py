"""HTTP's own values: requests and responses as events, header fields, URLs, cookies, dates, content codings, proxies.

In goes text and bytes of either side; out come checked values. It knows nothing of BentoML and never sends anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssl import SSLContext  # slow to import, and the clients' annotations need it

    from bento_proto._types import Fields

    from ._addresses import ConnectionRace, is_address
    from ._auth_request import Auth, AuthRequest
    from ._content_headers import file_name, media_type, safe_name
    from ._headers import Headers
    from ._limits import Limits, Timeout
    from ._messages import (
        Chunks,
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
    from ._proxy import Proxies, Proxy, ProxyError, Route, connect_failure
    from ._url import BaseURL, parse_base_url


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._addresses": "ConnectionRace is_address",
        "._auth_request": "Auth AuthRequest",
        "._content_headers": "file_name media_type safe_name",
        "._headers": "Headers",
        "._limits": "Limits Timeout",
        "._messages": "Chunks ConnectionFailed Data End FailureKind FilePart Head Origin Received Request Segment",
        "._proxy": "Proxies Proxy ProxyError Route connect_failure",
        "._url": "BaseURL parse_base_url",
        "bento_proto._types": "Fields",
        "ssl": "SSLContext",
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
    "Auth", "AuthRequest", "BaseURL", "Chunks", "ConnectionFailed", "ConnectionRace", "Data", "End", "FailureKind",
    "Fields", "FilePart", "Head", "Headers", "Limits", "Origin", "Proxies", "Proxy", "ProxyError", "Received",
    "Request", "Route", "SSLContext", "Segment", "Timeout", "connect_failure", "file_name", "is_address", "media_type",
    "parse_base_url", "safe_name",
)  # fmt: skip
