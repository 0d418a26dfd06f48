"""How arguments bind: as Python binds them to the Service's own signature, and wrong ones before anything is sent."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bento_proto import InternalServerError, InvalidArgument
from bento_sync import SyncHTTPClient

from .faces import Connect
from .proxies import Stub, endpoint, reply, routes, schema

Calls = Callable[[SyncHTTPClient], object]


def test_positional_and_keyword(zoo: SyncHTTPClient) -> None:
    assert zoo.add_int(1, 4) == zoo.add_int(1, b=4) == zoo.add_int(b=4, a=1) == 5
    assert zoo.call("add_int", 1, b=4) == zoo.api_add_int(1, 4) == 5
    assert zoo.untyped([1], {"z": None}) == {"x": [1], "y": {"z": None}}


def test_what_is_left_out_has_the_servers_default(zoo: SyncHTTPClient) -> None:
    assert zoo.add_int(1) == 3
    assert zoo.str_default() == "hello"
    assert zoo.defaults() == {"tags": ["a", "b"], "opts": {"k": 1}, "n": None, "temperature": 0.7}
    assert zoo.defaults(n=0, tags=()) == {"tags": [], "opts": {"k": 1}, "n": 0, "temperature": 0.7}
    assert zoo.aliased() == 5
    assert zoo.aliased(outerName=6) == zoo.aliased(6) == 6
    assert zoo.with_input_spec("p") == '{"prompt": "p", "temperature": 0.5}'
    assert zoo.keyword_only(a=1) == "1x"


def test_none_is_sent_where_it_is_given(zoo: SyncHTTPClient) -> None:
    assert zoo.none_arg(None) == "None"
    assert zoo.optional_model(None) is None
    assert zoo.defaults(n=None)["n"] is None
    with pytest.raises(InvalidArgument, match="text: Input should be a valid string"):
        zoo.str_default(None)


def test_arguments_may_be_named_like_those_of_the_client(zoo: SyncHTTPClient) -> None:
    assert zoo.self_and_name(name="a", endpoint="b", headers="c") == "abc"
    assert zoo.call("self_and_name", name="a", endpoint="b") == "abh"
    assert zoo.varkw(timeout=2, name="n", args=[3]) == {"kwargs": {"timeout": 2, "name": "n", "args": [3]}}


def test_a_schema_where_every_name_is_special(connect: Connect) -> None:
    names = ["self", "name", "args", "kwargs", "timeout", "with space", "endpoint", "call"]
    given = schema(endpoint("f", input={"properties": {name: {"type": "integer"} for name in names}}))
    with Stub(routes({"/f": lambda asked: reply(json.loads(asked.body))})) as stub:
        client = connect(stub.url, schema=given)
        arguments = {name: number for number, name in enumerate(names)}
        assert client.f(**arguments) == client.call("f", **arguments) == client.f(*range(len(names))) == arguments


def test_variable_positional_arguments(zoo: SyncHTTPClient) -> None:
    # BentoML 1.4 hands them to the endpoint as one list; that they arrive is what a client can do.
    assert zoo.varargs(1, 2, 3) == {"args": "([1, 2, 3],)"}
    assert zoo.varargs() == {"args": "([],)"}
    assert zoo.varargs(args=[1, 2]) == {"args": "([1, 2],)"}


def test_variable_keyword_arguments(zoo: SyncHTTPClient) -> None:
    assert zoo.varkw(a=1, ü=[True]) == {"kwargs": {"a": 1, "ü": [True]}}
    assert zoo.varkw() == {"kwargs": {}}
    assert zoo.varkw(kwargs={"a": 1}) == {"kwargs": {"a": 1}}


def test_both_kinds_of_variable_arguments(zoo: SyncHTTPClient, connect: Connect) -> None:
    with pytest.raises(InternalServerError):  # BentoML 1.4 can't call such an endpoint
        zoo.mixed_args(1, 2, 3, k=4, x=5)
    given = zoo.request("GET", "/schema.json").json()
    with Stub(routes({"/mixed_args": lambda asked: reply(json.loads(asked.body))})) as stub:
        assert connect(stub.url, schema=given).mixed_args(1, 2, 3, k=4, x=5) == {
            "a": 1, "args": [2, 3], "k": 4, "kwargs": {"x": 5},
        }  # fmt: skip


WRONG: dict[str, tuple[Calls, str]] = {
    "unknown": (lambda c: c.add_int(1, c=2), r"add_int\(\) got an unexpected keyword argument 'c'"),
    "missing": (lambda c: c.add_int(), r"add_int\(\) is missing required argument: 'a'"),
    "several missing": (lambda c: c.two_files(), r"two_files\(\) is missing required arguments: 'a', 'b'"),
    "given twice": (lambda c: c.add_int(1, a=2), r"add_int\(\) got multiple values for argument 'a'"),
    "too many": (lambda c: c.add_int(1, 2, 3), r"add_int\(\) takes 2 positional arguments but 3 were given"),
    "too many for one": (lambda c: c.echo_str("a", "b"), r"echo_str\(\) takes 1 positional argument but 2"),
    "for none": (lambda c: c.nothing(1), r"nothing\(\) takes 0 positional arguments but 1 (was|were) given"),
    "by the Python name of an alias": (lambda c: c.aliased(inner=5), "unexpected keyword argument 'inner'"),
    "of a stream": (lambda c: c.stream_dict(nope=1), r"stream_dict\(\) got an unexpected keyword argument 'nope'"),
    "of events": (lambda c: c.stream_sse.events(nope=1), r"stream_sse\(\) got an unexpected keyword argument"),
    "of raw": (lambda c: c.add_int.raw(), r"add_int\(\) is missing"),
    "no root": (lambda c: c.root_str(), r"root_str\(\) takes exactly 1 positional argument but 0 were given"),
    "two roots": (lambda c: c.root_str("a", "b"), r"root_str\(\) takes exactly 1 .* but 2 were given"),
    "a root by name": (lambda c: c.root_str(text="a"), r"root_str\(\) takes a single positional argument.*'text'"),
    "root files": (lambda c: c.root_files([b"x"]), r"root_files\(\) can't be called"),
    "no file": (lambda c: c.file_in(3), r"file_in\(\): argument 'f' must be .*not int"),
    "None for a file": (lambda c: c.file_in(None), r"file_in\(\): argument 'f' must be a file, not None"),
    "None in a list": (lambda c: c.file_list([None]), r"'files'\[0\] must be a file, not None"),
    "no JSON": (lambda c: c.echo_dict({"a": object()}), r"echo_dict\(\): argument 'data'.*object"),
    "a file inside JSON": (
        lambda c: c.echo_dict({"a": Path("x")}),
        r"echo_dict\(\): argument 'data'.*takes a file only",
    ),
    "a file in a model": (
        lambda c: c.file_in_nested_model({"name": "n", "upload": Path("x")}),
        "argument 'm'.*takes a file only",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_arguments_raise_before_anything_is_sent(zoo_schema: Any, connect: Connect, what: str) -> None:
    call, message = WRONG[what]
    with Stub(routes({})) as stub:
        client = connect(stub.url, schema=zoo_schema, server_ready_timeout=0)
        with pytest.raises(TypeError, match=message):
            call(client)
        assert stub.asked == []


UNSENDABLE: dict[str, tuple[Calls, str]] = {
    "itself": (lambda c: c.echo_dict(_holding_itself()), r"echo_dict\(\): argument 'data'"),
    "a lone surrogate": (lambda c: c.echo_str("\ud800"), r"echo_str\(\): argument 'text'.*surrogate"),
    "a lone surrogate as root": (lambda c: c.root_str("\ud800"), r"root_str\(\): .*surrogate"),
    "an empty root text": (lambda c: c.root_str(""), r"root_str\(\).*empty"),
    "empty root bytes": (lambda c: c.root_bytes(b""), r"root_bytes\(\).*empty"),
    "an empty root file": (lambda c: c.root_file(b""), r"root_file\(\).*empty"),
    "no files": (lambda c: c.file_list([]), r"file_list\(\): argument 'files' must not be empty"),
}


def _holding_itself() -> dict[str, Any]:
    data: dict[str, Any] = {}
    data["self"] = data
    return data


@pytest.mark.parametrize("what", UNSENDABLE)
def test_values_that_can_not_be_sent(zoo: SyncHTTPClient, what: str) -> None:
    call, message = UNSENDABLE[what]
    with pytest.raises(ValueError, match=message):
        call(zoo)


# --- root input: the body is the one argument


def test_root_text(zoo: SyncHTTPClient) -> None:
    assert zoo.root_str("grüße") == "GRÜSSE"
    assert zoo.root_str('"quoted"\n') == '"QUOTED"\n'
    assert zoo.root_str_default("x") == "x"
    assert zoo.root_markdown("title") == "# title"
    assert zoo.root_ctx("text").endswith("|text")


def test_root_bytes(zoo: SyncHTTPClient) -> None:
    data = bytes(range(256))
    assert zoo.root_bytes(data) == zoo.root_bytes(bytearray(data)) == zoo.root_bytes(memoryview(data)) == data[::-1]


def test_root_json(zoo: SyncHTTPClient) -> None:
    assert zoo.root_int(4) == 5
    assert zoo.root_int_default(0) == 1
    assert zoo.root_optional(None) == "None"
    assert zoo.root_optional(3) == "3"
    assert zoo.root_list([1, 2, 3]) == 6
    assert zoo.root_list(range(4)) == 6
    assert zoo.root_list([]) == 0
    assert zoo.root_dict({"a": 1, "b": 2}) == 3
    assert zoo.root_dict({}) == 0


def test_root_model(zoo: SyncHTTPClient) -> None:
    whole = {"sku": "s", "qty": 2, "note": None}
    assert zoo.root_model({"sku": "s", "qty": 2}) == whole
    assert zoo.root_model(sku="s", qty=2) == whole


def test_special_numbers(zoo: SyncHTTPClient) -> None:
    assert zoo.half(math.inf) == math.inf
    assert math.isnan(zoo.half(math.nan))
    assert zoo.half(-0.0) == 0
    assert zoo.big_int(2**70) == 2**70 * 1_000_000_007


def test_what_the_service_refuses_says_why(zoo: SyncHTTPClient) -> None:
    with pytest.raises(InvalidArgument, match="b: Input should be a valid integer") as caught:
        zoo.add_int(1, b="x")
    assert isinstance(caught.value.detail, list)
    with pytest.raises(InvalidArgument, match="temperature"):
        zoo.defaults(temperature=3)
