"""The pool's decisions: every place is owned, idle or free, whatever happens in whatever order."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bento_async._pool import Decision, Pool

LIFETIME = 4.0


class PoolMachine(RuleBasedStateMachine):
    """Callers that come and go in any order, against a model: who owns what, what is idle since when, who waits."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.numbers = iter(range(10**9))
        self.owned: dict[int, int | None] = {}  # lease -> connection, or None while it has none
        self.idle: dict[int, float] = {}  # connection -> since when
        self.waiting: dict[int, bool] = {}  # lease -> whether it must be a new connection
        self.closed = False

    @initialize(size=st.integers(1, 4), most_idle=st.integers(0, 4))
    def start(self, size: int, most_idle: int) -> None:
        self.size = size
        self.most_idle = most_idle
        self.pool: Pool[int, int] = Pool(size, most_idle, LIFETIME)

    def apply(self, decision: Decision[int, int]) -> None:
        for connection in decision.close:
            del self.idle[connection]  # only an idle one is ever closed
        served = [lease for lease, _ in decision.use] + decision.open
        served.sort(key=list(self.waiting).index)
        assert served == list(self.waiting)[: len(served)], "somebody was overtaken"
        for lease, connection in decision.use:
            assert not self.waiting[lease], "a new connection was asked for"
            since = self.idle.pop(connection)
            assert self.now - since <= LIFETIME
            assert all(since >= other for other in self.idle.values()), "the one used last is used next"
            self.owned[lease] = connection
        self.owned.update(dict.fromkeys(decision.open))
        for lease in served + decision.refuse:
            del self.waiting[lease]
        assert self.closed or not decision.refuse

    @rule(fresh=st.booleans())
    def ask(self, fresh: bool) -> None:
        lease = next(self.numbers)
        self.waiting[lease] = fresh
        self.apply(self.pool.ask(lease, self.now, fresh=fresh))

    @rule()
    def take(self) -> None:
        connection = self.pool.take(self.now)
        expired = any(self.now - since > LIFETIME for since in self.idle.values())
        assert (connection is None) == (not self.idle or bool(self.waiting) or expired)
        if connection is not None:
            lease = next(self.numbers)
            self.waiting[lease] = False
            decision: Decision[int, int] = Decision()
            decision.use.append((lease, connection))
            self.apply(decision)

    @precondition(lambda self: self.owned)
    @rule(data=st.data())
    def connect(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(list(self.owned)))
        if self.owned[lease] is None:
            self.owned[lease] = next(self.numbers)

    @precondition(lambda self: any(connection is not None for connection in self.owned.values()))
    @rule(data=st.data(), at_once=st.booleans())
    def finish(self, data: st.DataObject, at_once: bool) -> None:
        lease = data.draw(st.sampled_from([lease for lease, c in self.owned.items() if c is not None]))
        connection = self.owned.pop(lease)
        assert connection is not None
        expired = any(self.now - since > LIFETIME for since in self.idle.values())
        decides = bool(self.waiting) or self.closed or expired or len(self.idle) == self.most_idle
        self.idle[connection] = self.now
        if at_once:
            assert self.pool.put_back(connection, self.now) != decides
            if not decides:
                return
            first = next(iter(self.waiting), None)
            next_ = self.pool.pass_on()
            assert next_ == (None if first is None or self.waiting[first] else first)
            if next_ is not None:
                decision: Decision[int, int] = Decision()
                decision.use.append((next_, connection))
                self.apply(decision)
                return
        self.apply(self.pool.give_back(connection, self.now))

    @precondition(lambda self: self.owned)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        del self.owned[data.draw(st.sampled_from(list(self.owned)))]
        self.apply(self.pool.free())

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(list(self.waiting)))
        del self.waiting[lease]
        self.pool.leave(lease)

    @rule(seconds=st.sampled_from([0.0, 0.5, LIFETIME, LIFETIME + 0.5]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self.closed)
    @rule()
    def close(self) -> None:
        self.closed = True
        self.apply(self.pool.close())

    @invariant()
    def every_place_is_owned_or_idle_or_free(self) -> None:
        if not hasattr(self, "pool"):
            return
        expected = (len(self.owned), len(self.idle), len(self.waiting))
        assert (self.pool.owned, self.pool.idle, self.pool.waiting) == expected
        assert len(self.owned) + len(self.idle) <= self.size
        assert len(self.idle) <= self.most_idle
        if self.closed:
            assert not self.idle
            assert not self.waiting
        if self.waiting:
            assert len(self.owned) == self.size, "somebody waits beside a place that is free"


TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=100, stateful_step_count=40)


def test_the_first_of_many_to_ask_is_the_first_to_get() -> None:
    pool: Pool[int, str] = Pool(1, 1, LIFETIME)
    assert pool.ask(0, 0.0).open == [0]
    for lease in range(1, 100):
        waiting = pool.ask(lease, 0.0)
        assert (waiting.open, waiting.use) == ([], [])
    order = [pool.give_back("it", 0.0).use[0] for _ in range(1, 100)]
    assert order == [(lease, "it") for lease in range(1, 100)]


@pytest.mark.parametrize(("idle_for", "used"), [(0.0, True), (LIFETIME, True), (LIFETIME + 0.001, False)])
def test_what_was_idle_for_too_long_is_closed(idle_for: float, used: bool) -> None:
    pool: Pool[int, str] = Pool(2, 2, LIFETIME)
    pool.ask(1, 0.0)
    pool.give_back("old", 10.0)
    decision = pool.ask(2, 10.0 + idle_for)
    assert (decision.use, decision.open, decision.close) == (([(2, "old")], [], []) if used else ([], [2], ["old"]))


def test_who_wants_a_new_connection_gets_one_in_the_place_of_an_idle_one() -> None:
    pool: Pool[int, str] = Pool(1, 1, LIFETIME)
    pool.ask(1, 0.0)
    pool.give_back("stale", 0.0)
    decision = pool.ask(2, 0.0, fresh=True)
    assert (decision.close, decision.open, decision.use) == (["stale"], [2], [])


def test_who_asked_first_for_a_new_connection_gets_no_other() -> None:
    pool: Pool[int, str] = Pool(1, 1, LIFETIME)
    pool.ask(0, 0.0)
    pool.ask(1, 0.0, fresh=True)
    assert pool.pass_on() is None
    given = pool.give_back("it", 0.0)
    assert (given.close, given.open) == (["it"], [1])


def test_a_closed_pool_refuses_who_asks_while_all_is_in_use() -> None:
    pool: Pool[int, str] = Pool(1, 1, LIFETIME)
    pool.ask(0, 0.0)
    pool.ask(1, 0.0)
    assert pool.close().refuse == [1]
    assert pool.ask(2, 0.0).refuse == [2]
