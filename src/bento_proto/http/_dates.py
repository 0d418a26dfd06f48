"""Dates in header fields, without a clock: they are compared with the Date of the same response."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

    from ._messages import Head

# RFC 6265 section 5.1.1: what separates the tokens of a date, and what each of them is. This reads the dates that
# servers write in cookies, and the three forms of RFC 9110 section 5.6.7.
_DELIMITERS: Final = r"[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+"
_TIME: Final = r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)"
_DAY: Final = r"(\d{1,2})(?!\d)"
_YEAR: Final = r"(\d{4}|\d{2})(?!\d)"
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIRST_YEAR: Final = 1601
_LONGEST: Final = 100  # characters of a date


def seconds_until(date: str, head: Head) -> float | None:
    """The seconds from the Date of the response to a date, may be negative; None if one of them can't be parsed."""
    there, here = _timestamp(date), _timestamp(head.get("date") or "")
    return None if there is None or here is None else there - here


def retry_after(head: Head) -> float | None:
    """The seconds of the Retry-After (RFC 9110 section 10.2.3); None if there is none or it can't be parsed."""
    value = (head.get("retry-after") or "").strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", value, re.ASCII):  # servers send fractions too, against the RFC
        return float(value[:9])
    seconds = seconds_until(value, head)
    return None if seconds is None else max(0.0, seconds)


def _timestamp(date: str) -> float | None:
    time = day = year = None
    month = 0
    for token in re.split(_DELIMITERS, date[:_LONGEST]):
        if time is None and (found := re.match(_TIME, token, re.ASCII)):
            time = int(found[1]), int(found[2]), min(int(found[3]), 59)  # a leap second counts as the one before
        elif day is None and (found := re.match(_DAY, token, re.ASCII)):
            day = int(found[1])
        elif not month and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (found := re.match(_YEAR, token, re.ASCII)):
            year = int(found[1])
            if len(found[1]) == 2:  # the rule of RFC 9110 needs a clock
                year += 1900 if year >= 70 else 2000
    if time is None or day is None or year is None or year < _FIRST_YEAR or not month:
        return None
    import datetime as dt  # rarely needed

    try:
        return dt.datetime(year, month, day, *time, tzinfo=dt.timezone.utc).timestamp()
    except ValueError:
        return None
