"""The requests to a double, and their arguments, decoded as a Service does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast
from urllib.parse import parse_qsl

from bento_proto._frozen import Frozen
from bento_proto._types import JSON, Value
from bento_proto.errors import InvalidArgument, RemoteProtocolError
from bento_proto.http._content_headers import parameters
from bento_proto.http._headers import Headers
from bento_proto.json import parse_json
from bento_proto.schema._service import Endpoint, Parameter

_URL: Final = (b"http://", b"https://")


class UploadedFile(Frozen):
    """A file that was uploaded.

    Attributes:
        content: its bytes.
        name: its file name; None for a root input.
        content_type: its media type, if the client sent one.
    """

    content: bytes
    name: str | None = None
    content_type: str | None = None


class Asked(Frozen):
    """One request that a double received.

    Attributes:
        method: the HTTP method.
        target: path and query.
        headers: the header fields; the values of those that may be secrets read ``REDACTED``.
        body: the body.
        endpoint: the name of the endpoint that it calls or submits a task to; None for any other request.
        arguments: the arguments by name, without omitted ones; files are `UploadedFile`, a root input has the name
            ``""``.
        submitted: whether it submits a task.
    """

    method: str
    target: str
    headers: Headers
    body: bytes
    endpoint: str | None = None
    arguments: Mapping[str, Value] = {}
    submitted: bool = False


def arguments_of(endpoint: Endpoint, content_type: str, body: bytes) -> dict[str, object]:
    """The arguments in the body of a call.

    Raises:
        InvalidArgument: the body is malformed, or a required argument is missing.
    """
    fields = endpoint.root_fields
    if endpoint.root_input and not fields:
        return {"": _root(endpoint.parameters[0], content_type, body or b"{}")}
    expected = fields or endpoint.parameters
    found = _fields(expected, content_type, body)
    missing: list[JSON] = [
        {"type": "missing", "loc": [parameter.name], "msg": "Field required"}
        for parameter in expected
        if parameter.required and parameter.name not in found
    ]
    if missing:
        raise InvalidArgument(f"{len(missing)} validation error for Input", detail=missing)
    return {"": found} if endpoint.root_input else found


def _root(parameter: Parameter, content_type: str, body: bytes) -> object:
    if parameter.is_file:
        return body.decode() if body.startswith(_URL) else UploadedFile(body, None, content_type or None)
    if parameter.schema.get("type") != "string":
        return _json(body)
    return body if parameter.schema.get("format") == "binary" else body.decode("utf-8", "replace")


def _fields(expected: Sequence[Parameter], content_type: str, body: bytes) -> dict[str, object]:
    known = {parameter.name: parameter for parameter in expected}
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        parts = [(name, UploadedFile(value.encode())) for name, value in pairs]
    elif media_type == "multipart/form-data":
        parts = [*form(content_type, body)]
    else:
        said = _json(body or b"{}")
        if not isinstance(said, dict):
            raise InvalidArgument(
                "1 validation error for Input", detail=[{"loc": [], "msg": "Input should be an object"}]
            )
        given = {name: value for name, value in said.items() if name in known}
        for name, urls in given.items():
            if known[name].is_file:
                _check_urls(name, urls)
        return {**given}
    found: dict[str, object] = {}
    for name, value in parts:
        parameter = known.get(name)
        if parameter is None:
            continue
        if not parameter.is_file:
            found[name] = _field(value.content)
        elif not parameter.many:
            found.setdefault(name, _file(name, value))
        else:
            cast("list[object]", found.setdefault(name, [])).append(_file(name, value))
    return found


def _file(name: str, part: UploadedFile) -> object:
    """A file, or the URL of one, which is sent as a field."""
    if part.name is not None:
        return part
    url = part.content.decode("utf-8", "replace")
    _check_urls(name, url)
    return url


def _check_urls(name: str, value: object) -> None:
    """Check that what is given for a file, and is none, is a URL, or a list of them.

    Raises:
        InvalidArgument: it is not.
    """
    for url in cast("list[object]", value) if isinstance(value, list) else [value]:
        if url is not None and not (isinstance(url, str) and url.encode().startswith(_URL)):
            detail: JSON = [{"loc": [name], "msg": "Input should be a file, or the URL of one"}]
            raise InvalidArgument("1 validation error for Input", detail=detail)


def _field(data: bytes) -> object:
    try:
        return parse_json(data)
    except RemoteProtocolError:
        return data.decode("utf-8", "replace")


def _json(data: bytes) -> JSON:
    try:
        return parse_json(data)
    except RemoteProtocolError:
        raise InvalidArgument("1 validation error for Input", detail=[{"loc": [], "msg": "Invalid JSON"}]) from None


def form(content_type: str, body: bytes) -> Iterator[tuple[str, UploadedFile]]:
    """The parts of a form by name, in order. Those that are not files have no file name."""
    boundary = parameters(content_type).get("boundary", "").encode()
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n"))
        }
        said = parameters(fields.get("content-disposition", ""))
        yield said.get("name", ""), UploadedFile(content, said.get("filename"), fields.get("content-type"))
