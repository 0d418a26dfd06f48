"""Measure the clients beside their peers: ``make bench``, or ``python tools/bench.py call first --quick``.

Each measurement runs in a process of its own. A round measures every contender once, in random order, and ratios are
taken within a round. On Linux the server and the client have a core each.

With ``--together`` the contenders of a round run at the same time and share the client's core. The ratios of their CPU
time are then steady on a machine whose speed changes from one second to the next.
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
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

from benchmarks.report import chart, tables
from benchmarks.scenarios import ALIKE, BEFORE, ENVIRONMENTS, NOT_INSTALLED, SCENARIOS, WAITS, Scenario, is_ours
from benchmarks.servers import ROOT, Server, fast_server, issue_certificate, on_core, real_server

ROUNDS = 7
# Without these thresholds glibc returns freed memory to the system, or does not, depending on the layout of the heap.
PINNED = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 28), "MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_TOP_PAD_": str(1 << 24),
}  # fmt: skip

Figures: TypeAlias = "dict[str, float]"
Results: TypeAlias = "dict[str, dict[str, list[Figures]]]"
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


def entries(scenario: Scenario, pythons: Mapping[str, str], quick: bool, only: Collection[str]) -> list[Entry]:
    """Return the contenders of a round: those in ``only``, or all. Those whose environment is missing are left out.

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
        if python is not None and (not only or name in only):
            found.append(Entry(name, contender, python, pinned=False))
    if scenario.allocators and sys.platform == "linux":
        found += [entry._replace(pinned=True) for entry in found if not quick or is_ours(entry.contender)]
    return found


class Measurement:
    """The process that measures one contender.

    Args:
        name: the scenario.
        entry: the contender.
        url: the server's.
        amount: the work: see `Scenario`.
        environ: further environment variables.
        waits: whether it waits for `begin` when it is warm.
    """

    def __init__(
        self, name: str, entry: Entry, url: str, amount: float, environ: Mapping[str, str], waits: bool = False
    ) -> None:
        self._what = f"{name}, {entry.name}"
        self._folder = tempfile.TemporaryDirectory(prefix="bench-")
        arguments = [name, entry.contender, url, str(amount), *([WAITS] if waits else [])]
        own = {**os.environ, **(PINNED if entry.pinned else {}), **environ, "BENTOML_DO_NOT_TRACK": "True"}
        self._process = subprocess.Popen(
            on_core(1, [entry.python, "-m", "benchmarks.worker", *arguments]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            env={**own, "TMPDIR": self._folder.name},
        )  # fmt: skip

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def wait_until_warm(self) -> None:
        assert self._process.stdout is not None
        self._process.stdout.readline()  # empty if it has failed, which `figures` tells

    def begin(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write("\n")
            self._process.stdin.flush()

    def figures(self) -> Figures | Exception:
        """Wait for the end; return what was measured, or why it was not."""
        try:
            printed, complaints = self._process.communicate(timeout=600)
        except subprocess.TimeoutExpired as error:
            return error
        if self._process.returncode == NOT_INSTALLED:
            return NotInstalled(complaints.strip())
        if self._process.returncode:
            return RuntimeError(f"{self._what}: {complaints[-2000:].strip()}")
        found: Figures = json.loads(printed.splitlines()[-1])
        return found


def one_by_one(
    name: str, entries: Sequence[Entry], url: str, amount: float, environ: Mapping[str, str]
) -> Iterator[tuple[Entry, Figures | Exception]]:
    """Measure one contender after the other."""
    for entry in entries:
        with closing(Measurement(name, entry, url, amount, environ)) as measurement:
            yield entry, measurement.figures()


def at_once(
    name: str, entries: Sequence[Entry], url: str, amount: float, environ: Mapping[str, str]
) -> Iterator[tuple[Entry, Figures | Exception]]:
    """Measure all contenders at the same time, each for as many times as long as there are contenders."""
    with ExitStack() as stack:
        measurements = [
            stack.enter_context(closing(Measurement(name, entry, url, amount * len(entries), environ, waits=True)))
            for entry in entries
        ]
        for measurement in measurements:
            measurement.wait_until_warm()
        for measurement in measurements:
            measurement.begin()
        for entry, measurement in zip(entries, measurements, strict=True):
            yield entry, measurement.figures()


def run(
    names: list[str],
    server: Server,
    authority: Path,
    rounds: int,
    pythons: Mapping[str, str],
    *,
    quick: bool,
    together: bool,
    only: Collection[str],
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
        everybody = entries(scenario, pythons, quick, only)
        started = time.monotonic()
        for _ in range(times):
            present = [entry for entry in random.sample(everybody, len(everybody)) if entry.name not in missing]
            amount = scenario.amount[1 if quick else 0]
            measured = at_once if together and scenario.is_timed else one_by_one
            for entry, figures in measured(name, present, url, amount, environ):
                if isinstance(figures, NotInstalled):
                    missing.add(entry.name)
                    _say(f"{entry.name} is skipped: {figures}")
                elif isinstance(figures, Exception):
                    if entry.contender in scenario.may_fail:
                        _say(f"{name}: {entry.name} fails: {str(figures).splitlines()[-1]}")
                    else:
                        failures.append(str(figures))
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
    parser.add_argument("--together", action="store_true", help="measure the contenders of a timed scenario at once")
    parser.add_argument("--only", metavar="NAME,...", help="the contenders; by default all")
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
        names = options.names or [name for name in SCENARIOS if not (options.quick and name in ALIKE)]
        results, failures = run(
            names, server, certificate.authority, rounds, pythons,
            quick=options.quick, together=options.together, only=options.only.split(",") if options.only else (),
        )  # fmt: skip
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
