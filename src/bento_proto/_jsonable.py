"""Values of the standard library and of other libraries as JSON types, recognised without importing any library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final, Protocol, cast

_ASTERISKS: Final = "*" * 10  # of pydantic's secrets


class _Model(Protocol):  # pydantic 2
    def model_dump(self, *, mode: str = ..., by_alias: bool = ...) -> object: ...


class _Model1(Protocol):  # pydantic 1
    __fields__: Mapping[str, object]

    def dict(self, *, by_alias: bool = ...) -> object: ...


class _Array(Protocol):  # NumPy arrays and scalars, torch tensors, pandas Series, array.array
    def tolist(self) -> object: ...


class _Times(Protocol):  # NumPy arrays and scalars, pandas Series, of dates or durations
    def astype(self, dtype: str) -> _Array: ...


class _Tensor(Protocol):  # TensorFlow
    def numpy(self) -> object: ...


class _Dump(Protocol):
    def __call__(self, *, mode: str, by_alias: bool) -> object: ...


class _Serializer(Protocol):  # pydantic's, of a dataclass
    def to_python(self, value: object, /, *, mode: str, by_alias: bool) -> object: ...


class _Struct(Protocol):  # msgspec
    __struct_fields__: tuple[str, ...]
    __struct_encode_fields__: tuple[str, ...]


class _Field(Protocol):
    name: str


class _Attrs(Protocol):
    __attrs_attrs__: tuple[_Field, ...]


class _Index(Protocol):
    is_unique: bool


class _Frame(Protocol):  # pandas
    columns: _Index

    def to_dict(self, orient: str) -> object: ...


class _Frames(Protocol):  # polars
    def to_dicts(self) -> object: ...


def jsonable(value: object) -> object:
    """Convert a value that is not a JSON type to one that is, or is nearer to it: the ``default`` of `json`."""
    kind: type = value.__class__  # that of what a proxy stands for
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
    fields = _fields(value, kind)
    if fields is not None:
        return fields
    # The class is asked, since a frame has its columns as attributes; by name, as runtime protocols take far longer.
    if hasattr(kind, "to_dicts"):
        return cast("_Frames", value).to_dicts()
    if hasattr(kind, "columns") and hasattr(kind, "to_dict"):
        return _rows(cast("_Frame", value))
    if hasattr(kind, "tolist"):
        return _listed(cast("_Array", value))
    return _standard(value, kind)


def _fields(value: object, kind: type) -> object:
    """The fields of a model, a struct or a dataclass; None if the value is none of these."""
    if hasattr(kind, "model_dump"):
        return _dumped(cast("_Model", value).model_dump)
    if hasattr(kind, "__fields__") and hasattr(kind, "dict"):
        return cast("_Model1", value).dict(by_alias=True)
    serializer = getattr(kind, "__pydantic_serializer__", None)
    if serializer is not None and hasattr(kind, "__dataclass_fields__"):
        return _dumped(partial(cast("_Serializer", serializer).to_python, value))
    if hasattr(kind, "__struct_encode_fields__"):  # msgspec
        struct = cast("_Struct", value)
        names = zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True)
        return {name: cast("object", getattr(value, field)) for name, field in names}
    if hasattr(kind, "__attrs_attrs__"):
        fields = cast("_Attrs", value).__attrs_attrs__
        return {field.name: cast("object", getattr(value, field.name)) for field in fields}
    if hasattr(kind, "__dataclass_fields__"):
        import dataclasses  # slow to import, but imported already where there is such a value

        assert dataclasses.is_dataclass(value)
        return {field.name: cast("object", getattr(value, field.name)) for field in dataclasses.fields(value)}
    return None


def _dumped(dump: _Dump) -> object:
    """What pydantic makes of a model, by alias."""
    try:
        dumped = dump(mode="json", by_alias=True)
    except Exception:  # noqa: BLE001 - pydantic can't encode a field, such as an array: it is encoded here
        return dump(mode="python", by_alias=True)
    # A secret would be sent as asterisks: it is refused where it is found in the Python values.
    return dump(mode="python", by_alias=True) if _ASTERISKS in repr(dumped) else dumped


def _rows(value: _Frame) -> object:
    if not value.columns.is_unique:
        raise TypeError("a frame with two columns of one name can't be sent as rows")
    return value.to_dict(orient="records")


def _listed(value: _Array) -> object:
    for kind in ("datetime64", "timedelta64"):
        if getattr(value, "dtype", None) == f"{kind}[ns]":  # tolist() makes plain integers of nanoseconds
            return cast("_Times", value).astype(f"{kind}[us]").tolist()
    listed = value.tolist()
    if type(listed) is type(value):  # such as np.longdouble, for which Python has no number
        is_complex = getattr(getattr(value, "dtype", None), "kind", None) == "c"
        return complex(cast("complex", listed)) if is_complex else float(cast("float", listed))
    return listed


def _standard(value: object, kind: type) -> object:
    """Convert a value of the standard library, recognised by its class name so that no module is imported for it."""
    if hasattr(value, "read") or hasattr(value, "__fspath__") or hasattr(value, "save"):
        raise TypeError(
            f"a {kind.__name__} can't be sent inside JSON: BentoML takes a file only as an argument of its own"
        )
    if hasattr(value, "get_secret_value"):
        raise TypeError(f"a {kind.__name__} is sent as its asterisks: give get_secret_value() if you mean to send it")
    for convert, names in _CONVERSIONS:
        if any(base.__name__ in names for base in kind.__mro__):
            return convert(value)
    if hasattr(kind, "numpy"):  # before the test for iterables: a scalar tensor has __iter__ and can't be iterated
        return cast("_Tensor", value).numpy()
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
