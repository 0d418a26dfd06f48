"""Set up and run the benchmarks: ``python tools/bench.py [names] [--quick] [--real] [--rounds=N] [--out=FOLDER]``.

Without names all of them; ``memory`` and ``keepalive`` are programs of their own, the others scenarios of one. The
peers have an environment of their own; so does niquests, which would replace urllib3 for the others.
"""

from __future__ import annotations

import argparse
import sys

from build import REQUIREMENTS, ensure_with_wheel
from environments import ensure
from services import ensure_server
from steps import ROOT, WITH_SERVERS, Command, conclude, step

PROGRAMS = {"memory": ["--mib", "64"], "keepalive": ["--calls", "80", "--threads", "40"]}
"""The programs, and what makes them quick."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", help=f"scenarios of benchmarks/scenarios.py, {', '.join(PROGRAMS)}")
    parser.add_argument("--quick", action="store_true", help="a little of everything: that it works, not how fast")
    options, others = parser.parse_known_args()
    names = [name for name in options.names if name not in PROGRAMS]
    quick = ["--quick"] if options.quick else []

    python = ensure_with_wheel("bench", REQUIREMENTS / "bench.txt")
    ensure_server()
    outcomes: dict[str, bool] = {}
    for name, little in PROGRAMS.items():
        program = ROOT / "benchmarks" / f"{name}.py"
        if name in options.names or not options.names:
            command: Command = [python, program, *(little if options.quick else [])]
            outcomes[name] = step(name, command, environ=WITH_SERVERS)
    if names or not options.names:
        niquests = ensure("niquests", REQUIREMENTS / "niquests.txt")
        command = [python, "-m", "benchmarks.run", "--niquests", niquests, *names, *quick, *others]
        outcomes["scenarios"] = step("scenarios", command, environ=WITH_SERVERS)
    return conclude(outcomes)


if __name__ == "__main__":
    sys.exit(main())
