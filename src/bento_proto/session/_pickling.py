"""What can't go along when a client is pickled for another process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_HERE: Final = "as that is of this process: make it where it is used"
_WHY: Final[Mapping[str, str]] = {
    "app": _HERE,
    "recorder": _HERE,
    "ssl_context": "as TLS settings can't: make the client where it is used, or name the certificates by the "
    "environment variable SSL_CERT_FILE there",
}


def check_picklable(*, app: object = None, recorder: object = None, ssl_context: object = None) -> None:
    """Refuse to pickle a client that was given something which can't leave its process.

    Args:
        app: what it calls instead of a server.
        recorder: what notes its exchanges.
        ssl_context: its TLS settings.

    Raises:
        TypeError: one of them is there.
    """
    for name, given in (("app", app), ("recorder", recorder), ("ssl_context", ssl_context)):
        if given is not None:
            raise TypeError(f"a client with {name}= can't be pickled, {_WHY[name]}")
