"""Arguments are bound as Python binds them, and separated into files and values."""

from __future__ import annotations

import datetime as dt
import enum
import inspect
import uuid
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bento_proto import JSON, Endpoint, File
from bento_proto.request import BoundCall, FileSource, bind
from bento_proto.request._binding import check_file_strings
from tests.proto.shapes import ARGS, FILE, FILES, KWARGS, TEXT, endpoint, root, zoo


def bound(endpoint: Endpoint, *args: object, **kwargs: object) -> BoundCall:
    return bind(endpoint, args, kwargs)


# --- as Python does


@settings(max_examples=300)
@given(
    st.integers(0, 3),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(), max_size=6),
    st.dictionaries(st.sampled_from(["p0", "p1", "p2", "d0", "d1", "d2", "x", "self"]), st.integers(), max_size=6),
)
def test_binding_agrees_with_python(
    required: int, optional: int, varargs: bool, varkw: bool, args: list[int], kwargs: dict[str, int]
) -> None:
    names = [*(f"p{i}" for i in range(required)), *(f"d{i}" for i in range(optional))]
    properties: dict[str, JSON] = {name: {"type": "integer"} for name in names}
    properties.update({"args": ARGS} if varargs else {}, **({"kwargs": KWARGS} if varkw else {}))
    target = endpoint(properties, [name for name in properties if not name.startswith("d")])
    try:
        expected = equivalent(required, optional, varargs, varkw).bind(*args, **kwargs)
    except TypeError:
        with pytest.raises(TypeError, match=r"^f\(\) "):
            bind(target, args, kwargs)
        return
    wanted = dict(expected.arguments)
    if varargs:
        wanted["args"] = list(wanted.get("args", ()))
    if varkw:
        wanted.setdefault("kwargs", {})
    assert bind(target, args, kwargs) == BoundCall(target, wanted, (), "/f")


def equivalent(required: int, optional: int, varargs: bool, varkw: bool) -> inspect.Signature:
    """The signature of a function that a Service would have for it."""
    kind = inspect.Parameter
    found = [kind(f"p{i}", kind.POSITIONAL_OR_KEYWORD) for i in range(required)]
    found += [kind(f"d{i}", kind.POSITIONAL_OR_KEYWORD, default=None) for i in range(optional)]
    found += [kind("args", kind.VAR_POSITIONAL)] if varargs else []
    found += [kind("kwargs", kind.VAR_KEYWORD)] if varkw else []
    return inspect.Signature(found)


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "says"),
    [
        ("add_int", (1, 2, 3), {}, r"add_int\(\) takes 2 positional arguments but 3 were given"),
        ("echo_str", ("a", "b", "c"), {}, r"echo_str\(\) takes 1 positional argument but 3 were given"),
        ("nothing", (1,), {}, r"nothing\(\) takes 0 positional arguments but 1 were given"),
        ("add_int", (1,), {"a": 1}, r"add_int\(\) got multiple values for argument 'a'"),
        ("add_int", (), {}, r"add_int\(\) is missing required argument: 'a'"),
        ("two_files", (), {}, r"two_files\(\) is missing required arguments: 'a', 'b'"),
        ("add_int", (1,), {"c": 1}, r"add_int\(\) got an unexpected keyword argument 'c'"),
        ("aliased", (), {"inner": 1}, r"unexpected keyword argument 'inner'"),  # the server would ignore it in silence
        ("mixed_args", (1, 2), {"args": [3]}, r"mixed_args\(\) got 'args' and arguments that are part of it"),
        ("varkw", (), {"a": 1, "kwargs": {}}, r"varkw\(\) got 'kwargs' and arguments that are part of it"),
    ],
)
def test_wrong_arguments_raise_type_errors_as_python_does(
    name: str, args: tuple[object, ...], kwargs: dict[str, object], says: str
) -> None:
    with pytest.raises(TypeError, match=says):
        bind(zoo(name), args, kwargs)


def test_an_argument_that_is_left_out_is_not_sent() -> None:
    assert bound(zoo("add_int"), 1).values == {"a": 1}
    assert bound(zoo("defaults")).values == {}


def test_none_is_sent_like_any_other_argument() -> None:
    assert bound(zoo("optional_model"), item=None).values == {"item": None}
    assert bound(zoo("order"), {"bill_to": None}).values == {"order": {"bill_to": None}}


def test_keyword_only_arguments_are_accepted_by_position_in_the_order_of_the_schema() -> None:
    assert bound(zoo("keyword_only"), 1, "y").values == {"a": 1, "b": "y"}


# --- *args and **kwargs


@pytest.mark.parametrize(
    ("args", "kwargs", "values"),
    [
        ((), {}, {"args": []}),
        ((1, 2, 3), {}, {"args": [1, 2, 3]}),
        ((), {"args": [1, 2, 3]}, {"args": [1, 2, 3]}),
    ],
)
def test_variadic_positional_arguments(args: tuple[int, ...], kwargs: dict[str, object], values: object) -> None:
    assert bind(zoo("varargs"), args, kwargs).values == values


@pytest.mark.parametrize(
    ("items", "given", "args"),
    [
        ({"type": "integer"}, [1, 2], [1, 2]),  # an ordinary parameter named args, or *args given all at once
        ({"type": "integer"}, (1, 2), [1, 2]),
        ({"type": "integer"}, 1, [1]),
        ({"type": "array"}, [1, 2], [1, 2]),  # as by BentoML's client, though a list may be one of the items
        ({"type": "tensor"}, [1, 2], [1, 2]),
        ({}, [1, 2], [1, 2]),
        (None, [1, 2], [1, 2]),
    ],
)
def test_a_single_list_is_the_value_of_args(items: JSON, given: object, args: object) -> None:
    given_items: dict[str, JSON] = {} if items is None else {"items": items}
    assert bound(endpoint({"args": {"type": "array", **given_items}}), given).values == {"args": args}


@pytest.mark.parametrize(
    ("kwargs", "values"),
    [
        ({}, {"kwargs": {}}),
        ({"a": 1}, {"kwargs": {"a": 1}}),
        ({"kwargs": {"a": 1}}, {"kwargs": {"a": 1}}),
    ],
)
def test_variadic_keyword_arguments_of_any_name(kwargs: dict[str, object], values: object) -> None:
    assert bind(zoo("varkw"), (), kwargs).values == values


def test_positional_keyword_and_variadic_arguments_together() -> None:
    assert bound(zoo("mixed_args"), 1, 2, 3, k=4, z=5).values == {"a": 1, "args": [2, 3], "k": 4, "kwargs": {"z": 5}}


# --- files


def test_files_are_separated_in_the_order_of_the_schema() -> None:
    call = bound(zoo("two_files"), b=Path("y"), a="x")
    assert [(p.name, files) for p, files in call.files] == [
        ("a", (FileSource("two_files(): argument 'a'", "x"),)),
        ("b", (FileSource("two_files(): argument 'b'", Path("y")),)),
    ]
    assert call.values == {}
    assert [source.content for source in call.sources] == ["x", Path("y")]


@pytest.mark.parametrize("content", [Path("p"), "p", b"bytes", bytearray(b"b"), BytesIO(b"b"), File(b"b", "n")])
def test_the_content_of_a_file_is_not_checked(content: object) -> None:
    assert bound(zoo("file_in"), content).sources == (FileSource("file_in(): argument 'f'", content),)
    assert bound(zoo("root_file"), content).sources == (FileSource("root_file(): the argument", content),)


@pytest.mark.parametrize("many", [list, tuple])
def test_a_list_of_files_keeps_its_order_and_every_url(many: Any) -> None:
    given = many(["http://h/a", Path("p"), "HTTPS://h/b"])
    ((parameter, files),) = bound(zoo("file_list"), files=given).files
    assert (parameter.name, files) == (
        "files",
        ("http://h/a", FileSource("file_list(): argument 'files'[1]", Path("p")), "HTTPS://h/b"),
    )


@pytest.mark.parametrize(
    ("text", "is_url"), [("http://h/x", True), ("Https://h", True), ("http:x", False), ("x", False)]
)
def test_only_text_that_starts_with_http_or_https_is_a_url(text: str, is_url: bool) -> None:
    assert bool(bound(zoo("file_in"), text).sources) is not is_url


@pytest.mark.parametrize("name", ["file_optional", "image_optional"])
def test_an_optional_file_that_is_none_is_not_sent(name: str) -> None:
    assert bound(zoo(name), None).files == ()
    assert bound(zoo(name), None).values == {}
    assert bound(zoo("file_list_optional"), files=[]).files == ()


@pytest.mark.parametrize("file", ["p", b"", BytesIO(b"b"), File(b"x", "a.txt", "text/plain")])
def test_a_single_file_is_accepted_for_a_list_of_files(file: object) -> None:
    assert [source.content for source in bound(zoo("file_list"), file).sources] == [file]


def test_arguments_that_are_not_files_remain_values() -> None:
    call = bound(zoo("file_and_json"), b"x", "n", item=None)
    assert call.values == {"name": "n", "item": None}
    assert len(call.sources) == 1


@pytest.mark.parametrize(
    ("target", "value", "error", "says"),
    [
        ("file_in", None, TypeError, r"file_in\(\): argument 'f' must be a file, not None"),
        ("root_file", None, TypeError, r"root_file\(\): the argument must be a file, not None"),
        ("file_list", [b"", None], TypeError, r"argument 'files'\[1\] must be a file, not None"),
        ("file_list", [], ValueError, "BentoML can't be sent an empty list of files"),
    ],
)
def test_none_and_an_empty_list_are_not_files(target: str, value: object, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        bound(zoo(target), value)


# --- root input


def test_a_root_input_is_the_single_argument() -> None:
    call = bound(zoo("root_int"), 41)
    assert (call.values, call.files, call.route) == ({"": 41}, (), "/root_int")
    assert bound(zoo("root_optional"), None).values == {"": None}


def test_a_root_model_accepts_its_fields_as_keywords() -> None:
    assert (
        bound(zoo("root_model"), sku="s").values == bound(zoo("root_model"), {"sku": "s"}).values == {"": {"sku": "s"}}
    )


@pytest.mark.parametrize("as_keywords", [True, False])
def test_a_root_model_with_a_file_is_a_form(as_keywords: bool) -> None:
    fields = {"name": "n", "upload": Path("p")}
    call = bound(zoo("root_file_model"), **fields) if as_keywords else bound(zoo("root_file_model"), fields)
    assert call.values == {"name": "n"}
    assert [source.content for source in call.sources] == [Path("p")]


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "says"),
    [
        ("root_int", (), {}, r"root_int\(\) takes exactly 1 positional argument but 0 were given"),
        ("root_int", (1, 2), {}, "takes exactly 1 positional argument but 2 were given"),
        ("root_int", (), {"n": 1}, "takes a single positional argument, so 'n' can't be a keyword"),
        ("root_model", ({},), {"sku": "s"}, "takes a single positional argument"),
        ("root_file_model", ("text",), {}, "takes a mapping of fields, as one of them is a file"),
        ("root_files", ([b""],), {}, "BentoML has no root input of several files"),
        ("root_int_default", (), {}, "takes exactly 1"),  # its default can't be used: no body is an error
    ],
)
def test_wrong_arguments_of_a_root_input(
    name: str, args: tuple[object, ...], kwargs: dict[str, object], says: str
) -> None:
    with pytest.raises(TypeError, match=says):
        bind(zoo(name), args, kwargs)


def test_a_root_input_of_several_files_is_refused() -> None:
    with pytest.raises(TypeError, match="several files"):
        bound(root(FILES), [b""])


# --- parameters of the path


def test_keywords_fill_in_the_path_parameters() -> None:
    call = bound(zoo("path_param_route"), n=1, user_id="ü ?")
    assert (call.route, call.values) == ("/v1/users/ü ?/items", {"n": 1})


def test_path_parameters_must_be_given() -> None:
    with pytest.raises(TypeError, match=r"path_param_route\(\) is missing required argument of its path: 'user_id'$"):
        bound(zoo("path_param_route"), 1)
    with pytest.raises(TypeError, match=r"f\(\) is missing required arguments of its path: 'a', 'b'$"):
        bound(endpoint(route="/{a}/{b:int}"))


def test_a_parameter_may_be_a_path() -> None:
    target = endpoint(route="/files/{p:path}")
    assert bound(target, p="a/b c").route == "/files/a/b c"
    for value in ("", "../x", "a/./b", "a/.."):
        with pytest.raises(ValueError, match="'p' must be a path without"):
            bound(target, p=value)


LISTED: dict[str, JSON] = {"args": {"type": "array", "items": {}}}
NAMED: dict[str, JSON] = {"kwargs": {"type": "object"}}
NUMBER: dict[str, JSON] = {"type": "integer"}


@pytest.mark.parametrize(
    ("properties", "args", "kwargs", "values"),
    [
        ({**LISTED, "n": NUMBER}, (["a"], 3), {}, {"args": ["a"], "n": 3}),
        ({**LISTED, "n": NUMBER}, (["a"],), {"n": 3}, {"args": ["a"], "n": 3}),
        ({**LISTED, "n": NUMBER}, ("a", "b"), {"n": 3}, {"args": ["a", "b"], "n": 3}),
        ({**LISTED, "n": NUMBER}, (["a"], ["b"]), {"n": 3}, {"args": [["a"], ["b"]], "n": 3}),
        (LISTED, (["a"], ["b"]), {}, {"args": [["a"], ["b"]]}),
        (NAMED, ({"a": 1},), {}, {"kwargs": {"a": 1}}),
        ({"a": NUMBER, **NAMED, "b": NUMBER}, (1, {"x": 1}, 2), {}, {"a": 1, "kwargs": {"x": 1}, "b": 2}),
        ({"a": NUMBER, **LISTED, **NAMED}, (1, ["x"], {"k": 1}), {}, {"a": 1, "args": ["x"], "kwargs": {"k": 1}}),
        ({"a": NUMBER, **LISTED, **NAMED}, (1, "x"), {"k": 1}, {"a": 1, "args": ["x"], "kwargs": {"k": 1}}),
    ],
)
def test_parameters_named_args_and_kwargs(
    properties: dict[str, JSON], args: tuple[object, ...], kwargs: dict[str, object], values: dict[str, object]
) -> None:
    assert bound(endpoint(properties, required=list(properties)), *args, **kwargs).values == values


def test_a_dict_after_what_kwargs_takes_is_one_too_many() -> None:
    with pytest.raises(TypeError, match="takes 0 positional arguments but 2 were given"):
        bound(endpoint({"kwargs": {"type": "object"}}, required=["kwargs"]), {"a": 1}, 2)


def test_a_value_in_braces_is_not_filled_in_again() -> None:
    target = endpoint(route="/{a}/{b:int}/{a}")
    assert bound(target, a="{b}", b=7).route == "/{b}/7/{b}"


def test_a_parameter_of_the_same_name_takes_precedence_over_the_path() -> None:
    call = bound(endpoint({"a": TEXT}, route="/{a}"), a="x")
    assert (call.route, call.values) == ("/{a}", {"a": "x"})


def test_a_root_input_can_have_path_parameters() -> None:
    target = root(TEXT).replace(route="/users/{id}")
    assert bound(target, "body", id=5).route == "/users/5"


@pytest.mark.parametrize("value", ["", "a/b", ".", "..", "../x"])
def test_a_path_parameter_must_be_a_single_segment(value: str) -> None:
    with pytest.raises(ValueError, match=r"f\(\): 'a' must be a single path segment"):
        bound(endpoint(route="/x/{a}"), a=value)


class Size(enum.Enum):
    LARGE = "l"


class Plan(str, enum.Enum):
    FREE = "free"


@pytest.mark.parametrize(
    ("value", "segment"),
    [
        (Size.LARGE, "l"),
        (Plan.FREE, "free"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (dt.date(2024, 1, 2), "2024-01-02"),
        (dt.datetime(2024, 1, 2, 3), "2024-01-02T03:00:00"),
        (1.5, "1.5"),
    ],
)
def test_values_of_path_parameters(value: object, segment: str) -> None:
    assert bound(endpoint(route="/x/{a}"), a=value).route == f"/x/{segment}"


@pytest.mark.parametrize("value", [None, b"a", memoryview(b"a"), ["a"], {"a": 1}])
def test_what_is_no_path_parameter(value: object) -> None:
    kind = type(value).__name__
    with pytest.raises(TypeError, match=rf"f\(\): 'a' is part of the path: text, a number, a UUID, but not {kind}"):
        bound(endpoint(route="/x/{a}"), a=value)


def test_a_file_parameter_named_kwargs_is_a_file() -> None:
    assert bound(endpoint({"kwargs": FILE}), b"x").sources


# --- text in place of a file


@pytest.mark.parametrize(
    ("allowed", "urls", "paths"),
    [("urls", True, False), ("paths", False, True), ("both", True, True), ("neither", False, False)],
)
@pytest.mark.parametrize("many", [False, True])
def test_text_is_read_as_a_url_or_a_path_only_where_that_is_allowed(
    allowed: str, urls: bool, paths: bool, many: bool
) -> None:
    def refusal(value: object) -> str:
        call = bound(endpoint({"f": FILES if many else FILE}), f=[b"first", value] if many else value)
        try:
            check_file_strings(call, allowed)
        except TypeError as exc:
            return str(exc)
        return ""

    assert ("file_strings" in refusal("HTTPS://host/a.png")) is not urls
    assert ("file_strings" in refusal("/etc/hostname")) is not paths
    assert {refusal(value) for value in (Path("/etc/hostname"), b"/etc/hostname", BytesIO(), File("x"))} == {""}


def test_a_list_of_files_may_come_from_any_iterable() -> None:
    many = endpoint({"x": {"type": "array", "items": {"type": "file"}}})
    for several in ([b"a", b"b"], (b"a", b"b"), iter([b"a", b"b"]), {b"a": 1, b"b": 2}.keys()):
        assert [source.content for source in bound(many, several).sources] == [b"a", b"b"]
    with pytest.raises(ValueError, match="must not be empty"):
        bound(many, iter(()))
    path, file = Path("x"), BytesIO(b"x")
    for one in (b"ab", bytearray(b"ab"), path, file, {"a": 1}):
        assert [source.content for source in bound(many, one).sources] == [one]
