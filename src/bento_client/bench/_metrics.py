"""The counters of a Service, as its ``/metrics`` has them in Prometheus' text format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_SAMPLE: Final = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?P<labels>\{.*\})?\s+(?P<value>\S+)(?:\s+-?\d+)?")
_GROWS: Final = re.compile(r"_(?:total|count|sum)(?:\{|$)")
_MOST: Final = 1000  # of one Service


def counters(text: str) -> dict[str, float]:
    """The counters in Prometheus' text format, by their names with labels: what ends in _total, _count or _sum.

    Lines that have another form are left out.
    """
    found: dict[str, float] = {}
    for line in text.splitlines():
        sample = None if line.startswith("#") else _SAMPLE.fullmatch(line.strip())
        if sample is None or len(found) >= _MOST:
            continue
        name = sample["name"] + (sample["labels"] or "")
        if not _GROWS.search(sample["name"]):
            continue
        try:
            found[name] = float(sample["value"])
        except ValueError:
            continue
    return found


def growth(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """By how much each counter has grown; those that have not are left out, and so are those that began anew."""
    grown = {name: value - before.get(name, 0.0) for name, value in after.items()}
    return {name: value for name, value in grown.items() if value > 0}
