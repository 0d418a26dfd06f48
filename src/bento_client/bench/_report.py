"""The report of a measurement, and its forms as JSON and as CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final, cast

from ._histogram import Distribution

if TYPE_CHECKING:
    from bento_proto import JSON

    from ._load import Load
    from ._measure import Measured
    from ._slo import Objective

FORMAT: Final = 1
_BUSY: Final = 0.85  # of a core, above which the tool's own work is part of what it measures
_LATE: Final = 0.1  # of the median latency, above which its own lag is
_LAG: Final = 0.005  # seconds that are always borne
_BEHIND: Final = 0.95  # of the rate that was asked for


class _Lines:
    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, text: str) -> None:
        self.written.append(text)


@dataclass(frozen=True, slots=True)
class Slice:
    """A short span of time.

    Attributes:
        start: when it began, in seconds since the load did.
        seconds: its length.
        calls: the calls that succeeded in it.
        failed: the calls that failed in it.
        p50: their median latency.
        p99: the 99th percentile of their latency.
    """

    start: float
    seconds: float
    calls: int
    failed: int
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What was measured under one load.

    Attributes:
        load: its name, such as ``4 at a time``.
        concurrency: the callers of a closed loop; None for an open one.
        rate: the calls a second of an open loop; None for a closed one.
        seconds: how long it was measured.
        stable: whether the last three windows agreed; None if a duration was measured.
        calls: the calls that were due in this time and succeeded.
        failed: those that failed.
        calls_per_second: successful calls a second.
        good_per_second: successful calls a second that kept the objectives; None without objectives.
        items_per_second: items of streams a second.
        sent_per_second: bytes of requests a second.
        received_per_second: bytes of responses a second.
        latency: seconds until a call's result was complete: from when it was due, in an open loop.
        first: seconds until the first item of a stream, or until a task was accepted.
        gap: seconds between two items of a stream.
        errors: the number of failed calls, by kind.
        met: for each objective, whether it was met.
        cpu: the cores that the tool itself was busy on, with all its processes: 1.0 is all of one.
        lag: how late the tool's event loop was, in seconds.
        warnings: why the figures may be about the tool or the load more than about the Service.
        timeline: the calls over time, from the start of the warm-up.
        buckets: the latencies as pairs of seconds and count.
        server: what the Service's own counters grew by, by their names in ``/metrics``.
    """

    load: str
    concurrency: int | None
    rate: float | None
    seconds: float
    stable: bool | None
    calls: int
    failed: int
    calls_per_second: float
    good_per_second: float | None
    items_per_second: float
    sent_per_second: float
    received_per_second: float
    latency: Distribution
    first: Distribution
    gap: Distribution
    errors: Mapping[str, int]
    met: Mapping[str, bool]
    cpu: float
    lag: Distribution
    warnings: Sequence[str] = ()
    timeline: Sequence[Slice] = ()
    buckets: Sequence[tuple[float, int]] = ()
    server: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def is_met(self) -> bool:
        """Whether all objectives were met."""
        return all(self.met.values())


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured of one endpoint.

    Attributes:
        url: the Service's URL.
        endpoint: the endpoint's name.
        started: when, in ISO 8601.
        version: the version of this package.
        objectives: the objectives, as they were given.
        loads: what was measured under each load.
        processes: how many processes made the calls.
        interrupted: whether it was stopped early: `loads` has what was measured until then.
    """

    url: str
    endpoint: str
    started: str
    version: str
    objectives: Sequence[str]
    loads: Sequence[LoadReport]
    processes: int = 1
    interrupted: bool = False

    @property
    def is_met(self) -> bool:
        """Whether all objectives were met under one of the loads at least."""
        return any(load.is_met for load in self.loads)

    def to_json(self) -> str:
        """The report as JSON, which `Report.from_json` reads."""
        return json.dumps({"bento_client_bench": FORMAT, **asdict(self)}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Report:
        """Read a report that `to_json` wrote.

        Raises:
            ValueError: it is none, or one of a newer version.
        """
        try:
            document = cast("dict[str, JSON]", json.loads(text))
            version = document.pop("bento_client_bench")
            if version != FORMAT:
                raise ValueError(f"the report has format {version}, which this version does not know")
            loads = [_load(load) for load in cast("list[dict[str, JSON]]", document.pop("loads"))]
            return cls(**document, loads=loads)  # type: ignore[arg-type]
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as exc:
            raise ValueError("this is no report of bento-client bench") from exc

    def to_csv(self) -> str:
        """The report as CSV: a row for each load, times in seconds."""
        rows = [_row(load) for load in self.loads]
        lines = _Lines()
        writer = csv.DictWriter(lines, list(rows[0]) if rows else ["load"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return "".join(lines.written)


def _load(document: dict[str, JSON]) -> LoadReport:
    for name in ("latency", "first", "gap", "lag"):
        figures = cast("dict[str, JSON]", document[name])
        percentiles = cast("dict[str, float]", figures["percentiles"])
        figures["percentiles"] = {float(percent): value for percent, value in percentiles.items()}  # type: ignore[misc]
        document[name] = Distribution(**figures)  # type: ignore[assignment,arg-type]
    slices = cast("list[dict[str, float]]", document.pop("timeline"))
    buckets = cast("list[tuple[float, int]]", document.pop("buckets"))
    return LoadReport(
        **document,  # type: ignore[arg-type]
        timeline=[Slice(**one) for one in slices],  # type: ignore[arg-type]
        buckets=[(seconds, count) for seconds, count in buckets],
    )


def _row(load: LoadReport) -> dict[str, object]:
    row: dict[str, object] = {
        name: getattr(load, name)
        for name in (
            "load", "concurrency", "rate", "seconds", "stable", "calls", "failed", "calls_per_second",
            "good_per_second",
            "items_per_second", "sent_per_second", "received_per_second",
        )
    }  # fmt: skip
    for name in ("latency", "first", "gap"):
        found: Distribution = getattr(load, name)
        row |= {f"{name}_mean": found.mean, f"{name}_stddev": found.stddev, f"{name}_min": found.min}
        row |= {f"{name}_p{percent:g}": value for percent, value in found.percentiles.items()}
        row[f"{name}_max"] = found.max
    row |= {"cpu": load.cpu, "lag_p99": load.lag.percentile(99.0), "met": load.is_met if load.met else None}
    row["errors"] = "; ".join(f"{kind}: {count}" for kind, count in load.errors.items())
    return row


def report_of(
    load: Load,
    measured: Measured,
    *,
    objectives: Sequence[Objective] = (),
    server: Mapping[str, float] | None = None,
) -> LoadReport:
    """The report of one load.

    Args:
        load: the load.
        measured: what was measured.
        objectives: the objectives.
        server: the growth of the Service's counters.
    """
    from ._load import ClosedLoop

    found = measured.window
    seconds, failed = found.seconds, found.errors.total()
    latency, first, gap = (histogram.summary() for histogram in (found.latency, found.first, found.gaps))
    lag = found.lag.summary()
    done = found.done / seconds
    behind = None if isinstance(load, ClosedLoop) else (done, load.rate)
    return LoadReport(
        load=load.name,
        concurrency=load.concurrency if isinstance(load, ClosedLoop) else None,
        rate=None if isinstance(load, ClosedLoop) else load.rate,
        seconds=seconds,
        stable=measured.stable,
        calls=latency.count,
        failed=failed,
        calls_per_second=done,
        good_per_second=found.good / seconds if objectives else None,
        items_per_second=found.items / seconds,
        sent_per_second=found.sent / seconds,
        received_per_second=found.received / seconds,
        latency=latency,
        first=first,
        gap=gap,
        errors=dict(found.errors.most_common()),
        met={
            objective.text: _is_met(objective, {"latency": latency, "first": first, "gap": gap}, failed)
            for objective in objectives
        },
        cpu=sum(measured.cpu),
        lag=lag,
        warnings=_warnings(measured, lag, latency, None if failed or measured.is_stopped else behind),
        timeline=[
            Slice(
                start,
                measured.timeline.width,
                slot.latency.count,
                slot.failed,
                slot.latency.percentile(50),
                slot.latency.percentile(99),
            )
            for start, slot in measured.timeline
        ],
        buckets=found.latency.buckets(),
        server=server or {},
    )


def _is_met(objective: Objective, found: Mapping[str, Distribution], failed: int) -> bool:
    calls = found["latency"].count + failed
    if objective.percent is None:
        return calls > 0 and failed / calls <= objective.limit
    figures = found[objective.metric]
    return figures.count > 0 and figures.percentile(objective.percent) <= objective.limit


def _warnings(
    measured: Measured, lag: Distribution, latency: Distribution, rates: tuple[float, float] | None
) -> list[str]:
    found: list[str] = []
    if measured.is_stopped:
        seconds = measured.window.seconds
        found.append(f"interrupted after {seconds:.3g} s of measuring; calls that had not ended are not counted")
    cpu = max(measured.cpu)
    if cpu > _BUSY:
        found.append(
            f"the tool itself was busy {cpu:.0%} of the time, so it may be what limits the calls: use more processes"
        )
    elif lag.percentile(99.0) > max(_LAG, _LATE * latency.percentile(50.0)):
        found.append(
            f"the tool woke up {lag.percentile(99.0) * 1000:.1f} ms late (p99), which is part of the latencies: "
            "this machine is busy"
        )
    if rates is not None and rates[0] < _BEHIND * rates[1]:
        found.append(
            f"of {rates[1]:g} calls a second only {rates[0]:.4g} ended: latencies grow as long as this load lasts"
        )
    if measured.stable is False:
        found.append("the windows did not agree until the end: give a --duration, or a longer --window")
    return found
