"""The places of the sync client's pools: nobody waits for one that is free, and no two hold the same."""

from __future__ import annotations

import queue
import threading
import time

import pytest

from bento_sync._places import Places

THREADS = 16


def test_last_in_is_first_out() -> None:
    places: Places[int] = Places(3)
    for number in range(3):
        places.put(number)
    assert [places.get() for _ in range(3)] == [2, 1, 0]
    with pytest.raises(queue.Empty):
        places.get(block=False)


def test_a_wait_ends_in_time() -> None:
    places: Places[int] = Places(1)
    started = time.monotonic()
    with pytest.raises(queue.Empty):
        places.get(timeout=0.05)
    assert time.monotonic() - started >= 0.05
    with pytest.raises(queue.Empty):
        places.get(timeout=0.0)


def test_each_is_held_by_one_thread_at_a_time_and_nobody_is_forgotten() -> None:
    places: Places[int] = Places(3)
    held: set[int] = set()
    errors: list[object] = []

    def work() -> None:
        try:
            for turn in range(500):
                number = places.get(timeout=30)
                assert number not in held
                held.add(number)
                if turn % 50 == 0:
                    time.sleep(0.0005)  # so that others find nothing and wait
                held.remove(number)
                places.put(number)
        except BaseException as error:  # noqa: BLE001 - told by the test
            errors.append(error)

    for number in range(3):
        places.put(number)
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(places.get(block=False) for _ in range(3)) == [0, 1, 2]


def test_who_waits_is_woken() -> None:
    places: Places[int] = Places(1)
    found: list[int] = []
    waiting = threading.Thread(target=lambda: found.append(places.get(timeout=30)))
    waiting.start()
    while not places._waiting:  # pyright: ignore[reportPrivateUsage]
        time.sleep(0.001)
    with places.mutex:  # as the garbage collector may, in the midst of a wait
        places.put(7)
    waiting.join()
    assert found == [7]
