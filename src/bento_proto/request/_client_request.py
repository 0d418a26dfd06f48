"""A request that is no call of an endpoint, as a caller of ``client.request`` describes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias, cast
from urllib.parse import urlencode

from bento_proto._frozen import Frozen
from bento_proto.http._messages import Segment
from bento_proto.http._redaction import SecretURL
from bento_proto.json import to_json

from ._binding import FileSource
from ._encoding import Upload
from ._file import File
from ._multipart import Body, Field, multipart

Scalar: TypeAlias = str | int | float | None
Pairs: TypeAlias = Mapping[str, Scalar | Sequence[Scalar]] | Sequence[tuple[str, Scalar]]
"""The parameters of a query, or the fields of a form: by name, each one value or several, or in order."""

_FORM: Final = "application/x-www-form-urlencoded"


class ClientRequest(Frozen):
    """A request, checked, before its files are measured.

    Attributes:
        method: the HTTP method, in upper case.
        url: a path under the base URL, or an absolute URL of its origin; percent-encoded.
        body: the body, and its Content-Type if it has one; None for a form with files.
        fields: the fields of a form with files.
        files: its files by their fields.
    """

    method: str
    url: str
    body: Body | None
    fields: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, FileSource], ...] = ()

    @property
    def sources(self) -> tuple[FileSource, ...]:
        """The files to turn into uploads, in the order in which `encoded` takes these."""
        return tuple(source for _, source in self.files)

    def encoded(self, uploads: Sequence[Upload], boundary: str) -> Body:
        """The body.

        Args:
            uploads: the uploads, one for each of `sources`.
            boundary: the boundary of a form with files.
        """
        if self.body is not None:
            return self.body
        parts = [Field(name, text.encode(), None, None) for name, text in self.fields]
        for (name, _), upload in zip(self.files, uploads, strict=True):
            kind = upload.content_type or "application/octet-stream"
            parts.append(Field(name, upload.content, upload.name or "upload", kind))
        return multipart(parts, boundary)


def client_request(
    method: str,
    url: str,
    *,
    params: Pairs | str | None = None,
    content: bytes | str | None = None,
    data: Pairs | bytes | str | None = None,
    files: Mapping[str, object] | Iterable[tuple[str, object]] | None = None,
    json: object = None,
) -> ClientRequest:
    """Check the arguments of ``client.request``.

    Raises:
        TypeError: there is more than one body, or a value can't be sent.
        ValueError: the method is malformed.
    """
    if not method.isascii() or not method.isalpha():
        raise ValueError(f"not an HTTP method: {method!r}")
    if (content is not None) + (json is not None) + (data is not None or files is not None) > 1:
        raise TypeError("a request has one body: content=, json=, or data= and files=")
    query = params if isinstance(params, str) else urlencode(_pairs(params or ()))
    if query:
        url += ("&" if "?" in url else "?") + query
    url = SecretURL(url)
    fields: tuple[tuple[str, str], ...] = ()
    body: Body | None = Body("", ())
    if isinstance(data, (bytes, str)):
        content = data
    elif data is not None:
        fields = tuple(_pairs(data))
    if content is not None:
        body = Body("", (content.encode() if isinstance(content, str) else content,))
    elif json is not None:
        body = Body("application/json", (to_json(json),))
    elif files:
        pairs = cast("Iterable[tuple[str, object]]", files.items() if isinstance(files, Mapping) else files)
        sources = tuple((name, FileSource(f"files[{name!r}]", _file(value))) for name, value in pairs)
        return ClientRequest(method.upper(), url, None, fields, sources)
    elif data is not None:
        segments: tuple[Segment, ...] = (urlencode(fields).encode(),)
        body = Body(_FORM, segments)
    return ClientRequest(method.upper(), url, body)


def _pairs(given: Pairs) -> list[tuple[str, str]]:
    items = given.items() if isinstance(given, Mapping) else given
    found: list[tuple[str, str]] = []
    for name, value in items:
        several = value if isinstance(value, (list, tuple)) else (value,)
        found += [(name, _text(name, each)) for each in cast("Sequence[object]", several)]
    return found


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, (str, int, float)):
        raise TypeError(f"{name!r} must be text or a number, not {type(value).__name__}")
    return str(value)


def _file(value: object) -> object:
    """A file as `File` has it, which may be given as ``(name, content)`` or ``(name, content, content_type)``.

    Text is the content of a file, as in httpx and requests, and no path.
    """
    if not isinstance(value, tuple):
        return value.encode() if isinstance(value, str) else value
    name, content, kind = (*cast("tuple[object, ...]", value), None, None)[:3]
    content = content.encode() if isinstance(content, str) else content
    return File(cast("bytes", content), cast("str | None", name), cast("str | None", kind))
