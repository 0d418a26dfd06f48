"""JSON in both directions: what Python values become on the wire, and what the wire's text becomes in Python."""

from __future__ import annotations

import json

from ._errors import RemoteProtocolError
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final, TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
"""What a JSON document can be in Python. ``NaN`` and the infinities are allowed, as BentoML sends them."""


def _jsonable(value: object) -> object:
    from ._jsonable import jsonable  # most values are JSON's own

    return jsonable(value)


_raw_decode: Final = json.JSONDecoder().raw_decode
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_jsonable).encode


def _encoder() -> Callable[[object], str]:
    """The encoder that `_encode` makes for every value anew, made once; it does not notice what contains itself."""
    make = getattr(json.encoder, "c_make_encoder", None)  # where there is one: it is CPython's
    if make is None:
        return _encode
    text = json.encoder.encode_basestring
    iterate: Callable[[object, int], tuple[str, ...]] = make(None, _jsonable, text, None, ":", ",", False, False, True)
    return lambda value: "".join(iterate(value, 0))


_encode_at_once: Final = _encoder()


def to_json(value: object) -> bytes:
    """Encode a value as compact UTF-8 JSON.

    Takes what ``json`` takes and pydantic models (by alias), dataclasses, NumPy arrays and scalars, torch tensors,
    pandas and polars frames (as rows), enums, dates, durations, UUIDs, decimals, UTF-8 bytes, mappings and iterables,
    at any depth.

    Raises:
        TypeError: it holds something that can't be said in JSON.
        ValueError: it contains itself, or a lone surrogate.
    """
    try:
        try:
            return _encode_at_once(value).encode()
        except RecursionError:
            return _encode(value).encode()  # which tells what contains itself
    except UnicodeEncodeError:
        raise ValueError("text with a lone surrogate can't be sent: it is not valid Unicode") from None
    except RecursionError:
        raise ValueError("nested too deeply to be sent as JSON") from None


def parse_json(data: bytes) -> JSON:
    """Decode a JSON document; ``NaN`` and the infinities are taken, as BentoML sends them.

    Raises:
        RemoteProtocolError: it is not JSON, not UTF-8, or nested too deeply.
    """
    try:
        text = data.decode()
        try:
            value, end = _raw_decode(text)
        except ValueError:  # there is white space or a byte order mark before it, or it is wrong
            value, end = None, -1
        result: JSON = value if end == len(text) else json.loads(text.removeprefix("\ufeff"))
        return result
    except (ValueError, RecursionError) as exc:
        error = RemoteProtocolError(f"the answer is not JSON: {exc}")
        error.body = data
        raise error from exc
