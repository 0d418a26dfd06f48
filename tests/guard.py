"""Runs a command on a leash: when standard input closes, it and every process that it started end.

Whoever starts a server through this holds the other end of the pipe. When that process goes, killed or crashed even,
the system closes the pipe, so that nothing stays behind, nor the directory that was the server's. BentoML's workers
lead sessions of their own: ending the server, or its process group, would not end them.

    python guard.py DIRECTORY COMMAND ARGUMENT...
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from pathlib import Path


def end_tree(pid: int) -> None:
    """Kill ``pid`` and its descendants, at once. A process that is gone is no error."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], check=False, capture_output=True)
    else:
        _signal(pid, signal.SIGSTOP)  # so that it starts no other while the ones that it has are looked up
        for process in [*_descendants(pid), pid]:
            _signal(process, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = defaultdict(list)
    for process, parent in _processes():
        children[parent].append(process)
    found: list[int] = []
    unseen = [pid]
    while unseen:
        below = children[unseen.pop()]
        found += below
        unseen += below
    return found


def _processes() -> list[tuple[int, int]]:
    """Each process with its parent."""
    if not Path("/proc/self/stat").exists():  # macOS
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
        return [(int(pid), int(parent)) for pid, parent in map(str.split, listed.splitlines())]
    processes: list[tuple[int, int]] = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            stat = (directory / "stat").read_text(errors="replace")
        except OSError:  # it has just ended
            continue
        processes.append((int(directory.name), int(stat.rpartition(")")[2].split()[1])))
    return processes


def main(directory: str, *command: str) -> int:
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    told_to_end = threading.Event()

    def end(*_: object) -> None:
        told_to_end.set()
        end_tree(server.pid)

    def end_with_input() -> None:
        while os.read(0, 1024):  # sys.stdin has a lock, which would be held when the interpreter shuts down
            pass
        end()

    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=end_with_input, daemon=True).start()
    code = server.wait()  # of the tree, this is what ends last
    if told_to_end.is_set():  # otherwise somebody will want to read in the log why it has ended
        shutil.rmtree(directory, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
