"""Decoders of a response's body, and the readers that choose them.

Any split of the bytes gives the same items. The items of text and bytes are whatever was received, so for these the
concatenation is the same. Every decoder takes linear time, and holds a bounded number of bytes.

The schema of an endpoint decides how its response is decoded, as BentoML sets the Content-Type wrongly.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

from bento_proto._text import pile
from bento_proto._types import JSON
from bento_proto.errors import RemoteProtocolError
from bento_proto.exchange._body import Decoder, Reader, ResultKind, ended
from bento_proto.http._content_headers import charset, file_name, media_type
from bento_proto.json import parse_json
from bento_proto.schema._references import members
from bento_proto.schema._service import Kind, has_arrays

from ._whole import WholeDecoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

    from bento_proto.http._limits import Limits
    from bento_proto.http._messages import Head
    from bento_proto.schema._service import Output, Schema

    from ._array_protocol import Arrays
    from ._arrays import Convert, Converter
    from ._sse import ServerSentEvent
    from ._whole import Body, LargeDocument

T = TypeVar("T")


class RawDecoder:
    """The bytes as they are received.

    Args:
        result_kind: what becomes of them.
    """

    def __init__(self, result_kind: ResultKind = ResultKind.ITEMS) -> None:
        self.result_kind: ResultKind = result_kind

    def feed(self, data: bytes, /) -> Sequence[bytes]:
        """The bytes themselves."""
        return (data,) if data else ()

    def boundary(self) -> Sequence[bytes]:
        """Nothing: chunks have no meaning here."""
        return ()

    def finish(self) -> Sequence[bytes]:
        """Nothing: no bytes are held back."""
        return ()


class TextDecoder:
    """Text as it is received. The bytes of an incomplete character are held back until the rest comes.

    Args:
        charset: the charset that the server declared.
    """

    result_kind = ResultKind.ITEMS

    def __init__(self, charset: str = "utf-8") -> None:
        self._decoder = codecs.getincrementaldecoder(charset)()

    def feed(self, data: bytes, /) -> Sequence[str]:
        """The complete characters."""
        return self._decode(data, final=False)

    def boundary(self) -> Sequence[str]:
        """Nothing: chunks may end inside a character."""
        return ()

    def finish(self) -> Sequence[str]:
        """What the charset held back; an incomplete character is an error."""
        return self._decode(b"", final=True)

    def _decode(self, data: bytes, *, final: bool) -> Sequence[str]:
        before = self._decoder.getstate()
        try:
            text = self._decoder.decode(data, final)
        except UnicodeError as exc:
            error = RemoteProtocolError(f"the stream's text can't be decoded: {exc}")
            error.body = data
            self._decoder.setstate(before)
            error.items = tuple(self._good(data))
            raise ended(self, error) from exc
        return (text,) if text else ()

    def _good(self, data: bytes) -> Iterator[str]:
        """The characters before the fault."""
        try:
            for number in range(len(data)):
                yield from self._decoder.decode(data[number : number + 1])
        except UnicodeError:
            return


class ListsOrTextDecoder:
    """The items of a stream of lists of text, or of text: the schema is the same for both, the beginning tells.

    Lists it is if the stream begins with a JSON array of strings; what may be one is held back until it is complete.

    Args:
        lists: decodes lists.
        text: decodes text.
        limit: how many bytes may be held back.
    """

    result_kind = ResultKind.ITEMS

    def __init__(self, lists: Decoder[object], text: Decoder[object], limit: int) -> None:
        self._lists = lists
        self._text = text
        self._limit = limit
        self._decided: Decoder[object] | None = None
        self._held: list[bytes] = []
        self._size = 0
        self._start = b""  # without white space

    def feed(self, data: bytes, /) -> Sequence[object]:
        """The items that these bytes complete."""
        if self._decided is not None:
            return self._decided.feed(data)
        self._size += len(data)
        pile(self._held, data)
        if len(self._start) < 2:
            self._start += b"".join(data.split())[:2]
        try:
            items = self._lists.feed(data)
        except RemoteProtocolError as exc:
            if _is_list(exc.items):
                self._decided = self._lists
                raise
            return self._settle(())
        may_be_list = self._start[:2] in (b"", b"[", b'["', b"[]") and self._size <= self._limit
        return self._settle(items) if items or not may_be_list else ()

    def boundary(self) -> Sequence[object]:
        """The items that the end of a chunk completes."""
        return self._decided.boundary() if self._decided is not None else ()

    def finish(self) -> Sequence[object]:
        """The items that the end of the stream completes."""
        if self._decided is not None:
            return self._decided.finish()
        return [*self._settle(()), *self._text.finish()]

    def _settle(self, items: Sequence[object]) -> Sequence[object]:
        held, self._held = b"".join(self._held), []
        if _is_list(items):
            self._decided = self._lists
            return items
        self._decided = self._text
        return self._text.feed(held)


def _is_list(items: Sequence[object]) -> bool:
    """Whether the first item is a list of text."""
    first = items[0] if items else None
    return isinstance(first, list) and all(isinstance(text, str) for text in cast("list[object]", first))


def value_reader(output: Output, limits: Limits) -> Reader[object]:
    """How to read the result of an endpoint that is not a stream."""
    decoder = _value_decoder(output, limits.body)
    may_be_file = output.kind in (Kind.FILE, Kind.IMAGE, Kind.EITHER)

    def read(head: Head) -> Decoder[object]:
        if head.status in (204, 205, 304):  # these have no content in HTTP
            return WholeDecoder(lambda data: None, limits.body)
        result_kind = _kind_of_file(output, head) if may_be_file else ResultKind.VALUE
        if result_kind is not ResultKind.VALUE:
            return RawDecoder(result_kind)
        return decoder(head)

    return read


def _kind_of_file(output: Output, head: Head) -> ResultKind:
    """The kind of a result that may be a file or an image."""
    kind = output.kind
    if kind in (Kind.FILE, Kind.IMAGE):
        if "anyOf" in output.schema and media_type(head) == "application/json" and file_name(head) is None:
            return ResultKind.VALUE  # None of an Optional
        return ResultKind.IMAGE if kind is Kind.IMAGE else ResultKind.FILE
    # An endpoint without a return type may return a Path or an image too.
    if file_name(head) is not None:
        return ResultKind.FILE
    return ResultKind.IMAGE if media_type(head).startswith("image/") else ResultKind.VALUE


def _value_decoder(output: Output, limit: int) -> Reader[object]:
    if output.kind is Kind.BYTES:
        return lambda head: WholeDecoder(_unchanged, limit)
    schema = output.schema
    if output.kind is Kind.TEXT:
        # An Enum, a datetime or a UUID comes in quotes, a Literal or a str Enum with the same schema without.
        if "enum" in schema or "format" in schema:
            return lambda head: WholeDecoder(partial(_unquoted_text, head), limit)
        return lambda head: WholeDecoder(
            partial(_text, head), limit, partial(_large_text, head), charset=partial(charset, head)
        )
    parse = _parser(output)
    arrays = _arrays(schema)

    def document(head: Head) -> WholeDecoder[object]:
        made = partial(parse, head)
        return WholeDecoder(made, limit, made, arrays)

    return document


def _unchanged(data: bytes) -> bytes:
    return data


def _parser(output: Output) -> Callable[[Head, Body], object]:
    schema = output.schema
    if output.kind is Kind.EITHER:
        return _either(schema)
    convert = _converter(schema)
    if convert is None:
        return _json
    if schema.get("type") == "tensor" and str(schema.get("dtype", "float")).startswith("float"):
        return lambda head, body: _tensor(body, convert) if body else None
    return lambda head, body: convert(_parsed(body)) if body else None


def _json(_: Head, body: Body) -> JSON:
    if isinstance(body, bytes):
        return parse_json(body) if body else None
    return body.value()


def _parsed(body: Body) -> JSON:
    return parse_json(body) if isinstance(body, bytes) else body.value()


def _arrays(schema: Schema) -> Arrays | None:
    """What makes arrays of a document's lists, if the document is an array of numbers."""
    if schema.get("type") != "tensor":
        return None
    from ._arrays import NumberArrays  # as below

    return NumberArrays.of(schema)


def _converter(schema: Schema) -> Converter | None:
    """What converts the arrays and frames in a decoded result; None if the schema has none."""
    if not has_arrays(schema):
        return None
    from ._arrays import converter  # loaded when a schema has arrays

    return converter(schema)


def _tensor(body: Body, convert: Convert) -> object:
    from bento_proto._numbers import are_exact, read_numbers  # as above

    numbers = read_numbers(body) if isinstance(body, bytes) else None
    if numbers is not None:
        array = convert(numbers)
        if are_exact(array):
            return array
    return convert(_parsed(body))


def _either(schema: Schema) -> Callable[[Head, Body], object]:
    """JSON where it parses, text where it doesn't, and bytes where that is none either.

    A text is sent as it is. One that parses by chance (an Optional[str] that looks like JSON) is told by its type,
    where none of the union's members has that.
    """
    convert, types, is_binary = _converter(schema), _types(schema), _is_binary(schema)

    def parse(head: Head, body: Body) -> object:
        try:
            value = _parsed(body)
        except RemoteProtocolError:
            return other(head, body)
        if types is not None and type(value) not in types:
            return other(head, body)
        return convert(value) if convert else value

    def other(head: Head, body: Body) -> object:
        data = body if isinstance(body, bytes) else body.data
        try:
            return data if is_binary else _text(head, data)
        except RemoteProtocolError:
            return data

    return parse


_TYPES: Final[Mapping[object, frozenset[type]]] = {
    "null": frozenset({type(None)}),
    "boolean": frozenset({bool}),
    "integer": frozenset({int}),
    "number": frozenset({int, float, str}),  # a Decimal is described as number or text, and comes in quotes
    "array": frozenset({list}),
    "object": frozenset({dict}),
}


def _types(schema: Schema) -> frozenset[type] | None:
    """The types that the JSON of a union can have; None if any. A text without a format is not sent as JSON."""
    types: frozenset[type] = frozenset()
    for member in members(schema, schema.get("$defs")):
        kind = member.get("type")
        if kind == "string":
            quoted = "enum" in member or member.get("format", "binary") != "binary"
            types |= {str} if quoted else frozenset()
        elif isinstance(kind, str) and kind in _TYPES:
            types |= _TYPES[kind]
        elif "properties" in member:
            types |= {dict}
        else:
            return None
    return types


def _is_binary(schema: Schema) -> bool:
    """Whether what is not JSON is always bytes, never text."""
    texts = [member for member in members(schema, schema.get("$defs")) if member.get("type", "string") == "string"]
    return bool(texts) and all(member.get("format") == "binary" for member in texts)


def _text(head: Head, data: bytes) -> str:
    try:
        return data.decode(charset(head))
    except UnicodeError as exc:
        error = RemoteProtocolError(f"the response's text can't be decoded: {exc}")
        error.body = data
        raise error from exc


def _large_text(head: Head, body: LargeDocument) -> str:
    text = body.text()
    return _text(head, body.data) if text is None else text


def _unquoted_text(head: Head, data: bytes) -> str:
    text = _text(head, data)
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            value = parse_json(text.encode())
        except RemoteProtocolError:
            return text
        return value if isinstance(value, str) else text
    return text


def stream_reader(output: Output, limits: Limits) -> Reader[object]:
    """How to read the items of an endpoint that is a stream."""
    from ._json_stream import JSONStreamDecoder  # here, and below, as above

    converter, is_binary = _converter(output.schema), _is_binary(output.schema)

    def read(head: Head) -> Decoder[object]:
        if output.kind is Kind.JSON:
            if converter is None:
                return JSONStreamDecoder(_same, limits.item)
            return JSONStreamDecoder(converter, limits.item, converter.new)
        if output.may_be_lists:
            return ListsOrTextDecoder(JSONStreamDecoder(_same, limits.item), TextDecoder(charset(head)), limits.item)
        return RawDecoder() if output.kind not in (Kind.TEXT, Kind.EITHER) or is_binary else TextDecoder(charset(head))

    return read


def _same(value: JSON) -> object:
    return value


def event_reader(limits: Limits) -> Reader[ServerSentEvent]:
    """How to read a stream as server-sent events, whatever its schema says."""
    from ._sse import EventStreamDecoder

    return lambda head: EventStreamDecoder(limits.item)


def content_reader() -> Reader[bytes]:
    """How to read a body as plain bytes, whatever its schema says."""
    return lambda head: RawDecoder(ResultKind.FILE)


def bytes_reader() -> Reader[bytes]:
    """How to read a body as a stream of bytes, whatever it is."""
    return lambda head: RawDecoder(ResultKind.ITEMS)


def whole_reader(parse: Callable[[bytes], T], limit: int) -> Reader[T]:
    """How to read a body that is one value, which `parse` makes of its bytes."""
    return lambda head: WholeDecoder(parse, limit)


def document_reader(parse: Callable[[bytes], T], limit: int) -> Reader[T]:
    """The same for what the client asks for itself, such as a schema: all of it has the time of one receive."""

    def read(_: Head) -> Decoder[T]:
        decoder = WholeDecoder(parse, limit)
        decoder.has_one_deadline = True
        return decoder

    return read
