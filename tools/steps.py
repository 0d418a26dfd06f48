"""Commands run one after the other or side by side, announced before and judged after: nobody waits in the dark."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeAlias

ROOT = Path(__file__).resolve().parent.parent
Command: TypeAlias = "Sequence[str | Path]"

# For what starts servers as the tests do: `tests.servers`, and the tools that it imports.
WITH_SERVERS = {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tools")))}

# What is installed is what counts: nothing of the caller's own paths reaches a command. And environments are compiled
# as they are used, once.
_NOT_THE_CALLERS = ("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE")


class Step(NamedTuple):
    """A command to run, with what it has in its environment beside what is there."""

    title: str
    command: Command
    environ: Mapping[str, str] | None = None


def step(title: str, command: Command, *, environ: Mapping[str, str] | None = None) -> bool:
    """Run ``command`` in the project's root, its output shown as it comes; tell whether it succeeded."""
    words, own = _announce(title, command, environ)
    start = time.monotonic()
    code = subprocess.run(words, check=False, cwd=ROOT, env=own).returncode
    return _judge(title, code, start)


def side_by_side(steps: Sequence[Step], *, at_once: int) -> dict[str, bool]:
    """Run so many steps at a time, in their order, each line of output behind the title; tell which succeeded."""
    with ThreadPoolExecutor(at_once) as pool:
        return dict(zip((step.title for step in steps), pool.map(_beside, steps), strict=True))


def _beside(step: Step) -> bool:
    words, own = _announce(*step)
    start = time.monotonic()
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        env=own,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(f"[{step.title}] {line.rstrip()}\n", end="", flush=True)
    return _judge(step.title, process.returncode, start)


def _announce(title: str, command: Command, environ: Mapping[str, str] | None) -> tuple[list[str], dict[str, str]]:
    """Say what will run; return its words and its environment."""
    words = [os.fspath(word) for word in command]
    shown = shlex.join(word.removeprefix(f"{ROOT}{os.sep}") for word in words)
    print(f"\n=== {title}\n    {shown}\n", end="", flush=True)
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_THE_CALLERS}
    return words, {**inherited, **(environ or {})}


def _judge(title: str, code: int, start: float) -> bool:
    outcome = "ok" if code == 0 else f"FAILED (exit code {code})"
    print(f"--- {title}: {outcome}, {time.monotonic() - start:.0f} s\n", end="", flush=True)
    return code == 0


def require(title: str, command: Command, *, environ: Mapping[str, str] | None = None) -> None:
    """Run a step that everything after it needs; when it fails, this process ends with exit code 1."""
    if not step(title, command, environ=environ):
        sys.exit(1)


def conclude(outcomes: Mapping[str, bool]) -> int:
    """Say which steps failed, if any, and return the exit code."""
    failed = [title for title, succeeded in outcomes.items() if not succeeded]
    if failed:
        print(f"\n{len(failed)} of {len(outcomes)} steps FAILED: {', '.join(failed)}", flush=True)
    return 1 if failed else 0
