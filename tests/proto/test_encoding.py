"""Calls are encoded as bodies that the server accepts: JSON, forms, or the bare value."""

from __future__ import annotations

import datetime as dt
import enum
import json
from pathlib import Path

import pytest

from bento_proto import JSON, Endpoint
from bento_proto.http import FilePart
from bento_proto.request import Body, Upload, bind, encode
from tests.proto.forms import Part, parse_form, whole
from tests.proto.shapes import FILE, TEXT, endpoint, root, zoo

BOUNDARY = "5c0b3fd2a8e94be8"


class Color(enum.Enum):
    RED = "red"


def body(endpoint: Endpoint, *args: object, uploads: list[Upload] | None = None, **kwargs: object) -> Body:
    """The body of a call; each of its files is these bytes unless it is said what it is."""
    call = bind(endpoint, args, kwargs)
    measured = [Upload(b"content") for _ in call.sources] if uploads is None else uploads
    return encode(call, measured, BOUNDARY)


def form(endpoint: Endpoint, *args: object, uploads: list[Upload] | None = None, **kwargs: object) -> list[Part]:
    found = body(endpoint, *args, uploads=uploads, **kwargs)
    return parse_form(found.content_type, whole(found))


# --- JSON


def test_arguments_are_one_json_object() -> None:
    assert body(zoo("add_int"), 1, b=2) == Body("application/json", (b'{"a":1,"b":2}',))
    assert body(zoo("nothing")) == Body("application/json", (b"{}",))


@pytest.mark.parametrize(
    ("name", "kwargs", "expected"),
    [
        ("echo_tuple", {"pair": (1, "a")}, b'{"pair":[1,"a"]}'),  # BentoML: KeyError 'items'
        ("optional_model", {"item": None}, b'{"item":null}'),  # BentoML: TypeError
        ("order", {"order": {"bill_to": None}}, b'{"order":{"bill_to":null}}'),
        ("varargs", {"args": []}, b'{"args":[]}'),
        ("varkw", {"a": 1}, b'{"kwargs":{"a":1}}'),
        ("file_optional", {}, b"{}"),  # BentoML sends nothing at all
        ("file_optional", {"f": None, "name": "y"}, b'{"name":"y"}'),  # BentoML: AssertionError
        ("file_list_optional", {"files": []}, b"{}"),
        ("image_optional", {"prompt": "p"}, b'{"prompt":"p"}'),
    ],
)
def test_values_that_bentomls_own_client_encodes_wrongly(name: str, kwargs: dict[str, object], expected: bytes) -> None:
    assert encode(bind(zoo(name), (), kwargs), [], BOUNDARY) == Body("application/json", (expected,))


@pytest.mark.parametrize(
    ("name", "kwargs", "error", "says"),
    [
        (
            "file_in_nested_model",
            {"m": {"name": "n", "upload": Path("p")}},
            TypeError,
            r"\(\): argument 'm': a \w+Path can't be",
        ),
        (
            "file_optional_pep604",
            {"f": Path("p")},
            TypeError,
            r"\(\): argument 'f': a \w+Path can't be sent inside JSON",
        ),
        ("untyped", {"x": 1, "y": object()}, TypeError, r"untyped\(\): argument 'y': a builtins.object can't be"),
        ("echo_str", {"text": "\ud800"}, ValueError, r"echo_str\(\): argument 'text': text with a lone surrogate"),
        ("varkw", {"\ud800": 1}, ValueError, r"varkw\(\): argument 'kwargs': text with a lone surrogate"),
        ("bytes_in", {"data": b"\xff"}, TypeError, r"bytes_in\(\): argument 'data': bytes that are not UTF-8"),
    ],
)
def test_an_argument_without_json_representation_is_named(
    name: str, kwargs: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        encode(bind(zoo(name), (), kwargs), [], BOUNDARY)


def test_an_argument_of_a_form_without_json_representation_is_named() -> None:
    with pytest.raises(TypeError, match=r"file_and_json\(\): argument 'tags': a builtins.object can't be sent as JSON"):
        body(zoo("file_and_json"), b"", "n", tags=[object()])


def test_a_name_that_is_not_unicode_is_an_error() -> None:
    target = endpoint({"a": TEXT})
    call = bind(target, (), {"a": "x"}).replace(values={"\ud800": 1})
    with pytest.raises(ValueError, match=r"f\(\): the argument: text with a lone surrogate"):
        encode(call, [], BOUNDARY)


# --- forms


def test_fields_of_a_form_are_json_and_files_unchanged() -> None:
    upload = Upload(b"hello", "hello.txt", "text/plain")
    assert form(zoo("file_and_json"), "p", "nämé", 2, item=None, uploads=[upload]) == [
        Part("name", None, None, '"nämé"'.encode()),
        Part("n", None, None, b"2"),
        Part("item", None, None, b"null"),
        Part("f", "hello.txt", "text/plain", b"hello"),
    ]


def test_a_list_of_urls_and_files_keeps_its_order() -> None:
    given = ["http://files.example/a", Path("p"), "https://files.example/ä"]
    assert form(zoo("file_list"), files=given, uploads=[Upload(b"x", "p", None)]) == [
        Part("files", None, None, b"http://files.example/a"),
        Part("files", "p", "application/octet-stream", b"x"),
        Part("files", None, None, "https://files.example/ä".encode()),
    ]


def test_uploads_belong_to_files_in_order() -> None:
    uploads = [Upload(b"1", "x"), Upload(FilePart(b"22", 2), "y")]
    assert [(p.name, p.file_name, p.content) for p in form(zoo("two_files"), b="b", a="a", uploads=uploads)] == [
        ("a", "x", b"1"),
        ("b", "y", b"22"),
    ]


@pytest.mark.parametrize("name", [None, ""])
def test_a_file_part_always_has_a_file_name(name: str | None) -> None:
    (part,) = form(zoo("file_in"), b"", uploads=[Upload(b"x", name)])
    assert part.file_name == "file"


@pytest.mark.parametrize(("size", "file_name"), [(899_998, None), (899_999, "name.json"), (2_000_000, "name.json")])
def test_a_long_field_has_a_file_name_as_the_server_limits_fields(size: int, file_name: str | None) -> None:
    part = next(part for part in form(zoo("file_and_json"), b"", "x" * size) if part.name == "name")
    assert (part.file_name, len(part.content)) == (file_name, size + 2)


@pytest.mark.parametrize(
    ("name", "upload", "expected"),
    [
        # Any file: what was guessed, or the type that means anything.
        ("file_in", Upload(b"x", "a.csv", "text/csv"), "text/csv"),
        ("file_in", Upload(b"x"), "application/octet-stream"),
        # A type of file: the server compares it by text, and no guess gives audio/mp3.
        ("audio_in", Upload(b"x", "a.mp3", "audio/mpeg"), "audio/mp3"),
        ("audio_in", Upload(b"x"), "audio/mp3"),
        # A pattern: the guess must fit it; a part without type always does.
        ("any_image_file_in", Upload(b"x", "a.png", "image/png"), "image/png"),
        ("any_image_file_in", Upload(b"x", "a"), None),
        # An image that Pillow opens: from a type, it would take the format.
        ("image_in", Upload(b"x", "a.jpg", "image/jpg"), "application/octet-stream"),
        ("image_list", Upload(b"x", "a.png", "image/png"), "application/octet-stream"),
        # The caller's own choice holds.
        ("audio_in", Upload(b"x", "a", "audio/wav", given=True), "audio/wav"),
        ("image_in", Upload(b"x", "a", "image/png", given=True), "image/png"),
        ("file_in", Upload(b"x", "a", None, given=True), None),
    ],
)
def test_content_types_of_file_parts(name: str, upload: Upload, expected: str | None) -> None:
    given = ["p"] if name == "image_list" else "p"
    (part,) = form(zoo(name), given, uploads=[upload])
    assert part.content_type == expected


def test_a_url_with_a_lone_surrogate_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"file_in\(\): the text has a lone surrogate"):
        body(zoo("file_in"), "http://h/\ud800")


# --- root input


@pytest.mark.parametrize(
    ("name", "value", "content_type", "expected"),
    [
        ("root_str", "héllo", "text/plain; charset=utf-8", "héllo".encode()),
        ("root_str", '"quoted"', "text/plain; charset=utf-8", b'"quoted"'),
        ("root_str", b"\xff", "text/plain; charset=utf-8", b"\xff"),
        ("root_str", 5, "text/plain; charset=utf-8", b"5"),
        ("root_str", Color.RED, "text/plain; charset=utf-8", b"red"),
        ("root_str", dt.date(2024, 1, 2), "text/plain; charset=utf-8", b"2024-01-02"),
        ("root_bytes", b"\x00\xff", "application/octet-stream", b"\x00\xff"),
        ("root_bytes", bytearray(b"\x00"), "application/octet-stream", b"\x00"),
        ("root_bytes", memoryview(b"\x00"), "application/octet-stream", b"\x00"),
        ("root_bytes", "abc", "application/octet-stream", b"abc"),
        ("root_int", 41, "application/json", b"41"),
        ("root_optional", None, "application/json", b"null"),
        ("root_list", (1, 2), "application/json", b"[1,2]"),
        ("root_model", {"sku": "s"}, "application/json", b'{"sku":"s"}'),
        ("root_file", "http://files.example/ä", "text/plain; charset=utf-8", "http://files.example/ä".encode()),
    ],
)
def test_a_root_input_is_the_body(name: str, value: object, content_type: str, expected: bytes) -> None:
    assert body(zoo(name), value) == Body(content_type, (expected,))


@pytest.mark.parametrize(
    ("name", "upload", "content_type"),
    [
        ("root_file", Upload(b"x", "a.txt", "text/plain"), "text/plain"),
        ("root_file", Upload(b"x"), "application/octet-stream"),
        ("root_file", Upload(b"x", given=True), "application/octet-stream"),
        ("root_file_ct", Upload(b"x", "a.mp3", "audio/mpeg"), "audio/mp3"),
        ("root_image", Upload(b"x", "a.png", "image/png"), "application/octet-stream"),
        ("root_image", Upload(b"x", "a.png", "image/png", given=True), "image/png"),
    ],
)
def test_a_root_file_is_the_body(name: str, upload: Upload, content_type: str) -> None:
    assert body(zoo(name), "p", uploads=[upload]) == Body(content_type, (b"x",))


def test_a_root_file_can_be_a_file_part() -> None:
    file = FilePart("source", None)
    assert body(zoo("root_file"), "p", uploads=[Upload(file)]).segments == (file,)


def test_a_root_model_with_a_file_is_a_form() -> None:
    parts = form(zoo("root_file_model"), name="n", upload="p", uploads=[Upload(b"x", "p")])
    assert [(part.name, part.content) for part in parts] == [("name", b'"n"'), ("upload", b"x")]


@pytest.mark.parametrize(
    ("name", "value", "uploads"),
    [
        ("root_str", "", []),
        ("root_bytes", b"", []),
        ("root_file", "p", [Upload(b"")]),
        ("root_file", "p", [Upload(FilePart("source", 0))]),
    ],
)
def test_an_empty_root_input_is_an_error(name: str, value: object, uploads: list[Upload]) -> None:
    with pytest.raises(ValueError, match=rf"{name}\(\) can't be sent an empty root input"):
        body(zoo(name), value, uploads=uploads)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [("root_str", "\ud800", ValueError), ("root_str", object(), TypeError), ("root_int", object(), TypeError)],
)
def test_a_root_input_without_representation_is_an_error(name: str, value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=rf"^{name}\(\): the "):
        body(zoo(name), value)


def test_a_root_text_with_a_default_type_is_json() -> None:
    optional: dict[str, JSON] = {"anyOf": [TEXT, {"type": "null"}]}
    assert json.loads(whole(body(root(optional), "x"))) == "x"
    assert body(endpoint({"f": FILE}, []), uploads=[]) == Body("application/json", (b"{}",))
