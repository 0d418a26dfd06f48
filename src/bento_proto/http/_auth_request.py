"""A request as the function sees it that authorizes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from bento_proto._frozen import Frozen

from ._headers import Headers
from ._messages import FilePart, Request, joined
from ._redaction import SecretURL, redacted_urls


class AuthRequest(Frozen):
    """A request that is about to be sent, for the function ``auth`` of a client.

    Attributes:
        method: the HTTP method.
        url: the whole URL, percent-encoded.
        headers: the header fields, without those that say where the request goes and how it is framed: ``Host``,
            ``Content-Length``, ``Transfer-Encoding`` and ``Connection``.
        body: the body; empty if there is none, None if it has a file, which is read while it is sent.
        was_refused: whether the server has just responded to the same request with status 401, so that a credential
            that was kept is to be renewed.
    """

    method: str
    url: str
    headers: Headers
    body: bytes | None
    was_refused: bool = False

    @classmethod
    def of(cls, request: Request, was_refused: bool) -> AuthRequest:
        """What the function sees of a request."""
        has_file = any(isinstance(segment, FilePart) for segment in request.body)
        return cls(
            request.method,
            SecretURL(f"{request.origin}{request.target}"),
            Headers(request.headers),
            None if has_file else joined(request.body),
            was_refused,
        )

    def __repr__(self) -> str:  # headers and body may hold secrets
        return f"<AuthRequest {self.method} {redacted_urls(self.url)}>"


Auth: TypeAlias = Callable[[AuthRequest], Mapping[str, str] | Awaitable[Mapping[str, str]]]
"""Returns the header fields to add to a request, or an awaitable of them."""
