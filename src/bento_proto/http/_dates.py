"""Dates in headers, without a clock: a date means something only against the Date of the same answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

    from ._messages import Head

# RFC 9110 section 5.6.7, the preferred form; Expires of a cookie also writes it with hyphens.
_DATE: Final = r"[A-Za-z]{3,9}, (\d{2})[ -]([A-Za-z]{3})[ -](\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT"
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def seconds_until(date: str, head: Head) -> float | None:
    """How long after the answer's own Date a date is; negative if it is before, None if either can't be read."""
    there, here = _timestamp(date), _timestamp(head.get("date") or "")
    return None if there is None or here is None else there - here


def retry_after(head: Head) -> float | None:
    """The seconds that a Retry-After asks to wait (RFC 9110 section 10.2.3); None if it asks for nothing."""
    value = (head.get("retry-after") or "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    seconds = seconds_until(value, head)
    return None if seconds is None else max(0.0, seconds)


def _timestamp(date: str) -> float | None:
    found = re.fullmatch(_DATE, date.strip())
    if found is None or found[2].lower() not in _MONTHS:
        return None
    import datetime as dt  # only here: most answers need no date

    try:
        moment = dt.datetime(
            int(found[3]), _MONTHS.index(found[2].lower()) + 1, int(found[1]), int(found[4]), int(found[5]),
            min(int(found[6]), 59), tzinfo=dt.timezone.utc,
        )  # fmt: skip
    except ValueError:
        return None
    return moment.timestamp()
