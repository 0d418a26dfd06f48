"""Python values to JSON, and JSON to Python values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final, cast

from ._types import JSON
from .errors import RemoteProtocolError


def _jsonable(value: object) -> object:
    """Convert a value that is not a JSON type to one that is, or is nearer to it: the ``default`` of `json`."""
    from ._jsonable import jsonable  # most values are JSON types

    return jsonable(value)


_raw_decode: Final = json.JSONDecoder().raw_decode
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_jsonable).encode


class EncodedJSON:
    """A value that has been encoded before.

    Args:
        data: its JSON.
    """

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data: bytes = data


def to_json(value: object) -> bytes:
    """Encode a value as compact UTF-8 JSON.

    Besides the types that `json` encodes, these are encoded at any depth: pydantic models and dataclasses (by alias),
    msgspec structs (by their encoded names), attrs classes, dataclasses, NumPy arrays and scalars, torch tensors,
    pandas and polars frames (as rows), enums, dates, durations, UUIDs, decimals, UTF-8 bytes, mappings and iterables.
    Keys may be text, numbers, dates, enums and UUIDs.

    Raises:
        TypeError: a value has no JSON representation, or is a secret of pydantic's, which would be sent as asterisks.
        ValueError: a value contains itself, is nested too deeply, or has a lone surrogate.
    """
    try:
        try:
            return _encode(value).encode()
        except TypeError as exc:
            if not str(exc).startswith("keys must be"):
                raise
            return _encode(_keyed(value)).encode()
    except UnicodeEncodeError:
        raise ValueError("text with a lone surrogate can't be sent: it is not valid Unicode") from None
    except RecursionError:
        raise ValueError("nested too deeply to be sent as JSON") from None


def _keyed(value: object) -> object:
    """A value whose mappings have the keys that JSON has."""
    if isinstance(value, (str, int, float, type(None))):
        return value
    if isinstance(value, Mapping):
        return {_key(key): _keyed(item) for key, item in cast("Mapping[object, object]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_keyed(item) for item in cast("Iterable[object]", value)]
    return _keyed(_jsonable(value))


def _key(key: object) -> str | int | float | None:
    """A key of a JSON object: text, or what `json` writes as text."""
    if isinstance(key, (str, int, float, type(None))):
        return key
    plain = _jsonable(key)
    if plain is None or isinstance(plain, (str, int, float)):
        return plain
    raise TypeError(f"keys must be text, numbers, dates, enums or UUIDs, not {type(key).__qualname__}")


def parse_json(data: bytes) -> JSON:
    """Decode a JSON document; ``NaN`` and the infinities are accepted, as BentoML sends them.

    Raises:
        RemoteProtocolError: the data is not JSON, not UTF-8, or nested too deeply.
    """
    try:
        text = data.decode()
        try:
            value, end = _raw_decode(text)
        except ValueError:  # leading white space, a byte order mark, or not JSON
            value, end = None, -1
        result: JSON = value if end == len(text) else json.loads(text.removeprefix("\ufeff"))
        return result
    except (ValueError, RecursionError) as exc:
        error = RemoteProtocolError(f"the response is not JSON: {exc}")
        error.body = data
        raise error from exc


__all__ = ("EncodedJSON", "parse_json", "to_json")
