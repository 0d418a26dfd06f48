"""The requests to a double, and their arguments, decoded as a Service does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast
from urllib.parse import parse_qsl

from bento_proto._frozen import Frozen
from bento_proto._types import JSON, Value
from bento_proto.errors import InternalServerError, InvalidArgument, RemoteProtocolError
from bento_proto.http._content_headers import parameters
from bento_proto.http._headers import Headers
from bento_proto.json import parse_json
from bento_proto.schema._service import Endpoint, Parameter

HIDDEN: Final = "An unexpected error has occurred, please check the server log."
"""What BentoML says of errors that are not for the client."""

_URL: Final = (b"http://", b"https://")


def fault(kind: str, message: str, place: Sequence[str | int]) -> JSON:
    """A fault in the input of a call, as pydantic describes it.

    Args:
        kind: pydantic's name for it.
        message: the same in words.
        place: the name of the argument, then fields and indices in it.
    """
    return {"type": kind, "loc": list(place), "msg": message}


def invalid_input(faults: Sequence[JSON], title: str) -> InvalidArgument:
    """The error for the faults of an input with this title."""
    return InvalidArgument(f"{len(faults)} validation error for {title}", detail=list(faults))


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


def arguments_of(endpoint: Endpoint, content_type: str, body: bytes, title: str = "Input") -> dict[str, object]:
    """The arguments in the body of a call, by name.

    Args:
        endpoint: the endpoint.
        content_type: the content type of the body.
        body: the body.
        title: the title of the input, which errors name.

    Raises:
        InvalidArgument: the body is no JSON object.
        InternalServerError: the body is one that BentoML's server fails to read.
    """
    fields = endpoint.root_fields
    if endpoint.root_input and not fields:
        return {"": _root(endpoint.parameters[0], content_type, body or b"{}", title)}
    found = _fields(fields or endpoint.parameters, content_type, body, title)
    return {"": found} if endpoint.root_input else found


def missing_of(endpoint: Endpoint, arguments: Mapping[str, object]) -> list[str]:
    """The names of the required arguments that are missing."""
    fields = endpoint.root_fields
    if endpoint.root_input and not fields:
        return []
    found = cast("Mapping[str, object]", arguments[""]) if endpoint.root_input else arguments
    return [each.name for each in fields or endpoint.parameters if each.required and each.name not in found]


def _root(parameter: Parameter, content_type: str, body: bytes, title: str) -> object:
    if parameter.is_file:
        return body.decode() if body.startswith(_URL) else UploadedFile(body, None, content_type or None)
    if parameter.schema.get("type") != "string":
        try:
            return parse_json(body)
        except RemoteProtocolError:
            raise failure() from None
    if parameter.schema.get("format") == "binary":
        return body
    try:
        return body.decode()
    except UnicodeError:
        said = "Input should be a valid string, unable to parse raw data as a unicode string"
        raise invalid_input([fault("string_unicode", said, ("root",))], title) from None


def _fields(expected: Sequence[Parameter], content_type: str, body: bytes, title: str) -> dict[str, object]:
    known = {parameter.name: parameter for parameter in expected}
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        parts = [(name, UploadedFile(value.encode())) for name, value in pairs]
    elif media_type == "multipart/form-data":
        parts = [*form(content_type, body)]
    else:
        return _document(known, body or b"{}", title)
    found: dict[str, object] = {}
    for name, value in parts:
        parameter = known.get(name)
        if parameter is None:
            continue
        if not parameter.is_file:
            found[name] = _field(value.content)
        elif not parameter.many:
            found.setdefault(name, _file(value))
        else:
            cast("list[object]", found.setdefault(name, [])).append(_file(value))
    return found


def _document(known: Mapping[str, Parameter], body: bytes, title: str) -> dict[str, object]:
    try:
        said = parse_json(body if body[:3] != b"\xef\xbb\xbf" else b"")
    except RemoteProtocolError:
        raise invalid_input([fault("json_invalid", "Invalid JSON", ())], title) from None
    if not isinstance(said, dict):
        raise invalid_input([fault("model_type", "Input should be an object", ())], title)
    given = {name: value for name, value in said.items() if name in known}
    for name, value in given.items():
        if known[name].is_file:
            several = known[name].many and isinstance(value, list)
            urls = cast("list[object]", value) if several else [value]
            faults = [
                fault("path_type", "Input is not a valid path for a file", (name, index) if several else (name,))
                for index, url in enumerate(urls)
                if url is not None and not _is_url(url)
            ]
            if faults:
                raise invalid_input(faults, title)
    return {**given}


def _file(part: UploadedFile) -> object:
    """A file, or the URL of one, which is sent as a field."""
    if part.name is not None:
        return part
    url = part.content.decode("utf-8", "replace")
    if not _is_url(url):
        raise failure()
    return url


def _is_url(value: object) -> bool:
    return isinstance(value, str) and value.encode("utf-8", "replace").startswith(_URL)


def _field(data: bytes) -> object:
    try:
        return parse_json(data)
    except RemoteProtocolError:
        return data.decode("utf-8", "replace")


def form(content_type: str, body: bytes) -> Iterator[tuple[str, UploadedFile]]:
    """The complete parts of a form by name, in order. Those that are not files have no file name.

    Raises:
        InternalServerError: the body is no form.
    """
    boundary = parameters(content_type).get("boundary", "").encode()
    body = body.lstrip(b"\r\n")
    begins = body.startswith((b"--" + boundary + b"\r\n", b"--" + boundary + b"--"))
    if not boundary or (body and not begins):
        raise failure()
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        fields: dict[str, str] = {}
        for line in head.decode("utf-8", "replace").split("\r\n"):
            name, colon, value = line.partition(":")
            if not colon:
                raise failure()
            fields[name.strip().lower()] = value.strip()
        said = parameters(fields.get("content-disposition", ""))
        if "name" not in said:
            raise failure()
        yield said["name"], UploadedFile(content, said.get("filename"), fields.get("content-type"))


def failure() -> InternalServerError:
    """The error of a server that raised something unforeseen, which it does not say."""
    return InternalServerError(HIDDEN, error_code=500)
