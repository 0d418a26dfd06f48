"""Hints at what a caller may have meant by a name that does not exist, such as one that other libraries have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import wraps
from itertools import islice
from types import FunctionType
from typing import Final, ParamSpec, TypeVar, cast

from ._text import one_line

P = ParamSpec("P")
T = TypeVar("T")

_COMPARED: Final = 1000
_LISTED: Final = 10
_LONGEST: Final = 100

TLS: Final = "ssl_context=tls_context(...)"
_POOL: Final = "limits=Limits(connections=...)"
_REDIRECTS: Final = "limits=Limits(redirects=...)"
OF_CLIENTS: Final[Mapping[str, str]] = {
    "address": "url", "api_base": "url", "api_key": "token", "api_token": "token", "auth_token": "token",
    "base_url": "url", "bearer_token": "token", "cert": TLS, "client_cert": TLS,
    "connect_timeout": "timeout=Timeout(connect=...)", "connector": "transport", "default_headers": "headers",
    "endpoint": "url", "endpoint_url": "url", "event_hooks": "hooks", "extra_headers": "headers",
    "follow_redirects": _REDIRECTS, "hf_token": "token", "host": "url", "http_client": "transport",
    "max_connections": _POOL, "max_redirects": _REDIRECTS, "max_retries": "retries", "mounts": "proxy",
    "pool_maxsize": _POOL, "pool_size": _POOL, "proxies": "proxy", "read_timeout": "timeout=Timeout(receive=...)",
    "request_timeout": "timeout", "retry": "retries", "server_url": "url", "session": "transport",
    "ssl": TLS, "ssl_verify": TLS, "verify": TLS, "verify_ssl": TLS,
    "cookies": "headers={'Cookie': ...}",
    "http2": "nothing: BentoML's servers speak HTTP/1.1",
    "max_workers": "concurrency=... of map()",
    "media_type": "nothing: arguments decide how they are sent",
    "service": "nothing: clients of Services in the same process belong to BentoML",
    "trust_env": "proxy=None, with which the environment names no proxy",
    "user_agent": "headers={'User-Agent': ...}",
    "verbose": "BENTO_CLIENT_LOG=debug in the environment",
}  # fmt: skip
OF_TIMEOUTS: Final[Mapping[str, str]] = {
    "read": "receive", "write": "send", "timeout": "total", "sock_read": "receive", "sock_connect": "connect",
}  # fmt: skip
OF_REQUESTS: Final[Mapping[str, str]] = {
    "allow_redirects": "nothing: redirects are followed", "auth": "auth=... of the client", "body": "content",
    "follow_redirects": "nothing: redirects are followed", "query": "params", "retries": "with_options(retries=...)",
    "verify": f"{TLS} of the client",
}  # fmt: skip
OF_FILES: Final[Mapping[str, str]] = {
    "body": "content", "data": "content", "file": "content", "file_name": "name", "filename": "name",
    "media_type": "content_type", "mime_type": "content_type", "mimetype": "content_type",
    "path": "content, which may be a Path", "type": "content_type",
}  # fmt: skip
OF_LIMITS: Final[Mapping[str, str]] = {
    "keepalive_timeout": "keepalive_expiry", "max_connections": "connections", "max_keepalive_connections": "idle",
    "max_redirects": "redirects", "pool_size": "connections",
}  # fmt: skip
_ATTEMPTS: Final = "attempts, which counts the first one too"
OF_RETRIES: Final[Mapping[str, str]] = {
    "backoff_factor": "backoff", "backoff_max": "max_backoff", "initial_delay": "backoff", "max_attempts": "attempts",
    "max_delay": "max_backoff", "max_retries": _ATTEMPTS, "mode": "adaptive=True", "retries": _ATTEMPTS,
    "retry_mode": "adaptive=True", "retry_on": "statuses or exceptions", "status_codes": "statuses",
    "status_forcelist": "statuses", "total": _ATTEMPTS,
}  # fmt: skip
OF_ERRORS: Final[Mapping[str, str]] = {
    "body": "detail", "code": "status_code", "errors": "detail", "json": "detail", "reason": "message",
    "request": "curl", "response": "status_code, headers and detail", "status": "status_code", "text": "message",
}  # fmt: skip


def did_you_mean(name: str, known: Iterable[str], kind: str = "names") -> str:
    """The end of a message: names that are like this one, or the names that there are.

    Args:
        name: what was asked for.
        known: the names that exist. A server may choose them, so only the first thousand are compared.
        kind: what they are, in the plural.
    """
    names = _compared(known)
    listed = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
    return near_names(name, names) or (f"; its {kind}: {listed}" if listed else f"; it has no {kind}")


def near_names(name: str, known: Iterable[str]) -> str:
    """The end of a message: names that are like this one; empty if there is none.

    Args:
        name: what was asked for.
        known: the names that exist, of which the first thousand are compared.
    """
    from difflib import get_close_matches

    near = get_close_matches(name[:_LONGEST], _compared(known), n=2)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def _compared(known: Iterable[str]) -> list[str]:
    return [one_line(each)[:_LONGEST] for each in islice(known, _COMPARED)]


def explains(guesses: Mapping[str, str]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a method: an unknown keyword argument raises a ``TypeError`` that says what may be meant.

    Args:
        guesses: what to use in place of others' names.
    """

    def decorate(method: Callable[P, T]) -> Callable[P, T]:
        code = cast("FunctionType", method).__code__
        known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]

        @wraps(method)
        def checked(*args: P.args, **kwargs: P.kwargs) -> T:
            for name in kwargs:
                if name not in known:
                    what = type(args[0]).__name__ if method.__name__ == "__init__" else method.__name__
                    instead = guesses.get(name)
                    hint = did_you_mean(name, known, "arguments") if instead is None else f"; here that is {instead}"
                    raise TypeError(f"{what}() got an unexpected keyword argument {name!r}{hint}")
            try:
                return method(*args, **kwargs)
            except BaseException:
                del args, kwargs  # which may be secrets
                raise

        return checked

    return decorate


def attribute_hint(name: str, options: Collection[str]) -> str:
    """The end of a message about an attribute that can't be assigned: how to set the option that is meant."""
    option = OF_CLIENTS.get(name, name)
    return f"; use with_options({option}=...)" if option in options else ""
