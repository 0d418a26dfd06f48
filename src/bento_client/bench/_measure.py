"""What calls took, counted into windows of time, and whether these windows agree."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ._histogram import Histogram
from ._load import STABLE, Plan
from ._slo import Objective

_MOST_KINDS: Final = 50  # of errors
_MOST_SLOTS: Final = 120  # of a timeline


class Call:
    """One call while it runs. What makes the call reports to it.

    Attributes:
        due: when it was due.
        start: when it began; later than `due` if the tool is late, or if as many calls as there may be are under way.
        end: when it ended.
        first: when its first item came; None for none yet.
        items: the items that came.
        sent: bytes of its requests' bodies.
        received: bytes of its responses' bodies.
        error: how it failed, such as ``ServiceUnavailable 503``; None for not.
    """

    __slots__ = ("_clock", "_gaps", "_last", "due", "end", "error", "first", "items", "received", "sent", "start")

    def __init__(self, due: float, clock: Callable[[], float], gaps: Histogram) -> None:
        self.due: float = due
        self.start: float = clock()
        self.end: float = math.inf
        self.first: float | None = None
        self.items: int = 0
        self.sent: int = 0
        self.received: int = 0
        self.error: str | None = None
        self._last = self.start
        self._clock = clock
        self._gaps = gaps

    def item(self) -> None:
        """Note that an item of the result came."""
        now = self._clock()
        if self.first is None:
            self.first = now
        else:
            self._gaps.add(now - self._last)
        self._last = now
        self.items += 1

    @property
    def latency(self) -> float:
        """Seconds from when it was due until it ended."""
        return self.end - self.due

    @property
    def mean_gap(self) -> float:
        """The mean seconds between two items; 0 if there were not two."""
        return (self._last - self.first) / (self.items - 1) if self.first is not None and self.items > 1 else 0.0

    def keeps(self, objectives: Sequence[Objective]) -> bool:
        """Whether it succeeded, and its own latency, first item and mean gap are within the objectives' limits."""
        if self.error is not None:
            return False
        first = 0.0 if self.first is None else self.first - self.due
        mine = {"latency": self.latency, "first": first, "gap": self.mean_gap}
        limits: dict[str, float] = {}
        for objective in objectives:
            if objective.metric != "errors":
                limits[objective.metric] = max(limits.get(objective.metric, 0.0), objective.limit)
        return all(mine[metric] <= limit for metric, limit in limits.items())


class Window:
    """What was counted in a span of time; several spans can be merged.

    Calls count by the time they were due. Of what is counted by the second, a call that is partly within the span
    counts by this part, so that the edges of a span neither add nor lose calls.

    Attributes:
        seconds: the length of the span.
        latency: the latencies of the calls that succeeded.
        first: the times to their first items.
        gaps: the times between their items.
        late: how long after it was due each call began.
        lag: how late the event loop woke the tool up.
        done: calls that succeeded, by their part within the span.
        good: those of them that kept the objectives.
        failed: calls that failed, by their part.
        items: the items of those that succeeded, by their part.
        sent: the bytes of their requests, by their part.
        received: the bytes of their responses, by their part.
        errors: the calls that failed, by kind.
        ended: calls that succeeded within the span, and `ended_latency`, the sum of their latencies: what is known at
            its end already.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds: float = seconds
        self.latency: Histogram = Histogram()
        self.first: Histogram = Histogram()
        self.gaps: Histogram = Histogram()
        self.late: Histogram = Histogram()
        self.lag: Histogram = Histogram()
        self.done: float = 0.0
        self.good: float = 0.0
        self.failed: float = 0.0
        self.items: float = 0.0
        self.sent: float = 0.0
        self.received: float = 0.0
        self.errors: Counter[str] = Counter()
        self.ended: int = 0
        self.ended_latency: float = 0.0

    def count(self, call: Call) -> None:
        """Count a call that was due in this span and has ended."""
        if call.error is not None:
            is_known = call.error in self.errors or len(self.errors) < _MOST_KINDS
            self.errors[call.error if is_known else "others"] += 1
            return
        self.latency.add(call.latency)
        self.late.add(call.start - call.due)
        if call.first is not None:
            self.first.add(call.first - call.due)

    def share(self, call: Call, part: float, *, is_good: bool) -> None:
        """Count the part of a call that was within this span."""
        if call.error is not None:
            self.failed += part
            return
        self.done += part
        self.good += part * is_good
        self.items += part * call.items
        self.sent += part * call.sent
        self.received += part * call.received

    def merge(self, other: Window) -> None:
        """Add what another window counted."""
        self.seconds += other.seconds
        for name in ("latency", "first", "gaps", "late", "lag"):
            mine: Histogram = getattr(self, name)
            mine.merge(getattr(other, name))
        for name in ("done", "good", "failed", "items", "sent", "received", "ended", "ended_latency"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.errors.update(other.errors)


def merged(windows: Sequence[Window]) -> Window:
    """One window with what all of them counted."""
    found = Window()
    for window in windows:
        found.merge(window)
    return found


def total(windows: Sequence[Window], plan: Plan) -> Window:
    """What a measurement counts: all windows of a duration, else the last three."""
    return merged(windows if plan.duration is not None else windows[-STABLE:])


def beside(windows: Sequence[Window]) -> Window:
    """One window with what all of them counted in the same span of time, as several processes do."""
    found = merged(windows)
    found.seconds = max((window.seconds for window in windows), default=0.0)
    return found


def agree(windows: Sequence[Window], tolerance: float) -> bool:
    """Whether the last three windows agree.

    Their throughput and their mean latency must each be within the tolerance of the mean of the three, counted by the
    calls that ended in them.
    """
    last = windows[-STABLE:]
    if len(last) < STABLE or not all(window.ended for window in last):
        return False
    rates = [window.ended / window.seconds for window in last]
    means = [window.ended_latency / window.ended for window in last]
    return all(
        abs(value - sum(values) / STABLE) <= tolerance * sum(values) / STABLE
        for values in (rates, means)
        for value in values
    )


class Slot:
    """A short span of a timeline.

    Attributes:
        latency: the latencies of the calls that ended within it.
        failed: the calls that failed within it.
    """

    __slots__ = ("failed", "latency")

    def __init__(self) -> None:
        self.latency: Histogram = Histogram()
        self.failed: int = 0

    def merge(self, other: Slot) -> None:
        """Add what another one counted."""
        self.latency.merge(other.latency)
        self.failed += other.failed


class Timeline:
    """Calls over time, by when they ended. Its spans double in length as it grows, so that there are few.

    Attributes:
        width: the seconds of a span.
    """

    def __init__(self, width: float = 0.125) -> None:
        self.width: float = width
        self._slots: dict[int, Slot] = {}

    def add(self, at: float, latency: float | None) -> None:
        """Count a call.

        Args:
            at: seconds since the timeline's start.
            latency: its latency; None if it failed.
        """
        number = max(int(at / self.width), 0)
        while number >= _MOST_SLOTS:
            self._double()
            number //= 2
        slot = self._slots.setdefault(number, Slot())
        if latency is None:
            slot.failed += 1
        else:
            slot.latency.add(latency)

    def merge(self, other: Timeline) -> None:
        """Add what another one counted, which began at the same time. It may be changed."""
        while self.width < other.width:
            self._double()
        while other.width < self.width:
            other._double()
        for number, slot in other._slots.items():
            self._slots.setdefault(number, Slot()).merge(slot)

    def _double(self) -> None:
        slots, self._slots, self.width = self._slots, {}, self.width * 2
        for number, slot in slots.items():
            self._slots.setdefault(number // 2, Slot()).merge(slot)

    def __iter__(self) -> Iterator[tuple[float, Slot]]:
        """Each span with its start, in seconds; those in which no call ended are left out."""
        for number in sorted(self._slots):
            yield number * self.width, self._slots[number]


class Recorder:
    """Counts the calls of one load.

    Args:
        plan: how long it is measured.
        objectives: what a good call keeps.
        start: when the load starts, with the warm-up.

    Attributes:
        timeline: the calls over time.
        windows: the windows so far, with the one that goes on.
        end: the end of the last one, as far as it is known.
        closed: the number of windows that have ended.
    """

    def __init__(self, plan: Plan, objectives: Sequence[Objective], start: float) -> None:
        self.timeline: Timeline = Timeline()
        self.windows: list[Window] = []
        self._aside = Window()  # of calls of the warm-up, and after the end
        self.closed: int = 0
        self._plan = plan
        self._objectives = objectives
        self._start = start
        self._origin = start + plan.warm_up
        self.end: float = self.end_of(plan.windows - 1)

    def end_of(self, number: int) -> float:
        """When a window ends."""
        return self._origin + (number + 1) * self._plan.width

    def close(self, number: int) -> None:
        """A window has ended."""
        self._window(self._origin + (number + 0.5) * self._plan.width)
        self.closed = number + 1

    def finish(self) -> None:
        """Take the end of the last window that has ended for the end of the measurement."""
        self.end = self._origin + self.closed * self._plan.width
        del self.windows[self.closed :]

    def stop(self, at: float) -> None:
        """The measurement ends early, amid a window, or even before the first one."""
        if at < self.end:
            last = self._number(at)
            if last >= 0:
                self._window(at).seconds = at - self.end_of(last - 1)
            del self.windows[max(last + 1, 0) :]
            self.closed = len(self.windows)
            self.end = at

    def began(self, due: float, clock: Callable[[], float]) -> Call:
        """A call begins."""
        return Call(due, clock, self._window(due).gaps)

    def ended(self, call: Call) -> None:
        """A call has ended, well or with an error."""
        self.timeline.add(call.end - self._start, None if call.error is not None else call.latency)
        self._window(call.due).count(call)
        if call.error is None and call.end < self.end:
            last = self._window(call.end)
            last.ended += 1
            last.ended_latency += call.latency
        is_good = call.keeps(self._objectives)
        length = call.end - call.start
        if length <= 0:
            self._window(call.start).share(call, 1.0, is_good=is_good)
            return
        width = self._plan.width
        self._window(call.end)
        for number in range(max(self._number(call.start), 0), min(self._number(call.end) + 1, len(self.windows))):
            low = self._origin + number * width
            part = (min(call.end, low + width) - max(call.start, low)) / length
            if part > 0:
                self.windows[number].share(call, part, is_good=is_good)

    def lagged(self, at: float, seconds: float) -> None:
        """The event loop woke the tool up so late."""
        self._window(at).lag.add(seconds)

    def is_stable(self) -> bool:
        """Whether the windows that have ended agree."""
        return agree(self.windows[: self.closed], self._plan.tolerance)

    def result(self) -> Window:
        """What the measurement counts: all windows of a duration, else the last three."""
        return total(self.windows, self._plan)

    def _number(self, at: float) -> int:
        return math.floor((at - self._origin) / self._plan.width)

    def _window(self, at: float) -> Window:
        number = self._number(at)
        if not 0 <= number < self._plan.windows or at >= self.end:
            return self._aside
        while number >= len(self.windows):  # also before the one before is closed, which may be late
            self.windows.append(Window(self._plan.width))
        return self.windows[number]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured under one load.

    Attributes:
        window: what was counted.
        timeline: the calls over time.
        stable: whether the windows agreed; None if a duration was measured, or it was stopped.
        cpu: the cores that each process of the tool was busy on.
        is_stopped: whether it was stopped early.
    """

    window: Window
    timeline: Timeline
    stable: bool | None
    cpu: Sequence[float]
    is_stopped: bool = False


OnTick: TypeAlias = Callable[[float, Sequence[Window]], object]
"""Called while a load goes on, with the seconds since it started and the windows so far."""
