"""Functions and types as BentoML describes them, valid values by a schema, and arguments as a function wants them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import math
import uuid
from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from fractions import Fraction
from pathlib import Path
from types import FunctionType
from typing import Annotated, Any, List, Literal, Optional, TypedDict, Union, cast  # noqa: UP035

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic import BaseModel, Field

from bento_proto import JSON, File
from bento_proto.testing import Pause, ServiceDouble, UploadedFile, example
from bento_proto.testing._types import schema_of
from bento_proto.testing._validation import Unfit, converted
from tests.proto import declared
from tests.proto.pure import PureClient
from tests.recordings import schema


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1


class Odd(enum.Enum):
    PAIR = (1, 2)


class Item(BaseModel):
    sku: str
    qty: int = 1
    note: Optional[str] = None  # noqa: UP045 - as the recorded Service has it


class Order(BaseModel):
    items: list[Item]
    first: Item = Field(default=Item(sku="x"), description="the first")


class Node(BaseModel):
    children: list[Node] = []


@dataclasses.dataclass
class Point:
    x: int
    y: list[int] = dataclasses.field(default_factory=list)
    z: int = 0


class Movie(TypedDict, total=False):
    title: str


class Keys(TypedDict):
    a: int


class Deep(TypedDict):
    deeper: Deep


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, {"type": "string"}),
        (None, {"type": "null"}),
        (type(None), {"type": "null"}),
        (Any, {}),
        (object, {}),
        (bytes, {"type": "string", "format": "binary"}),
        (Path, {"type": "file", "format": "binary"}),
        (UploadedFile, {"type": "file", "format": "binary"}),
        (File, {"type": "file", "format": "binary"}),
        (Image.Image, {"type": "file", "format": "image", "pil": True}),
        (np.ndarray, {"type": "tensor", "format": "numpy-array"}),
        (np.ndarray[Any, Any], {"type": "tensor", "format": "numpy-array"}),
        (pd.DataFrame, {"type": "dataframe", "orient": "records"}),
        (dt.datetime, {"type": "string", "format": "date-time"}),
        (uuid.UUID, {"type": "string", "format": "uuid"}),
        (decimal.Decimal, {"anyOf": [{"type": "number"}, {"type": "string"}]}),
        (list, {"type": "array", "items": {}}),
        (List, {"type": "array", "items": {}}),  # noqa: UP006
        (dict, {"type": "object", "additionalProperties": True}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (Sequence[str], {"type": "array", "items": {"type": "string"}}),
        (set[int], {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (
            tuple[int, str],
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Mapping[str, Any], {"type": "object", "additionalProperties": True}),
        (Union[int, str], {"anyOf": [{"type": "integer"}, {"type": "string"}]}),  # noqa: UP007
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Literal["a", "b"], {"enum": ["a", "b"], "type": "string"}),
        (Color, {"enum": ["red", "blue"], "type": "string", "title": "Color"}),
        (Level, {"enum": [1], "type": "integer", "title": "Level"}),
        (Odd, {"enum": [(1, 2)], "title": "Odd"}),
        (Annotated[str, {"maxLength": 3}, "a note"], {"type": "string", "maxLength": 3}),
        (
            Point,
            {
                "type": "object",
                "title": "Point",
                "properties": {
                    "x": {"type": "integer"},
                    "y": {"type": "array", "items": {"type": "integer"}},
                    "z": {"type": "integer"},
                },
                "required": ["x"],
            },
        ),
        (
            Movie,
            {"type": "object", "title": "Movie", "properties": {"title": {"type": "string"}}, "required": []},
        ),
    ],
)
def test_types(annotation: object, expected: JSON) -> None:
    assert schema_of(annotation) == expected


def test_of_a_union_an_input_tells_the_first_member() -> None:
    assert schema_of(int | str, is_input=True) == {"type": "integer"}
    assert schema_of(Optional[Path], is_input=True) == {"type": "file", "format": "binary"}  # noqa: UP045
    assert schema_of(decimal.Decimal, is_input=True) == {"type": "number"}


def test_models_are_told_in_place() -> None:
    item = {
        "properties": {
            "sku": {"title": "Sku", "type": "string"},
            "qty": {"default": 1, "title": "Qty", "type": "integer"},
            "note": {"default": None, "title": "Note", "type": "string"},
        },
        "required": ["sku"],
        "title": "Item",
        "type": "object",
    }
    assert schema_of(Item) == item
    found = schema_of(Order)
    assert "$defs" not in found
    properties = found["properties"]
    assert isinstance(properties, dict)
    assert properties["items"] == {"items": item, "title": "Items", "type": "array"}
    first = properties["first"]
    assert isinstance(first, dict)
    assert (first["type"], first["description"]) == ("object", "the first")


@pytest.mark.parametrize("annotation", [Node, Deep, complex, Literal, type("Strange", (), {})])
def test_types_without_a_schema(annotation: object) -> None:
    with pytest.raises(TypeError):
        schema_of(annotation)


def test_annotations_that_nobody_knows() -> None:
    double = ServiceDouble()

    def strange(x: Nowhere) -> str:  # type: ignore[name-defined]  # noqa: F821
        return ""

    with pytest.raises(TypeError, match=r"strange\(\): an annotation can't be understood: name 'Nowhere'"):
        double.endpoint(strange)


# --- arguments


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        ("a", str, "a"),
        ("12", int, 12),
        (1.0, int, 1),
        (1, float, 1.0),
        (True, int, True),
        (1, bool, True),
        ("true", bool, True),
        ("OFF", bool, False),
        (True, bool, True),
        (" 1_0.0 ", int, 10),
        ("1e5", float, 1e5),
        (None, type(None), None),
        ("5", int | str, "5"),
        ([1], list[Any], [1]),
        ([1, 1], frozenset[int], frozenset({1})),
        ([1, 1], AbstractSet[int], {1}),
        ([1], Sequence[int], [1]),
        ([1], tuple, (1,)),
        ({"a": 1}, dict, {"a": 1}),
        ({"a": 1}, Keys, {"a": 1}),
        ("PT1M", dt.timedelta, dt.timedelta(minutes=1)),
        ("P1DT2H3M4.5S", dt.timedelta, dt.timedelta(1, 4.5, hours=2, minutes=3)),
        ({"x": 1}, Fraction, {"x": 1}),
        ("abc", Annotated[str, {"maxLength": 3}], "abc"),
        ("red", Color, Color.RED),
        ("text", bytes, b"text"),
        (b"data", bytes, b"data"),
        ({"sku": "a"}, Item, Item(sku="a")),
        ({"x": 1, "y": ["2"]}, Point, Point(1, [2])),
        ([1, 2], set[int], {1, 2}),
        ([1, "2"], tuple[int, ...], (1, 2)),
        ([1, "2"], tuple[int, str], (1, "2")),
        (["red"], list[Color], [Color.RED]),
        ({"a": "red"}, dict[str, Color], {"a": Color.RED}),
        (None, int | None, None),
        ("red", int | Color, Color.RED),
        (
            "2024-01-02T03:04:05Z",
            dt.datetime,
            dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc),
        ),
        ("2024-01-02", dt.date, dt.date(2024, 1, 2)),
        (90, dt.timedelta, dt.timedelta(seconds=90)),
        ("1.10", decimal.Decimal, decimal.Decimal("1.10")),
        (str(uuid.UUID(int=1)), uuid.UUID, uuid.UUID(int=1)),
        ("a", Annotated[str, "note"], "a"),
        ("a", Literal["a"], "a"),
        ("http://example.org", Path, "http://example.org"),
        ([1], list, [1]),
        ([1], Any, [1]),
    ],
)
def test_arguments_become_what_is_annotated(value: object, annotation: object, expected: object) -> None:
    found = converted(value, annotation, {})
    assert found == expected
    assert type(found) is type(expected)


def test_tensors_and_frames_become_arrays_and_frames() -> None:
    array = converted([[1, 2]], np.ndarray, {"type": "tensor", "dtype": "float32"})
    assert isinstance(array, np.ndarray)
    assert array.dtype == np.float32
    frame = converted([{"a": 1}], pd.DataFrame, {"type": "dataframe"})
    assert isinstance(frame, pd.DataFrame)


@pytest.mark.parametrize(
    ("value", "annotation", "faults"),
    [
        (1, str, ["string_type"]),
        (None, str, ["string_type"]),
        ("many", int, ["int_parsing"]),
        ("1.5", int, ["int_parsing"]),
        ("٥", int, ["int_parsing"]),
        (1.5, int, ["int_from_float"]),
        (math.inf, int, ["finite_number"]),
        ([1], int, ["int_type"]),
        ("x", float, ["float_parsing"]),
        ("٥", float, ["float_parsing"]),
        ([], float, ["float_type"]),
        ("maybe", bool, ["bool_parsing"]),
        (2, bool, ["bool_parsing"]),
        (0.5, bool, ["bool_type"]),
        (5, type(None), ["none_required"]),
        (5, bytes, ["bytes_type"]),
        ("green", Color, ["enum"]),
        ("b", Literal["a"], ["literal_error"]),
        (True, Literal[1], ["literal_error"]),
        (5, Path, ["path_type"]),
        (5, dict[str, int], ["dict_type"]),
        (5, dict, ["dict_type"]),
        ({"a": "x", "b": 1}, dict[str, int], ["a int_parsing"]),
        (5, list[int], ["list_type"]),
        (5, list, ["list_type"]),
        (["x", 1, "y"], list[int], ["0 int_parsing", "2 int_parsing"]),
        (5, set[int], ["set_type"]),
        ([[1]], set, ["set_item_not_hashable"]),
        (5, tuple[int, int], ["tuple_type"]),
        ([1], tuple[int, int], ["1 missing"]),
        (["x", 1, 2], tuple[int, int], ["too_long"]),
        (["x"], tuple[int, int], ["0 int_parsing", "1 missing"]),
        ({}, Item, ["sku missing"]),
        ({}, Point, ["x missing"]),
        ({"x": "x", "y": ["z"]}, Point, ["x int_parsing", "y 0 int_parsing"]),
        (5, Point, ["dataclass_type"]),
        ({"a": "x"}, Keys, ["a int_parsing"]),
        ({}, Keys, ["a missing"]),
        (5, Keys, ["dict_type"]),
        ("x", int | Color, ["int int_parsing", "Color enum"]),
        ([], int | list[int] | None, []),
        ("x", int | list[int], ["int int_parsing", "list[int] list_type"]),
        ("x", int | None, ["int_parsing"]),
        ("x", dt.datetime, ["datetime_from_date_parsing"]),
        ("x", dt.date, ["date_from_datetime_parsing"]),
        ("x", dt.time, ["time_parsing"]),
        ("x", dt.timedelta, ["time_delta_parsing"]),
        ([], dt.timedelta, ["time_delta_type"]),
        ("x", uuid.UUID, ["uuid_parsing"]),
        (5, uuid.UUID, ["uuid_type"]),
        ("x", decimal.Decimal, ["decimal_parsing"]),
        ("abcd", Annotated[str, {"maxLength": 3}], ["string_too_long"]),
        ("", Annotated[str, {"minLength": 1}], ["string_too_short"]),
        ("a", Annotated[str, {"pattern": "^b"}], ["string_pattern_mismatch"]),
        ([], Annotated[list[int], {"minItems": 1}], ["too_short"]),
        ([1, 2], Annotated[list[int], {"maxItems": 1}], ["too_long"]),
        (1, Annotated[int, {"minimum": 2, "title": "X"}], ["greater_than_equal"]),
        (3, Annotated[int, {"maximum": 2}], ["less_than_equal"]),
        (2, Annotated[int, {"exclusiveMinimum": 2}], ["greater_than"]),
        (2, Annotated[float, {"exclusiveMaximum": 2}], ["less_than"]),
        (3, Annotated[int, {"multipleOf": 2}], ["multiple_of"]),
        (None, Annotated[int | None, {"minimum": 2}], []),
        (None, Annotated[str | None, {"minLength": 2}], []),
    ],
    ids=repr,
)
def test_arguments_that_are_none_of_their_type(value: object, annotation: object, faults: list[str]) -> None:
    found: list[str] = []
    try:
        converted(value, annotation, {})
    except Unfit as exc:
        found = [" ".join(map(str, (*each["loc"], each["type"]))) for each in cast("Any", exc.faults)]
    assert found == faults


def test_an_array_that_is_none() -> None:
    with pytest.raises(Unfit) as caught:
        converted([[1], "x"], np.ndarray, {"type": "tensor", "dtype": "float32"}, ("x",))
    (found,) = cast("Any", caught.value.faults)
    assert (found["loc"], found["type"]) == (["x"], "value_error")


def test_signatures() -> None:
    double = ServiceDouble()

    @double.endpoint
    def everything(a: int, *args: int, k: Color = Color.RED, **kwargs: Any) -> dict[str, Any]:
        return {"a": a, "args": args, "k": k, "kwargs": kwargs}

    @double.endpoint
    def keywords(**kwargs: int) -> dict[str, int]:
        return kwargs

    @double.endpoint
    def untyped(x, y=3):  # type: ignore[no-untyped-def]
        return [x, y]

    @double.endpoint
    def listed(args: list[int]) -> int:
        return len(args)

    client = PureClient(double)
    assert client.call("everything", 1, 2, 3, k="blue", z=9) == {
        "a": 1,
        "args": [2, 3],
        "k": "blue",
        "kwargs": {"z": 9},
    }
    assert client.call("everything", 1) == {"a": 1, "args": [], "k": "red", "kwargs": {}}
    assert client.call("keywords", a=1) == {"a": 1}
    assert client.call("untyped", "x") == ["x", 3]
    assert client.call("listed", [1, 2]) == 2


def test_streams_by_their_annotations() -> None:
    double = ServiceDouble()

    @double.endpoint
    def texts() -> Generator[str, None, None]:
        yield "a"

    @double.endpoint
    def handed() -> Iterator[int]:
        return iter((1, 2))

    @double.endpoint
    def bare():  # type: ignore[no-untyped-def]
        yield "a"

    @double.endpoint
    async def several() -> AsyncIterator[dict[str, int]]:
        yield {"i": 0}

    @double.endpoint
    def counted() -> Iterable[int]:
        yield 1

    @double.endpoint
    def slow() -> Iterator[int | str | Pause]:
        yield Pause(1)
        yield "a"

    @double.endpoint
    def no_stream() -> Iterable[int]:
        return [1]

    client = PureClient(double)
    results = {
        name: client.call(name) for name in ("texts", "handed", "bare", "several", "counted", "no_stream", "slow")
    }
    assert results == {
        "texts": ["a"], "handed": [1, 2], "bare": ["a"], "several": [{"i": 0}], "counted": [1], "no_stream": [1],
        "slow": ["a"],
    }  # fmt: skip
    assert not client.session.endpoint("no_stream").output.is_stream
    assert client.session.endpoint("slow").output.schema["anyOf"] == [{"type": "integer"}, {"type": "string"}]


def test_the_schema_of_functions_is_that_of_the_same_service() -> None:
    double = ServiceDouble("Zoo")
    for value in list(vars(declared).values()):
        if isinstance(value, FunctionType):
            double.endpoint(value)
    document: Any = double.schema
    made = {route["name"]: route for route in document["routes"]}
    real = {route["name"]: route for route in json.loads(schema("Zoo"))["routes"]}
    assert len(made) > 20
    assert made == {name: real[name] for name in made}


# --- values by schema


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({}, "anything"),
        ({"type": "string"}, "text"),
        ({"type": "string", "minLength": 6}, "texttt"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "format": "binary"}, b"content"),
        ({"type": "string", "format": "uuid"}, "00000000-0000-0000-0000-000000000001"),
        ({"type": "string", "format": "strange"}, "text"),
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "exclusiveMinimum": 5}, 6),
        ({"type": "integer", "maximum": -2}, -2),
        ({"type": "integer", "exclusiveMaximum": 0}, -1),
        ({"type": "integer", "multipleOf": 5}, 5),
        ({"type": "integer", "minimum": 7, "multipleOf": 5}, 10),
        ({"type": "number"}, 0.5),
        ({"type": "number", "minimum": 2, "exclusiveMaximum": 3}, 2.0),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5}, 0.25),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["string", "null"]}, "anything"),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 3}, 3),
        ({"type": "integer", "default": 9}, 9),
        ({"type": "integer", "examples": [4]}, 4),
        ({"type": "integer", "examples": []}, 1),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 1),
        ({"anyOf": [{"type": "null"}]}, None),
        ({"allOf": [{"$ref": "#/$defs/X"}], "$defs": {"X": {"type": "integer"}}}, 1),
        ({"$ref": "#/$defs/Missing"}, "anything"),
        ({"type": "array", "items": {"type": "integer"}}, [1]),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"type": "array", "items": {"type": "integer"}, "minItems": "?"}, [1]),
        ({"type": "array", "prefixItems": [{"type": "integer"}, True]}, [1, "anything"]),
        ({"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}}, {"a": 1, "b": "anything"}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"key": 1}),
        ({"type": "object", "additionalProperties": True}, {}),
        ({"type": "tensor"}, [0.5, 0.5]),
        ({"type": "tensor", "shape": [-1, 2], "dtype": "int64"}, [[0, 0]]),
        ({"type": "tensor", "shape": [1], "dtype": "bool"}, [False]),
        ({"type": "dataframe", "orient": "columns", "columns": ["x"]}, {"x": [0, 1]}),
        ({"type": "dataframe"}, [{"a": 0, "b": 0}, {"a": 1, "b": 1}]),
        ({"type": "file"}, b"content"),
    ],
)
def test_values_by_schema(given: Any, value: object) -> None:
    assert example(given) == value


def test_what_contains_itself_ends() -> None:
    tree: Any = {"$ref": "#/$defs/T", "$defs": {"T": {"type": "object", "properties": {"next": {"$ref": "#/$defs/T"}}}}}
    assert json.dumps(example(tree)).count("next") == 8
    deep: Any = {"$ref": "#/$defs/T", "$defs": {"T": {"type": "array", "items": {"$ref": "#/$defs/T"}}}}
    assert json.dumps(example(deep)).count("[") == 9
    loop: Any = {"$ref": "#/$defs/T", "$defs": {"T": {"$ref": "#/$defs/T"}}}
    assert example(loop) == "anything"


def test_the_picture_is_one() -> None:
    import io

    with Image.open(io.BytesIO(example({"type": "file", "format": "image"}))) as image:  # type: ignore[arg-type]
        image.load()
        assert image.convert("RGB").getpixel((0, 0)) == (255, 0, 0)
