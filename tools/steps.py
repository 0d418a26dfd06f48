"""Commands run one after the other, each announced before and judged after, so that nobody waits in the dark."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).resolve().parent.parent
Command: TypeAlias = "Sequence[str | Path]"

# For what starts servers as the tests do: `tests.servers`, and the tools that it imports.
WITH_SERVERS = {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tools")))}


def step(title: str, command: Command, *, environ: Mapping[str, str] | None = None) -> bool:
    """Run ``command`` in the project's root, its output shown as it comes; tell whether it succeeded."""
    words = [os.fspath(word) for word in command]
    shown = shlex.join(word.removeprefix(f"{ROOT}{os.sep}") for word in words)
    print(f"\n=== {title}\n    {shown}", flush=True)
    # What is installed is what counts: nothing of the caller's own paths reaches the command.
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    start = time.monotonic()
    code = subprocess.run(words, check=False, cwd=ROOT, env={**clean, **(environ or {})}).returncode
    outcome = "ok" if code == 0 else f"FAILED (exit code {code})"
    print(f"--- {title}: {outcome}, {time.monotonic() - start:.0f} s", flush=True)
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
