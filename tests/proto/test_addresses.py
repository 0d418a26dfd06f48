"""The order and the times of connection attempts to a host's addresses."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bento_proto.http import ConnectionRace, is_address

SIX, FOUR = "IPv6", "IPv4"


def started(race: ConnectionRace[str], now: float) -> list[str]:
    """The addresses of all attempts that are due."""
    found: list[str] = []
    while (address := race.start(now)) is not None:
        found.append(address)
    return found


def test_families_take_turns_beginning_with_the_first() -> None:
    addresses = [(SIX, "6a"), (SIX, "6b"), (SIX, "6c"), (FOUR, "4a"), (SIX, "6a"), (FOUR, "4b")]
    race: ConnectionRace[str] = ConnectionRace(addresses, 0.0)
    order = [started(race, number * 0.25) for number in range(6)]
    assert order == [["6a"], ["4a"], ["6b"], ["4b"], ["6c"], []]


def test_a_stagger_lies_between_two_starts() -> None:
    race: ConnectionRace[str] = ConnectionRace([(SIX, "6"), (FOUR, "4")], 10.0)
    assert race.next_at == 10.0
    assert started(race, 10.0) == ["6"]
    assert race.next_at == 10.25
    assert started(race, 10.24) == []
    assert started(race, 10.25) == ["4"]
    assert race.next_at == math.inf


def test_after_a_failure_the_next_attempt_starts_at_once() -> None:
    race: ConnectionRace[str] = ConnectionRace([(SIX, "6"), (FOUR, "4")], 0.0)
    lost: list[bool] = []
    for now, address in ((0.0, "6"), (0.1, "4")):
        assert started(race, now) == [address]
        race.fail(now + 0.1)
        lost.append(race.is_lost)
    assert lost == [False, True]
    assert race.next_at == math.inf
    assert started(race, 1.0) == []


def test_a_host_without_addresses_is_lost_from_the_start() -> None:
    race: ConnectionRace[str] = ConnectionRace([], 0.0)
    assert race.is_lost
    assert race.next_at == math.inf
    assert repr(race) == "<ConnectionRace: 0 attempts, 0 addresses left>"


@given(st.lists(st.tuples(st.sampled_from([SIX, FOUR, "other"]), st.integers(0, 9))), st.lists(st.booleans()))
def test_each_address_is_tried_once(addresses: list[tuple[str, int]], failing: list[bool]) -> None:
    race: ConnectionRace[str] = ConnectionRace([(family, f"{family} {number}") for family, number in addresses], 0.0)
    now, found, running = 0.0, list[str](), 0
    while race.next_at < math.inf:
        now = race.next_at
        new = started(race, now)
        assert len(new) == 1
        found += new
        running += 1
        if failing and failing.pop():
            race.fail(now)
            running -= 1
    assert sorted(found) == sorted({f"{family} {number}" for family, number in addresses})
    assert race.is_lost is (running == 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%eth0", "1.2.3.4"])
def test_an_address_needs_no_resolver(host: str) -> None:
    assert is_address(host)


@pytest.mark.parametrize("host", ["localhost", "localhost.", "1.example", "xn--strae-oqa.example", "3com"])
def test_a_name_needs_one(host: str) -> None:
    assert not is_address(host)
