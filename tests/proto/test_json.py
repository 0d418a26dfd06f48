"""Python values as JSON, and JSON as Python values."""

from __future__ import annotations

import array
import collections
import datetime as dt
import decimal
import enum
import fractions
import io
import ipaddress
import itertools
import json
import math
import re
import types
import uuid
from collections.abc import Iterator
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import attr
import numpy as np
import pandas as pd
import pydantic
import pydantic.dataclasses
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, RootModel, SecretStr

from bento_proto import JSON, RemoteProtocolError
from bento_proto.json import parse_json, to_json


class Color(enum.Enum):
    RED = "red"


class StrColor(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 2


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Inner:
    when: dt.date


@dataclass
class Outer:
    inner: Inner
    hidden: ClassVar[int] = 1
    given: InitVar[int] = 2
    many: list[Inner] = field(default_factory=list)


@pydantic.dataclasses.dataclass
class Pair:
    inner: int = Field(alias="outerName")


@pydantic.dataclasses.dataclass
class SecretPair:
    key: SecretStr


class WithSecret(BaseModel):
    key: SecretStr


class Stars(BaseModel):
    text: str


@attr.define
class Attrs:
    a: int
    _b: int = 2


class Struct:
    """A struct of msgspec, as it shows itself."""

    __struct_fields__ = ("inner",)
    __struct_encode_fields__ = ("outerName",)
    inner = 1


class Item(BaseModel):
    sku: str
    when: dt.date | None = None
    outer: int = Field(1, alias="outerName")


class WithArray(BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    data: np.ndarray = Field(alias="outerData")


class Model1:
    """Shaped as a model of pydantic 1 is."""

    __fields__: ClassVar[dict[str, object]] = {"a": None}

    def dict(self, *, by_alias: bool = False) -> object:
        return {"outerName" if by_alias else "inner": 1}


class Tensor:
    """Shaped as TensorFlow's is: iterable by its class, and not if it is a scalar."""

    def __init__(self, data: Any) -> None:
        self.data = np.array(data)

    def __iter__(self) -> Iterator[Tensor]:
        if self.data.ndim == 0:
            raise TypeError("Cannot iterate over a scalar tensor.")
        return map(Tensor, self.data)

    def numpy(self) -> object:
        return self.data


class PolarsFrame:
    """Shaped as polars' is."""

    columns = ("a",)

    def to_dicts(self) -> object:
        return [{"a": 1}]


class Unending:
    def __iter__(self) -> Iterator[Unending]:
        yield Unending()


# --- to JSON


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # What JSON has.
        ({"a": [1, 2.5, True, None, "é🐘"]}, '{"a":[1,2.5,true,null,"é🐘"]}'),
        ([math.nan, math.inf, -math.inf], "[NaN,Infinity,-Infinity]"),
        (2**70, str(2**70)),
        ({1: "b", None: "c", 1.5: "d"}, '{"1":"b","null":"c","1.5":"d"}'),
        # The standard library's.
        ((1, (2,)), "[1,[2]]"),
        (Point(1, 2), "[1,2]"),
        ([{1}, frozenset({2}), range(3, 5), collections.deque([6])], "[[1],[2],[3,4],[6]]"),
        ((i for i in range(2)), "[0,1]"),
        ({"a": 1}.keys(), '["a"]'),
        (types.MappingProxyType({"a": 1}), '{"a":1}'),
        (collections.ChainMap({"a": 1}), '{"a":1}'),
        ([Color.RED, StrColor.RED, Level.HIGH], '["red","red",2]'),
        (dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc), '"2024-01-02T03:04:05+00:00"'),
        ([dt.date(2024, 1, 2), dt.time(3, 4)], '["2024-01-02","03:04:00"]'),
        (dt.timedelta(minutes=1, milliseconds=500), "60.5"),
        ([decimal.Decimal("1.10"), fractions.Fraction(1, 3)], '["1.10","1/3"]'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        ([ipaddress.ip_address("::1"), ipaddress.ip_network("10.0.0.0/8")], '["::1","10.0.0.0/8"]'),
        ([b"abc", bytearray("é".encode()), memoryview(b"x")], '["abc","é","x"]'),
        (array.array("d", [1, 2]), "[1.0,2.0]"),
        (
            Outer(Inner(dt.date(2024, 1, 2)), many=[Inner(dt.date(2024, 1, 3))]),
            '{"inner":{"when":"2024-01-02"},"many":[{"when":"2024-01-03"}]}',
        ),
        # NumPy's.
        (np.arange(4).reshape(2, 2), "[[0,1],[2,3]]"),
        ([np.float32(0.5), np.int8(-1), np.bool_(True), np.array(3)], "[0.5,-1,true,3]"),
        ({"a": np.array([np.nan, np.inf])}, '{"a":[NaN,Infinity]}'),
        (np.array(["a", "é"]), '["a","é"]'),
        (np.array([dt.date(2024, 1, 2), None], object), '["2024-01-02",null]'),
        (np.array(["2024-01-02T03:04:05", "NaT"], "datetime64[ns]"), '["2024-01-02T03:04:05",null]'),
        ([np.datetime64("2024-01-02T03", "ns"), np.datetime64("2024-01-02")], '["2024-01-02T03:00:00","2024-01-02"]'),
        (np.timedelta64(1_500_000_000, "ns"), "1.5"),
        # pandas'.
        (pd.DataFrame({"a": [1, 2], "b": [0.5, None]}, index=[7, 8]), '[{"a":1,"b":0.5},{"a":2,"b":NaN}]'),
        (pd.DataFrame({"t": [pd.Timestamp("2024-01-02"), pd.NaT]}), '[{"t":"2024-01-02T00:00:00"},{"t":null}]'),
        (pd.DataFrame({"to_dicts": [1], "tolist": [2]}), '[{"to_dicts":1,"tolist":2}]'),
        (
            pd.DataFrame({"model_dump": [3], "get_secret_value": [1], "read": [2]}),
            '[{"model_dump":3,"get_secret_value":1,"read":2}]',
        ),
        (pd.DataFrame(), "[]"),
        (pd.Series([1, 2], index=["a", "b"]), "[1,2]"),
        (pd.Series([1, None], dtype="Int64"), "[1,null]"),
        (pd.Series(pd.to_datetime(["2024-01-02"], utc=True)), '["2024-01-02T00:00:00+00:00"]'),
        ([pd.NaT, pd.NA, pd.Timestamp("2024-01-02"), pd.Timedelta("1s")], '[null,null,"2024-01-02T00:00:00",1.0]'),
        # pydantic's.
        (Item(sku="s", outerName=2), '{"sku":"s","when":null,"outerName":2}'),
        ([Item(sku="s", when=dt.date(2024, 1, 2), outerName=1)], '[{"sku":"s","when":"2024-01-02","outerName":1}]'),
        (RootModel[list[int]]([1]), "[1]"),
        (WithArray(outerData=np.arange(2)), '{"outerData":[0,1]}'),
        (Model1(), '{"outerName":1}'),
        (Pair(1), '{"outerName":1}'),
        (Stars(text="*" * 12), '{"text":"************"}'),
        # Others', by their shapes.
        (Attrs(1), '{"a":1,"_b":2}'),
        (Struct(), '{"outerName":1}'),
        # Keys.
        ({np.int64(1): 2, Color.RED: 3}, '{"1":2,"red":3}'),
        (
            [{uuid.UUID(int=1): ({dt.date(2024, 1, 2): None},)}],
            '[{"00000000-0000-0000-0000-000000000001":[{"2024-01-02":null}]}]',
        ),
        ({dt.date(2024, 1, 2): np.arange(2), None: 1, True: 2}, '{"2024-01-02":[0,1],"null":1,"true":2}'),
        ({np.bool_(True): Pair(1)}, '{"true":{"outerName":1}}'),
        # Numbers without a Python type of their own.
        (np.longdouble(1.5), "1.5"),
        (np.array([1.5], np.longdouble), "[1.5]"),
        ([Tensor(1), Tensor([[1, 2]])], "[1,[[1,2]]]"),
        (PolarsFrame(), '[{"a":1}]'),
    ],
)
def test_values_as_json(value: object, expected: str) -> None:
    assert to_json(value).decode() == expected


def test_dataframes_with_nanoseconds() -> None:
    stamps = pd.Series(np.array(["2024-01-02"], "datetime64[ns]"))
    assert to_json([stamps, stamps.to_frame("t")]) == b'[["2024-01-02T00:00:00"],[{"t":"2024-01-02T00:00:00"}]]'


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (Path("p"), r"a \w+Path can't be sent inside JSON: BentoML takes a file only as an argument of its own"),
        (io.BytesIO(), "a BytesIO can't be sent inside JSON"),
        (object(), "a builtins.object can't be sent as JSON"),
        (1j, "a builtins.complex can't be sent as JSON"),
        (np.array([1j]), "a builtins.complex can't be sent as JSON"),
        (Item, r"<class '.*Item'> is a class, not a value"),
        (b"\xff", "bytes that are not UTF-8 can't be sent inside JSON"),
        (SecretStr("s3cret"), r"a SecretStr is sent as its asterisks: give get_secret_value\(\)"),
        (WithSecret(key=SecretStr("s3cret")), "a SecretStr is sent as its asterisks"),
        (SecretPair(SecretStr("s3cret")), "a SecretStr is sent as its asterisks"),
        (np.clongdouble(1j), "complex"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "a frame with two columns of one name"),
        ({(1, 2): 3}, "keys must be text, numbers, dates, enums or UUIDs, not tuple"),
        ({dt.date(2024, 1, 2): object()}, "a builtins.object"),
        (re, "a builtins.module can't be sent as JSON"),
    ],
)
def test_a_value_without_json_representation_is_a_type_error(value: object, says: str) -> None:
    with pytest.raises(TypeError, match=says) as caught:
        to_json([value])
    assert "s3cret" not in str(caught.value)


def test_a_value_that_can_not_be_encoded_is_a_value_error() -> None:
    circle: list[object] = []
    circle.append(circle)
    deep: object = ()
    for _ in range(100_000):
        deep = (deep,)
    for value, says in [
        ("\ud800", "lone surrogate"),
        ({"\udfff": 1}, "lone surrogate"),
        (circle, "Circular"),
        (deep, "nested too deeply"),
        (Unending(), "nested too deeply"),
    ]:
        with pytest.raises(ValueError, match=says):
            to_json(value)


# --- and back

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200)
@given(DOCUMENTS)
def test_documents_survive_a_round_trip(document: JSON) -> None:
    data = to_json(document)
    assert parse_json(data) == parse_json(b"\xef\xbb\xbf" + data) == document
    assert json.loads(data) == document


@settings(max_examples=200)
@given(st.binary() | st.text(st.sampled_from('[]{}",:0\\ue')).map(str.encode))
def test_any_bytes_are_a_document_or_an_error(data: bytes) -> None:
    try:
        found = parse_json(data)
    except RemoteProtocolError:
        return
    assert isinstance(found, (dict, list, str, int, float, type(None)))


def test_nan_and_infinities_are_accepted() -> None:
    found = parse_json(b"[NaN, Infinity, -Infinity]")
    assert isinstance(found, list)
    assert [repr(number) for number in found] == ["nan", "inf", "-inf"]


@pytest.mark.parametrize("data", [b"", b"x", b"[1", b"\xff\xfe", b"[" * 200_000, b"9" * 5000, "[1]".encode("utf-16")])
def test_invalid_json_is_a_protocol_error(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="the response is not JSON") as caught:
        parse_json(data)
    assert caught.value.body == data


def test_generators_become_lists() -> None:
    assert to_json({"n": itertools.islice(itertools.count(), 3)}) == b'{"n":[0,1,2]}'
