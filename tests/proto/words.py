"""Types in schemas, and the words for them: for signatures and help, and for the modules that are generated."""

from __future__ import annotations

from collections.abc import Mapping

from bento_proto import JSON
from tests.proto.shapes import FILE, TEXT

INTEGER: JSON = {"type": "integer"}

GIVEN: Mapping[str, tuple[JSON, str]] = {
    "a number": (INTEGER, "int"),
    "a float": ({"type": "number"}, "float"),
    "a bool": ({"type": "boolean"}, "bool"),
    "nothing": ({"type": "null"}, "None"),
    "anything": ({}, "object"),
    "an optional": ({"anyOf": [TEXT, {"type": "null"}]}, "str | None"),
    "a union": ({"oneOf": [{"type": "null"}, INTEGER, TEXT, INTEGER]}, "int | str | None"),
    "several types": ({"type": ["string", "null"]}, "str | None"),
    "a union with anything": ({"anyOf": [INTEGER, {}]}, "object"),
    "an enum": ({"enum": ["a", "b\n"], "type": "string"}, r'Literal["a", "b\n"]'),
    "mixed literals": ({"enum": [1, True, None]}, "Literal[1, True, None]"),
    "a constant": ({"const": "a"}, 'Literal["a"]'),
    "what can't be a literal": ({"enum": [1.5], "type": "number"}, "float"),
    "a date": ({"type": "string", "format": "date"}, "date | str"),
    "a time": ({"type": "string", "format": "date-time"}, "datetime | str"),
    "a duration": ({"type": "string", "format": "duration"}, "timedelta | str"),
    "an id": ({"type": "string", "format": "uuid"}, "UUID | str"),
    "an address": ({"type": "string", "format": "ipv4"}, "IPv4Address | str"),
    "some format": ({"type": "string", "format": "email"}, "str"),
    "bytes": ({"type": "string", "format": "binary"}, "bytes | bytearray | memoryview | str"),
    "a list": ({"type": "array", "items": INTEGER}, "Sequence[int]"),
    "a list of anything": ({"type": "array"}, "Sequence[object]"),
    "a set": ({"type": "array", "items": INTEGER, "uniqueItems": True}, "Collection[int]"),
    "a tuple": ({"type": "array", "prefixItems": [INTEGER, TEXT]}, "tuple[int, str] | list[int | str]"),
    "a dict": ({"type": "object", "additionalProperties": INTEGER}, "Mapping[str, int] | ModelInput"),
    "any dict": ({"type": "object"}, "Mapping[str, object] | ModelInput"),
    "a file": (FILE, "FileInput"),
    "files": ({"type": "array", "items": FILE}, "FileInput | Sequence[FileInput]"),
    "a file inside": ({"type": "object", "additionalProperties": FILE}, "Mapping[str, str] | ModelInput"),
    "a tensor": ({"type": "tensor", "dtype": "float32"}, "TensorInput"),
    "a frame": ({"type": "dataframe"}, "FrameInput"),
    "one thing of many": ({"allOf": [INTEGER]}, "int"),
    "many things at once": ({"allOf": [INTEGER, {"minimum": 1}]}, "object"),
    "nothing that is known": ({"type": "sound"}, "object"),
    "nobody knows what": ({"$ref": "#/$defs/Gone"}, "object"),
}
"""Of arguments: what it is, its schema, its words."""

COME: Mapping[str, tuple[JSON, str]] = {
    "text": (TEXT, "str"),
    "text of some format": ({"type": "string", "format": "date-time"}, "str"),
    "bytes": ({"type": "string", "format": "binary"}, "bytes"),
    "bytes inside": ({"type": "array", "items": {"type": "string", "format": "binary"}}, "list[str]"),
    "anything": ({}, "Any"),
    "a list of anything": ({"type": "array"}, "list[Any]"),
    "a tuple": ({"type": "array", "prefixItems": [INTEGER, TEXT]}, "list[int | str]"),
    "a dict": ({"type": "object", "additionalProperties": TEXT}, "dict[str, str]"),
    "a file": (FILE, "Path"),
    "perhaps a file": ({"anyOf": [FILE, {"type": "null"}]}, "Path | None"),
    "an image": ({"type": "file", "format": "image", "pil": True}, "Image"),
    "an image's file": ({"type": "file", "format": "image", "content_type": "image/png"}, "Path"),
    "files": ({"type": "array", "items": FILE}, "list[str]"),
    "a tensor": ({"type": "tensor"}, "NDArray[Any]"),
    "a typed tensor": ({"type": "tensor", "dtype": "uint8"}, "NDArray[uint8]"),
    "a tensor of a strange type": ({"type": "tensor", "dtype": "a,b"}, "NDArray[Any]"),
    "a frame": ({"type": "dataframe"}, "DataFrame"),
    "a stream of text": ({**TEXT, "is_stream": True}, "Iterator[str]"),
    "a stream of bytes": ({"type": "string", "format": "binary", "is_stream": True}, "Iterator[bytes]"),
    "a stream of numbers": ({"type": "integer", "is_stream": True}, "Iterator[int]"),
    "a stream of perhaps text": ({"anyOf": [TEXT, {"type": "null"}], "is_stream": True}, "Iterator[str]"),
    "a stream of anything": ({"is_stream": True}, "Iterator[str]"),
}
"""Of results: what it is, its schema, its words."""
