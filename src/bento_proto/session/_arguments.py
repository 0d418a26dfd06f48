"""What the arguments of a client, and of a view of it, may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from types import EllipsisType
from typing import Final

from bento_proto import http, observe, policy


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_hooks(value: object) -> bool:
    return isinstance(value, (observe.Hooks, Iterable)) and not isinstance(value, (str, bytes))


_KINDS: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    "url": (_is_text, "a str, such as 'http://localhost:3000'"),
    "token": (
        lambda value: value is None or _is_text(value) or callable(value),
        "a str, or a function that returns one",
    ),
    "auth": (lambda value: value is None or callable(value), "a function that takes a request and returns headers"),
    "timeout": (lambda value: not isinstance(value, bool), "a number of seconds, Timeout(...), or None"),
    "server_ready_timeout": (lambda value: value is None or _is_number(value), "a number of seconds, or None"),
    "headers": (lambda value: value is None or isinstance(value, Mapping), "a mapping, such as {'name': 'value'}"),
    "retries": (
        lambda value: value is None or isinstance(value, policy.RetryPolicy) or _is_number(value),
        "a whole number, or RetryPolicy(...)",
    ),
    "limits": (
        lambda value: value is None or isinstance(value, http.Limits),
        "Limits(...), such as Limits(connections=10)",
    ),
    "download_dir": (lambda value: value is None or isinstance(value, (str, PathLike)), "a path"),
    "ssl_context": (
        lambda value: value is None or hasattr(value, "wrap_socket"),
        "an ssl.SSLContext, such as tls_context(ca_file=...) makes",
    ),
    "proxy": (lambda value: value is None or _is_text(value), "a str, such as 'http://proxy:8080', or None for none"),
    "hooks": (lambda value: value is None or _is_hooks(value), "Hooks(request=..., response=...), or several of them"),
    "on_progress": (lambda value: value is None or callable(value), "a function that takes a Progress"),
    "app": (
        lambda value: value is None or callable(value) or hasattr(value, "respond"),
        "an ASGI application, or a ServiceDouble",
    ),
    "recorder": (lambda value: value is None or hasattr(value, "watch"), "a bento_proto.testing.Recorder"),
    "socket_options": (
        lambda value: isinstance(value, Iterable) and not isinstance(value, (str, bytes)),
        "a list of (level, name, value), the arguments of socket.setsockopt",
    ),
}  # fmt: skip


def check_kinds(**given: object) -> None:
    """Refuse arguments of a wrong type, before anything is made of them.

    Raises:
        TypeError: one is; the message says what to write. It has no value, as that may be a secret.
    """
    for name, value in given.items():
        fits, wanted = _KINDS[name]
        if not isinstance(value, EllipsisType) and not fits(value):
            kind = type(value).__name__
            found = repr(value) if value is None or isinstance(value, bool) else f"of type {kind}"
            raise TypeError(f"{name} must be {wanted}, not {found}")
