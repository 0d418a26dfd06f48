"""Dates, Retry-After, and the waits that come of them."""

from __future__ import annotations

import datetime as dt
import math
from email.utils import format_datetime

from bento_proto import End, Exchange, Head, Limits, Request, RetryPolicy
from bento_proto.http import Origin
from bento_proto.http._dates import retry_after, seconds_until
from bento_proto.response import RawDecoder
from fuzz.support import Source

DATE = ("date", "Mon, 23 Nov 2026 19:20:16 GMT")
FIRST = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def test_one_input(data: bytes) -> None:
    """Whatever a response asks for, the wait is a finite number from 0 up, not longer than the policy allows.

    A date that was written is as far from the answer's own as it is.
    """
    source = Source(data)
    attempts, failures = source.choice((1, 2, 3, 5000)), source.integer(1, 5000)
    status, repeat = source.choice((429, 503, 500, 502, 404)), source.flag()
    here, there = source.integer(0, 1 << 37), source.integer(0, 1 << 37)
    if source.flag():
        fields = (("date", _written(here)), ("retry-after", _written(there)))
        assert seconds_until(fields[1][1], Head(503, fields)) == there - here
        assert retry_after(Head(503, fields)) == max(0.0, there - here)
    else:
        asked, date = source.field().decode("latin-1"), source.rest().decode("latin-1")
        fields = (("date", date) if date else DATE, ("retry-after", asked))
    head = Head(status, fields)
    seconds = retry_after(head)
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))
    until = seconds_until(fields[1][1], head)
    assert until is None or math.isfinite(until)
    policy = RetryPolicy(attempts, idempotent=repeat)
    exchange = Exchange(
        Request("GET", Origin("http", "here", 80), "/"),
        lambda head: RawDecoder(),
        Limits(),
    )
    exchange.receive(head)
    exchange.receive(End())
    wait = policy.wait(exchange, failures, lambda: 0.5)
    assert wait is None or (failures < attempts and 0 <= wait <= max(policy.max_retry_after, policy.max_backoff))
    assert wait is None or repeat or status == 429 or (seconds is not None and status == 503)


def _written(seconds: int) -> str:
    return format_datetime(FIRST + dt.timedelta(seconds=seconds), usegmt=True)
