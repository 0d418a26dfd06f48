"""Decoded arguments converted to the types of annotations, or refused as pydantic does, whose names the faults have."""

from __future__ import annotations

import math
import re
import types
import typing
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from bento_proto._types import JSON
from bento_proto.errors import BentoMLException, RemoteProtocolError
from bento_proto.response._arrays import converter

from ._asked import UploadedFile, fault
from ._types import DICTS, LISTS, SETS, class_of, has, is_file, name_of, origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bento_proto._types import Value
    from bento_proto.schema._service import Schema

Place: TypeAlias = tuple[str | int, ...]
"""Where a fault is: the name of an argument, then fields and indices."""

_UNFIT: Final = (ArithmeticError, ValueError, TypeError, RemoteProtocolError)
_DURATION: Final = r"P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+(?:\.[0-9]+)?)S)?)?"
_INTEGER: Final = r"[+-]?[0-9]+(_[0-9]+)*(\.0*)?"
_BOOLEANS: Final = {
    **dict.fromkeys(("1", "on", "t", "true", "y", "yes"), True),
    **dict.fromkeys(("0", "off", "f", "false", "n", "no"), False),
}
_NUMBERS: Final = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
_BOUNDS: Final[Mapping[str, tuple[str, Callable[[Value, Value], bool]]]] = {
    "minLength": ("string_too_short", lambda value, bound: len(value) >= bound),
    "maxLength": ("string_too_long", lambda value, bound: len(value) <= bound),
    "pattern": ("string_pattern_mismatch", lambda value, bound: re.search(bound, value) is not None),
    "minItems": ("too_short", lambda value, bound: len(value) >= bound),
    "maxItems": ("too_long", lambda value, bound: len(value) <= bound),
    "minimum": ("greater_than_equal", lambda value, bound: value >= bound),
    "maximum": ("less_than_equal", lambda value, bound: value <= bound),
    "exclusiveMinimum": ("greater_than", lambda value, bound: value > bound),
    "exclusiveMaximum": ("less_than", lambda value, bound: value < bound),
    "multipleOf": ("multiple_of", lambda value, bound: value % bound == 0),
}
# What is wrong with text, and with another value, for a type of the standard library.
_FAULTS: Final[Mapping[str, tuple[str, str]]] = {
    "datetime.datetime": ("datetime_from_date_parsing", "datetime_type"),
    "datetime.date": ("date_from_datetime_parsing", "date_type"),
    "datetime.time": ("time_parsing", "time_type"),
    "datetime.timedelta": ("time_delta_parsing", "time_delta_type"),
    "uuid.UUID": ("uuid_parsing", "uuid_type"),
    "decimal.Decimal": ("decimal_parsing", "decimal_type"),
}


class Unfit(Exception):
    """A value is not of its type.

    Args:
        faults: what is wrong, in order.
    """

    def __init__(self, *faults: JSON) -> None:
        super().__init__(faults)
        self.faults: tuple[JSON, ...] = faults


def converted(value: Value, annotation: Value, schema: Schema, place: Place = ()) -> object:
    """A decoded argument, converted to the type of its annotation. A value of an unknown type is unchanged.

    Raises:
        Unfit: it can't be.
    """
    convert = converter(schema)
    try:
        value = value if convert is None else convert(cast("JSON", value))
    except BentoMLException as exc:
        raise Unfit(fault("value_error", exc.message, place)) from exc
    return _converted(value, annotation, place)


def _converted(value: Value, annotation: Value, place: Place) -> object:
    if has(annotation, "__metadata__"):
        found = _converted(value, typing.get_args(annotation)[0], place)
        for bounds in annotation.__metadata__:
            if isinstance(bounds, dict):
                _check_bounds(found, cast("dict[str, object]", bounds), place)
        return found
    origin, arguments = origin_of(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _member(value, arguments, place)
    if origin is typing.Literal:
        if any(value == each and type(value) is type(each) for each in arguments):
            return cast("object", value)
        said = " or ".join(map(repr, arguments))
        raise Unfit(fault("literal_error", f"Input should be {said}", place))
    kind = class_of(origin) or class_of(annotation)
    if kind in (list, tuple, *SETS, *LISTS):
        return _several(value, kind, arguments, place)
    if kind in DICTS:
        return _named(value, arguments, place)
    return cast("object", value) if kind is None else _instance(value, kind, place)


def _check_bounds(value: Value, bounds: Mapping[str, object], place: Place) -> None:
    for key, bound in bounds.items():
        kind, holds = _BOUNDS.get(key, ("", None))
        applies = isinstance(value, (int, float)) if key in _NUMBERS else has(value, "__len__")
        if holds is not None and applies and not holds(value, bound):
            raise Unfit(fault(kind, f"Input should have {key} {bound}", place))


def _several(value: Value, kind: type, arguments: tuple[object, ...], place: Place) -> object:
    name = kind.__name__ if kind in (tuple, set, frozenset) else "list"
    if not isinstance(value, list):
        raise Unfit(fault(f"{name}_type", f"Input should be a valid {name}", place))
    values = cast("list[object]", value)
    if kind is not tuple or not arguments or arguments[-1:] == (...,):
        inner = arguments[0] if arguments else object
        items = _each([(item, inner, (*place, index)) for index, item in enumerate(values)])
        try:
            return cast("object", (kind if name != "list" else set if kind in SETS else list)(items))
        except TypeError:
            raise Unfit(fault("set_item_not_hashable", "Set items should be hashable", place)) from None
    if len(values) > len(arguments):
        raise Unfit(fault("too_long", f"Tuple should have at most {len(arguments)} items", place))
    lacking = [fault("missing", "Field required", (*place, index)) for index in range(len(values), len(arguments))]
    given = [(item, arguments[index], (*place, index)) for index, item in enumerate(values)]
    return tuple(_each(given, lacking))


def _named(value: Value, arguments: tuple[object, ...], place: Place) -> object:
    if not isinstance(value, dict):
        raise Unfit(fault("dict_type", "Input should be a valid dictionary", place))
    named = cast("dict[str, object]", value)
    if len(arguments) != 2:
        return named
    items = _each([(item, arguments[1], (*place, key)) for key, item in named.items()])
    return dict(zip(named, items, strict=True))


def _each(values: Sequence[tuple[object, object, Place]], lacking: Sequence[JSON] = ()) -> list[object]:
    """The converted values; all of their faults together."""
    found: list[object] = []
    faults: list[JSON] = []
    for value, annotation, place in values:
        try:
            found.append(_converted(value, annotation, place))
        except Unfit as exc:
            faults += exc.faults
    if faults or lacking:
        raise Unfit(*faults, *lacking)
    return found


def _member(value: Value, members: tuple[object, ...], place: Place) -> object:
    """The value as what it is, if a member of the union is that, or else as the first member that takes it."""
    if value is None and type(None) in members:
        return None
    if type(value) in members:
        return cast("object", value)
    others = [member for member in members if member is not type(None)]
    faults: list[JSON] = []
    for member in others:
        name = class_of(member).__name__ if class_of(member) is not None else str(member)
        try:
            return _converted(value, member, place if len(others) == 1 else (*place, name))
        except Unfit as exc:
            faults += exc.faults
    raise Unfit(*faults)


def _instance(value: Value, kind: Value, place: Place) -> object:
    if kind in _SCALARS:
        return _SCALARS[kind](value, place)
    if has(kind, "model_validate"):
        return _model(value, kind, place)
    if issubclass(kind, Enum):
        return _enum(value, kind, place)
    if is_file(kind):
        if not isinstance(value, (UploadedFile, str)):
            raise Unfit(fault("path_type", "Input is not a valid path for a file", place))
        return value
    if has(kind, "__dataclass_fields__") or has(kind, "__required_keys__"):
        return _fields(value, kind, place)
    return _of_the_standard_library(value, kind, place)


def _enum(value: Value, kind: type[Enum], place: Place) -> Enum:
    try:
        return kind(value)
    except ValueError:
        said = " or ".join(repr(member.value) for member in kind)
        raise Unfit(fault("enum", f"Input should be {said}", place)) from None


def _text(value: Value, place: Place) -> str:
    if not isinstance(value, str):
        raise Unfit(fault("string_type", "Input should be a valid string", place))
    return value


def _bytes(value: Value, place: Place) -> bytes:
    if not isinstance(value, (str, bytes)):
        raise Unfit(fault("bytes_type", "Input should be a valid bytes", place))
    return value.encode() if isinstance(value, str) else value


def _none(value: Value, place: Place) -> None:
    if value is not None:
        raise Unfit(fault("none_required", "Input should be None", place))


def _integer(value: Value, place: Place) -> int:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Unfit(fault("finite_number", "Input should be a finite number", place))
        if not value.is_integer():
            said = "Input should be a valid integer, got a number with a fractional part"
            raise Unfit(fault("int_from_float", said, place))
    elif isinstance(value, str):
        if not re.fullmatch(_INTEGER, value.strip()):
            said = "Input should be a valid integer, unable to parse string as an integer"
            raise Unfit(fault("int_parsing", said, place))
        return int(value.strip().partition(".")[0])
    elif not isinstance(value, int):
        raise Unfit(fault("int_type", "Input should be a valid integer", place))
    return value if isinstance(value, int) else int(value)


def _float(value: Value, place: Place) -> float:
    if isinstance(value, str):
        try:
            return float(value if value.isascii() else "")
        except ValueError:
            said = "Input should be a valid number, unable to parse string as a number"
            raise Unfit(fault("float_parsing", said, place)) from None
    if not isinstance(value, (int, float)):
        raise Unfit(fault("float_type", "Input should be a valid number", place))
    return float(value)


def _boolean(value: Value, place: Place) -> bool:
    if isinstance(value, bool):
        return value
    known = _BOOLEANS.get(value.strip().lower()) if isinstance(value, str) else None
    if isinstance(value, (int, float)) and value in (0, 1):
        known = bool(value)
    if known is not None:
        return known
    if isinstance(value, (str, int)):
        said = "Input should be a valid boolean, unable to interpret input"
        raise Unfit(fault("bool_parsing", said, place))
    raise Unfit(fault("bool_type", "Input should be a valid boolean", place))


_SCALARS: Final[Mapping[object, Callable[[Value, Place], object]]] = {
    str: _text, int: _integer, float: _float, bool: _boolean, bytes: _bytes, type(None): _none
}  # fmt: skip


def _model(value: Value, kind: Value, place: Place) -> object:
    """A model of pydantic."""
    try:
        return cast("object", kind.model_validate(value))
    except ValueError as exc:
        errors: list[dict[str, Value]] = cast("Value", exc).errors()
        raise Unfit(*(fault(each["type"], each["msg"], (*place, *each["loc"])) for each in errors)) from None


def _fields(value: Value, kind: Value, place: Place) -> object:
    """A dataclass or a ``TypedDict``."""
    is_dict = not has(kind, "__dataclass_fields__")
    if not isinstance(value, dict):
        name = "dict" if is_dict else "dataclass"
        raise Unfit(fault(f"{name}_type", "Input should be an object", place))
    named = cast("dict[str, object]", value)
    hints = typing.get_type_hints(kind, include_extras=True)
    if is_dict:
        required = cast("frozenset[str]", kind.__required_keys__)
    else:
        import dataclasses  # there is one, so it is loaded

        missing = dataclasses.MISSING
        required = frozenset(f.name for f in dataclasses.fields(kind) if f.default is f.default_factory is missing)
    lacking = [fault("missing", "Field required", (*place, name)) for name in hints if name in required - {*named}]
    known = [name for name in hints if name in named]
    items = _each([(named[name], hints[name], (*place, name)) for name in known], lacking)
    return cast("object", kind(**dict(zip(known, items, strict=True))))


def _of_the_standard_library(value: Value, kind: Value, place: Place) -> object:
    name = name_of(kind)
    of_text, of_others = _FAULTS.get(name, ("", ""))
    if not of_text or isinstance(value, kind):
        return cast("object", value)
    try:
        if isinstance(value, str) and has(kind, "fromisoformat"):
            return cast("object", kind.fromisoformat(value.replace("Z", "+00:00")))
        if name == "decimal.Decimal" or (name == "uuid.UUID" and isinstance(value, str)):
            return cast("object", kind(str(value)))
        if name == "datetime.timedelta" and isinstance(value, (int, float)):
            return cast("object", kind(seconds=value))
        if name == "datetime.timedelta" and (parts := re.fullmatch(_DURATION, value)):
            days, hours, minutes, seconds = (float(part or 0) for part in parts.groups())
            return cast("object", kind(days=days, hours=hours, minutes=minutes, seconds=seconds))
    except _UNFIT:
        pass
    kind_of_fault = of_text if isinstance(value, str) else of_others
    raise Unfit(fault(kind_of_fault, f"Input should be a valid {kind.__name__}", place))
