"""Python values to JSON, and JSON to Python values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol, cast, runtime_checkable

from ._errors import RemoteProtocolError
from ._types import JSON


@runtime_checkable
class _Model(Protocol):  # pydantic 2
    def model_dump(self, *, mode: str = ..., by_alias: bool = ...) -> object: ...


@runtime_checkable
class _Model1(Protocol):  # pydantic 1
    __fields__: Mapping[str, object]

    def dict(self, *, by_alias: bool = ...) -> object: ...


@runtime_checkable
class _Array(Protocol):  # NumPy arrays and scalars, torch tensors, pandas Series, array.array
    def tolist(self) -> object: ...


class _Times(Protocol):  # NumPy arrays and scalars, pandas Series, of dates or durations
    def astype(self, dtype: str) -> _Array: ...


@runtime_checkable
class _Tensor(Protocol):  # TensorFlow
    def numpy(self) -> object: ...


class _Index(Protocol):
    is_unique: bool


@runtime_checkable
class _Frame(Protocol):  # pandas
    columns: _Index

    def to_dict(self, orient: str) -> object: ...


@runtime_checkable
class _Frames(Protocol):  # polars
    def to_dicts(self) -> object: ...


def _jsonable(value: object) -> object:
    """Convert a value that is not a JSON type to one that is, or is nearer to it: the ``default`` of `json`."""
    kind = type(value)
    if kind.__name__ in ("NaTType", "NAType"):  # pandas' missing values; NaT has the methods of a datetime
        return None
    if isinstance(value, type):
        raise TypeError(f"{value!r} is a class, not a value")
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return bytes(cast("bytes", value)).decode()
        except UnicodeDecodeError:
            raise TypeError(
                "bytes that are not UTF-8 can't be sent inside JSON; BentoML has no encoding for them"
            ) from None
    if isinstance(value, _Model):
        try:
            return value.model_dump(mode="json", by_alias=True)
        except Exception:  # noqa: BLE001 - pydantic can't encode a field, such as an array: it is encoded here
            return value.model_dump(mode="python", by_alias=True)
    if isinstance(value, _Model1):
        return value.dict(by_alias=True)
    if hasattr(kind, "__dataclass_fields__"):
        import dataclasses  # slow to import, but imported already where there is such a value

        assert dataclasses.is_dataclass(value)
        return {field.name: cast("object", getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, _Frames):
        return value.to_dicts()
    if isinstance(value, _Frame):
        return _rows(value)
    if isinstance(value, _Array):
        return _listed(value)
    return _standard(value, kind)


def _rows(value: _Frame) -> object:
    if not value.columns.is_unique:
        raise TypeError("a frame with two columns of one name can't be sent as rows")
    return value.to_dict(orient="records")


def _listed(value: _Array) -> object:
    for kind in ("datetime64", "timedelta64"):
        if getattr(value, "dtype", None) == f"{kind}[ns]":  # tolist() makes plain integers of nanoseconds
            return cast("_Times", value).astype(f"{kind}[us]").tolist()
    return value.tolist()


def _standard(value: object, kind: type) -> object:
    """Convert a value of the standard library, recognised by its class name so that no module is imported for it."""
    if hasattr(value, "read") or hasattr(value, "__fspath__") or hasattr(value, "save"):
        raise TypeError(
            f"a {kind.__name__} can't be sent inside JSON: BentoML takes a file only as an argument of its own"
        )
    for convert, names in _CONVERSIONS:
        if any(base.__name__ in names for base in kind.__mro__):
            return convert(value)
    if isinstance(value, _Tensor):  # before the test for iterables: a scalar tensor has __iter__ and can't be iterated
        return value.numpy()
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if isinstance(value, Iterable):
        return list(cast("Iterable[object]", value))
    raise TypeError(f"a {kind.__module__}.{kind.__qualname__} can't be sent as JSON")


def _attribute(name: str) -> Callable[[object], object]:
    return lambda value: cast("object", getattr(value, name))


def _called(name: str) -> Callable[[object], object]:
    return lambda value: cast("Callable[[], object]", getattr(value, name))()


# Decimals become strings, to keep their digits, and durations seconds, which pydantic accepts.
_CONVERSIONS: Final[tuple[tuple[Callable[[object], object], frozenset[str]], ...]] = (
    (_attribute("value"), frozenset({"Enum"})),
    (_called("isoformat"), frozenset({"date", "time"})),
    (_called("total_seconds"), frozenset({"timedelta"})),
    (
        str,
        frozenset(
            {
                "UUID", "Decimal", "Fraction", "IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network",
                "IPv4Interface", "IPv6Interface",
            }
        ),
    ),
)  # fmt: skip


_raw_decode: Final = json.JSONDecoder().raw_decode
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_jsonable).encode


def to_json(value: object) -> bytes:
    """Encode a value as compact UTF-8 JSON.

    Besides the types that `json` encodes, these are encoded at any depth: pydantic models (by alias), dataclasses,
    NumPy arrays and scalars, torch tensors, pandas and polars frames (as rows), enums, dates, durations, UUIDs,
    decimals, UTF-8 bytes, mappings and iterables.

    Raises:
        TypeError: a value has no JSON representation.
        ValueError: a value contains itself, is nested too deeply, or has a lone surrogate.
    """
    try:
        return _encode(value).encode()
    except UnicodeEncodeError:
        raise ValueError("text with a lone surrogate can't be sent: it is not valid Unicode") from None
    except RecursionError:
        raise ValueError("nested too deeply to be sent as JSON") from None


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


__all__ = ("parse_json", "to_json")
