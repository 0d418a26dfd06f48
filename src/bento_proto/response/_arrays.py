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
_SPARE: Final = 1 << 17  # and so many besides in one document, so that small results are never too sparse
_FRAME: Final = 128  # cells that take as much memory as a frame without any
_NOTHING: Final[Schema] = {}  # a schema that says nothing


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


def converter(schema: Schema) -> Converter | None:
    """What converts the arrays and frames in a decoded result of that schema; None if the schema has none."""
    return Converter(schema) if has_arrays(schema) else None


class Converter:
    """Converts the arrays and frames in decoded results.

    The memory it takes is bounded by the size of the value, whatever the value is, and so is the time by the sizes of
    value and schema: what the schema says of a place is found once.

    Args:
        schema: the schema of a result.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema: Schema = schema
        self._defs = _object(schema.get("$defs"))
        self._found: dict[tuple[int, type | None], Schema] = {}
        self._shapes: dict[int, list[int] | None] = {}

    def __call__(self, value: JSON) -> object:
        """Convert one document.

        Raises:
            RemoteProtocolError: it does not fit the dtype or the shape of the schema.
            LimitExceeded: its frames would have far more cells than it has values.
        """
        return self.new()(value)

    def new(self) -> Convert:
        """What converts several documents, which have together what may be sparse in one."""
        return _Conversion(self)

    def said(self, schema: Schema, value: JSON) -> Schema:
        """What a schema says of a value: the schema, or what it refers to, or the member of a union that fits."""
        kind = _kind(value)
        key = id(schema), kind
        found = self._found.get(key)
        if found is None:
            seen = set[int]()
            found = schema
            while id(found) not in seen:
                seen.add(id(found))
                reference, members = found.get("$ref"), found.get("anyOf")
                if isinstance(reference, str):
                    found = self._target(reference)
                elif isinstance(members, list):
                    fitting = (each for each in members if isinstance(each, dict) and self._fits(kind, each))
                    found = next(fitting, _NOTHING)
                else:
                    break
            else:
                raise ValueError("a schema refers to itself")
            self._found[key] = found
        return found

    def shape(self, schema: Schema) -> list[int] | None:
        """The shape of a tensor; None if the schema says none."""
        key = id(schema)
        if key not in self._shapes:
            shape = schema.get("shape")
            sizes = [size for size in shape if isinstance(size, int)] if isinstance(shape, list) else None
            self._shapes[key] = sizes
        return self._shapes[key]

    def _target(self, reference: str) -> Schema:
        return _object(self._defs.get(reference.removeprefix("#/$defs/")))

    def _fits(self, kind: type | None, schema: Schema) -> bool:
        reference = schema.get("$ref")
        if isinstance(reference, str):
            schema = self._target(reference)
        return kind in _FITTING.get(str(schema.get("type")), ())


_FITTING: Final[Mapping[str, tuple[type, ...]]] = {
    "tensor": (list, float),
    "dataframe": (dict, list),
    "object": (dict,),
    "array": (list,),
}


def _kind(value: JSON) -> type | None:
    """What a member of a union may fit by: a list, an object, or a number; None for all else."""
    if isinstance(value, (int, float)):
        return float
    return type(value) if isinstance(value, (dict, list)) else None


class _Conversion:
    """Converts documents, and counts what is sparse in them.

    Args:
        converter: knows the schema.
    """

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self._frames, self._cells, self._given = 0, 0, 0
        self._room, self._texts = 0, 0  # characters that arrays of text have room for, and those that came

    def __call__(self, value: JSON) -> object:
        try:
            return self._convert(value, self._converter.schema)
        # pandas 2.0 raises AttributeError if some rows are not records.
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, MemoryError) as exc:
            raise RemoteProtocolError(f"the response does not fit its schema: {exc}") from exc

    def _convert(self, value: JSON, schema: Schema) -> object:
        said = self._converter.said(schema, value)
        if value is None or said is _NOTHING:
            return value
        kind = said.get("type")
        if kind == "tensor":
            return self._array(value, said)
        if kind == "dataframe":
            return self._frame(value)
        if isinstance(value, dict):
            named, others = _object(said.get("properties")), said.get("additionalProperties")
            return {key: self._convert(each, _object(named.get(key, others))) for key, each in value.items()}
        if isinstance(value, list):
            first, items = said.get("prefixItems"), _object(said.get("items"))
            heads = first if isinstance(first, list) else []
            return [self._convert(v, _object(heads[i]) if i < len(heads) else items) for i, v in enumerate(value)]
        return value

    def _array(self, value: JSON, schema: Schema) -> object:
        try:
            import numpy as np
        except ImportError:
            return value
        kind = _element_type(schema)
        if (kind is None or kind.itemsize == 0) and self._is_wide(value):
            kind = cast("_DType", np.dtype(object))
        array = cast("_Array", np.asarray(value, dtype=cast("None", kind)))
        sizes = self._converter.shape(schema)
        return array if sizes is None else array.reshape(sizes)

    def _is_wide(self, value: JSON) -> bool:
        """Whether arrays of text would be far larger than the text: NumPy gives each text the room of the longest."""
        number, longest, total = _texts(value)
        room, texts = self._room + number * longest, self._texts + total + number
        if room > _SPARE + _SPARSE * texts:
            return True
        self._room, self._texts = room, texts
        return False

    def _frame(self, value: JSON) -> object:
        try:
            import pandas as pd
        except ImportError:
            return value
        if isinstance(value, (dict, list)):
            self._check_cells(value)
        return pd.DataFrame(cast("dict[str, list[JSON]]", value))

    def _check_cells(self, value: Mapping[str, JSON] | Sequence[JSON]) -> None:
        """Check that frames have not far more cells than the values: pandas fills in what rows or columns leave out.

        Raises:
            LimitExceeded: they have.
        """
        lines = value.values() if isinstance(value, Mapping) else value  # columns, or rows
        names, longest = set[str](), 1
        for line in lines:
            self._given += len(line) if isinstance(line, (dict, list)) else 1
            if isinstance(line, dict):
                names.update(line)
            elif isinstance(line, list):
                longest = max(longest, len(line))
        self._frames += 1
        self._cells += len(value) * max(longest, len(names))
        if self._cells + self._frames * _FRAME > _SPARE + _SPARSE * self._given:
            frames = "a frame" if self._frames == 1 else f"{self._frames} frames"
            raise LimitExceeded(f"the response has {frames} of {self._cells} cells for {self._given} values")


def _object(schema: JSON) -> Schema:
    """A schema inside another one; one that is not an object, such as ``true``, says nothing."""
    return schema if isinstance(schema, dict) else _NOTHING


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
