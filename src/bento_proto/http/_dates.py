"""Dates in header fields, without a clock: they are compared with the Date of the same response."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

    from ._messages import Head

# The forms of RFC 9110 section 5.6.7: IMF-fixdate; that of RFC 850, for cookies with four-digit years too; asctime.
_TIME: Final = r"(?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})"
_DATE: Final = (
    rf"[A-Za-z]{{3,9}}, (?P<day>\d{{2}})[ -](?P<month>[A-Za-z]{{3}})[ -](?P<year>\d{{4}}|\d{{2}}) {_TIME} GMT"
)
_ASCTIME: Final = rf"[A-Za-z]{{3}} (?P<month>[A-Za-z]{{3}}) (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})"
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


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
    found = re.fullmatch(_DATE, date.strip()) or re.fullmatch(_ASCTIME, date.strip())
    if found is None or found["month"].lower() not in _MONTHS:
        return None
    import datetime as dt  # rarely needed

    year = int(found["year"])
    if len(found["year"]) == 2:  # RFC 6265 section 5.1.1; the rule of RFC 9110 needs a clock
        year += 1900 if year >= 70 else 2000
    month = _MONTHS.index(found["month"].lower()) + 1
    time = (int(found["hour"]), int(found["minute"]), min(int(found["second"]), 59))
    try:
        return dt.datetime(year, month, int(found["day"]), *time, tzinfo=dt.timezone.utc).timestamp()
    except ValueError:
        return None
