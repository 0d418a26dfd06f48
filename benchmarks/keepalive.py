"""Calls lost to the keep-alive race: ``python tools/bench.py keepalive``.

BentoML's server closes a connection that was idle for five seconds. A client that sends at that moment loses its call.
Many threads share one client and pause for about five seconds between their calls: our client first, then BentoML's,
against one real server.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

KEEP_ALIVE = 5.0
ROOT = Path(__file__).resolve().parent.parent


def ours(url: str) -> Callable[[int], int]:
    from bento_sync import SyncHTTPClient

    client = SyncHTTPClient(url, timeout=60)
    return lambda number: client.add_int(a=number, b=1)


def bentomls(url: str) -> Callable[[int], int]:
    import bentoml  # type: ignore[import-not-found]  # it is in the server's environment

    client = bentoml.SyncHTTPClient(url, timeout=60)
    return lambda number: client.add_int(a=number, b=1)


CLIENTS = {"ours": ours, "bentoml": bentomls}


def measure(name: str, url: str, calls: int, threads: int, seed: int, spread: float) -> Counter[str]:
    """Make the calls, and count their outcomes."""
    call = CLIENTS[name](url)

    def worker(number: int) -> Counter[str]:
        chance = random.Random(seed + number)
        outcomes: Counter[str] = Counter()
        for turn in range(calls // threads):
            if turn:
                time.sleep(KEEP_ALIVE + chance.uniform(-spread, spread))
            try:
                outcomes["right" if call(turn) == turn + 1 else "wrong"] += 1
            except Exception as exc:  # noqa: BLE001 - any exception is a lost call
                outcomes[type(exc).__name__] += 1
        return outcomes

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(worker, range(threads)), Counter())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--spread", type=float, default=0.004, help="how much the pauses vary, in seconds")
    parser.add_argument("--measure", nargs=2, metavar=("CLIENT", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        client, url = options.measure
        print(json.dumps(measure(client, url, options.calls, options.threads, options.seed, options.spread)))
        return

    from services import find_server
    from tests.servers import Servers

    with closing(Servers()) as servers:
        url = servers.url("zoo:Zoo")
        for client, python in (("ours", Path(sys.executable)), ("bentoml", find_server())):
            command = [str(python), __file__, "--calls", str(options.calls), "--threads", str(options.threads)]
            command += ["--seed", str(options.seed), "--spread", str(options.spread), "--measure", client, url]
            quiet = {**os.environ, "BENTOML_DO_NOT_TRACK": "True"}
            printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=quiet, cwd=ROOT).stdout
            outcomes = json.loads(printed.splitlines()[-1])
            print(f"{client:8} {sum(outcomes.values())} calls: {outcomes}", flush=True)


if __name__ == "__main__":
    main()
