"""Tensors and frames in results: arrays and DataFrames with NumPy and pandas, lists without."""

from __future__ import annotations

import sys
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bento_proto import JSON, LimitExceeded, RemoteProtocolError
from bento_proto.json import parse_json
from bento_proto.response import modules_of
from bento_proto.response._arrays import converter
from bento_proto.schema import Schema, parse_service
from tests.proto.shapes import zoo
from tests.recordings import find, load

TENSOR: dict[str, JSON] = {"type": "tensor"}
FRAME: dict[str, JSON] = {"type": "dataframe"}
MODEL: dict[str, JSON] = {"type": "object", "properties": {"a": TENSOR}}
REF: JSON = {"$ref": "#/$defs/M"}
NULL: JSON = {"type": "null"}


def converted(value: JSON, schema: Schema) -> Any:
    convert = converter(schema)
    assert convert is not None
    return convert(value)


@pytest.mark.parametrize("schema", [{}, {"type": "array", "items": {"type": "integer"}}, {"$defs": {"A": {}}}])
def test_a_schema_without_arrays_needs_no_conversion(schema: Schema) -> None:
    assert converter(schema) is None


RECORDED = [r.case for r in load("calls") if (r.result or "").startswith(("ndarray ", "DataFrame "))]


@pytest.mark.parametrize("case", RECORDED)
def test_recorded_results_equal_those_of_bentomls_client(case: str) -> None:
    recording = find(case)
    found = converted(parse_json(recording.response_body), zoo(recording.endpoint or "").output.schema)
    if isinstance(found, pd.DataFrame):
        expected = cast("dict[str, list[Any]]", recording.value)
        assert found.to_json() == pd.DataFrame(expected).to_json()
    else:
        assert isinstance(found, np.ndarray)
        assert f"ndarray dtype={found.dtype} shape={found.shape} {found.tolist()!r}" == recording.result


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (5, "int64"),
        ("text", "<U4"),
        ([["a", "bc"], ["d", ""]], "<U2"),
        ([{"a": 1}, {"b": [2]}], "O"),
        (["A" * 70_000, *[""] * 70_000], "O"),  # NumPy's text would be 70,000 times as large
        ([["A" * 70_000, 1], *[["", 2.5]] * 70_000], "O"),
    ],
)
def test_text_is_an_array_of_objects_only_if_numpys_would_be_far_larger(value: JSON, dtype: str) -> None:
    array = converted(value, TENSOR)
    assert isinstance(array, np.ndarray)
    assert array.dtype == np.dtype(dtype)
    assert array.tolist() == value


def test_a_frame_with_far_more_cells_than_values_is_refused() -> None:
    rows: JSON = [{str(number): 1} for number in range(2_000)]
    columns: JSON = {str(number): {str(number): 1} for number in range(2_000)}
    for value in (rows, columns):
        with pytest.raises(LimitExceeded, match="4000000 cells for 2000 values"):
            converted(value, FRAME)
    assert converted([{"a": 1}, {"b": 2}], FRAME).shape == (2, 2)


def test_there_are_recorded_results_of_both_kinds() -> None:
    kinds = [(find(case).result or "").split()[0] for case in RECORDED]
    assert kinds.count("ndarray") > 10
    assert kinds.count("DataFrame") > 5


@pytest.mark.parametrize(
    ("value", "schema", "dtype", "shape"),
    [
        ([1, 2], TENSOR, "int64", (2,)),
        ([], TENSOR, "float64", (0,)),
        ([], {**TENSOR, "dtype": "int8", "shape": [0, 3]}, "int8", (0, 3)),
        ([[1, 2], [3, 4]], {**TENSOR, "dtype": "float16", "shape": [-1, 2]}, "float16", (2, 2)),
        ([1, 2, 3, 4], {**TENSOR, "shape": [2, 2]}, "int64", (2, 2)),
        (3.5, TENSOR, "float64", ()),
        ([1, None], {**TENSOR, "dtype": "float32"}, "float32", (2,)),  # what was no number comes as null
        (["1+2j"], {**TENSOR, "dtype": "complex64"}, "complex64", (1,)),
        ([1], {**TENSOR, "dtype": 5, "shape": "x"}, "int64", (1,)),
    ],
)
def test_the_dtype_and_shape_of_the_schema(value: JSON, schema: Schema, dtype: str, shape: tuple[int, ...]) -> None:
    found = converted(value, schema)
    assert (found.dtype, found.shape) == (np.dtype(dtype), shape)


# Each puts an array where `found(result)` finds it.
@pytest.mark.parametrize(
    ("value", "schema", "keys"),
    [
        ({"a": [1], "b": [1]}, {"type": "object", "properties": {"a": TENSOR}}, ["a"]),
        ({"x": [1]}, {"type": "object", "additionalProperties": TENSOR}, ["x"]),
        ([[1]], {"type": "array", "items": TENSOR}, [0]),
        ([5, [1], [2]], {"type": "array", "prefixItems": [{"type": "integer"}, TENSOR]}, [1]),
        ([5, [1]], {"type": "array", "prefixItems": [True], "items": TENSOR}, [1]),
        ({"m": {"a": [1]}}, {"properties": {"m": REF}, "$defs": {"M": MODEL}}, ["m", "a"]),
        ([[1]], {"type": "array", "items": {"anyOf": [NULL, TENSOR]}}, [0]),
        ({"a": [1]}, {"anyOf": [{"type": "array"}, MODEL]}, ["a"]),
        ({"a": [1]}, {"anyOf": [REF, NULL], "$defs": {"M": MODEL}}, ["a"]),
        ([[1]], {"anyOf": ["nonsense", {"type": "array", "items": TENSOR}]}, [0]),
    ],
)  # fmt: skip
def test_nested_arrays(value: JSON, schema: Schema, keys: list[Any]) -> None:
    found = converted(value, schema)
    for key in keys:
        found = found[key]
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [1]


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (None, TENSOR),
        (None, {"anyOf": [TENSOR, NULL]}),
        ("text", {"anyOf": [TENSOR, {"type": "string"}]}),
        (5, {"anyOf": [{"$ref": "#/$defs/Gone"}, FRAME, {"type": "object"}], "$defs": []}),
        ({"a": 1, "b": [1]}, {"properties": {"a": True, "t": TENSOR}}),
        ([1, [1]], {"items": True, "prefixItems": True, "$defs": {"A": TENSOR}}),
        ({"a": 1}, {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": 5, "B": TENSOR}}),
        (5, {"properties": {"t": TENSOR}}),
    ],
)
def test_values_that_do_not_fit_a_vague_schema_are_unchanged(value: JSON, schema: Schema) -> None:
    assert converted(value, schema) == value


def test_a_frame_in_a_union_is_made_of_rows_and_of_columns() -> None:
    values: list[JSON] = [[{"a": 1}, {"a": 2}], {"a": [1, 2]}]
    for value in values:
        found = converted(value, {"anyOf": [FRAME, NULL]})
        assert found.to_dict("list") == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ([[1, 2], [3]], TENSOR),
        (["x"], {**TENSOR, "dtype": "float32"}),
        ([1], {**TENSOR, "dtype": "nonsense"}),
        ([1, 2, 3], {**TENSOR, "shape": [2, 2]}),
        ([2**70], {**TENSOR, "dtype": "int64"}),
        (["x"], {**TENSOR, "dtype": "S999"}),  # what a short answer may take in memory
        ([1], {**TENSOR, "dtype": "(9,9)f4"}),
        (5, FRAME),
        ({"a": [1], "b": [1, 2]}, FRAME),
        ([1], {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}, "B": TENSOR}}),
    ],
)
def test_values_that_do_not_fit_dtype_or_shape_are_errors(value: JSON, schema: Schema) -> None:
    with pytest.raises(RemoteProtocolError, match="the response does not fit its schema"):
        converted(value, schema)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(width=16) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab0"), inner, max_size=3),
    max_leaves=8,
)
SCHEMAS = st.recursive(
    st.sampled_from([TENSOR, FRAME, {**TENSOR, "dtype": "int8", "shape": [-1, 2]}, {"$ref": "#/$defs/A"}, NULL, 5]),
    lambda inner: (
        st.builds(lambda key, value: {key: value}, st.sampled_from(["items", "additionalProperties"]), inner)
        | st.builds(lambda members: {"anyOf": members}, st.lists(inner, max_size=2))
        | st.builds(lambda members: {"properties": members}, st.dictionaries(st.sampled_from("ab"), inner, max_size=2))
    ),
    max_leaves=4,
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the oldest NumPy, for integers out of bounds
@settings(max_examples=300)
@given(VALUES, SCHEMAS, SCHEMAS)
@example([[{}, None]], FRAME, NULL)
def test_any_value_under_any_schema_is_converted_or_refused(value: JSON, inner: JSON, other: JSON) -> None:
    schema: Schema = {"items": inner, "additionalProperties": inner, "$defs": {"A": other, "B": TENSOR}}
    try:
        converted(value, schema)
    except RemoteProtocolError as error:
        assert "does not fit its schema" in error.message  # noqa: PT017 - either is right


# --- without the packages


@pytest.mark.parametrize("package", ["numpy", "pandas"])
def test_without_the_packages_arrays_are_lists(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    schema = TENSOR if package == "numpy" else FRAME
    assert converted([{"a": 1}], {"items": schema}) == [{"a": 1}]
    assert converted([[1, 2]], {**schema, "dtype": "int8", "shape": [5]}) == [[1, 2]]


@pytest.mark.parametrize(
    ("output", "given", "modules"),
    [
        ({"type": "object"}, {}, set()),
        ({"type": ["string", "null"]}, {"type": "string"}, set()),
        (TENSOR, {}, {"numpy", "orjson"}),
        (FRAME, {}, {"pandas"}),
        ({"anyOf": [NULL, {"type": "array", "items": FRAME}], "is_stream": True}, {}, {"pandas"}),
        ({"$ref": "#/$defs/M", "$defs": {"M": MODEL}}, {}, {"numpy", "orjson"}),
        ({"type": "string"}, {"anyOf": [TENSOR, NULL]}, {"orjson"}),
        ({"type": "string"}, FRAME, set()),
    ],
)
def test_modules_of(output: JSON, given: JSON, modules: set[str]) -> None:
    """Who runs an event loop asks. A frame that is an argument has brought its package along."""
    route = {"name": "f", "route": "/f", "input": {"properties": {"x": given}}, "output": output}
    assert modules_of(parse_service({"name": "S", "routes": [cast("JSON", route)]}).endpoints["f"]) == modules
