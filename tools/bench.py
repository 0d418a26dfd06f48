"""Set up and run the benchmarks: ``python tools/bench.py [NAMES] [options]``.

The names are scenarios of ``benchmarks/scenarios.py`` or the programs ``memory`` and ``keepalive``; by default all of
them run. ``instructions`` counts the instructions of our clients with valgrind, and runs only when it is named first;
the names behind it are beginnings of its rows, such as ``sync`` or ``"one process"``.

The peers have an environment of their own. niquests has another one, because it would replace urllib3, and so have the
clients written in Rust, which not every platform can install, and the wheel of ``--before``.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from build import REQUIREMENTS, ensure_with_wheel
from environments import SetupFailed, ensure
from services import ensure_server
from steps import ROOT, WITH_SERVERS, Command, conclude, step

PROGRAMS = {"memory": ["--mib", "64"], "keepalive": ["--calls", "80", "--threads", "40"]}
"""The programs, and their arguments for a quick run."""
INSTRUCTIONS = "instructions"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "names", nargs="*", help=f"scenarios of benchmarks/scenarios.py, {', '.join(PROGRAMS)}; or {INSTRUCTIONS}"
    )
    parser.add_argument("--quick", action="store_true", help="a little of everything, to see that it works")
    parser.add_argument("--rounds", help="measurements of each contender")
    parser.add_argument("--latency", metavar="MS", help="the server responds so many milliseconds later")
    parser.add_argument("--before", type=Path, metavar="WHEEL", help="also measure our clients from this wheel")
    parser.add_argument("--real", action="store_true", help="against a BentoML server")
    parser.add_argument("--together", action="store_true", help="measure the contenders of a timed scenario at once")
    parser.add_argument("--only", metavar="NAME,...", help="the contenders; by default all")
    parser.add_argument("--out", help="a folder for the figures (JSON) and a chart (SVG)")
    options = parser.parse_args()

    if options.names[:1] == [INSTRUCTIONS]:
        return conclude({INSTRUCTIONS: _count(options.names[1:], options.before)})
    names = [name for name in options.names if name not in PROGRAMS]
    python = ensure_with_wheel("bench", REQUIREMENTS / "bench.txt")
    ensure_server()
    outcomes: dict[str, bool] = {}
    for name, little in PROGRAMS.items():
        program = ROOT / "benchmarks" / f"{name}.py"
        if name in options.names or not options.names:
            command: Command = [python, program, *(little if options.quick else [])]
            outcomes[name] = step(name, command, environ=WITH_SERVERS)
    if names or not options.names:
        command = [python, "-m", "benchmarks.run", *names, *_passed_on(options), *_environments(options.before)]
        outcomes["scenarios"] = step("scenarios", command, environ=WITH_SERVERS)
    return conclude(outcomes)


def _count(rows: list[str], before: Path | None) -> bool:
    """Count instructions, in environments that hold little else, as an import takes longer among many packages."""
    requirements = REQUIREMENTS / "instructions.txt"
    command: list[str | Path] = [ensure_with_wheel("instructions", requirements), "-m", "benchmarks.instructions"]
    command += rows
    if before:
        packages = [os.fspath(before)]
        command += ["--before", ensure("instructions-before", requirements, packages=packages)]
    return step(INSTRUCTIONS, command, environ=WITH_SERVERS)


def _passed_on(options: argparse.Namespace) -> list[str]:
    flags = [f"--{name}" for name in ("quick", "real", "together") if getattr(options, name)]
    values = {name: getattr(options, name) for name in ("rounds", "latency", "only", "out")}
    return flags + [f"--{name}={value}" for name, value in values.items() if value is not None]


def _environments(before: Path | None) -> list[str]:
    """Make the further environments; return the arguments that name them."""
    found = {"niquests": ensure("niquests", REQUIREMENTS / "niquests.txt")}
    try:
        found["rust"] = ensure("rust", REQUIREMENTS / "rust.txt")
    except SetupFailed as error:
        print(f"The clients written in Rust are skipped: {error}", file=sys.stderr)
    if before:
        # The same requirements: only the wheel differs.
        found["before"] = ensure("before", REQUIREMENTS / "bench.txt", packages=[os.fspath(before)])
    return [f"--python={name}={python}" for name, python in found.items()]


if __name__ == "__main__":
    sys.exit(main())
