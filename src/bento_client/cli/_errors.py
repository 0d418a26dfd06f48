"""Errors: an exit code for each kind, and one line on standard error."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from ._text import harmless, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bento_proto import JSON

FAILED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
TIMED_OUT: Final = 4
NOT_COMPLETED: Final = 5

EXIT_CODES: Final = (
    (0, "success"),
    (FAILED, "the Service answered with an error, the task failed, or the types have drifted"),
    (USAGE, "wrong usage: an option, an argument, a file that can't be read or written"),
    (UNREACHABLE, "not ready (or 503), no connection, or the connection was lost"),
    (TIMED_OUT, "a time limit was reached, here or at the server (504)"),
    (NOT_COMPLETED, "the task is not completed yet"),
    (130, "interrupted by Ctrl-C"),
    (141, "the reader of the output, such as `head`, has exited"),
)


class CommandFailed(click.ClickException):
    """A command that ran and failed.

    Args:
        message: the reason.
        code: the exit code.
    """

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code: int = code


@dataclass(frozen=True, slots=True)
class _Report:
    code: int
    message: str
    status: int | None = None
    detail: JSON = None
    request_id: str | None = None
    attempts: Sequence[str] = ()


def report(exc: Exception, arguments: Sequence[str]) -> int:
    """Print an error to standard error; return the exit code.

    Args:
        exc: the error.
        arguments: the command line. It is read here, as the error may be one of parsing it.
    """
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if "--debug" in options:
        import traceback

        sys.stderr.write(harmless("".join(traceback.format_exception(exc))))
    found = _report(exc, options)
    if "--json" in options:
        error: dict[str, JSON] = {"type": type(exc).__name__, "message": found.message, "exit_code": found.code}
        error |= {"status": found.status, "detail": found.detail, "request_id": found.request_id}
        text = json.dumps({"error": {**error, "attempts": list(found.attempts)}})
    else:
        known = [f"{found.status}"] if found.status is not None else []
        known += [f"request {found.request_id}"] if found.request_id else []
        text = one_line(f"error: {found.message}" + (f" [{', '.join(known)}]" if known else ""))
    sys.stderr.write(text + "\n")
    return found.code


def _report(exc: Exception, options: Sequence[str]) -> _Report:
    if isinstance(exc, click.UsageError):
        message = exc.format_message()
        message = message if message.endswith("...") else message.rstrip(".")
        if isinstance(exc, click.NoSuchOption):
            message = f"No such option {exc.option_name!r}"
            if exc.option_name.startswith("--"):
                message += f"; an endpoint's argument is given as {_as_argument(exc.option_name, options)}"
            if exc.possibilities:
                message += f"; options like it are {', '.join(sorted(exc.possibilities))}"
        return _Report(USAGE, message + (f" (see {exc.ctx.command_path} --help)" if exc.ctx is not None else ""))
    if isinstance(exc, CommandFailed):
        return _Report(exc.code, exc.message)
    from bento_proto import BentoMLException, CallTimeout

    if isinstance(exc, BentoMLException):
        message = str(exc) or type(exc).__name__
        if isinstance(exc, CallTimeout):
            message += "; --timeout, or --total-timeout for the whole call, allows more"
        has_response = bool(exc.headers) or exc.request_id is not None
        status = exc.error_code if has_response else None
        return _Report(_code(exc), message, status, exc.detail, exc.request_id, exc.attempts)
    if isinstance(exc, TimeoutError):
        return _Report(TIMED_OUT, str(exc) or "the time limit was reached")
    if isinstance(exc, OSError):
        path = f": {exc.filename}" if exc.filename else ""
        return _Report(USAGE, f"{exc.strerror or exc}{path}")
    if isinstance(exc, (TypeError, ValueError, ImportError)):  # raised by the clients for arguments and options
        return _Report(USAGE, str(exc))
    return _Report(FAILED, f"{type(exc).__name__}: {exc} (--debug shows the traceback)")


def _as_argument(option: str, words: Sequence[str]) -> str:
    """What looks like an option, ``--text hello`` or ``--text=hello``, in the form of an argument."""
    name = option.lstrip("-")
    for position, word in enumerate(words):
        if word.startswith(f"{option}="):
            return shlex.quote(f"{name}={word.partition('=')[2]}")
        following = words[position + 1] if position + 1 < len(words) else "-"
        if word == option and not following.startswith("-"):
            return shlex.quote(f"{name}={following}")
    return f"{name}=VALUE"


def _code(exc: Exception) -> int:
    from bento_proto import (
        CallTimeout,
        ConnectError,
        ConnectionLost,
        GatewayTimeout,
        ServiceUnavailable,
        TaskNotCompleted,
    )

    if isinstance(exc, TaskNotCompleted):
        return NOT_COMPLETED
    if isinstance(exc, (CallTimeout, GatewayTimeout)):
        return TIMED_OUT
    return UNREACHABLE if isinstance(exc, (ConnectError, ConnectionLost, ServiceUnavailable)) else FAILED
