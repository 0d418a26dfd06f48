"""Large arguments: encoded piece by piece, to the same JSON."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bento_proto.json import EncodedJSON, to_json
from bento_proto.request import EncodingSteps, bind, encode
from bento_proto.schema import parse_service

SERVICE = parse_service(
    json.dumps(
        {
            "name": "S",
            "routes": [
                {
                    "name": "f",
                    "route": "/f",
                    "input": {"properties": {"x": {"type": "array"}, "y": {}}},
                    "output": {},
                },
                {
                    "name": "up",
                    "route": "/up",
                    "input": {"properties": {"x": {"type": "array"}, "y": {"type": "file"}}},
                    "output": {},
                },
                {
                    "name": "text",
                    "route": "/text",
                    "input": {"type": "string", "root_input": True},
                    "output": {},
                },
                {
                    "name": "root",
                    "route": "/root",
                    "input": {"type": "array", "root_input": True},
                    "output": {},
                },
            ],
        }
    ).encode()
)


def body(endpoint: str, values: Mapping[str, object]) -> tuple[int, bytes]:
    """How many steps the encoding takes, and the body."""
    root = endpoint in ("root", "text")
    call = bind(SERVICE.endpoints[endpoint], tuple(values.values()) if root else (), {} if root else values)
    steps = EncodingSteps(call)
    number = sum(1 for _ in steps)
    return number, b"".join(part for part in encode(steps.call, (), "b").segments if isinstance(part, bytes))


RANDOM = np.random.default_rng(1)
FRAME: Any = pd.DataFrame(
    {"id": range(500), "x": [0.5, None] * 250, "text": ['"é' * 500] * 500, "on": pd.Timestamp("2026-01-02")}
)
VALUES: dict[str, object] = {
    "numbers": [*range(100_000)],
    "a tuple": tuple(range(100_000)),
    "one row": [[[*range(100_000)]]],
    "rows": [[0.5] * 1000] * 500,
    "an object": {f"key{number}": number for number in range(100_000)},
    "an object of one": {"a": {"b": [*range(100_000)]}},
    "an object of unlike members": {"a": [*range(100_000)], "b": "x", "c": {"d": [0.5] * 100_000}},
    "keys that are no text": {number: [number] * 10 for number in range(50_000)},
    "records": [{"id": number, "v": [1.5, None, True, "é"]} for number in range(30_000)],
    "texts": ["x" * 1000] * 2000,
    "an array": RANDOM.random(100_000),
    "an array of one": RANDOM.random((1, 1, 100_000)),
    "an array of rows": RANDOM.random((1000, 100)),
    "an array with NaN": np.array([0.5, float("nan")] * 50_000),
    "arrays": [RANDOM.random(50_000) for _ in range(4)],
    "no native array": np.arange(100_000, dtype=">i4"),
    "a long text": 'é"\n\\\x00😀' * 700_000,
    "a frame": FRAME,
    "a frame inside": {"frame": FRAME},
    "a frame of long rows": pd.DataFrame({f"column {number}": ["x" * 2000] * 10 for number in range(50)}),
    "a frame whose index is no range": FRAME.set_index(np.arange(500) / 2),
    "a series": pd.Series(RANDOM.random(100_000), index=[*reversed(range(100_000))]),
    "a series of long texts": pd.Series(["x" * 100_000] * 10, index=[*"abcdefghij"]),
}


@pytest.mark.parametrize("case", VALUES)
@pytest.mark.parametrize("endpoint", ["f", "root"])
def test_large_arguments_are_encoded_in_steps(case: str, endpoint: str) -> None:
    value = VALUES[case]
    if endpoint == "root" and isinstance(value, str):
        value = [value]  # text at the root is sent as it is
    number, data = body(endpoint, {"x": value, "y": 1} if endpoint == "f" else {"x": value})
    assert number > 4
    assert len(data) / number < 1 << 18
    whole = json.loads(to_json(value))
    found = json.loads(data)
    same = repr(found) == repr({"x": whole, "y": 1} if endpoint == "f" else whole)
    assert same  # whose representation would be megabytes


@pytest.mark.parametrize(
    "value", [1, None, "x" * 1_000_000, b"x" * 1_000_000, [], {}, [1] * 1000, {"a": {}}, np.float64(1), np.array(1)]
)
def test_small_arguments_and_text_take_no_step(value: object) -> None:
    steps = EncodingSteps(bind(SERVICE.endpoints["f"], (), {"x": value}))
    before = steps.call
    assert list(steps) == []
    assert steps.call is before


def test_an_error_is_that_of_the_whole() -> None:
    endless: list[object] = []
    endless += [endless] * 10_000
    for value, error, message in (
        ([*range(100_000), object()], TypeError, r"f\(\): argument 'x': a builtins.object can't be sent as JSON"),
        (endless, ValueError, r"f\(\): argument 'x'"),
    ):
        with pytest.raises(error, match=message):
            body("f", {"x": value})


def test_an_encoded_value_next_to_one_that_cannot_be() -> None:
    with pytest.raises(TypeError, match=r"f\(\): argument 'y': a builtins.object"):
        body("f", {"x": [0.5] * 100_000, "y": object()})


def test_a_frame_that_cannot_be_sent_is_refused_as_a_small_one() -> None:
    wide: Any = pd.DataFrame(np.zeros((100_000, 2)), columns=["a", "a"])
    for frame in (wide, wide.head(1)):
        with pytest.raises(TypeError, match=r"f\(\): argument 'x': a frame with two columns of one name"):
            body("f", {"x": frame})


def test_a_small_frame_takes_no_step() -> None:
    for frame in (FRAME.head(10), FRAME.head(0), pd.DataFrame()):
        number, data = body("f", {"x": frame})
        assert (number, data) == (0, b'{"x":%b}' % to_json(frame))


def test_a_root_input_that_is_text_is_sent_as_it_is() -> None:
    number, data = body("text", {"x": "é" * 3_000_000})
    assert (number, len(data), data[:2]) == (0, 6_000_000, "é".encode())


def test_a_large_argument_of_a_form() -> None:
    call = bind(SERVICE.endpoints["up"], (), {"x": [0.5] * 100_000, "y": "https://h/a.txt"})
    steps = EncodingSteps(call)
    assert sum(1 for _ in steps) > 1
    assert isinstance(steps.call.values["x"], EncodedJSON)
    form = b"".join(part for part in encode(steps.call, (), "b").segments if isinstance(part, bytes))
    assert b'name="x"' in form
    assert json.dumps([0.5] * 100_000, separators=(",", ":")).encode() in form


def test_what_is_no_plain_container_is_encoded_in_one_step() -> None:
    value = OrderedDict((f"key{number}", number) for number in range(60_000))
    number, data = body("f", {"x": value})
    assert number == 1
    assert json.loads(data) == {"x": value}


def test_a_dict_of_long_texts_is_encoded_in_steps() -> None:
    value = {str(number): "x" * 100_000 for number in range(10)}
    steps = EncodingSteps(bind(SERVICE.endpoints["f"], (), {"x": value}))
    assert len(list(steps)) > 5


def test_what_is_small_is_encoded_at_once() -> None:
    for value in ({"k": 1, "text": "a"}, [1, 2.5, None], [], {"nested": [1]}):
        assert list(EncodingSteps(bind(SERVICE.endpoints["f"], (), {"x": value}))) == []
