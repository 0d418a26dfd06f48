"""How many calls a Service takes at a time, found out by those that it refuses: AIMD, as in TCP (RFC 5681)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from bento_proto.errors import BentoMLException, ConnectError, ConnectionLost, LocalProtocolError

_DECREASE: Final = 0.9  # to what part of the limit a refusal leads
_MOST_CAUTION: Final = 16
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 2.0  # one request every two seconds harms no Service that starts
POLL: Final = 0.1  # seconds after which to ask again, where the calls of other batches have to end
_FORGOTTEN: Final = 1.0  # seconds after which a batch that asks no more is not waited for
_ROUNDS: Final = 8  # measured before a larger number is tried
_OVERLOAD: Final = frozenset({429, 502, 503, 504})


def is_overload(error: BaseException) -> bool:
    """Whether an error says that the Service, or what is before it, takes no more calls now."""
    if isinstance(error, (ConnectError, ConnectionLost)):
        return True
    return isinstance(error, BentoMLException) and error.error_code in _OVERLOAD


class Slot:
    """A call under way.

    Args:
        owner: the batch that makes it.
        epoch: how many times the limit was lowered before it began.
    """

    __slots__ = ("epoch", "owner")

    def __init__(self, owner: object, epoch: int) -> None:
        self.owner: object = owner
        self.epoch: int = epoch


class CongestionControl:
    """The limit of concurrent calls that a Service has shown by refusing some, for all batches of a client.

    Its plain calls have the share of one batch, where `RetryPolicy.adaptive` is set.

    There is no limit until a call is refused. A refusal lowers it to nine tenths, and to the number of calls that are
    still under way, since the Service took those; all refusals of calls that began before count as one. Each accepted
    call raises it: by one up to half of what it was, from there on by one for as many calls as it allows, or for up to
    sixteen times as many where it was refused again and again.

    When no call is under way that could be accepted, there is a pause, which doubles from a quarter of a second to two
    seconds, is shortened by up to a quarter at random, and is at least as long as a ``Retry-After``. Then a single call
    probes; once it is accepted, more follow.

    The batches share the limit evenly. Those without any call get the next ones that are free, in their order. Threads
    may use an instance at the same time: at worst the limit is off by one.

    Args:
        random: returns a random number from 0 to 1.

    Attributes:
        limit: the most concurrent calls; `math.inf` as long as none was refused.
        accepted: the number of calls that the Service accepted.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self.limit: float = math.inf
        self.accepted: int = 0
        self._random = random
        self._slots: set[Slot] = set()
        self._asking: dict[int, float] = {}  # batches without a call, in order of arrival, and when they asked last
        self._epoch = 0
        self._threshold = 1.0  # below it the limit grows fast
        self._peak = 0.0  # how many calls there were at the last refusal
        self._caution = 1  # how much slower the limit grows, as it was refused there before
        self._resumes = -math.inf  # when the pause ends
        self._refused_since: float | None = None  # the first refusal after the last call that was accepted
        self._pauses = 0  # since then
        self._probing = False
        self._prober: Slot | None = None

    def __repr__(self) -> str:
        return f"<CongestionControl: {len(self._slots)} calls, limit {self.limit:.3g}>"

    def wait(self, owner: object, now: float) -> float:
        """How many seconds a batch must wait before it may begin a call: 0 if it may now.

        `math.inf` means that a call of its own must end first.
        """
        if now < self._resumes:
            return self._resumes - now
        prober = self._prober
        if self._probing and prober is not None and prober in self._slots:
            return math.inf if prober.owner is owner else POLL
        if self.limit == math.inf or self._probing:
            return 0.0
        slots = [id(slot.owner) for slot in tuple(self._slots)]
        own = slots.count(id(owner))
        asking = [other for other, asked in tuple(self._asking.items()) if now - asked < _FORGOTTEN]
        before = asking.index(id(owner)) if id(owner) in asking else len(asking)
        share = max(1, int(self.limit) // len({id(owner), *slots, *asking}))
        if own < share and len(slots) + before < int(self.limit):
            return 0.0
        if own:
            return math.inf
        if id(owner) not in asking:
            self._asking.pop(id(owner), None)  # it had its place long ago
        self._asking[id(owner)] = now
        return POLL

    def begin(self, owner: object) -> Slot:
        """A call begins."""
        slot = Slot(owner, self._epoch)
        self._slots.add(slot)
        self._asking.pop(id(owner), None)
        if self._probing:
            self._prober = slot
        return slot

    def accept(self, slot: Slot) -> None:
        """The Service accepted a call, whatever became of it.

        Raises:
            LocalProtocolError: the call is over, or another control's; nothing changed.
        """
        was_full = len(self._slots) >= self.limit - 1
        self._end(slot)
        self.accepted += 1
        self._refused_since, self._pauses, self._probing = None, 0, False
        if self.limit == math.inf:
            return
        if self.limit < self._threshold:
            self.limit += 1
        elif was_full:  # else nobody knows whether the Service would take more
            self.limit += 1 / self.limit / self._caution
            if self.limit > self._peak + 1:
                self._caution = 1

    def refuse(self, slot: Slot, now: float, retry_after: float | None = None) -> None:
        """The Service refused a call, or could not be reached.

        Args:
            slot: the call.
            now: the time.
            retry_after: the seconds that the server asks to wait.

        Raises:
            LocalProtocolError: the call is over, or another control's; nothing changed.
        """
        before = min(self.limit, float(len(self._slots)))
        self._end(slot)
        if self._refused_since is None:
            self._refused_since = now
        if slot.epoch == self._epoch:
            self._epoch += 1
            if not self._probing:
                self._threshold = max(1.0, before / 2)
                is_known = abs(before - self._peak) <= max(1.0, self._peak / 4)
                self._peak, self._caution = before, min(_MOST_CAUTION, 2 * self._caution) if is_known else 1
            self.limit = min(self.limit, before * _DECREASE)
        self.limit = max(1.0, min(self.limit, float(len(self._slots))))
        if retry_after is not None:
            self._resumes = max(self._resumes, now + retry_after)
        if not self._slots:
            self._probing, self._prober = True, None
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._pauses, 99)) * (1 - self._random() / 4)
            self._resumes = max(self._resumes, now + pause)
            self._pauses += 1

    def drop(self, slot: Slot) -> None:
        """A call ended and told nothing: it was cancelled, or could not be made. Idempotent."""
        self._slots.discard(slot)

    def _end(self, slot: Slot) -> None:
        if slot not in self._slots:
            raise LocalProtocolError("the call is not under way")
        self._slots.discard(slot)

    def after_fork(self) -> None:
        """Forget the calls of the parent process, which end there."""
        self._slots.clear()
        self._asking.clear()

    def outage(self, now: float) -> float:
        """For how many seconds the Service has accepted no call and refused some."""
        return 0.0 if self._refused_since is None else now - self._refused_since


class ConcurrencySearch:
    """Finds the number of concurrent calls beyond which a Service that refuses none does not respond to more of them.

    The number doubles as long as the calls that end in a second become more by a tenth. From time to time a slightly
    larger number is tried again.

    Args:
        most: the largest number.

    Attributes:
        value: how many calls there may be at a time.
    """

    def __init__(self, most: int) -> None:
        self.value: int = min(4, most)
        self._most = most
        self._best = 0.0  # calls in a second, with as many calls at a time as `_kept`
        self._kept = self.value
        self._growing = True
        self._began: float | None = None
        self._calls = 0
        self._rounds = 0

    def end(self, running: int, now: float) -> None:
        """A call ended.

        Args:
            running: how many were under way, this one included.
            now: the time.
        """
        if running < self.value or self._began is None:
            self._began, self._calls = now, 0  # something else limits them: it would measure that
            return
        self._calls += 1
        if self._calls < max(8, 2 * self.value) or now <= self._began:
            return
        self._measured(self._calls / (now - self._began))
        self._began, self._calls = now, 0

    def _measured(self, rate: float) -> None:
        is_trial = self.value > self._kept or self._best == 0.0
        if is_trial and rate > self._best * 1.1:
            self._kept, self._best = self.value, rate
            self.value = min(self._most, 2 * self.value if self._growing else self.value)
            return
        if is_trial:
            self.value, self._growing, self._rounds = self._kept, False, 0
            return
        self._best = rate
        self._rounds += 1
        if self._rounds >= _ROUNDS:
            self.value, self._rounds = min(self._most, self.value + max(1, self.value // 4)), 0


__all__ = ("ConcurrencySearch", "CongestionControl", "Slot", "is_overload")
