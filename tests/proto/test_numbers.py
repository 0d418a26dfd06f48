"""Arrays by orjson and by json: the same bytes, the same values."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bento_proto import JSON, Endpoint, Head, Limits, RemoteProtocolError, _numbers
from bento_proto._numbers import write_numbers
from bento_proto.request import bind, encode
from bento_proto.response._arrays import converter
from bento_proto.response._readers import value_reader
from bento_proto.schema import Output, parse_service
from bento_proto.schema._service import Kind, Schema

np = pytest.importorskip("numpy")
pytest.importorskip("orjson")

MANY = _numbers._MANY
DTYPES = ["float64", "float32", "float16", ">f4", ">i8", "int8", "int64", "uint64", "bool"]
EDGES = [0.0, -0.0, 1.0, 1e16, 1e-7, 5e-324, 1.7976931348623157e308, 0.1, 1 / 3, float("nan"), float("inf")]


@contextmanager
def without_orjson() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_numbers, "_orjson", lambda: None)
        yield


def endpoint(output: Schema) -> Endpoint:
    schema: JSON = {"properties": {"x": {"type": "tensor"}, "y": {"type": "string"}}, "type": "object"}
    route: JSON = {"name": "f", "route": "/f", "input": schema, "output": dict(output)}
    return parse_service({"name": "S", "type": "service", "routes": [route]}).endpoints["f"]


def sent(*, x: object, y: str = "é") -> bytes:
    (body,) = encode(bind(endpoint({}), (), {"x": x, "y": y}), (), "b").segments
    assert isinstance(body, bytes)
    return body


def read(data: bytes, schema: Schema) -> object:
    decoder = value_reader(Output(schema, Kind.JSON, False), Limits())(Head(200))
    decoder.feed(data)
    try:
        (value,) = decoder.finish()
    except RemoteProtocolError as error:
        return str(error)
    array = np.asarray(value)
    return array.dtype.str, array.shape, array.tobytes() if array.dtype != object else array.tolist()


@given(st.sampled_from(DTYPES), st.data())
def test_an_array_is_encoded_with_the_same_values(dtype: str, data: st.DataObject) -> None:
    numbers = st.floats(width=16) if "f" in dtype else st.integers(0, 1 if dtype == "bool" else 100)
    few = data.draw(st.lists(numbers, min_size=4, max_size=4))
    array = np.resize(np.array(few).astype(dtype), (2, MANY))[:, :: data.draw(st.sampled_from([1, -1, 2]))]
    fast = sent(x=array)
    with without_orjson():
        slow = sent(x=array)
    assert repr(json.loads(fast)) == repr(json.loads(slow))


def test_extreme_numbers_are_encoded_exactly() -> None:
    for edge in EDGES:
        array = np.full(MANY, edge)
        assert repr(json.loads(sent(x=array))["x"]) == repr(array.tolist())
    with np.errstate(over="ignore"):
        array = np.full(MANY, 1 / 3, dtype="float32")
    assert json.loads(sent(x=array))["x"] == array.tolist()  # 0.3333333432674408, and not 0.33333334


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(MANY - 1), np.zeros(MANY, "complex128"), np.zeros(MANY, "longdouble"), np.zeros(MANY, "M8[s]"),
        np.full(MANY, np.nan), np.zeros(MANY, ">i8" if sys.byteorder == "little" else "<i8"), [0.5] * MANY, "ndarray",
    ],
    ids=str,
)  # fmt: skip
def test_other_values_are_encoded_by_json(value: object) -> None:
    assert write_numbers(value) is None


LITERALS = st.sampled_from(
    ["0", "-0", "-0.0", "1e5", "1E-400", "1e400", "NaN", "-Infinity", "null", "true", '"1"', "18446744073709551615",
     "18446744073709551616", "-9223372036854775809", "9223372036854775808", "1.0000000000000000001", "[1]", "{}",
     '{"a": 1, "a": 2}', "01", "+1", "1.", ".5", '"\\ud800"', "[" * 2000 + "]" * 2000, "9" * 400]
)  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(
    st.lists(LITERALS | st.floats(allow_nan=False, allow_infinity=False).map(repr), min_size=1, max_size=4),
    st.sampled_from([None, "float64", "float32", "float16", "int64", "uint8"]),
    st.sampled_from(["", "\ufeff", " ", "\udcff"]),
)
def test_an_array_is_parsed_as_by_json(literals: list[str], dtype: str | None, before: str) -> None:
    schema: Schema = {"type": "tensor"} if dtype is None else {"type": "tensor", "dtype": dtype}
    rest = ["1.5"] * MANY if dtype != "uint8" else ["1"] * MANY
    data = f"{before}[{','.join([*literals, *rest])}]".encode("utf-8", "surrogateescape")
    fast = read(data, schema)
    with without_orjson():
        assert fast == read(data, schema)


def test_arrays_of_integers_and_booleans() -> None:
    for text in ("1", "true", "18446744073709551615", "18446744073709551616"):
        data = f"[{','.join([text] * MANY)}]".encode()
        fast = read(data, {"type": "tensor"})
        with without_orjson():
            assert fast == read(data, {"type": "tensor"})


def test_small_responses_and_lists_are_parsed_by_json(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(b"[1.5]", {"type": "tensor"}) == ("<f8", (1,), np.array([1.5]).tobytes())
    numbers = [1.5] * MANY
    convert = converter({"type": "tensor"})
    assert convert is not None
    monkeypatch.setitem(sys.modules, "numpy", None)
    decoder = value_reader(Output({"type": "tensor"}, Kind.JSON, False), Limits())(Head(200))
    decoder.feed(json.dumps(numbers).encode())
    assert decoder.finish() == (numbers,)


def test_without_orjson_json_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "orjson", None)
    assert _numbers._orjson.__wrapped__() is None
    monkeypatch.undo()
    assert _numbers._orjson.__wrapped__() is not None
    with without_orjson():
        assert write_numbers(np.zeros(MANY)) is None
        assert _numbers.read_numbers(b"[" + b"1," * MANY + b"1]") is None
