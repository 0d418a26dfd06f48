"""Set up and run the benchmarks: ``python tools/bench.py``; what follows is for them, such as ``--mib 64``."""

from __future__ import annotations

import sys

from build import REQUIREMENTS, ensure_with_wheel
from environments import ensure
from steps import ROOT, WITH_SERVERS, Command, conclude, step


def main() -> int:
    python = ensure_with_wheel("demo", REQUIREMENTS / "demo.txt")
    ensure("server", ROOT / "tests" / "services" / "requirements.txt")
    command: Command = [python, ROOT / "benchmarks" / "memory.py", *sys.argv[1:]]
    return conclude({"memory": step("memory", command, environ=WITH_SERVERS)})


if __name__ == "__main__":
    sys.exit(main())
