"""Fuzz what reads a server's answers: ``python tools/fuzzing.py [--seconds N] [harness ...]``, all of them by default.

Each harness of ``fuzz/harnesses`` runs for that many seconds under atheris, one after the other. What a run learns goes
to ``.fuzz/corpus``, and the next one begins with it; an input that fails goes to ``.fuzz/found``.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from build import REQUIREMENTS, ensure_with_wheel
from environments import pythons
from steps import ROOT, Command

FUZZ = ROOT / "fuzz"
WORK = ROOT / ".fuzz"
HARNESSES = sorted(path.stem for path in (FUZZ / "harnesses").glob("*.py"))
SUPPORTED = ("3.12", "3.13")  # by the pinned atheris

# libFuzzer's options: no input is longer, slower (in seconds) or takes more memory (in MiB).
LIMITS = ("-max_len=2000", "-timeout=60", "-rss_limit_mb=3000")
EXECUTIONS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("harness", nargs="*", help=f"of {', '.join(HARNESSES)}")
    parser.add_argument("--seconds", type=int, default=60, help="for each harness; 0 for the corpora only")
    options = parser.parse_args()
    unknown = set(options.harness) - set(HARNESSES)
    if unknown:
        parser.error(f"no such harness: {', '.join(sorted(unknown))}")
    interpreters = [found for version in SUPPORTED for found in pythons(version)]
    if sys.platform != "linux" or not interpreters:
        sys.exit(f"atheris is there for Linux, on Python {', '.join(SUPPORTED)}; the tests replay the corpora anywhere")
    python = ensure_with_wheel("fuzz", REQUIREMENTS / "fuzz.txt", python=interpreters[0])
    results = [fuzz(python, name, options.seconds) for name in options.harness or HARNESSES]
    return 0 if all(results) else 1


def fuzz(python: Path, name: str, seconds: int) -> bool:
    """Run one harness; tell whether it held."""
    learnt, found = WORK / "corpus" / name, WORK / "found" / name
    for folder in (learnt, found):
        folder.mkdir(parents=True, exist_ok=True)
    how_long = f"-max_total_time={seconds}" if seconds else "-runs=0"
    arguments = [
        *LIMITS,
        how_long,
        "-print_final_stats=1",
        f"-dict={FUZZ / 'words.dict'}",
        f"-artifact_prefix={found}/",
    ]
    command: Command = [python, FUZZ / "run.py", name, *arguments, learnt, FUZZ / "corpus" / name]
    result = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, errors="replace")
    executions = EXECUTIONS.search(result.stderr)
    held = result.returncode == 0 and executions is not None
    count = f"{int(executions[1]):,}" if executions else "no"
    print(f"{name:12} {'held' if held else 'FAILED'}, {count} executions", flush=True)
    if not held:
        print(result.stdout + result.stderr[-5000:], flush=True)
    return held


if __name__ == "__main__":
    sys.exit(main())
