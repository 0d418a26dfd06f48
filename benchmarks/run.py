"""Measure the clients beside their peers: ``make bench``, or ``python tools/bench.py call first --quick``.

Every measurement is a fresh process. A round has one of each contender, in random order; the ratios are those within
a round. Server and client have a core each, where the system can do that.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from benchmarks.report import chart, tables
from benchmarks.scenarios import SCENARIOS
from tests.servers import serve

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 7
# glibc gives memory back and asks for it anew, or does not, as the heap happens to be; this way it keeps it.
PINNED = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 28), "MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_TOP_PAD_": str(1 << 24),
}  # fmt: skip

Results: TypeAlias = "dict[str, dict[str, list[dict[str, float]]]]"
"""By scenario and contender, the figures of each round."""


@contextmanager
def fast_server() -> Iterator[str]:
    """A server that is no bottleneck, on a core of its own."""
    command = on_core(0, [sys.executable, "-m", "benchmarks.server"])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


@contextmanager
def real_server() -> Iterator[str]:
    """A BentoML server."""
    with serve("service:Bench", folder=ROOT / "benchmarks") as server:
        yield server.url


def on_core(index: int, command: list[str]) -> list[str]:
    """The command, bound to one of the cores that there are, if the system and their number allow it."""
    if sys.platform != "linux" or len(cores := sorted(os.sched_getaffinity(0))) < 2:
        return command
    bind = f"import os, sys; os.sched_setaffinity(0, {{{cores[index]}}}); os.execv(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-c", bind, *command]


def measure(
    python: str, scenario: str, contender: str, url: str, amount: float, folder: str, *, pinned: bool
) -> dict[str, float]:
    """One measurement, in a process of its own.

    Raises:
        RuntimeError: it failed.
    """
    command = on_core(1, [python, "-m", "benchmarks.worker", scenario, contender, url, str(amount)])
    environ = {**os.environ, **(PINNED if pinned else {}), "TMPDIR": folder, "BENTOML_DO_NOT_TRACK": "True"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environ, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{scenario}, {contender}: {done.stderr[-2000:].strip()}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(names: list[str], url: str, rounds: int, options: argparse.Namespace) -> tuple[Results, list[str]]:
    """Measure the scenarios; what failed is told in the second result."""
    results: Results = {}
    failures: list[str] = []
    for name in names:
        scenario = SCENARIOS[name]
        amount = scenario.amount[1 if options.quick else 0]
        variants = (False, True) if scenario.allocators and sys.platform == "linux" else (False,)
        times = 1 if name == "size" else rounds
        started = time.monotonic()
        for _ in range(times):
            entries = [(contender, pinned) for contender in scenario.contenders for pinned in variants]
            for contender, pinned in random.sample(entries, len(entries)):
                python = options.niquests if contender == "niquests" else sys.executable
                if python is None:
                    continue
                found = results.setdefault(name + (", allocator pinned" if pinned else ""), {})
                with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                    try:
                        figures = measure(python, name, contender, url, amount, folder, pinned=pinned)
                    except (RuntimeError, subprocess.TimeoutExpired) as error:
                        if contender in scenario.may_fail:
                            print(f"{name}: {contender} fails: {str(error).splitlines()[-1]}", file=sys.stderr)
                        else:
                            failures.append(str(error))
                    else:
                        found.setdefault(contender, []).append(figures)
        print(f"{name}: {times} rounds, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return results, failures


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", help=f"what to measure, of {', '.join(SCENARIOS)}; by default all")
    parser.add_argument("--quick", action="store_true", help="a little of everything: that it works, not how fast")
    parser.add_argument("--rounds", type=int, help=f"by default {ROUNDS}")
    parser.add_argument("--real", action="store_true", help="against a BentoML server")
    parser.add_argument("--out", type=Path, help="a folder for the figures and the chart")
    parser.add_argument("--niquests", help=argparse.SUPPRESS)  # the python of its environment
    options = parser.parse_args()
    unknown = set(options.names) - set(SCENARIOS)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    rounds = options.rounds or (1 if options.quick else ROUNDS)
    with real_server() if options.real else fast_server() as url:
        results, failures = run(options.names or list(SCENARIOS), url, rounds, options)
    print(tables(results))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        machine = f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}"
        server = "BentoML" if options.real else "fast"
        document = {"machine": machine, "server": server, "rounds": rounds, "results": results}
        (options.out / "benchmarks.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        (options.out / "benchmarks.svg").write_text(chart(results), encoding="utf-8")
    print(*failures, sep="\n\n", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
