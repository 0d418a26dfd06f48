"""Text of a server is made safe by one function before it reaches a message, a log or a terminal."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest

from bento_proto import JSON, BentoMLException, Data, End, Exchange, Head, Limits, NotFound, Request
from bento_proto._text import LONGEST, error_line, one_line, printable
from bento_proto.http import Origin
from bento_proto.request import bind
from bento_proto.response._readers import content_reader
from bento_proto.schema import docstring_of, is_plain, parse_service, signature_of
from bento_proto.schema._naming import attributes, unknown_endpoint

ATTACK = "a\x1b]0;owned\x07\r\n\u202eb\u2028c\u200b\ufeffd\x9b2J\U000e0041"
SAFE = "a\\x1b]0;owned\\x07 \\u202eb c\\u200b\\ufeffd\\x9b2J\\U000e0041"
JOINERS = "\u200c\u200d"


def test_every_character_that_controls_a_terminal_or_is_invisible_is_escaped() -> None:
    passed = [
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and printable(character) == character
    ]
    assert "".join(passed) == f"\t\n{JOINERS}"


def test_a_carriage_return_stays_in_a_line_break_only_and_overwrites_nothing() -> None:
    assert printable("a\r\nb\rc\r\r\nd\r") == "a\r\nb\\rc\\r\r\nd\\r"


# Unicode's property Default_Ignorable_Code_Point, but for what is in a category above.
IGNORABLE = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180d\u180f\u3164\ufe00\ufe0d\uffa0\ufff0"
    "\U000e0000\U000e0100\U000e01ef\U000e0fff"
)


@pytest.mark.parametrize("character", IGNORABLE, ids=ascii)
def test_what_hides_text_from_people_but_not_from_models_is_escaped(character: str) -> None:
    assert printable(f"a{character}b") == f"a{ascii(character)[1:-1]}b"


@pytest.mark.parametrize("text", ["", "plain", "grün 日本", "é́", "👩\u200d💻", "می\u200cخواهم", "🏳️", "\ue0b0"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert one_line(text) == printable(text) == text


def test_a_line_is_one_line() -> None:
    assert one_line(ATTACK) == SAFE
    assert one_line(" a \n\n\tb\x85c\u2029d\xa0e\x0b") == "a b c d e"
    assert printable("a\n\tb\r\n") == "a\n\tb\r\n"
    assert printable("a\x1b", lambda character: f"<{ord(character)}>") == "a<27>"


def test_a_line_is_bounded() -> None:
    assert one_line("x" * LONGEST) == "x" * LONGEST
    assert one_line("x" * 1_000_000) == "x" * LONGEST + "..."
    assert one_line("abcdef", 3) == "abc..."


def refused(body: bytes, *fields: tuple[str, str]) -> BentoMLException:
    exchange = Exchange(Request("POST", Origin("http", "h", 80), "/f"), content_reader(), Limits())
    exchange.receive(Head(500, fields))
    exchange.receive(Data(body))
    exchange.receive(End())
    assert exchange.error is not None
    return exchange.error


@pytest.mark.parametrize("body", [ATTACK.encode(), json.dumps({"error": ATTACK}).encode()])
def test_the_message_of_an_error_is_one_safe_line_and_its_text_stays_whole(body: bytes) -> None:
    error = refused(body)
    assert str(error) == SAFE
    assert error_line(error) == f"InternalServerError: {SAFE}"
    assert error.message == ATTACK


def test_so_are_the_errors_of_fields() -> None:
    entry: JSON = {"loc": ["a\n", ATTACK], "msg": ATTACK}
    error = BentoMLException("no", detail=[entry] * 1000)
    assert str(error).startswith(f"no: a .{SAFE}: {SAFE}; a")
    assert len(str(error)) == LONGEST + 3
    assert str(error).isprintable()


def test_a_message_of_a_megabyte_is_cut() -> None:
    error = refused(b"x" * 500_000)
    error.attempts = ("first", "second")
    assert str(error) == "x" * LONGEST + "... (after 2 attempts)"
    assert len(error.message) == 500_000
    assert len(error_line(error)) < LONGEST + 50


def test_names_and_descriptions_of_a_schema_are_safe() -> None:
    field: JSON = {"type": "string", "description": ATTACK}
    arguments: JSON = {"properties": {"a": field}, "required": ["a"]}
    route: JSON = {"name": ATTACK, "route": "/f", "doc": ATTACK, "input": arguments}
    service = parse_service({"name": ATTACK, "routes": [route]})
    endpoint = service.endpoints[ATTACK]
    errors = [unknown_endpoint(service, "f"), str(NotFound(f"no {ATTACK}"))]
    for given in ({}, {"b": 1}):
        with pytest.raises(TypeError) as info:
            bind(endpoint, (), given)
        errors.append(str(info.value))
    for text in (*errors, docstring_of(endpoint)):
        assert not {"\x1b", "\x07", "\u202e", "\u200b", "\x9b"} & set(text)


@pytest.mark.parametrize("invisible", ["\u3164", "\u115f", "a\u034f", "a\ufe00", "a\U000e0100"])
def test_a_name_that_is_not_seen_is_no_attribute_and_no_parameter(invisible: str) -> None:
    assert invisible.isidentifier()
    arguments: JSON = {"properties": {invisible: {"type": "string"}}, "required": [invisible]}
    routes: JSON = [
        {"name": invisible, "route": "/f", "input": arguments},
        {"name": "g", "route": "/g", "input": arguments},
    ]
    service = parse_service({"name": "S", "routes": routes})
    assert list(attributes(service, ())) == ["g"]
    assert list(signature_of(service.endpoints["g"]).parameters) == ["kwargs"]
    assert invisible not in docstring_of(service.endpoints["g"])
    assert not is_plain(invisible)
