"""A bound call, encoded as the body of a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

from bento_proto._frozen import Frozen
from bento_proto._text import one_line
from bento_proto._types import is_a
from bento_proto.errors import LocalProtocolError
from bento_proto.http._messages import FilePart, Segment
from bento_proto.json import EncodedJSON, parse_json, to_json

from ._binding import BoundCall, FileSource
from ._multipart import Body, Field, multipart

if TYPE_CHECKING:
    from bento_proto.schema._service import Parameter

# The server's form parser limits a field to 1 MiB, unless the part has a file name.
_FIELD_LIMIT: Final = 900_000
JSON_TYPE: Final = "application/json"
_PLAIN: Final = frozenset({str, int, float, bool, type(None), list, dict})  # types of which no value is an array
_BINARY: Final = "application/octet-stream"


class Upload(Frozen):
    """A file argument, opened and measured by the adapter.

    Attributes:
        content: the bytes, or the `FilePart` that the adapter reads later.
        name: the file name, of which the server keeps the suffix; or None.
        content_type: the media type, given by the caller or guessed from the name; or None.
        given: whether the caller gave the media type; then it takes precedence over that of the schema.
    """

    content: Segment
    name: str | None = None
    content_type: str | None = None
    given: bool = False


def encode(call: BoundCall, uploads: Sequence[Upload], boundary: str) -> Body:
    """Encode a call.

    Args:
        call: the bound call.
        uploads: the uploads, one for each of ``call.sources``.
        boundary: the boundary of a form; random, so that no file contains it.

    Raises:
        TypeError: an argument has no JSON representation; the message names it.
        ValueError: an argument can't be encoded, or a root input is empty, which BentoML does not support.
        LocalProtocolError: there is not one upload, of bytes or a `FilePart`, for each source.
    """
    if call.files:
        wanted = len(call.sources)
        if len(uploads) != wanted or not all(
            is_a(upload, Upload) and is_a(upload.content, bytes, FilePart) for upload in uploads
        ):
            raise LocalProtocolError(f"the call has {wanted} sources: an Upload of bytes or a FilePart is due for each")
    if call.endpoint.root_input and "" in call.values:
        return _encode_root(call)
    if call.endpoint.root_input and call.files and not call.files[0][0].name:
        return _encode_root_file(call, uploads)
    if call.files:
        return multipart(tuple(_fields(call, uploads)), boundary)
    return Body(JSON_TYPE, (encode_simple(call),))


def encode_simple(call: BoundCall) -> bytes:
    """The JSON body of a call of an endpoint that `is_simple <bento_proto.schema.Endpoint.is_simple>`."""
    values = call.values
    if _PLAIN.issuperset(map(type, values.values())):
        try:
            return to_json(values)
        except (TypeError, ValueError):
            pass  # `_json` finds out which argument it is
    return _json(call, values)


def _encode_root(call: BoundCall) -> Body:
    schema, value = call.endpoint.parameters[0].schema, call.values[""]
    if schema.get("type") != "string":
        return Body(JSON_TYPE, (_json(call, {"": value}, root=True),))
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(cast("bytes", value))
    elif isinstance(value, str):
        data = _utf8(call, value)
    else:  # such as a date or an enum: the string that it is in JSON
        data = _json(call, {"": value}, root=True)
        text = parse_json(data)
        data = text.encode() if isinstance(text, str) else data
    return Body(_BINARY if schema.get("format") == "binary" else "text/plain; charset=utf-8", (_filled(call, data),))


def _encode_root_file(call: BoundCall, uploads: Sequence[Upload]) -> Body:
    parameter, (file,) = call.files[0]
    if not isinstance(file, FileSource):
        return Body("text/plain; charset=utf-8", (_utf8(call, file),))
    content_type = _content_type(parameter, uploads[0])
    return Body(content_type or _BINARY, (_filled(call, uploads[0].content),))


def _filled(call: BoundCall, content: Segment) -> Segment:
    if (content.size == 0) if isinstance(content, FilePart) else not content:
        raise ValueError(
            f"{one_line(call.endpoint.name)}() can't be sent an empty root input: the server would take it for '{{}}'"
        )
    return content


def _fields(call: BoundCall, uploads: Sequence[Upload]) -> Iterator[Field]:
    for name, value in call.values.items():
        data = _json(call, {name: value}, root=True)
        yield Field(name, data, f"{name}.json" if len(data) > _FIELD_LIMIT else None, None)
    rest = iter(uploads)
    for parameter, files in call.files:
        for file in files:
            if isinstance(file, FileSource):
                upload = next(rest)
                # To the server, a part without a file name is a field.
                yield Field(parameter.name, upload.content, upload.name or "file", _content_type(parameter, upload))
            else:
                yield Field(parameter.name, _utf8(call, file), None, None)


def _content_type(parameter: Parameter, upload: Upload) -> str | None:
    """The Content-Type of a file's part, one that the server accepts; None for none, which it always accepts."""
    if upload.given:
        return upload.content_type
    if parameter.is_image:
        return _BINARY  # the server detects the format; any other type must be exactly Pillow's
    wanted = parameter.content_type
    if wanted is not None and "*" not in wanted:
        return wanted  # the server compares strings: "audio/mp3" is not the "audio/mpeg" of a guess
    return upload.content_type if wanted is not None else upload.content_type or _BINARY


def _json(call: BoundCall, values: Mapping[str, object], *, root: bool = False) -> bytes:
    try:
        return _value(values[next(iter(values))]) if root else _object(values)
    except (TypeError, ValueError) as exc:
        kind = TypeError if isinstance(exc, TypeError) else ValueError
        name = next((name for name, value in values.items() if not _encodes(value)), "")
        what = f"argument {name!r}" if name else "the argument"
        raise kind(f"{one_line(call.endpoint.name)}(): {what}: {exc}") from exc


def _object(values: Mapping[str, object]) -> bytes:
    if _PLAIN.issuperset(map(type, values.values())):
        return to_json(values)
    from bento_proto._numbers import write_numbers  # rarely needed

    encoded = {
        name: data
        for name, value in values.items()
        if (data := value.data if isinstance(value, EncodedJSON) else write_numbers(value)) is not None
    }
    if not encoded:
        return to_json(values)
    pieces: list[bytes] = []
    for name, value in values.items():
        pieces += b"," if pieces else b"{", to_json(name), b":", encoded.get(name) or to_json(value)
    return b"".join([*pieces, b"}"])


def _value(value: object) -> bytes:
    if type(value) in _PLAIN:
        return to_json(value)
    if isinstance(value, EncodedJSON):
        return value.data
    from bento_proto._numbers import write_numbers  # rarely needed

    return write_numbers(value) or to_json(value)


def _encodes(value: object) -> bool:
    if isinstance(value, EncodedJSON):
        return True
    try:
        to_json(value)
    except (TypeError, ValueError):
        return False
    return True


def _utf8(call: BoundCall, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{one_line(call.endpoint.name)}(): the text has a lone surrogate, so it is not valid Unicode"
        ) from None
