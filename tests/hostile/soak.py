"""Many mixed calls through the fault-injecting proxy: ``python -m tests.hostile.soak --calls 10000``.

Each call gives the right value or raises one of the client's exceptions, in its time.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from bento_sync import BentoMLException, CallTimeout, RetryPolicy, SyncHTTPClient, Timeout
from tests.parity.faces import FACES, Face
from tests.servers import Servers

from .faults import Proxy

TOTAL = 20.0
HANGS = TOTAL + 10  # later than that, a call has not kept its deadline


def _text(client: SyncHTTPClient, chance: random.Random) -> bool:
    text = "é" * chance.randrange(2000) + str(chance.random())
    return bool(client.echo_str(text=text) == text)


def _number(client: SyncHTTPClient, chance: random.Random) -> bool:
    a, b = chance.randrange(1 << 40), chance.randrange(1 << 40)
    return bool(client.add_int(a=a, b=b) == a + b)


def _json(client: SyncHTTPClient, chance: random.Random) -> bool:
    data = {str(n): [n, chance.random(), "ü" * n] for n in range(chance.randrange(200))}
    return bool(client.echo_dict(data=data) == data)


def _stream(client: SyncHTTPClient, chance: random.Random) -> bool:
    count = chance.randrange(1, 5)
    return list(client.stream_int(n=count)) == list(range(count))


def _words(client: SyncHTTPClient, chance: random.Random) -> bool:
    text = "日本語 é " * chance.randrange(1, 5) + str(chance.random())
    return "".join(client.stream_multibyte(text=text, delay=0)) == text


def _download(client: SyncHTTPClient, chance: random.Random) -> bool:
    size = chance.choice((0, 1, 256, 300_000))
    path = client.bin_out(size=size)
    try:
        return bool(path.stat().st_size == size)
    finally:
        path.unlink()


def _upload(client: SyncHTTPClient, chance: random.Random) -> bool:
    data = chance.randbytes(chance.choice((1, 1000, 400_000)))
    return bool(client.file_in(data)["size"] == len(data))


def _left(client: SyncHTTPClient, chance: random.Random) -> bool:
    with client.stream_endless(tag=str(chance.random())) as stream:
        return isinstance(next(stream), str)


CALLS: tuple[Callable[[SyncHTTPClient, random.Random], bool], ...] = (
    _text, _number, _json, _stream, _words, _download, _upload, _left
)  # fmt: skip


def soak(face: Face, url: str, calls: int, seed: int, threads: int = 4) -> Counter[str]:
    """Make so many calls; count what became of them: ``right``, ``wrong``, ``hung``, or the error's name."""
    timeout = Timeout(connect=5, send=5, receive=5, pool=10, total=TOTAL)
    with face.client(url, timeout=timeout, retries=RetryPolicy(attempts=3, backoff=0.01)) as client:
        client.wait_until_server_ready(60)

        def worker(number: int) -> Counter[str]:
            chance = random.Random(f"{seed} {number}")
            outcomes: Counter[str] = Counter()
            for _ in range(calls // threads):
                outcomes[_outcome(client, chance)] += 1
            return outcomes

        with ThreadPoolExecutor(threads) as pool:
            return sum(pool.map(worker, range(threads)), Counter())


def _outcome(client: SyncHTTPClient, chance: random.Random) -> str:
    started = time.monotonic()
    call = chance.choice(CALLS)
    try:
        outcome = "right" if call(client, chance) else f"wrong {call.__name__}"
    except CallTimeout:
        outcome = "CallTimeout"
    except BentoMLException as error:
        outcome = type(error).__name__
    except Exception as error:  # noqa: BLE001 - which is what must not be
        outcome = f"wrong {call.__name__} {error!r}"
    return outcome if time.monotonic() - started < HANGS else f"hung {call.__name__}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000, help="of each client")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--face", choices=[face.name for face in FACES], action="append")
    options = parser.parse_args()
    bad = 0
    with closing(Servers()) as servers:
        for face in FACES:
            if options.face and face.name not in options.face:
                continue
            started = time.monotonic()
            with Proxy(servers.server("zoo:Zoo").port, options.seed) as proxy:
                outcomes = soak(face, proxy.url, options.calls, options.seed)
            bad += sum(count for what, count in outcomes.items() if what.startswith(("wrong", "hung")))
            print(
                f"{face.name}: {sum(outcomes.values())} calls in {time.monotonic() - started:.0f} s, "
                f"seed {options.seed}; "
                f"{proxy.cuts} of {proxy.connections} connections cut; {dict(outcomes)}",
                flush=True,
            )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
