"""The values of the common options, and the client that they configure."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from bento_async import AsyncHTTPClient
    from bento_proto import Limits
    from bento_sync import SyncHTTPClient

    ClientT = TypeVar("ClientT", AsyncHTTPClient, SyncHTTPClient)

URL_VARIABLE: Final = "BENTO_CLIENT_URL"
TOKEN_VARIABLE: Final = "BENTO_CLIENT_TOKEN"  # noqa: S105 - the name of a variable

_STDIN: Final = "-"
_URL_LIKE: Final = re.compile(r"[:/]|localhost$", re.IGNORECASE)
_PORT: Final = re.compile(r":\d+(?:/|$)")


class Settings:
    """The values of the common options, which may stand before the command's name and anywhere after it.

    Attributes:
        timeout: the limit of each single wait, in seconds.
        total_timeout: the limit of a whole call, in seconds; None for none.
        wait_ready: how long to wait for the Service to become ready, in seconds.
        retries: how often a call that is safe to repeat is retried; None for the client's default.
        token: the token; None for the one in the environment.
        token_file: the file to read the token from instead.
        headers: additional headers, each as ``NAME: VALUE`` or ``@FILE``.
        proxy: the proxy's URL, empty for none; None for the one in the environment.
        ca_file: a PEM file with the CA certificates to trust instead of Python's default.
        client_cert: a PEM file with the client certificate.
        client_key: a PEM file with its private key.
        system_trust: whether to trust the operating system's certificate store.
        verbosity: how much to log: 0, 1 or 2.
        is_json: whether to print JSON only.
        no_color: whether to print without colors.
        debug: whether to print the traceback of an error.
    """

    def __init__(self) -> None:
        self.timeout: float = 30.0
        self.total_timeout: float | None = None
        self.wait_ready: float = 0.0
        self.retries: int | None = None
        self.token: str | None = None
        self.token_file: str | None = None
        self.headers: tuple[str, ...] = ()
        self.proxy: str | None = None
        self.ca_file: str | None = None
        self.client_cert: str | None = None
        self.client_key: str | None = None
        self.system_trust: bool = False
        self.verbosity: int = 0
        self.is_json: bool = False
        self.no_color: bool = False
        self.debug: bool = False

    def client(self, url: str, *, quick: bool = False) -> SyncHTTPClient:
        """A client of the Service at a URL.

        Args:
            url: the Service's URL.
            quick: whether this is for the shell's completion: wait briefly, and leave standard input alone.

        Raises:
            ValueError: the URL, the token or a header is malformed.
            OSError: a file can't be read.
        """
        from bento_sync import SyncHTTPClient

        if quick:
            self.timeout, self.total_timeout, self.wait_ready, self.retries = 2.0, 2.0, 0.0, 0
        elif self.verbosity:
            self._log()
        return self._client(SyncHTTPClient, url, None if quick and self.token_file == _STDIN else self._token())

    def async_client(self, url: str, *, connections: int = 100) -> AsyncHTTPClient:
        """An asynchronous client of the Service at a URL.

        Args:
            url: the Service's URL.
            connections: how many connections it may have at a time, all of which may stay open.

        Raises:
            ValueError: the URL, the token or a header is malformed.
            OSError: a file can't be read.
        """
        from bento_async import AsyncHTTPClient
        from bento_proto import Limits

        if self.verbosity:
            self._log()
        limits = Limits(connections=connections, idle=connections)
        return self._client(AsyncHTTPClient, url, self._token(), limits)

    def _client(
        self, kind: type[ClientT], url: str, token: str | Callable[[], str] | None, limits: Limits | None = None
    ) -> ClientT:
        from bento_proto import Timeout

        seconds = self.timeout
        return kind(
            url,
            token=token,
            limits=limits,
            timeout=Timeout(seconds, seconds, seconds, seconds, self.total_timeout),
            server_ready_timeout=self.wait_ready,
            headers=dict(self._headers()),
            retries=self.retries,
            images="path",
            ssl_context=self._tls(),
            proxy=... if self.proxy is None else self.proxy or None,
        )

    def _token(self) -> str | Callable[[], str] | None:
        if self.token is not None:
            return self.token
        if self.token_file == _STDIN:  # one line only: the rest may be an argument
            self.token = sys.stdin.buffer.readline().decode(errors="replace").strip()
            return self.token
        if self.token_file is not None:
            path = Path(self.token_file)
            path.open().close()  # fail now if it can't be read
            return lambda: path.read_text(encoding="utf-8").strip()  # read again after a 401: it may have been renewed
        return os.environ.get(TOKEN_VARIABLE)  # if None, the client reads BentoML's own variable

    def _tls(self) -> ssl.SSLContext | None:
        if not (self.ca_file or self.client_cert or self.client_key or self.system_trust):
            return None
        from bento_sync import tls_context

        return tls_context(
            ca_file=self.ca_file, client_cert=self.client_cert, client_key=self.client_key, system=self.system_trust
        )

    def _headers(self) -> Sequence[tuple[str, str]]:
        lines: list[str] = []
        for header in self.headers:
            lines += Path(header[1:]).read_text(encoding="utf-8").splitlines() if header[:1] == "@" else [header]
        fields: list[tuple[str, str]] = []
        for line in filter(str.strip, lines):
            name, colon, value = line.partition(":")
            if not colon:  # the message leaves the text out, as it may be a secret
                raise click.UsageError("a header is given as --header 'NAME: VALUE'")
            fields.append((name.strip(), value.strip()))
        return fields

    def _log(self) -> None:
        import logging

        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s", "%H:%M:%S"))
        logger = logging.getLogger("bento_client")
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG if self.verbosity > 1 else logging.INFO)


def is_url(word: str) -> bool:
    """Whether a word of the command line is a URL: it contains a colon or a slash, as no endpoint's name does."""
    return _URL_LIKE.search(word) is not None


def has_url() -> bool:
    """Whether the environment names a Service, so that the command line need not."""
    return bool(os.environ.get(URL_VARIABLE))


def split_url(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Split the words of a command line into the URL and the rest.

    The first word is the URL if it looks like one; otherwise the URL is the environment's. ``http://`` may be left
    out, and so may ``localhost`` before a port.

    Raises:
        click.UsageError: there is no URL.
    """
    if words and is_url(words[0]):
        url, rest = words[0], tuple(words[1:])
    else:
        url, rest = os.environ.get(URL_VARIABLE, ""), tuple(words)
    if not url:
        given = f", and {words[0]!r} is none" if words else ""
        raise click.UsageError(
            f"the Service's URL is missing{given}: give it first, such as :3000, or set {URL_VARIABLE}"
        )
    if "://" in url or url.startswith("unix:"):
        return url, rest
    return f"http://localhost{url}" if _PORT.match(url) else f"http://{url}", rest


def split_endpoint(words: Sequence[str]) -> tuple[str, str, tuple[str, ...]]:
    """Split the words of a command line into the URL, the endpoint's name and the rest.

    Raises:
        click.UsageError: there is no URL, or no endpoint.
    """
    url, rest = split_url(words)
    if not rest:
        raise click.UsageError("the endpoint is missing; list them with: bento-client endpoints URL")
    return url, rest[0], rest[1:]
