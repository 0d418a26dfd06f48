"""Tensors and frames inside JSON results, if NumPy and pandas are installed; lists otherwise.

The packages are imported with the first such result. `modules_of` names them, so that they can be imported before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias, cast

from bento_proto._numbers import are_exact, read_numbers
from bento_proto._types import JSON
from bento_proto.errors import LimitExceeded, RemoteProtocolError
from bento_proto.schema._service import Endpoint, Schema, has_arrays, walk

Convert: TypeAlias = "Callable[[JSON], object]"

_RESULTS: Final[Mapping[object, frozenset[str]]] = {
    "tensor": frozenset({"numpy", "orjson"}),
    "dataframe": frozenset({"pandas"}),
}
_ARGUMENTS: Final[Mapping[object, frozenset[str]]] = {"tensor": frozenset({"orjson"})}

_DTYPE: Final = r"[<>=|]?[A-Za-z_]+\d{0,3}(?:\[[A-Za-z]+\])?"
_WIDEST: Final = 32  # bytes of the largest number, a complex256
_NUMBERS: Final = frozenset("biufc")  # kinds of a dtype
_SPARSE: Final = 16  # cells for each value that came, or characters for each character
_SPARE: Final = 1 << 16  # and so many besides, so that small results are never too sparse


def modules_of(endpoint: Endpoint) -> frozenset[str]:
    """The packages that calls of an endpoint import to encode arguments or decode results.

    They are needed for tensors and frames, are optional, and take some tenths of a second to import. On an event loop,
    import them in a thread before the first call.
    """
    modules = _used(endpoint.output.schema, _RESULTS)
    return modules.union(*(_used(parameter.schema, _ARGUMENTS) for parameter in endpoint.parameters))


def _used(schema: Schema, modules: Mapping[object, frozenset[str]]) -> frozenset[str]:
    kinds = [node.get("type") for node in walk(schema)]
    return frozenset[str]().union(*(modules[kind] for kind in kinds if isinstance(kind, str) and kind in modules))


def converter(schema: Schema) -> Convert | None:
    """What converts the arrays and frames in a decoded result of that schema; None if the schema has none.

    The memory it takes is bounded by the size of the value, whatever the value is.

    The conversion raises `RemoteProtocolError` if the value does not fit the dtype or the shape of the schema, or if a
    frame would have far more cells than the value.
    """
    if not has_arrays(schema):
        return None
    defs = _object(schema.get("$defs"))

    def convert(value: JSON) -> object:
        try:
            return _convert(value, schema, defs)
        # pandas 2.0 raises AttributeError if some rows are not records.
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, MemoryError) as exc:
            raise RemoteProtocolError(f"the response does not fit its schema: {exc}") from exc

    return convert


def _convert(value: JSON, schema: Schema, defs: Schema) -> object:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _convert(value, _target(reference, defs), defs)
    members = schema.get("anyOf")
    if isinstance(members, list):
        fitting = [member for member in members if isinstance(member, dict) and _fits(value, member, defs)]
        return _convert(value, fitting[0], defs) if fitting else value
    if value is None:
        return None
    kind = schema.get("type")
    if kind == "tensor":
        return _array(value, schema)
    if kind == "dataframe":
        return _frame(value)
    if isinstance(value, dict):
        named, others = _object(schema.get("properties")), schema.get("additionalProperties")
        return {key: _convert(item, _object(named.get(key, others)), defs) for key, item in value.items()}
    if isinstance(value, list):
        first, others = schema.get("prefixItems"), schema.get("items")
        heads = first if isinstance(first, list) else []
        return [_convert(v, _object(heads[i] if i < len(heads) else others), defs) for i, v in enumerate(value)]
    return value


def _object(schema: JSON) -> Schema:
    """A schema inside another one; one that is not an object, such as ``true``, says nothing."""
    return schema if isinstance(schema, dict) else {}


def _target(reference: str, defs: Schema) -> Schema:
    return _object(defs.get(reference.removeprefix("#/$defs/")))


def _fits(value: JSON, schema: Schema, defs: Schema) -> bool:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        schema = _target(reference, defs)
    kind = schema.get("type")
    if kind == "tensor":
        return isinstance(value, (list, int, float))
    if kind in ("object", "dataframe"):
        return isinstance(value, (dict, list)) if kind == "dataframe" else isinstance(value, dict)
    return isinstance(value, list) if kind == "array" else False


class _Array(Protocol):
    """What is used of ``numpy.ndarray``, whose own types differ from one NumPy to the next."""

    def reshape(self, shape: Sequence[int], /) -> object: ...


class _NumPy(Protocol):
    """What is used of ``numpy``; its stubs declare it in other ways from version to version."""

    def concatenate(self, arrays: list[object], /) -> object: ...


class _DType(Protocol):
    """The same of ``numpy.dtype``."""

    @property
    def kind(self) -> str: ...
    @property
    def itemsize(self) -> int: ...


def _array(value: JSON, schema: Schema) -> object:
    try:
        import numpy as np
    except ImportError:
        return value
    shape = schema.get("shape")
    kind = _element_type(schema)
    if (kind is None or kind.itemsize == 0) and _is_wide(value):
        kind = cast("_DType", np.dtype(object))
    array = cast("_Array", np.asarray(value, dtype=cast("None", kind)))
    sizes = [size for size in shape if isinstance(size, int)] if isinstance(shape, list) else None
    return array if sizes is None else array.reshape(sizes)


def _element_type(schema: Schema) -> _DType | None:
    """The dtype of a tensor; None if the schema says none."""
    import numpy as np

    dtype = schema.get("dtype")
    kind = cast("_DType", np.dtype(_plain(dtype))) if isinstance(dtype, str) else None
    if kind is not None and kind.itemsize > _WIDEST:
        raise ValueError(f"elements of {kind.itemsize} bytes are no numbers")
    return kind


class NumberArrays:
    """Makes an array of a large list of numbers in parts, while the list is parsed (`Arrays`).

    Args:
        kind: the dtype of the elements; None to take it from them.
    """

    def __init__(self, kind: _DType | None) -> None:
        self._kind = kind

    @classmethod
    def of(cls, schema: Schema) -> NumberArrays | None:
        """That for a tensor of that schema; None if its elements are no numbers, or there is no NumPy."""
        try:
            kind = _element_type(schema)
        except (ImportError, TypeError, ValueError):  # the conversion raises it again
            return None
        return cls(kind) if kind is None or kind.kind in _NUMBERS else None

    def parse(self, text: str, /) -> object:
        """An array of the elements of a JSON array."""
        if self._kind is None or self._kind.kind == "f":
            numbers = read_numbers(text.encode())
            if numbers is not None:
                array = self.make(cast("list[JSON]", numbers))
                if are_exact(array):
                    return array
        return self.make(cast("list[JSON]", json.loads(text)))

    def make(self, elements: list[JSON], /) -> object:
        """An array of elements, some of which may be arrays."""
        import numpy as np

        array = np.array(elements, dtype=cast("None", self._kind))
        if array.dtype.kind not in _NUMBERS:
            raise TypeError(f"an array of {array.dtype} is none of numbers")
        return array

    def join(self, arrays: list[object], /) -> object:
        """One array of the elements of several."""
        import numpy as np

        return cast("_NumPy", np).concatenate(arrays)


def _is_wide(value: JSON) -> bool:
    """Whether an array of text would be far larger than the text: NumPy gives each element the room of the longest."""
    number, longest, total = _texts(value)
    return number * longest > _SPARE + _SPARSE * (total + number)


def _texts(value: JSON) -> tuple[int, int, int]:
    """The number of elements, and the longest and the total length of the texts among them."""
    if isinstance(value, str):
        return 1, len(value), len(value)
    if not isinstance(value, list):
        return 1, 0, 0
    kinds = {*map(type, value)}
    if list in kinds or dict in kinds:
        found = [_texts(item) for item in value]
        return sum(each[0] for each in found), max(each[1] for each in found), sum(each[2] for each in found)
    lengths = [len(item) for item in value if isinstance(item, str)] if str in kinds else [0]
    return len(value), max(lengths), sum(lengths)


def _plain(dtype: str) -> str:
    """The dtype, if it is a plain name. Others are a small language, which can require any amount of memory."""
    if not re.fullmatch(_DTYPE, dtype):
        raise ValueError(f"not the dtype of a tensor: {dtype[:100]!r}")
    return dtype


def _frame(value: JSON) -> object:
    try:
        import pandas as pd
    except ImportError:
        return value
    _check_cells(value)
    return pd.DataFrame(cast("dict[str, list[JSON]]", value))


def _check_cells(value: JSON) -> None:
    """Check that a frame has not far more cells than the value: pandas fills in what rows or columns leave out.

    Raises:
        LimitExceeded: it has.
    """
    if not isinstance(value, (dict, list)):
        return
    lines = value.values() if isinstance(value, dict) else value  # columns, or rows
    names, longest, given = set[str](), 1, 0
    for line in lines:
        given += len(line) if isinstance(line, (dict, list)) else 1
        if isinstance(line, dict):
            names.update(line)
        elif isinstance(line, list):
            longest = max(longest, len(line))
    cells = len(value) * max(longest, len(names))
    if cells > _SPARE + _SPARSE * given:
        raise LimitExceeded(f"the frame has {cells} cells for {given} values")
