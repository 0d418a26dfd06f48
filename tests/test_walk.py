"""How far one small call travels through the project does not grow unnoticed: see ``tools/walk.py``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

WALK = Path(__file__).resolve().parent.parent / "tools" / "walk.py"
MOST = {"sync": (68, 20, 48), "asyncio": (99, 26, 73)}
"""Functions, files, changes of file. Lower them when a walk gets shorter; a longer one needs a reason.

The exchange checks each event and the length of the body, for embedders who may pass anything: eight functions. The
asynchronous client looks for large arguments before a call, to encode them in steps: three more.
"""


@pytest.mark.parametrize("client", MOST)
def test_a_call_travels_no_further(client: str) -> None:
    told = subprocess.run([sys.executable, WALK, client], check=True, capture_output=True, text=True).stdout
    counted = re.fullmatch(rf"{client}: (\d+) functions in (\d+) files, (\d+) changes of file\n", told)
    assert counted is not None, told
    walked = tuple(map(int, counted.groups()))
    assert all(count <= most for count, most in zip(walked, MOST[client], strict=True)), f"{told}at most {MOST[client]}"


def test_the_list_shows_the_walk() -> None:
    command: list[str | Path] = [sys.executable, WALK, "sync", "--list"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(told) == 1 + int(told[0].split()[1])
    assert any("receive  (bento_proto/exchange/" in line for line in told)  # Python 3.10 names no classes
