"""What the clients' methods for endpoints have in common."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import PIL.Image
import pydantic
import pydantic_core
import pytest

from bento_proto import JSON, LocalProtocolError, NotFound, Session, schema
from bento_proto.batch import BatchState
from bento_proto.session import EndpointMethodBase, Options

SCHEMA: dict[str, Any] = {
    "name": "Zoo",
    "routes": [
        {"name": "f", "route": "/f", "doc": "Do it.", "input": {"properties": {"x": {}}}, "output": {}},
        {"name": "call", "route": "/call", "input": {"properties": {}}, "output": {}},
        {"name": "s", "route": "/s", "input": {"properties": {}}, "output": {"type": "string", "is_stream": True}},
    ],
}


class Method(EndpointMethodBase[list[int], list[object], None]):
    """A method."""

    @property
    def _options(self) -> Options:
        return self._session.options

    def _batch(self, inputs: list[int], state: BatchState, options: Options) -> list[object]:
        return [inputs, state, options]

    def __call__(self, /, *args: object, **kwargs: object) -> None:
        """Never called."""


def session(*, known: bool) -> Session:
    return Session("http://h", schema=SCHEMA if known else None, environ={}, random=lambda: 0.0)


def test_a_method_of_a_service_that_is_not_known() -> None:
    method = Method(session(known=False), "f")
    assert repr(method) == "<Method f>"
    assert (method.__doc__, Method.__doc__) == ("A method.", "A method.")
    assert list(inspect.signature(method).parameters) == ["args", "kwargs"]
    with pytest.raises(LocalProtocolError, match="not known yet"):
        method.endpoint  # noqa: B018
    bound = method._bound((), {"x": 1})  # pyright: ignore[reportPrivateUsage]
    endpoint = schema.parse_service(SCHEMA).endpoints["f"]
    assert bound(endpoint).values == {"x": 1}


def test_a_method_of_a_service_that_is_known() -> None:
    method = Method(session(known=True), "f")
    assert repr(method).startswith("<Method f(x")
    assert list(method.__signature__.parameters) == ["x"]
    assert (method.__doc__ or "").startswith("Do it.")
    assert method.endpoint.name == method.__name__ == method.__qualname__ == "f"
    for _ in range(2):
        bound = method._bound((1,), {})  # pyright: ignore[reportPrivateUsage]
        assert bound(method.endpoint).values == {"x": 1}
    with pytest.raises(TypeError, match="unexpected keyword"):
        method._bound((), {"y": 1})  # pyright: ignore[reportPrivateUsage]


def test_an_attribute_may_have_another_name_than_its_endpoint() -> None:
    known = session(known=True)
    assert Method(known, "api_call", schema.RESERVED).endpoint.name == "call"
    with pytest.raises(NotFound, match="no endpoint 'call_'"):
        Method(known, "call_", schema.RESERVED)
    with pytest.raises(NotFound, match="no endpoint 'api_call'"):
        Method(known, "api_call")


def test_a_name_that_was_wrong_is_found_once_the_service_is_known() -> None:
    unknown = session(known=False)
    method = Method(unknown, "g")
    unknown._requests.discovered = session(known=True)._requests.discovered  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(NotFound):
        method.endpoint  # noqa: B018
    assert method.__doc__ == "A method."
    assert list(inspect.signature(method).parameters) == ["args", "kwargs"]
    with pytest.raises(NotFound):
        method._bound((), {})  # pyright: ignore[reportPrivateUsage]


def test_no_batch_of_a_stream() -> None:
    known = session(known=True)
    for name in ("f", "s"):
        method = Method(known, name)
        if name == "s":
            with pytest.raises(TypeError, match=r"s\(\) is a stream"):
                method._check_mappable(method.endpoint)  # pyright: ignore[reportPrivateUsage]
        else:
            method._check_mappable(method.endpoint)  # pyright: ignore[reportPrivateUsage]


def test_the_signature_is_none_of_the_class() -> None:
    with pytest.raises(AttributeError):
        Method.__signature__  # noqa: B018


@pytest.mark.parametrize("known", [False, True])
def test_a_batch_is_checked_before_it_is_made(known: bool) -> None:
    on = session(known=known)
    inputs, state, options = Method(on, "f").map([1, 2], concurrency=3, on_progress=print)
    assert inputs == [1, 2]
    assert isinstance(state, BatchState)
    assert (state.progress.total, state.concurrency) == (2, 3)
    assert isinstance(options, Options)
    assert options.replace(retries=on.options.retries) == on.options
    with pytest.raises(ValueError, match="concurrency"):
        Method(session(known=known), "f").map([], concurrency=0)


def test_a_stream_that_is_known_makes_no_batch() -> None:
    with pytest.raises(TypeError, match=r"s\(\) is a stream"):
        Method(session(known=True), "s").map([])


def test_annotations_are_real_types() -> None:
    inputs: JSON = {
        "properties": {
            "n": {"type": "integer"},
            "s": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "a": {"type": "tensor"},
            "d": {"type": "dataframe"},
            "i": {"type": "file", "format": "image", "pil": True},
            "p": {"type": "file"},
            "m": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "number"}}},
            "c": {"enum": ["red", "blue"]},
            "u": {"anyOf": [{"type": "null"}, {"type": "string"}, {"type": "boolean"}]},
        },
        "required": ["n"],
    }
    output: JSON = {"type": "string", "is_stream": True}
    typed: JSON = {"name": "S", "routes": [{"name": "f", "route": "/f", "input": inputs, "output": output}]}
    method = Method(Session("http://h", schema=typed, environ={}, random=lambda: 0.0), "f")
    expected = {
        "n": int,
        "s": str | None,
        "a": np.ndarray | None,
        "d": pd.DataFrame | None,
        "i": PIL.Image.Image | None,
        "p": Path | None,
        "m": dict[str, list[float]] | None,
        "c": typing.Literal["red", "blue"] | None,
        "u": str | bool | None,
        "return": Iterator[str],
    }
    assert typing.get_type_hints(method) == expected
    signature = inspect.signature(cast("Callable[..., object]", method), eval_str=True)
    assert {name: each.annotation for name, each in signature.parameters.items()} | {
        "return": signature.return_annotation
    } == expected


def test_annotations_of_what_is_not_known_or_a_class() -> None:
    assert typing.get_type_hints(Method(session(known=False), "f")) == {}
    assert typing.get_type_hints(Method) == {}
    assert EndpointMethodBase.__annotations__ == {}


def test_types_of_packages_that_are_missing_are_any_object(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("numpy", "PIL", "PIL.Image", "pandas"):
        monkeypatch.setitem(sys.modules, name, None)
    inputs: JSON = {"properties": {"a": {"type": "tensor"}, "i": {"type": "file", "pil": True}}, "required": ["a", "i"]}
    typed: JSON = {
        "name": "S",
        "routes": [{"name": "f", "route": "/f", "input": inputs, "output": {"type": "dataframe"}}],
    }
    method = Method(Session("http://h", schema=typed, environ={}, random=lambda: 0.0), "f")
    assert typing.get_type_hints(method) == {"a": object, "i": object, "return": object}


class Echo(Method):
    """A method that returns its arguments."""

    def __call__(self, *args: object, **kwargs: object) -> Any:
        return args, kwargs


def test_frameworks_take_a_method_for_a_routine() -> None:
    class Owner:
        f = Echo(session(known=True), "f")

    assert inspect.isroutine(Owner().f)
    assert Owner().f is Owner.f


def test_pydantic_validates_the_arguments_of_a_call() -> None:
    """FastMCP does it so."""
    route = {"name": "f", "route": "/f", "input": {"properties": {"x": {"type": "integer"}}, "required": ["x"]}}
    given: Any = {"name": "S", "routes": [route | {"output": {"type": "integer"}}]}
    method: Any = Echo(Session("http://h", schema=given, environ={}, random=lambda: 0.0), "f")
    adapter: Any = pydantic.TypeAdapter(method)
    assert adapter.json_schema()["properties"]["x"]["type"] == "integer"
    assert adapter.validate_python(pydantic_core.ArgsKwargs((), {"x": "3"})) == ((), {"x": 3})
    with pytest.raises(pydantic.ValidationError):
        adapter.validate_python(pydantic_core.ArgsKwargs(("no",)))
