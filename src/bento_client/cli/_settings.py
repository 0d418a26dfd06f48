"""What the options that every command has say, and the client that they make."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from bento_sync import SyncHTTPClient

URL_VARIABLE: Final = "BENTO_CLIENT_URL"
TOKEN_VARIABLE: Final = "BENTO_CLIENT_TOKEN"  # noqa: S105 - the name of a variable

_STDIN: Final = "-"
_LIKE_A_URL: Final = re.compile(r"[:/]|localhost$", re.IGNORECASE)
_PORT: Final = re.compile(r":\d+(?:/|$)")


class Settings:
    """What the common options say; they may stand before the command's name, and anywhere after it.

    Attributes:
        timeout: seconds for each single wait.
        total_timeout: seconds for the whole of a call.
        wait_ready: seconds to wait for the Service to become ready.
        retries: how often what can do no harm is tried again; None for the clients' own number.
        token: the token; None for that of the environment.
        token_file: where the token is read from instead.
        headers: further fields of every request.
        proxy: the proxy's URL, empty for none; None for what the environment says.
        ca_file: the certificates to trust instead of Python's own.
        client_cert: the certificate that the client proves itself with.
        client_key: its private key.
        system_trust: whether to trust what the operating system trusts.
        verbosity: how much to log.
        is_json: whether everything that is printed is JSON.
        no_color: whether terminals show no colors.
        debug: whether tracebacks are shown.
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
            url: where it is.
            quick: whether whoever asks can't wait, and standard input is not to be read: the shell's completion.

        Raises:
            ValueError: the URL, the token or a header is malformed.
            OSError: a file can't be read.
        """
        from bento_sync import SyncHTTPClient, Timeout

        if quick:
            self.timeout, self.total_timeout, self.wait_ready, self.retries = 2.0, 2.0, 0.0, 0
        elif self.verbosity:
            self._log()
        seconds = self.timeout
        return SyncHTTPClient(
            url,
            token=None if quick and self.token_file == _STDIN else self._token(),
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
        if self.token_file == _STDIN:  # once, and no more than its line: arguments may follow
            self.token = sys.stdin.buffer.readline().decode(errors="replace").strip()
            return self.token
        if self.token_file is not None:
            path = Path(self.token_file)
            path.open().close()  # one that can't be read is to fail before anything else
            return lambda: path.read_text(encoding="utf-8").strip()  # asked again after a 401: it may be a new one
        return os.environ.get(TOKEN_VARIABLE)  # None: the client looks for BentoML's own variable

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
            if not colon:  # without its text, which may be a secret
                raise click.UsageError("a header is given as 'NAME: VALUE'")
            fields.append((name.strip(), value.strip()))
        return fields

    def _log(self) -> None:
        import logging

        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s", "%H:%M:%S"))
        logger = logging.getLogger("bento_client")
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG if self.verbosity > 1 else logging.INFO)


def split_url(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The URL, and the words after it.

    It is the first word if that has a colon or a slash in it, as no endpoint has; else that of the environment. It
    needs no ``http://``, nor a host if that is this machine.

    Raises:
        click.UsageError: there is none.
    """
    if words and _LIKE_A_URL.search(words[0]):
        url, rest = words[0], tuple(words[1:])
    else:
        url, rest = os.environ.get(URL_VARIABLE, ""), tuple(words)
    if not url:
        given = f", and {words[0]!r} is none" if words else ""
        raise click.UsageError(f"the Service's URL is missing{given}: it comes first, or from {URL_VARIABLE}")
    if "://" in url or url.startswith("unix:"):
        return url, rest
    return f"http://localhost{url}" if _PORT.match(url) else f"http://{url}", rest
