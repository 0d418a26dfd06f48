"""The arguments of a client that can't be pickled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_HERE: Final = "as that belongs to this process: make the client where it is used"
_WHY: Final[Mapping[str, str]] = {
    "app": _HERE,
    "recorder": _HERE,
    "ssl_context": "as an SSLContext can't: make the client where it is used, or set the environment variable "
    "SSL_CERT_FILE there",
}


def check_picklable(*, app: object = None, recorder: object = None, ssl_context: object = None) -> None:
    """Check that a client has no argument that can't be pickled.

    Args:
        app: the ASGI application that it calls instead of a server.
        recorder: the recorder of its exchanges.
        ssl_context: its TLS settings.

    Raises:
        TypeError: one of them is not None.
    """
    for name, given in (("app", app), ("recorder", recorder), ("ssl_context", ssl_context)):
        if given is not None:
            raise TypeError(f"a client with {name}= can't be pickled, {_WHY[name]}")
