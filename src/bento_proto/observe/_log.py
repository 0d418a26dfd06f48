"""The log of the clients."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Final

from bento_proto._text import error_line, one_line

from ._hooks import Hooks

if TYPE_CHECKING:
    from logging import Logger

    from ._hooks import EndEvent, RequestEvent, ResponseEvent, RetryEvent

_DEBUG: Final = 10  # levels of `logging`, which need not be imported for them
_INFO: Final = 20


@cache
def _logger(name: str) -> Logger:
    from logging import getLogger

    return getLogger(f"bento_client.{name}")


def _is_wanted() -> bool:
    if "logging" not in sys.modules:  # so nobody has configured it
        return False
    return _logger("http").isEnabledFor(_INFO) or _logger("retry").isEnabledFor(_INFO)


def _request(event: RequestEvent) -> None:
    http = _logger("http")
    if http.isEnabledFor(_DEBUG):
        size = "a body of unknown length" if event.size is None else f"{event.size} bytes"
        delay = f" in {event.delay:.2f} s" if event.delay else ""
        http.debug("%s: sending %s%s%s", _asked(event), size, delay, _attempt(event))


def _response(event: ResponseEvent) -> None:
    if not event.complete:  # for others, the end says everything
        _logger("http").debug("%s: the response begins", _line(event))


def _end(event: EndEvent) -> None:
    http = _logger("http")
    if not http.isEnabledFor(_INFO):
        return
    request = event.request
    if event.response is not None:
        said = f"{_line(event.response)}, {event.received} bytes received"
    else:
        said = f"{_asked(request)} no response{_milliseconds(event.seconds)}{_attempt(request)}"
    if event.abandoned:
        said += ", given up"
    if event.error is not None:
        said += f": {event.error}"
    http.info("%s", said)


def _retry(event: RetryEvent) -> None:
    request, when = event.request, f"in {event.wait:.2f} s" if event.wait else "at once"
    what = f"{_asked(request)} again {when}"
    _logger("retry").info("%s, after attempt %d: %s", what, request.attempt, event.reason)


def _asked(event: RequestEvent) -> str:
    return f"{event.method} {one_line(event.url)}"  # as long as a server likes, after a redirect


def _line(event: ResponseEvent) -> str:
    request = event.request
    said = f"{_asked(request)} {event.status_code}{_milliseconds(event.seconds)}{_attempt(request)}"
    return said + (f", request id {event.request_id}" if event.request_id is not None else "")


def warn_of_waiting(url: str, seconds: float | None, cause: BaseException) -> None:
    """Log that a call has been waiting for some time for its Service to become ready.

    Args:
        url: that of the Service.
        seconds: how long it waits altogether; None for no limit.
        cause: the last error.
    """
    limit = "without limit" if seconds is None else f"for up to {seconds:g} seconds"
    _logger("http").warning("%s is not ready yet; waiting %s: %s", url, limit, error_line(cause))


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f" in {seconds * 1000:.1f} ms"


def _attempt(event: RequestEvent) -> str:
    return f", attempt {event.attempt}" if event.attempt > 1 else ""


LOGGING: Final = Hooks(request=_request, response=_response, retry=_retry, end=_end, enabled=_is_wanted)
"""The hooks that every client has. They write to the loggers ``bento_client.http`` and ``bento_client.retry``.

At level INFO there is a line for each request when it is over, and for each retry; at DEBUG, also when a request is
sent, and when a stream or a file begins. No credentials and nothing of the bodies are logged.
"""


def log_to_stderr(level: str) -> None:
    """Write the log of all clients to the standard error stream, as the environment variable BENTO_CLIENT_LOG asks for.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.

    Raises:
        ValueError: the level is none of these.
    """
    import logging

    name = level.strip().upper()
    if name not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError(f"BENTO_CLIENT_LOG must be debug, info, warning or error, not {level!r}")
    logger = logging.getLogger("bento_client")
    if all(handler.name != logger.name for handler in logger.handlers):
        handler = logging.StreamHandler()
        handler.name = logger.name
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
        logger.addHandler(handler)
    logger.setLevel(name)
