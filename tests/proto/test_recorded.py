"""Every answer that was recorded from a real server, fed as bytes through the protocol and the endpoint's reader."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import NamedTuple

import pytest

from bento_proto import (
    BentoMLException,
    Conflict,
    Exchange,
    Forbidden,
    GatewayTimeout,
    InternalServerError,
    InvalidArgument,
    Limits,
    NotFound,
    RemoteProtocolError,
    Request,
    ResultKind,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnprocessableEntity,
)
from bento_proto.exchange import State
from bento_proto.http import Origin, file_name
from bento_proto.http11 import HTTP11Exchange
from tests.proto.replay import Outcome, cuts, endpoint, fed, plain, reader
from tests.recordings import NoLiteral, find, load

RECORDINGS = load()


def comparable(outcome: Outcome) -> tuple[object, ...]:
    """What no cut may change."""
    value = outcome.sum if outcome.result_kind is ResultKind.ITEMS else outcome.value
    error = outcome.error
    return outcome._replace(value=repr(value), error=None), type(error), str(error), getattr(error, "detail", None)


# --- however they are cut


def test_no_cut_of_a_recorded_answer_changes_it() -> None:
    assert len(RECORDINGS) > 700
    for recording in RECORDINGS:
        whole = comparable(fed(recording, [recording.response]))
        for pieces in cuts(recording.response):
            assert comparable(fed(recording, pieces)) == whole, recording.case


def test_every_exchange_comes_to_an_end_and_tells_whether_the_connection_does() -> None:
    for recording in RECORDINGS:
        outcome = fed(recording, [recording.response])
        assert outcome.state not in (State.WAITING, State.RECEIVING, State.RECEIVING_ERROR)
        if recording.truncated:
            assert outcome.state is State.FAILED
            assert not outcome.reusable
        if outcome.reusable:
            headers = dict(recording.response_headers)
            assert (
                "content-length" in headers or recording.response_chunks is not None or recording.status in (204, 304)
            )
            assert headers.get("connection") != "close"


# --- results


class File(NamedTuple):
    """What a file or an image is to be."""

    size: int
    name: str | None = None


# Where BentoML's own client raised or gave something else; what it was to be.
CORRECTED: dict[str, object] = {
    # in quotes on the wire, but no JSON by the schema
    "enum_out": "blue",
    "datetime_out": "2024-01-02T03:04:05",
    "uuid_out": "00000000-0000-0000-0000-000000000001",
    # text where there may be something else
    "optional_str_out": "some text",
    "union_out_str": "five",
    "untyped_str": "a bare string",
    "untyped_bytes": b"\x00\xff",
    "latin1_out": "café",
    # nothing is no empty object
    "ctx_status_204_with_body": None,
    "ctx_status_304": None,
    "raw_response_204": None,
    "raw_response_empty_200": None,
    # what was noted of these was their length
    "gzip_json": list(range(5000)),
    "gzip_text": "é" * 5000,
    # one of two calls; the last of four
    "image_in_pil_twice#2": {"format": "PNG", "size": [4, 3], "mode": "RGB"},
    "prefix_root_url_no_wait#5": 3,
}

FILES: dict[str, File] = {
    "optional_file_out": File(3, "opt.txt"),
    "optional_image_out": File(69),
    "file_response_evil": File(4, "evil.txt"),
    "file_response_evil_abs": File(4, "passwd"),
    "file_response_sub": File(4, "dir.txt"),
    "csv_out": File(10, "table.csv"),
    "file_raw_disposition_star": File(10, "naïve 日.txt"),
    "named_file_out_ascii": File(27, "report final.pdf"),
    "named_file_out_dotfile": File(18, "_hidden"),
    "named_file_out_newline": File(18, "a_b.txt"),
    "named_file_out_quotes": File(25, "a_b;c%20d'.txt"),
    "named_file_out_tar_gz": File(19, "x.tar.gz"),
    "named_file_out_unicode": File(30, "résumé 日本.txt"),
    "compat_task_get_file_result_unicode": File(8),
}


def test_recorded_results() -> None:
    seen: Counter[str] = Counter()
    for recording in RECORDINGS:
        called = endpoint(recording)
        if called is None or called.output.is_stream or recording.status >= 300 or not recording.result:
            continue
        outcome = fed(recording, [recording.response])
        assert outcome.error is None, recording.case
        if outcome.result_kind is not ResultKind.VALUE:
            size = re.search(r"with (\d+) bytes", recording.result or "")
            assert outcome.value == recording.response_body or "gzip" in recording.case
            assert size is None or len(outcome.value) == int(size[1])
            seen["file"] += 1
        elif recording.case not in CORRECTED:
            try:
                expected = plain(recording.value)
            except NoLiteral:
                continue
            assert repr(outcome.value) == repr(expected), recording.case
            seen["value"] += 1
    assert seen["value"] > 180
    assert seen["file"] > 20


@pytest.mark.parametrize("case", CORRECTED)
def test_results_that_the_recorded_client_had_wrong(case: str) -> None:
    recording = find(case)
    outcome = fed(recording, [recording.response])
    assert outcome.error is None
    assert (outcome.value, type(outcome.value)) == (CORRECTED[case], type(CORRECTED[case]))


@pytest.mark.parametrize("case", FILES)
def test_files(case: str) -> None:
    recording, expected = find(case), FILES[case]
    exchange = Exchange(Request("POST", Origin("http", "h", 80), "/"), reader(recording), Limits())
    items = HTTP11Exchange(exchange).receive(recording.response)
    assert exchange.result_kind in (ResultKind.FILE, ResultKind.IMAGE)
    assert sum(len(item) for item in items if isinstance(item, bytes)) == expected.size
    assert exchange.head is not None
    assert expected.name is None or file_name(exchange.head) == expected.name


@pytest.mark.parametrize("case", ["file_model_out", "raw_response_not_json", "invalid_utf8_out"])
def test_what_makes_no_sense_can_be_looked_at(case: str) -> None:
    recording = find(case)
    error = fed(recording, [recording.response]).error
    assert isinstance(error, RemoteProtocolError)
    assert error.body == recording.response_body


# --- errors

CLASSES: dict[int, type[BentoMLException]] = {
    400: InvalidArgument,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: UnprocessableEntity,
    429: TooManyRequests,
    500: InternalServerError,
    503: ServiceUnavailable,
    504: GatewayTimeout,
}


def test_recorded_refusals() -> None:
    statuses: Counter[int] = Counter()
    for recording in RECORDINGS:
        if recording.status < 400:
            continue
        statuses[recording.status] += 1
        error = fed(recording, [recording.response]).error
        assert error is not None
        assert type(error) is CLASSES.get(recording.status, BentoMLException)
        assert error.error_code == recording.status
        assert error.request_id == dict(recording.response_headers).get("x-bentoml-request-id")
        said = recording.response_body.decode()
        if said.startswith(("{", "[")):
            said = str(json.loads(said))
        assert error.message.strip() in (said or error.message) or error.message.endswith(f"status {recording.status}")
        assert not error.message.startswith(("{", "["))
    assert len(statuses) > 12
    assert statuses.total() > 200


GENERIC = "An unexpected error has occurred, please check the server log."


@pytest.mark.parametrize(
    ("case", "message", "has_detail"),
    [
        ("err_InvalidArgument", "bad thing: é", False),
        ("err_Unauthorized", "Authorization error", False),
        ("err_ValueError", GENERIC, False),
        ("limits_429_schema", "Too many requests", False),
        ("limits_stream_first_late_504", "Not able to process the request in 1 seconds", False),
        ("mounted_404", "Not Found", False),
        ("mounted_422", "the server responded with status 422", True),
        ("stream_bad_arg", "1 validation error for Input", True),
        ("probe-task-get-no-id", "task_id is required", False),
        ("probe-http-dot-segments", "Not Found", False),
    ],
)
def test_what_a_refusal_says(case: str, message: str, has_detail: bool) -> None:
    recording = find(case)
    error = fed(recording, [recording.response]).error
    assert error is not None
    assert error.message == message
    assert bool(error.detail) is has_detail


def test_what_is_wrong_with_which_argument_is_said() -> None:
    recording = find("stream_bad_arg")
    error = fed(recording, [recording.response]).error
    assert error is not None
    (detail,) = json.loads(recording.response_body)["detail"]
    assert str(error) == f"1 validation error for Input: {detail['loc'][0]}: {detail['msg']}"
