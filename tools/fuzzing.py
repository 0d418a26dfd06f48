"""Fuzz what reads a server's answers: ``python tools/fuzzing.py [--seconds N | --minutes N] [harness ...]``.

Each harness of ``fuzz/harnesses``, or each that is named, runs under atheris, one after the other: for so many seconds
each, or so many minutes together. What a run learns goes to ``.fuzz/corpus``, and the next one begins with it; an input
that fails goes to ``.fuzz/found``. The report, ``.fuzz/report.md``, says of each harness how long it ran, and what came
of it.

``--max-len`` allows larger inputs. They begin with large seeds, which ``fuzz/large.py`` makes, and what they teach is
kept apart: small inputs find most defects, and a thousand times sooner.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from build import REQUIREMENTS, ensure_with_wheel
from environments import pythons
from steps import ROOT, Command

FUZZ = ROOT / "fuzz"
WORK = ROOT / ".fuzz"
HARNESSES = sorted(path.stem for path in (FUZZ / "harnesses").glob("*.py"))
SUPPORTED = ("3.12", "3.13")  # by the pinned atheris
MAX_LEN = 2000

# libFuzzer's options: no input is slower (in seconds) or takes more memory (in MiB).
LIMITS = ("-timeout=60", "-rss_limit_mb=3000")
EXECUTIONS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
FOUND = re.compile(r"Test unit written to (\S+)")


class Outcome(NamedTuple):
    """What came of one harness.

    Attributes:
        name: the harness.
        seconds: how long it ran, with what it takes to begin.
        executions: how many inputs it took; None if it did not come to its end.
        corpus: how many inputs it has to begin with next time.
        found: the input that failed, relative to the project; None if there is none.
        held: whether it came to its end, and no input failed.
    """

    name: str
    seconds: float
    executions: int | None
    corpus: int
    found: str | None
    held: bool

    @property
    def verdict(self) -> str:
        return "held" if self.held else f"FAILED: {self.found or 'it did not run to its end'}"


def main(arguments: Sequence[str] | None = None) -> int:
    options = parsed(arguments)
    interpreters = [found for version in SUPPORTED for found in pythons(version)]
    if sys.platform != "linux" or not interpreters:
        sys.exit(f"atheris is there for Linux, on Python {', '.join(SUPPORTED)}; the tests replay the corpora anywhere")
    python = ensure_with_wheel("fuzz", REQUIREMENTS / "fuzz.txt", python=interpreters[0])
    outcomes: list[Outcome] = []
    options.report.parent.mkdir(parents=True, exist_ok=True)
    for name in options.harness:
        outcomes.append(fuzz(python, name, options.seconds, options.max_len))
        options.report.write_text(report(outcomes, options.max_len), encoding="utf-8")  # a run may be interrupted
    print(f"\nreport: {options.report}", flush=True)
    return 0 if all(outcome.held for outcome in outcomes) else 1


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options: which harnesses, and the seconds for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("harness", nargs="*", help=f"of {', '.join(HARNESSES)}; by default all of them")
    time_of = parser.add_mutually_exclusive_group()
    time_of.add_argument("--seconds", type=int, default=60, help="for each harness; 0 for the corpora only")
    time_of.add_argument("--minutes", type=float, help="for all of them together")
    parser.add_argument("--max-len", type=int, default=MAX_LEN, help=f"bytes of an input; {MAX_LEN:,} by default")
    parser.add_argument("--report", type=Path, default=WORK / "report.md", help="where to write the report")
    options = parser.parse_args(arguments)
    if unknown := set(options.harness) - set(HARNESSES):
        parser.error(f"no such harness: {', '.join(sorted(unknown))}")
    options.harness = options.harness or HARNESSES
    if options.minutes is not None:
        options.seconds = share(options.minutes, len(options.harness))
    return options


def share(minutes: float, harnesses: int) -> int:
    """The seconds for each harness, at least one: none would mean the corpora only."""
    return max(1, int(minutes * 60 / harnesses))


def fuzz(python: Path, name: str, seconds: int, max_len: int) -> Outcome:
    """Run one harness, and say what came of it; if it failed, with its output."""
    is_large = max_len > MAX_LEN
    learnt, found = WORK / ("corpus-large" if is_large else "corpus") / name, WORK / "found" / name
    for folder in (learnt, found):
        folder.mkdir(parents=True, exist_ok=True)
    if is_large:
        for seed in large_seeds(name, max_len):
            (learnt / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    how_long = f"-max_total_time={seconds}" if seconds else "-runs=0"
    arguments = [
        *LIMITS,
        how_long,
        f"-max_len={max_len}",
        "-print_final_stats=1",
        f"-dict={FUZZ / 'words.dict'}",
        f"-artifact_prefix={found}/",
    ]
    command: Command = [python, FUZZ / "run.py", name, *arguments, learnt, FUZZ / "corpus" / name]
    started = time.monotonic()
    result = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, errors="replace")
    corpus = sum(1 for folder in (learnt, FUZZ / "corpus" / name) for _ in folder.iterdir())
    outcome = read_outcome(name, time.monotonic() - started, result.returncode, result.stderr, corpus)
    print(f"{name:12} {outcome.verdict}, {counted(outcome.executions)} executions", flush=True)
    if not outcome.held:
        print(result.stdout + result.stderr[-5000:], flush=True)
    return outcome


def large_seeds(name: str, max_len: int) -> Iterator[bytes]:
    sys.path.insert(0, str(ROOT))
    from fuzz.large import seeds

    return (seed[:max_len] for seed in seeds(name, max_len))


def read_outcome(name: str, seconds: float, code: int, printed: str, corpus: int) -> Outcome:
    """The outcome of a run that ended with this exit code, and printed this to its standard error stream."""
    executions, found = EXECUTIONS.search(printed), FOUND.search(printed)
    return Outcome(
        name,
        seconds,
        int(executions[1]) if executions else None,
        corpus,
        found[1].removeprefix(f"{ROOT}/") if found else None,
        code == 0 and executions is not None,
    )


def report(outcomes: Sequence[Outcome], max_len: int) -> str:
    """A table of all outcomes, and their sum, in Markdown."""
    failed = [outcome.name for outcome in outcomes if not outcome.held]
    verdict = f"{len(failed)} FAILED ({', '.join(failed)})" if failed else "all held"
    executions = sum(outcome.executions or 0 for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    rows = [
        f"| {each.name} | {each.seconds:,.0f} | {counted(each.executions)} | {rate(each.executions, each.seconds)} "
        f"| {each.corpus:,} | {each.verdict} |\n"
        for each in outcomes
    ]
    return (
        f"{len(outcomes)} harnesses, inputs of up to {max_len:,} bytes: {verdict}\n\n"
        "| harness | seconds | executions | executions/s | corpus | |\n|---|--:|--:|--:|--:|---|\n"
        f"{''.join(rows)}| together | {seconds:,.0f} | {executions:,} | {rate(executions, seconds)} "
        f"| {sum(each.corpus for each in outcomes):,} | |\n"
    )


def counted(executions: int | None) -> str:
    return "no" if executions is None else f"{executions:,}"


def rate(executions: int | None, seconds: float) -> str:
    return f"{(executions or 0) / seconds:,.0f}" if seconds else "-"


if __name__ == "__main__":
    sys.exit(main())
