"""Measure the clients beside their peers: ``make bench``, or ``python tools/bench.py call first --quick``.

Each measurement runs in a process of its own. A round measures every contender once, in random order, and ratios are
taken within a round. On Linux the server and the client have a core each.
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
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, TypeAlias

from benchmarks.report import chart, tables
from benchmarks.scenarios import BEFORE, ENVIRONMENTS, NOT_INSTALLED, SCENARIOS, Scenario, is_ours
from benchmarks.servers import ROOT, Server, fast_server, issue_certificate, on_core, real_server

ROUNDS = 7
# Without these thresholds glibc returns freed memory to the system, or does not, depending on the layout of the heap.
PINNED = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 28), "MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_TOP_PAD_": str(1 << 24),
}  # fmt: skip

Results: TypeAlias = "dict[str, dict[str, list[dict[str, float]]]]"
"""By scenario and contender, the figures of each round."""


class Entry(NamedTuple):
    """A contender in a round.

    Attributes:
        name: the name in the tables.
        contender: the name that the worker knows.
        python: the python of its environment.
        pinned: pin the thresholds of the C library's allocator.
    """

    name: str
    contender: str
    python: str
    pinned: bool


class NotInstalled(Exception):
    """The contender is not in its environment."""


def entries(scenario: Scenario, pythons: Mapping[str, str], quick: bool) -> list[Entry]:
    """Return the contenders of a round. Those whose environment is missing are left out.

    In a quick run only our clients are measured a second time with the allocator pinned.
    """
    names = list(scenario.contenders)
    if "before" in pythons:
        names += [f"{name}{BEFORE}" for name in scenario.contenders if is_ours(name)]
    found: list[Entry] = []
    for name in names:
        contender = name.removesuffix(BEFORE)
        environment = "before" if contender != name else ENVIRONMENTS.get(contender)
        python = pythons.get(environment) if environment else sys.executable
        if python is not None:
            found.append(Entry(name, contender, python, pinned=False))
    if scenario.allocators and sys.platform == "linux":
        found += [entry._replace(pinned=True) for entry in found if not quick or is_ours(entry.contender)]
    return found


def measure(name: str, entry: Entry, url: str, amount: float, environ: Mapping[str, str]) -> dict[str, float]:
    """Measure one contender in a process of its own.

    Raises:
        NotInstalled: the contender is not in its environment.
        RuntimeError: it failed.
    """
    command = on_core(1, [entry.python, "-m", "benchmarks.worker", name, entry.contender, url, str(amount)])
    own = {**os.environ, **(PINNED if entry.pinned else {}), **environ, "BENTOML_DO_NOT_TRACK": "True"}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        own["TMPDIR"] = folder
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=own, timeout=600)
    if done.returncode == NOT_INSTALLED:
        raise NotInstalled(done.stderr.strip())
    if done.returncode:
        raise RuntimeError(f"{name}, {entry.name}: {done.stderr[-2000:].strip()}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(
    names: list[str], server: Server, authority: Path, rounds: int, quick: bool, pythons: Mapping[str, str]
) -> tuple[Results, list[str]]:
    """Measure the scenarios; return the figures and the failures.

    With https, clients trust ``authority``, a file that all of them find as OpenSSL's default.
    """
    results: Results = {}
    failures: list[str] = []
    missing: set[str] = set()
    for name in names:
        scenario = SCENARIOS[name]
        url = server.secure if scenario.secure else server.plain
        environ = {"SSL_CERT_FILE": str(authority)} if scenario.secure else {}
        times = 1 if name == "size" else rounds
        everybody = entries(scenario, pythons, quick)
        started = time.monotonic()
        for _ in range(times):
            for entry in random.sample(everybody, len(everybody)):
                if entry.name in missing:
                    continue
                try:
                    figures = measure(name, entry, url, scenario.amount[1 if quick else 0], environ)
                except NotInstalled as error:
                    missing.add(entry.name)
                    _say(f"{entry.name} is skipped: {error}")
                except (RuntimeError, subprocess.TimeoutExpired) as error:
                    if entry.contender in scenario.may_fail:
                        _say(f"{name}: {entry.name} fails: {str(error).splitlines()[-1]}")
                    else:
                        failures.append(str(error))
                else:
                    found = results.setdefault(name + (", allocator pinned" if entry.pinned else ""), {})
                    found.setdefault(entry.name, []).append(figures)
        _say(f"{name}: {times} rounds, {time.monotonic() - started:.0f} s")
    return results, failures


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SCENARIOS)}; by default all")
    parser.add_argument("--quick", action="store_true", help="a little of everything, to see that it works")
    parser.add_argument("--rounds", type=int, help=f"by default {ROUNDS}")
    parser.add_argument("--latency", type=float, default=0, metavar="MS", help="the server responds so many ms later")
    parser.add_argument("--real", action="store_true", help="against a BentoML server")
    parser.add_argument("--out", type=Path, help="a folder for the figures and the chart")
    parser.add_argument(
        "--python", action="append", default=[], metavar="NAME=PATH", help="the python of another environment"
    )
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(SCENARIOS)):
        parser.error(f"unknown scenario: {', '.join(unknown)}")
    if options.latency and options.real:
        parser.error("--latency is an option of the fast server")
    return options


def main() -> int:
    options = _options()
    pythons = dict(each.split("=", 1) for each in options.python)
    rounds = options.rounds or (1 if options.quick else ROUNDS)
    with ExitStack() as stack:
        certificate = issue_certificate(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))))
        serving = real_server(certificate) if options.real else fast_server(certificate, options.latency)
        server = stack.enter_context(serving)
        names = options.names or list(SCENARIOS)
        results, failures = run(names, server, certificate.authority, rounds, options.quick, pythons)
    if options.latency:
        print(f"\nThe server responds {options.latency:g} ms later.")
    print(tables(results))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        document = {
            "machine": f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}",
            "server": "BentoML" if options.real else "fast",
            "latency": options.latency,
            "rounds": rounds,
            "results": results,
        }
        (options.out / "benchmarks.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        (options.out / "benchmarks.svg").write_text(chart(results), encoding="utf-8")
    print(*failures, sep="\n\n", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
