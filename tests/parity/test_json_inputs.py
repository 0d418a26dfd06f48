"""What goes into JSON: values of Python, of pydantic, NumPy and pandas, at any depth, as the Service sees them."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import math
import types
import uuid
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pydantic
import pytest

from bento_proto import InvalidArgument
from bento_sync import SyncHTTPClient

UTC = dt.timezone.utc


class Color(enum.Enum):
    BLUE = "blue"


class Level(enum.IntEnum):
    HIGH = 2


class Item(pydantic.BaseModel):
    sku: str
    qty: int = 1
    note: str | None = None


class Renamed(pydantic.BaseModel):
    inner: str = pydantic.Field(alias="sku")


class Holder(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    array: Any
    when: dt.datetime


@dataclasses.dataclass
class Address:
    street: str
    zip: str | None = None


@dataclasses.dataclass(frozen=True)
class Order:
    id: int
    items: list[Any]
    ship_to: Address


class Point(NamedTuple):
    x: int
    y: int


VALUES: dict[str, tuple[object, object]] = {
    "None": (None, None),
    "booleans": ([True, False], [True, False]),
    "numbers": ([0, -1, 2**63, 1.5, 1e300], [0, -1, 2**63, 1.5, 1e300]),
    "text": ('grüße 日本 🐘 \u2028 \0 "\\', 'grüße 日本 🐘 \u2028 \0 "\\'),
    "nested": ({"a": [{"b": {"c": [[]]}}]}, {"a": [{"b": {"c": [[]]}}]}),
    "tuple": ((1, ("a",)), [1, ["a"]]),
    "named tuple": (Point(1, 2), [1, 2]),
    "set": ({7}, [7]),
    "frozenset": (frozenset({"x"}), ["x"]),
    "range": (range(3), [0, 1, 2]),
    "deque": (collections.deque([1, 2]), [1, 2]),
    "dict views": ([{"a": 1}.keys(), {"a": 1}.values()], [["a"], [1]]),
    "mapping": (types.MappingProxyType({"a": collections.OrderedDict(b=1)}), {"a": {"b": 1}}),
    "int keys": ({1: "a"}, {"1": "a"}),
    "bytes": (b"gr\xc3\xbcn", "grün"),
    "bytearray": (bytearray(b"x"), "x"),
    "memoryview": (memoryview(b"x"), "x"),
    "enum": (Color.BLUE, "blue"),
    "int enum": (Level.HIGH, 2),
    "datetime": (dt.datetime(2024, 1, 2, 3, 4, 5, 678), "2024-01-02T03:04:05.000678"),
    "datetime with zone": (dt.datetime(2024, 1, 2, tzinfo=UTC), "2024-01-02T00:00:00+00:00"),
    "date": (dt.date(2024, 1, 2), "2024-01-02"),
    "time": (dt.time(3, 4), "03:04:00"),
    "timedelta": (dt.timedelta(minutes=1.5), 90.0),
    "uuid": (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "decimal": (decimal.Decimal("1.10"), "1.10"),
    "fraction": (fractions.Fraction(1, 3), "1/3"),
    "address": (ipaddress.ip_address("127.0.0.1"), "127.0.0.1"),
    "model": (Item(sku="s"), {"sku": "s", "qty": 1, "note": None}),
    "model by alias": (Renamed(sku="s"), {"sku": "s"}),
    "models inside": ({"a": [Item(sku="s", qty=2)]}, {"a": [{"sku": "s", "qty": 2, "note": None}]}),
    "model with an array": (
        Holder(array=np.arange(2), when=dt.datetime(2024, 1, 2)),
        {"array": [0, 1], "when": "2024-01-02T00:00:00"},
    ),
    "dataclass": (Address("st"), {"street": "st", "zip": None}),
    "dataclass with models": (
        Order(1, [Item(sku="s"), Address("a")], Address("b", "z")),
        {
            "id": 1,
            "items": [{"sku": "s", "qty": 1, "note": None}, {"street": "a", "zip": None}],
            "ship_to": {"street": "b", "zip": "z"},
        },
    ),
    "NumPy scalars": (
        [np.int64(1), np.float32(0.5), np.bool_(True), np.str_("s"), np.uint8(255)],
        [1, 0.5, True, "s", 255],
    ),
    "NumPy date": (np.datetime64("2024-01-02"), "2024-01-02"),
    "array": (np.arange(6).reshape(2, 3), [[0, 1, 2], [3, 4, 5]]),
    "arrays inside": ({"a": [np.zeros(2), np.array(1)]}, {"a": [[0, 0], 1]}),
    "array of no dimension": (np.array(3.5), 3.5),
    "empty array": (np.zeros((0, 3)), []),
    "array not in order": (np.arange(6).reshape(2, 3).T, [[0, 3], [1, 4], [2, 5]]),
    "Fortran array": (np.asfortranarray(np.arange(4).reshape(2, 2)), [[0, 1], [2, 3]]),
    "array of text": (np.array(["ä", "b"]), ["ä", "b"]),
    "frame": (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
    "frame inside": ({"f": pd.DataFrame({"a": [1.5]})}, {"f": [{"a": 1.5}]}),
    "empty frame": (pd.DataFrame(), []),
    "series": (pd.Series([1, 2]), [1, 2]),
    "timestamp": (pd.Timestamp("2024-01-02 03:04"), "2024-01-02T03:04:00"),
    "missing": ([pd.NaT, pd.NA], [None, None]),
    "frame with times": (
        pd.DataFrame({"t": pd.to_datetime(["2024-01-01", "NaT"])}),
        [{"t": "2024-01-01T00:00:00"}, {"t": None}],
    ),
}


@pytest.mark.parametrize("what", VALUES)
def test_a_value_arrives_as(zoo: SyncHTTPClient, what: str) -> None:
    value, seen = VALUES[what]
    assert zoo.echo_dict({"it": value}) == {"it": seen}


def test_what_can_be_iterated_once(zoo: SyncHTTPClient) -> None:
    assert zoo.echo_dict({"it": (n * n for n in range(3))}) == {"it": [0, 1, 4]}
    assert zoo.echo_list(n for n in range(3)) == [0, 1, 2]
    assert zoo.root_list(map(int, "123")) == 6


def test_special_floats_inside(zoo: SyncHTTPClient) -> None:
    sent = {"a": [math.inf, -math.inf], "b": np.array([np.nan, 1])}
    # BentoML writes what is no number as null inside of a dict[str, Any].
    assert zoo.echo_dict(sent) == {"a": [None, None], "b": [None, 1.0]}


def test_models_and_what_looks_like_them_for_model_arguments(zoo: SyncHTTPClient) -> None:
    order = Order(7, [Item(sku="a", qty=2), {"sku": "b"}], Address("st"))
    receipt = zoo.order(order)
    assert receipt["total"] == 3
    assert receipt["order"]["ship_to"] == {"street": "st", "zip": None}
    again = zoo.order({**dataclasses.asdict(order), "items": [], "bill_to": None, "by_sku": {"x": Item(sku="x")}})
    assert again["order"]["by_sku"]["x"]["sku"] == "x"
    assert again["order"]["bill_to"] is None
    assert zoo.optional_model(Item(sku="ü", note="n")) == {"sku": "ü", "qty": 1, "note": "n"}
    assert zoo.root_model(Item(sku="root")) == {"sku": "root", "qty": 1, "note": None}
    items = zoo.items_in_out([Item(sku="a"), {"sku": "b"}], index={"k": Item(sku="c")})
    assert [item["sku"] for item in items] == ["a", "b", "c"]


def test_typed_scalars(zoo: SyncHTTPClient) -> None:
    seen = zoo.rich_scalars(
        color=Color.BLUE,
        pick="a",
        when=dt.datetime(2024, 1, 2, 3, 4, 5),
        ident=uuid.UUID(int=1),
        dec=decimal.Decimal("1.10"),
        blob="grün".encode(),
        uniq={1, 2},
        dur=dt.timedelta(days=1, seconds=0.5),
    )
    assert seen == {
        "color": "<Color.BLUE: 'blue'>",
        "pick": "'a'",
        "when": "datetime.datetime(2024, 1, 2, 3, 4, 5)",
        "ident": "UUID('00000000-0000-0000-0000-000000000001')",
        "dec": "Decimal('1.10')",
        "blob": "b'gr\\xc3\\xbcn'",
        "uniq": "{1, 2}",
        "dur": "datetime.timedelta(days=1, microseconds=500000)",
    }


def test_unions_tuples_and_bytes(zoo: SyncHTTPClient) -> None:
    assert zoo.union_in(5) == "5"
    assert zoo.union_in("5") == "'5'"
    assert zoo.echo_tuple((1, "b")) == [1, "b"]
    assert zoo.bytes_in("grün".encode()) == 5
    with pytest.raises(TypeError, match=r"bytes_in\(\): argument 'data'.*not UTF-8"):
        zoo.bytes_in(b"\xff")


@pytest.mark.parametrize("value", [[[1.0, 2.0], [3.0, 4.0]], np.array([[1, 2], [3, 4]]), [np.array([1, 2]), (3, 4)]])
def test_tensors(zoo: SyncHTTPClient, value: object) -> None:
    assert zoo.nd(value).tolist() == [[2, 4], [6, 8]]
    assert zoo.nd_typed(value).tolist() == [[2, 4], [6, 8]]
    assert zoo.nd_info(value) == {"dtype": "float16", "shape": [2, 2]}
    assert zoo.root_ndarray(value) == 10
    assert zoo.nd_model({"name": "n", "data": value}) == {
        "name": "n",
        "data": pytest.approx(np.array([[2, 3], [4, 5]])),
    }


def test_tensors_that_may_be_absent(zoo: SyncHTTPClient) -> None:
    assert zoo.nd_optional() == zoo.nd_optional(None) == "None"
    assert zoo.nd_optional(np.arange(2)) == "array([0, 1])"
    with pytest.raises(InvalidArgument):
        zoo.nd_typed(np.zeros(3))


def test_frames(zoo: SyncHTTPClient) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    for given in (frame, frame.to_dict("records"), frame.to_dict("list")):
        pd.testing.assert_frame_equal(zoo.df(given), frame)
        pd.testing.assert_frame_equal(zoo.df_columns(given), frame)
    assert zoo.root_df(frame) == ["a", "b"]


def test_batches(zoo: SyncHTTPClient) -> None:
    assert zoo.batch_list(range(12)) == [n * 10 for n in range(12)]
    assert zoo.batch_nd(np.arange(3)).tolist() == [0, 10, 20]


def test_large_values(zoo: SyncHTTPClient) -> None:
    text = "日本" * 500_000
    assert zoo.echo_str(text) == text
    numbers = list(range(200_000))
    assert zoo.echo_list(numbers) == numbers
