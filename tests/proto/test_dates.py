"""Dates in header fields, compared with the Date of the same response."""

from __future__ import annotations

import pytest

from bento_proto import Head
from bento_proto.http._dates import retry_after, seconds_until

NOW = "Mon, 23 Nov 2026 19:20:16 GMT"


def head(**fields: str) -> Head:
    return Head(503, tuple((name.replace("_", "-"), value) for name, value in fields.items()))


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Mon, 23 Nov 2026 19:20:46 GMT", 30.0),
        ("Mon, 23 Nov 2026 19:19:16 GMT", -60.0),
        ("Tue, 24 Nov 2026 19:20:16 GMT", 86400.0),
        ("Monday, 23-Nov-2026 19:20:17 GMT", 1.0),  # as some servers write it in cookies
        ("Mon, 23 NOV 2026 19:20:60 GMT", 43.0),  # a leap second counts as the one before
        ("Mon, 23 Foo 2026 19:20:46 GMT", None),
        ("Mon, 31 Feb 2026 19:20:46 GMT", None),
        ("Mon, 23 Nov 0000 19:20:46 GMT", None),
        ("Monday, 23-Nov-26 19:20:17 GMT", 1.0),  # RFC 850
        ("Mon Nov 23 19:20:17 2026", 1.0),  # asctime
        ("Tue Dec  1 19:20:16 2026", 8 * 86400.0),
        ("Sunday, 31-Dec-69 00:00:00 GMT", 1_360_211_984.0),  # years from 70 on are of the last century
        ("Thursday, 01-Jan-70 00:00:00 GMT", -1_795_461_616.0),
        # As servers write them in cookies: RFC 6265 section 5.1.1.
        ("Mon Nov 23 2026 19:20:46 GMT", 30.0),
        ("Mon, 23-Nov-2026 19:20:46 UTC", 30.0),
        ("Monday, November 23, 2026 19:20:46", 30.0),
        ("23/Nov/2026 19:20:46 GMT", 30.0),
        ("Mon, 2 Nov 2026 9:2:3 GMT", -1_851_493.0),
        ("19:20:46 23 Nov 26", 30.0),
        ("Mon, 23 Nov 2026 19:20:46 GMT; path", 30.0),
        ("Mon, 23 Nov 1600 19:20:46 GMT", None),
        ("Mon, 23 Nov 026 19:20:46 GMT", None),
        ("Mon, 23 Nov 2026 24:20:46 GMT", None),
        ("Mon, 23 Nov 2026 19:60:46 GMT", None),
        ("Mon, 23 Nov 2026 19:20 GMT", None),
        ("Mon, 00 Nov 2026 19:20:46 GMT", None),
        ("Mon, 23 Nov 20260 19:20:46 GMT", None),
        ("Mon, 123 Nov 2026 19:20:46 GMT", None),
        ("Mon, ٢٣ Nov 2026 19:20:46 GMT", None),
        ("2026-11-23T19:20:46Z", None),
        ("9 " * 100_000, None),
        ("", None),
    ],
)
def test_seconds_are_counted_from_the_date_of_the_response(date: str, seconds: float | None) -> None:
    assert seconds_until(date, head(date=NOW)) == seconds


@pytest.mark.parametrize("own", ["", "yesterday"])
def test_without_a_date_of_the_response_there_are_no_seconds(own: str) -> None:
    assert seconds_until(NOW, head(date=own) if own else head()) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("9" * 5000, 999999999.0),
        ("-7", None),
        ("1.5", 1.5),
        (".5", None),
        ("1.5.5", None),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("٣", None),  # a digit, but none of HTTP's
        ("soon", None),
        ("Mon, 23 Nov 2026 19:20:46 GMT", 30.0),
        ("Mon, 23 Nov 2026 19:00:00 GMT", 0.0),  # over already
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after(head(retry_after=value, date=NOW)) == seconds


def test_invalid_retry_after() -> None:
    assert retry_after(head(date=NOW)) is None
