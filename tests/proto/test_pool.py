"""The connection pool: callers and connections that come and go in any order, held against a model."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bento_proto import Head, LocalProtocolError
from bento_proto.pool import ConnectionPool, PooledConnection, keep_alive_timeout

IDLE = 4.0  # seconds that a connection may be idle where the server says nothing
HEADS = st.sampled_from([None, Head(200, ()), *(Head(200, (("Keep-Alive", f"timeout={n}"),)) for n in (0, 1, 5, 10))])


class PoolMachine(RuleBasedStateMachine):
    """Who holds which place, which connections are idle until when, who waits."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.numbers = iter(range(10**9))
        self.held: dict[int, PooledConnection[int]] = {}  # by caller
        self.opened: dict[int, float] = {}  # each connection that is not closed, and when it was opened
        self.idle: dict[int, float] = {}  # connection -> when it expires, the longest idle one first
        self.waiting: dict[int, bool] = {}  # caller -> whether it needs a new connection
        self.closed = False
        self.found_closed = False

    @initialize(
        size=st.integers(1, 4),
        most_idle=st.integers(0, 4),
        lifetime=st.sampled_from([None, 6.0]),
        expiry=st.sampled_from([None, 2.0, 30.0]),
    )
    def start(self, size: int, most_idle: int, lifetime: float | None, expiry: float | None) -> None:
        self.size, self.most_idle, self.lifetime, self.expiry = size, most_idle, lifetime, expiry
        self.pool: ConnectionPool[int, int] = ConnectionPool(size, most_idle, lifetime, expiry)

    def close_connections(self) -> None:
        """Close what left the pool: each once, and never one that somebody holds."""
        in_use = {place.connection for place in self.held.values()}
        for connection in self.pool.closing:
            del self.opened[connection]
            self.idle.pop(connection, None)
            assert connection not in in_use
        self.pool.closing.clear()

    @precondition(lambda self: not self.closed)
    @rule(fresh=st.booleans())
    def acquire(self, fresh: bool) -> None:
        caller = next(self.numbers)
        usable = [connection for connection, until in self.idle.items() if until > self.now]
        place = self.pool.acquire(caller, self.now, fresh=fresh)
        if place is None:
            assert len(self.held) == self.size
            self.waiting[caller] = fresh
        elif place.connection is None:
            assert fresh or not usable
            self.held[caller] = place
        else:
            assert not fresh
            assert place.connection == usable[-1], "the connection that was used last is used next"
            del self.idle[place.connection]
            self.held[caller] = place
        self.close_connections()

    @precondition(lambda self: any(place.connection is None for place in self.held.values()))
    @rule(data=st.data())
    def open(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from([p for p in self.held.values() if p.connection is None]))
        connection = next(self.numbers)
        self.opened[connection] = self.now
        place.open(connection, self.now)

    @precondition(lambda self: any(place.connection is not None for place in self.held.values()))
    @rule(data=st.data())
    def find_closed(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from([p for p in self.held.values() if p.connection is not None]))
        assert place.connection is not None
        del self.opened[place.connection]
        place.connection = None
        self.found_closed = True

    @precondition(lambda self: self.held)
    @rule(data=st.data(), reusable=st.booleans(), head=HEADS)
    def release(self, data: st.DataObject, reusable: bool, head: Head | None) -> None:
        caller = data.draw(st.sampled_from(list(self.held)))
        place = self.held.pop(caller)
        connection = place.connection
        served = self.pool.release(place, self.now, reusable=reusable, head=head)
        is_kept = connection is not None and reusable and not self.closed
        if is_kept and connection is not None and self.lifetime is not None:
            is_kept = self.now - self.opened[connection] < self.lifetime
        if self.waiting:
            assert served == next(iter(self.waiting)), "first come, first served"
            if self.waiting.pop(served):
                is_kept = False
            assert place.connection == (connection if is_kept else None)
            self.held[served] = place
        else:
            assert served is None
            if is_kept and connection is not None and self.most_idle > 0:
                keep_alive = keep_alive_timeout(head)
                if keep_alive is None:
                    keep_alive = self.expiry or IDLE
                until = self.now + min(keep_alive, self.expiry or keep_alive)
                if self.lifetime is not None:
                    until = min(until, self.opened[connection] + self.lifetime)
                assert place.expires_at == until or (self.found_closed and self.now < place.expires_at < until)
                self.idle[connection] = place.expires_at
                assert connection not in self.pool.closing
            elif connection is not None:
                assert connection in self.pool.closing
        self.close_connections()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        caller = data.draw(st.sampled_from(list(self.waiting)))
        assert self.pool.cancel(caller)
        assert not self.pool.cancel(caller)
        del self.waiting[caller]

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def cancel_too_late(self, data: st.DataObject) -> None:
        assert not self.pool.cancel(data.draw(st.sampled_from(list(self.held))))

    @rule(seconds=st.sampled_from([0.5, 3.0, 5.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self.closed)
    @rule(closes=st.integers(0, 9))
    def close(self, closes: int) -> None:
        if closes == 0:
            self.closed = True
            assert self.pool.close() == list(self.waiting)
            self.waiting.clear()
            self.close_connections()
            assert self.pool.is_closed
            with pytest.raises(LocalProtocolError, match="closed"):
                self.pool.acquire(-1, self.now)

    @invariant()
    def every_place_is_held_idle_or_free(self) -> None:
        if hasattr(self, "pool"):
            pool = self.pool
            assert (pool.in_use, pool.idle, pool.waiting) == (len(self.held), len(self.idle), len(self.waiting))
            assert dict(pool.held) == {place: caller for caller, place in self.held.items()}
            assert pool.in_use + pool.idle <= self.size
            assert pool.idle <= self.most_idle
            assert not pool.waiting or pool.in_use == self.size
            in_use = {place.connection for place in self.held.values()} - {None}
            assert in_use | set(self.idle) == set(self.opened), "a connection was lost"
            assert repr(pool) == f"<ConnectionPool: {pool.in_use} in use, {pool.idle} idle, {pool.waiting} waiting>"


TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=100, deadline=None)


def test_a_place_says_what_is_in_it() -> None:
    place: PooledConnection[str] = PooledConnection()
    assert repr(place) == "<PooledConnection None>"
    place.open("c", 1.5)
    assert (repr(place), place.opened_at) == ("<PooledConnection 'c'>", 1.5)


def held(pool: ConnectionPool[str, int], *names: str) -> list[PooledConnection[str]]:
    """A place for each of these connections."""
    places: list[PooledConnection[str]] = []
    for name in names:
        place = pool.acquire(0, 0.0, fresh=True)
        assert place is not None
        place.open(name, 0.0)
        places.append(place)
    return places


def test_who_waits_for_a_new_connection_gets_the_place_and_not_the_connection() -> None:
    pool: ConnectionPool[str, int] = ConnectionPool(1, 1)
    (place,) = held(pool, "old")
    assert pool.acquire(7, 0.0, fresh=True) is None
    assert pool.release(place, 0.0, reusable=True) == 7
    assert (place.connection, pool.closing) == (None, ["old"])


def test_of_too_many_idle_connections_the_longest_idle_one_is_closed() -> None:
    pool: ConnectionPool[str, int] = ConnectionPool(2, 1)
    for place in held(pool, "first", "second"):
        pool.release(place, 0.0, reusable=True)
    assert (pool.closing, pool.idle) == (["first"], 1)


def test_no_connection_stays_idle_where_none_may() -> None:
    pool: ConnectionPool[str, int] = ConnectionPool(2, 0)
    (place,) = held(pool, "only")
    pool.release(place, 0.0, reusable=True)
    assert (pool.closing, pool.idle, pool.in_use) == (["only"], 0, 0)


def test_an_idle_connection_makes_room_for_a_new_one() -> None:
    pool: ConnectionPool[str, int] = ConnectionPool(1, 1)
    (place,) = held(pool, "idle")
    pool.release(place, 0.0, reusable=True)
    new = pool.acquire(1, 1.0, fresh=True)
    assert new is not None
    assert (new.connection, pool.closing) == (None, ["idle"])


def test_a_connection_at_the_end_of_its_life_is_not_used_again() -> None:
    pool: ConnectionPool[str, int] = ConnectionPool(2, 2, lifetime=6.0)
    early, late = held(pool, "early", "late")
    pool.release(early, 5.0, reusable=True)
    pool.release(late, 6.0, reusable=True)
    assert pool.closing == ["late"]
    assert pool.acquire(1, 6.0) is not early
    assert pool.closing == ["late", "early"]


def test_idle_connections_expire_when_the_caller_says_or_sooner_if_the_server_does() -> None:
    pool: ConnectionPool[str, int] = ConnectionPool(2, 2, expiry=3.0)
    silent, announced = held(pool, "silent", "announced")
    pool.release(silent, 0.0, reusable=True, head=Head(200, (("Keep-Alive", "timeout=60"),)))
    pool.release(announced, 0.0, reusable=True, head=Head(200, (("Keep-Alive", "timeout=2"),)))
    assert pool.acquire(3, 1.0) is silent
    assert pool.closing == ["announced"]
    pool.release(silent, 1.0, reusable=True)
    assert pool.acquire(4, 4.0) is not silent
    assert pool.closing == ["announced", "silent"]


class Server:
    """Closes connections that were idle for some time, for one caller, who calls now and then."""

    def __init__(self, keeps: float, expiry: float | None = None) -> None:
        self.keeps = keeps
        self.now = 1.0
        self.pool: ConnectionPool[float, int] = ConnectionPool(1, 1, expiry=expiry)
        self.last = -math.inf

    def call(self, after: float, head: Head | None = None) -> str:
        """Call once, so long after the last call, and say which connection the call went on."""
        self.now += after
        place = self.pool.acquire(0, self.now)
        assert place is not None
        how = "the same"
        if place.connection is None:
            how = "a new one"
        elif self.now - self.last >= self.keeps:
            how = "a new one, as the idle one was closed"
            place.connection = None
        if place.connection is None:
            place.open(self.now, self.now)
        self.last = self.now
        assert self.pool.release(place, self.now, reusable=True, head=head) is None
        return how


@pytest.mark.parametrize("keeps", [0.5, 1.0, 2.0, 3.0])
@given(gaps=st.lists(st.floats(0.01, 5), max_size=11))
def test_a_server_that_closes_idle_connections_sooner_is_seen_to_do_so_a_few_times(
    keeps: float, gaps: list[float]
) -> None:
    server = Server(keeps)
    expiry, seen = IDLE, 0
    for gap in gaps:  # less than a minute in all
        how = server.call(gap)
        assert how == "a new one" or gap < expiry
        if "closed" in how:
            expiry = gap / 2
            seen += 1
    assert seen <= 1 + math.log2(IDLE / keeps)


def test_an_idle_connection_that_was_found_closed_shortens_the_expiry_for_a_while() -> None:
    server = Server(1.0)
    assert server.call(0) == "a new one"
    assert server.call(0.9) == "the same"
    assert server.call(1.2) == "a new one, as the idle one was closed"
    assert server.call(0.7) == "a new one", "it was idle for longer than half of 1.2 seconds"
    assert server.call(0.5) == "the same"
    server.keeps = 9.0  # it was a restart
    server.call(60)
    assert server.call(3.9) == "the same", "a minute later it is forgotten"


def test_what_is_seen_again_is_remembered_for_longer() -> None:
    server = Server(1.0)
    server.call(0)
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        assert server.call(2) == "a new one, as the idle one was closed"
        server.call(60 * minutes - 3)
        assert server.call(2) == "a new one", f"still within {minutes} minutes"
        server.call(1)
    assert server.call(2) == "a new one, as the idle one was closed"


def test_the_shortest_of_the_times_counts_also_below_what_the_caller_says_and_the_server_announces() -> None:
    announces = Head(200, (("Keep-Alive", "timeout=5"),))
    server = Server(10.0, expiry=30.0)
    server.call(0)
    assert server.call(12) == "a new one, as the idle one was closed"
    assert server.call(5.5) == "the same"
    server.keeps = 3.0
    assert server.call(4, announces) == "a new one, as the idle one was closed"
    assert server.call(2.5) == "a new one"
    assert server.call(1.5, announces) == "the same"
    server.keeps = 0.0
    server.call(0.1)
    assert server.call(0.24) == "a new one, as the idle one was closed"
    server.keeps = 1.0
    assert server.call(0.24) == "the same"
    assert server.call(0.26) == "a new one", "no shorter than that"


def test_a_connection_that_was_not_idle_says_nothing_about_idle_ones() -> None:
    pool: ConnectionPool[str, int] = ConnectionPool(1, 1)
    (place,) = held(pool, "first")
    pool.release(place, 0.0, reusable=True)
    assert pool.acquire(1, 3.0) is place
    assert pool.acquire(2, 3.0) is None
    assert pool.release(place, 4.0, reusable=True) == 2
    place.open("second", 4.0)  # as the first broke on the way
    pool.release(place, 4.0, reusable=True)
    assert place.expires_at == 4.0 + IDLE


def test_when_the_pool_is_closed_who_waits_is_told_and_connections_close() -> None:
    pool: ConnectionPool[str, int] = ConnectionPool(2, 2)
    used, idle = held(pool, "used", "idle")
    pool.release(idle, 0.0, reusable=True)
    assert pool.close() == []
    pool.release(used, 0.0, reusable=True)
    assert pool.closing == ["idle", "used"]
    waiting: ConnectionPool[str, int] = ConnectionPool(1, 1)
    held(waiting, "used")
    assert waiting.acquire(3, 0.0) is None
    assert waiting.close() == [3]


def test_a_connection_expires_though_one_that_was_idle_for_longer_does_not() -> None:
    pool: ConnectionPool[str, int] = ConnectionPool(2, 2)
    long, short = held(pool, "long", "short")
    pool.release(long, 0.0, reusable=True, head=Head(200, (("Keep-Alive", "timeout=60"),)))
    pool.release(short, 0.0, reusable=True, head=Head(200, (("Keep-Alive", "timeout=2"),)))
    place = pool.acquire(3, 2.0)
    assert place is not None
    assert (place.connection, pool.closing) == ("long", ["short"])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("timeout=5", 4.0),
        ("timeout=5, max=100", 4.0),
        ("max=100,Timeout = 75", 74.0),
        ('timeout="15"', 14.0),
        ("timeout=1", 0.5),
        ("timeout=0", 0.0),
        ("timeout=-1", None),
        ("timeout=1.5", None),
        ("timeout=1000000000000", None),
        ("nottimeout=5", None),
        ("timeout", None),
        ("", None),
    ],
)
def test_the_time_that_the_server_says(value: str, seconds: float | None) -> None:
    assert keep_alive_timeout(Head(200, (("Keep-Alive", value),))) == seconds


def test_a_server_that_says_no_time() -> None:
    assert keep_alive_timeout(Head(200, ())) is None
    assert keep_alive_timeout(None) is None


@given(st.text(alphabet='timeoutTIMEOUT=0123456789,; "', max_size=40))
def test_whatever_the_server_says_the_time_is_none_or_a_number_from_0_up(value: str) -> None:
    seconds = keep_alive_timeout(Head(200, (("keep-alive", value),)))
    assert seconds is None or seconds >= 0
