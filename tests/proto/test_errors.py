"""The exceptions: their hierarchy, their attributes, their messages, and pickling."""

from __future__ import annotations

import copy
import pickle
import re
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bento_proto
import bento_proto.json
from bento_proto import (
    JSON,
    BentoMLException,
    CallTimeout,
    ConnectError,
    ConnectionLost,
    InvalidArgument,
    NotFound,
    RemoteProtocolError,
    TaskFailed,
    TaskNotCompleted,
)
from bento_proto import errors as module
from bento_proto.exchange._failures import error_class
from bento_proto.http import Headers
from tests.recordings import find, load

ERRORS: list[type[BentoMLException]] = [
    value for value in vars(module).values() if isinstance(value, type) and issubclass(value, BentoMLException)
]
LINE = re.compile(r" {4}(?P<branches>[│├└─ ]*)(?P<name>[A-Z]\w+) +(?P<says>.+)")


def drawn() -> dict[str, tuple[str | None, str]]:
    """The tree in the docstring: each class's parent, and what is said of it."""
    found: dict[str, tuple[str | None, str]] = {}
    above: dict[int, str] = {}
    for line in (module.__doc__ or "").splitlines():
        match = LINE.fullmatch(line)
        if match is not None:
            depth = len(match["branches"]) // 4
            found[match["name"]] = (above.get(depth - 1), match["says"])
            above[depth] = match["name"]
    return found


def test_the_hierarchy_is_the_documented_one() -> None:
    real = {cls.__name__: cls.__bases__[0].__name__ for cls in ERRORS}
    real["BentoMLException"] = ""
    assert {name: parent or "" for name, (parent, _) in drawn().items()} == real


def test_a_traceback_names_each_by_a_public_module() -> None:
    assert sorted(module.__all__) == sorted(cls.__name__ for cls in ERRORS)
    for cls in ERRORS:
        assert cls is getattr(bento_proto, cls.__name__)
        assert traceback.format_exception_only(cls("why")) == [f"bento_proto.errors.{cls.__name__}: why\n"]


def test_the_statuses_are_the_documented_ones() -> None:
    for name, (_, says) in drawn().items():
        status = re.match(r"\d{3}", says)
        assert getattr(module, name).error_code == (int(status.group()) if status else None), name


def test_the_builtin_base_classes_are_the_documented_ones() -> None:
    for name, (_, says) in drawn().items():
        also = re.search(r"also a (\w+)", says)
        builtin = {"ConnectionError": ConnectionError, "TimeoutError": TimeoutError}.get(also[1]) if also else None
        assert issubclass(getattr(module, name), OSError) is (builtin is not None), name
        assert builtin is None or issubclass(getattr(module, name), builtin)


def test_all_exceptions_are_public() -> None:
    assert {cls.__name__ for cls in ERRORS} <= set(bento_proto.__all__)
    assert len(ERRORS) == 20


def test_the_class_of_each_status() -> None:
    named = {int(says[:3]): name for name, (_, says) in drawn().items() if says[:3].isdigit()}
    named[400] = "InvalidArgument"  # the more special one comes from a task, not from a status
    for status in range(100, 1000):
        assert error_class(status).__name__ == named.get(status, "BentoMLException")


def test_subclasses_of_a_caller_are_not_used() -> None:
    class Mine(BentoMLException):  # BentoML's clients would raise it from now on
        error_code = 409

    assert error_class(Mine.error_code).__name__ == "Conflict"


def full(cls: type[BentoMLException]) -> BentoMLException:
    error = cls(
        "what went wrong: é",
        error_code=499,
        detail=[{"loc": ["a", 0], "msg": "wrong"}],
        headers=Headers((("x", "y"),)),
        request_id="0123",
    )
    error.attempts = ("ConnectError: refused", "InvalidArgument: é")
    if isinstance(error, (ConnectionLost, CallTimeout)):
        error.sent = False
    if isinstance(error, RemoteProtocolError):
        error.body = b"<html>"
    return error


@pytest.mark.parametrize("cls", ERRORS)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_is_the_same_after_pickling(cls: type[BentoMLException], protocol: int) -> None:
    error = full(cls)
    for again in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is cls
        assert vars(again) == vars(error)
        assert (again.args, str(again)) == (error.args, str(error))


@pytest.mark.parametrize("cls", ERRORS)
def test_an_error_with_a_message_only(cls: type[BentoMLException]) -> None:
    error = cls("went wrong")
    assert str(error) == error.message == "went wrong"
    assert (error.detail, dict(error.headers), error.request_id, error.attempts) == (None, {}, None, ())
    assert pickle.loads(pickle.dumps(error)).error_code == cls.error_code
    assert str(cls()) == ""


def test_attributes_that_are_not_given_have_the_defaults_of_the_class() -> None:
    assert InvalidArgument().error_code == TaskNotCompleted().error_code == 400
    assert TaskFailed("x", error_code=418).error_code == 418
    assert NotFound("x", error_code=410).error_code == 410
    assert (ConnectionLost().sent, CallTimeout().sent, RemoteProtocolError().body) == (True, True, b"")
    assert ConnectError("x").errno is None


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        (None, "no"),
        ("text", "no"),
        ({"loc": ["a"], "msg": "wrong"}, "no"),
        ([], "no"),
        ([{"loc": ["a", 0, "b"], "msg": "wrong"}], "no: a.0.b: wrong"),
        ([{"loc": ["a"], "msg": "wrong"}, {"loc": ["b"], "msg": "missing"}], "no: a: wrong; b: missing"),
        ([{"loc": [], "msg": "wrong"}, {"msg": "bare"}, {"loc": "a", "msg": "odd"}], "no: wrong; bare; odd"),
        ([{"loc": ["a"]}, {"msg": 5}, "text", None], "no"),
    ],
)
def test_field_errors_are_part_of_the_message(detail: JSON, text: str) -> None:
    assert str(InvalidArgument("no", detail=detail)) == text


def test_recorded_field_errors_are_part_of_the_message() -> None:
    recording = find("order_nested_error")
    said = bento_proto.json.parse_json(recording.response_body)
    assert isinstance(said, dict)
    text = str(InvalidArgument(str(said["error"]), detail=said["detail"]))
    assert "order.id: Input should be a valid integer" in text
    assert "order.items.0.sku: Field required" in text


def test_the_message_has_the_number_of_attempts_if_there_were_several() -> None:
    error = ConnectError("refused")
    error.attempts = ("ConnectError: refused",)
    assert str(error) == "refused"
    error.attempts *= 3
    assert str(error) == "refused (after 3 attempts)"


@settings(max_examples=100)
@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["loc", "msg"]), inner),
    )
)
def test_any_detail_can_be_converted_to_a_message(detail: JSON) -> None:
    assert str(BentoMLException("no", detail=detail)).startswith("no")


def test_the_message_shows_no_header_field() -> None:
    setting = [r for r in load() if any(name == "set-cookie" for name, _ in r.response_headers)]
    headers = Headers((*setting[0].response_headers, ("authorization", "Bearer s3cret")))
    error = BentoMLException("no", headers=headers)
    assert "s3cret" not in f"{error} {error!r} {vars(error)}"
    assert not any(cookie in f"{error!r} {vars(error)}" for cookie in headers.get_all("set-cookie"))
