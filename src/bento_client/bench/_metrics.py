"""The counters of a Service, as its ``/metrics`` has them in Prometheus' text format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias, cast

_SAMPLE: Final = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?P<labels>\{.*\})?\s+(?P<value>\S+)(?:\s+-?\d+)?")
_GROWS: Final = re.compile(r"_(?:total|count|sum)(?:\{|$)")
_MOST: Final = 1000  # of one Service
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_OWN: Final = re.compile(r"(?:python|process)_")  # what every Python process counts
_PREFIX: Final = re.compile(r"bentoml_(?:service|runner|api_server)_")

_Labels: TypeAlias = tuple[tuple[str, str], ...]


class Figure(NamedTuple):
    """What counters say together.

    Attributes:
        name: their name, without the prefix of BentoML's own and without the ending of a sum and its count.
        labels: the labels that tell it from others of that name, such as ``endpoint=/f``.
        number: by how much the counter grew; or the number of values.
        mean: the mean of the values; None for a plain counter.
    """

    name: str
    labels: str
    number: float
    mean: float | None = None


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


def figures(grown: Mapping[str, float]) -> list[Figure]:
    """What the growth of counters says of a load: totals, and the means of what has a sum and a count.

    Those of BentoML come first. What every Python process counts, such as its garbage collections, is left out.
    """
    families: dict[str, dict[_Labels, float]] = {}
    for full, value in grown.items():
        name, _, rest = full.partition("{")
        if not _OWN.match(name):
            pairs = cast("list[tuple[str, str]]", _LABEL.findall(rest))
            families.setdefault(name, {})[tuple(pairs)] = value
    found: list[tuple[bool, Figure]] = []
    for name, values in families.items():
        common = set[tuple[str, str]].intersection(*map(set, values))
        sums = families.get(name.removesuffix("_count") + "_sum", dict[_Labels, float]())
        short = _PREFIX.sub("", name)
        for labels, value in values.items():
            text = ", ".join(f"{key}={label}" for key, label in labels if (key, label) not in common)
            figure = Figure(short, text, value)
            if name.endswith("_count"):
                figure = Figure(short.removesuffix("_count"), text, value, sums.get(labels, 0.0) / value)
            if not name.endswith("_sum") or name.removesuffix("_sum") + "_count" not in families:
                found.append((short == name, figure))
    return [figure for _, figure in sorted(found, key=lambda pair: pair[0])]
