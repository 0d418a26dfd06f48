"""Virtual environments of the project's own, made once and kept under ``.venvs/<name>``.

As a module: ``ensure("server", requirements=Path("tests/services/requirements.txt"))`` gives the environment's python,
``find`` the python of one that must be there. As a command, it prints that python on standard output, and its progress
on standard error: on a terminal one line that changes, otherwise a line every ten seconds::

    python tools/environments.py ensure server -r tests/services/requirements.txt
    python tools/environments.py pythons

Only the standard library is needed, on Python 3.10 and newer, on Linux, macOS and Windows. Where the environment ``uv``
has been made, with ``-r tools/requirements/uv.txt``, uv installs the others, in a tenth of pip's time; what it cannot
install, pip does.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".venvs"
WINDOWS = sys.platform == "win32"

_STAMP = "made-from.txt"
_NESTED = re.compile(r"^(?:-r|--requirement|-c|--constraint)[ =]?\s*(\S+)", re.MULTILINE)
# What pip says of the things that take time, and how often that is worth a line where lines stay.
_TERSE = re.compile(
    r"\s*((?:Collecting|Downloading|Building|Installing|Processing|Resolved|Prepared|Installed)\b.*?)(?: \(from .*)?$"
)
_SECONDS_BETWEEN_LINES = 10.0
_PROBE = """
import sys, ensurepip, venv
version = sys.version_info
print(sys.implementation.name, version.releaselevel, version.major, version.minor, version.micro, sep="\\n")
print(sys.base_prefix, sys.executable, sep="\\n")
"""


class SetupFailed(Exception):
    """An environment could not be made; the message ends with what the failing command said."""


def ensure(
    name: str,
    requirements: Path | None = None,
    *,
    packages: Sequence[str] = (),
    python: Path | None = None,
    with_pip: bool = True,
) -> Path:
    """Return the python of the environment ``name``, which holds ``requirements`` and ``packages`` and nothing else.

    The environment is made when it is missing, unfinished, or made from something else (the contents of the
    requirements, of the files that they include and of packages that are files count, not their dates); otherwise
    nothing happens. ``packages`` are pip's arguments: requirements, wheels, directories (whose contents don't count).
    ``python`` makes it; without it an environment that is there may be of any Python, and a new one is of the running.
    ``with_pip=False`` saves the seconds that it takes to install pip into a new one.
    Any number of processes may ask at once: one makes it, the others wait. Raises ``SetupFailed``.
    """
    home = ENVIRONMENTS / name
    content = _content(requirements, packages)
    wanted = content if python is None else f"{content} {_ask(python).identity}"
    if _is_made(home, wanted):
        return _python_of(home)
    ENVIRONMENTS.mkdir(exist_ok=True)
    with _locked(ENVIRONMENTS / f"{name}.lock", name) as lock:
        if not _is_made(home, wanted):
            _make(home, requirements, packages, python or Path(sys.executable), content, lock, with_pip=with_pip)
    return _python_of(home)


def find(name: str, requirements: Path | None = None, *, packages: Sequence[str] = ()) -> Path:
    """Return the python of an environment that ``ensure`` has made of the same; raises ``SetupFailed`` without it."""
    if not _is_made(ENVIRONMENTS / name, _content(requirements, packages)):
        raise SetupFailed(f"the environment {name} is not set up, or no longer up to date")
    return _python_of(ENVIRONMENTS / name)


def pip(python: Path, command: str) -> list[str | Path]:
    """Return the words of pip's ``command`` for the environment of ``python``; uv's, where that is set up."""
    if (uv := _uv()) is not None:
        return [uv, "pip", command, "--quiet", "--python", python]
    return [python, "-m", "pip", command, "--quiet", "--disable-pip-version-check"]


def pythons(*versions: str) -> list[Path]:
    """The usable CPython interpreters, 3.10 and newer, final releases, oldest first, one for each exact version.

    With ``versions`` ("3.11"), only those. Looked at are the running one, pyenv's, and ``python3.N`` on the PATH, and
    that order decides between equals; usable is what really runs and can make virtual environments.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [Path(sys.executable), *sorted(pyenv.glob("versions/*/bin/python"))]
    candidates += [Path(found) for n in range(10, 30) if (found := shutil.which(f"python3.{n}"))]
    usable: dict[tuple[int, int, int], Path] = {}
    for candidate in candidates:
        try:
            python = _ask(candidate)
        except SetupFailed:  # a shim of a version that is not selected, a Python without ensurepip, a Python 2
            continue
        if python.implementation == "cpython" and python.level == "final" and python.version >= (3, 10):
            usable.setdefault(python.version, python.executable)
    return [usable[v] for v in sorted(usable) if not versions or f"{v[0]}.{v[1]}" in versions]


class _Interpreter(NamedTuple):
    implementation: str
    level: str
    version: tuple[int, int, int]
    base: str
    executable: Path

    @property
    def identity(self) -> str:
        return f"{self.implementation} {'.'.join(map(str, self.version))} {self.base}"


def _ask(python: Path) -> _Interpreter:
    """What ``python`` is, asked of itself; a link or a shim (pyenv's) answers with the interpreter behind it."""
    try:
        answer = subprocess.run([python, "-I", "-c", _PROBE], check=False, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupFailed(f"{python} does not run: {error}") from error
    if answer.returncode != 0:
        raise SetupFailed(f"{python} cannot make virtual environments:\n{answer.stderr}")
    implementation, level, major, minor, micro, base, executable = answer.stdout.splitlines()
    return _Interpreter(implementation, level, (int(major), int(minor), int(micro)), base, Path(executable))


def _content(requirements: Path | None, packages: Sequence[str]) -> str:
    digest = hashlib.sha256()
    if requirements is not None:
        for text in _with_nested(requirements):
            digest.update(text + b"\0")
    for package in packages:
        digest.update(b"\1" + package.encode())
        if Path(package).is_file():
            digest.update(Path(package).read_bytes())
    return digest.hexdigest()


def _with_nested(requirements: Path) -> Iterator[bytes]:
    text = requirements.read_bytes()
    yield text
    for nested in _NESTED.findall(text.decode()):
        yield from _with_nested(requirements.parent / nested)


def _is_made(home: Path, wanted: str) -> bool:
    try:
        stamp = (home / _STAMP).read_text(encoding="utf-8")
    except OSError:
        return False
    # The python is a link: it is gone when the Python that it was made from has been removed.
    return stamp.startswith(wanted) and _python_of(home).exists()


def _python_of(home: Path) -> Path:
    return home / ("Scripts/python.exe" if WINDOWS else "bin/python")


def _make(
    home: Path,
    requirements: Path | None,
    packages: Sequence[str],
    python: Path,
    content: str,
    lock: int,
    *,
    with_pip: bool,
) -> None:
    identity = _ask(python).identity
    _say(home.name, f"making {home} with {identity} (once; the next time it is there)")
    start = time.monotonic()
    if home.exists():
        shutil.rmtree(home)
    arguments = [*packages] if requirements is None else ["-r", str(requirements), *packages]
    uv = _uv()
    with_pip = bool(arguments) and ((with_pip and uv is None) or not _has_pip(python))
    _run([python, "-I", "-m", "venv", *([] if with_pip else ["--without-pip"]), home], home.name, lock)
    if arguments and not (uv is not None and _installs(uv, home, arguments, lock)):
        pip: list[str | Path] = [python, "-I", "-m", "pip", "--python", home]
        if with_pip:
            pip = [_python_of(home), "-I", "-m", "pip"]
        # Python compiles what is imported, when it is first: the most of what is installed never is.
        options = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--no-compile"]
        _run([*pip, "install", *options, *arguments], home.name, lock)
    # Written last, so that whatever was interrupted before is made anew.
    (home / _STAMP).write_text(f"{content} {identity}", encoding="utf-8")
    _say(home.name, f"ready after {time.monotonic() - start:.0f} s")


def _uv() -> Path | None:
    uv = _python_of(ENVIRONMENTS / "uv").with_name("uv.exe" if WINDOWS else "uv")
    return uv if uv.exists() else None


def _installs(uv: Path, home: Path, arguments: Sequence[str], lock: int) -> bool:
    """Whether uv could install: it does not know what pip's own configuration says, such as where to look."""
    try:
        _run([uv, "pip", "install", "--python", _python_of(home), *arguments], home.name, lock)
    except SetupFailed as error:
        _say(home.name, f"pip installs it, as uv can't: {str(error).splitlines()[-1]}")
        return False
    return True


def _has_pip(python: Path) -> bool:
    """Whether ``python`` has a pip that installs into other environments, as pip does since 22.3."""
    found = subprocess.run([python, "-I", "-m", "pip", "--version"], check=False, capture_output=True, text=True)
    version = re.match(r"pip (\d+)\.(\d+)", found.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= (22, 3)


def _run(command: Sequence[str | Path], name: str, lock: int) -> None:
    lines: list[str] = []
    progress = _Progress(name)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        # The command has the lock too: when this process is killed, the next one waits until the command has ended.
        pass_fds=() if WINDOWS else (lock,),
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if shown := _TERSE.match(line):
                progress.tell(shown[1])
    progress.end()
    if process.returncode != 0:
        raise SetupFailed(f"{' '.join(map(str, command))}\nended with {process.returncode}:\n{''.join(lines[-30:])}")


class _Progress:
    """What a command does, on one line of a terminal; elsewhere on a line now and then."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._on_terminal = sys.stderr.isatty()
        self._said = time.monotonic()

    def tell(self, text: str) -> None:
        if self._on_terminal:
            print("\r\033[K", end="", file=sys.stderr)
            width = shutil.get_terminal_size().columns - len(self._name) - 4  # a line that wraps could not be replaced
            _say(self._name, text if len(text) <= width else text[: max(0, width - 3)] + "...", end="")
        elif time.monotonic() - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            _say(self._name, text)

    def end(self) -> None:
        if self._on_terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _say(name: str, text: str, *, end: str = "\n") -> None:
    print(f"[{name}] {text}", end=end, file=sys.stderr, flush=True)


@contextmanager
def _locked(path: Path, name: str) -> Generator[int, None, None]:
    """Hold the lock file, and give its descriptor; the system unlocks it when whoever has that has ended."""
    with open(path, "a+b") as file:
        if not _try_lock(file):
            _say(name, "another process is making it: waiting")
            _wait_for_lock(file)
        yield file.fileno()


if sys.platform == "win32":
    import msvcrt
    import time

    def _try_lock(file: IO[bytes]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _wait_for_lock(file: IO[bytes]) -> None:
        while not _try_lock(file):
            time.sleep(0.5)

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _wait_for_lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("ensure", help="make an environment, print its python")
    make.add_argument("name")
    make.add_argument("packages", nargs="*", help="further requirements, wheels or directories")
    make.add_argument("-r", "--requirements", type=Path)
    make.add_argument("--python", type=Path, help="the Python to make it with")
    make.add_argument("--without-pip", action="store_true", help="leave pip itself out")
    list_ = commands.add_parser("pythons", help="print the usable interpreters, oldest first")
    list_.add_argument("versions", nargs="*", help="only these, such as 3.11")
    options = parser.parse_args(arguments)
    if options.command == "pythons":
        print(*pythons(*options.versions), sep="\n")
        return 0
    try:
        with_pip = not options.without_pip
        made = ensure(
            options.name, options.requirements, packages=options.packages, python=options.python, with_pip=with_pip
        )
    except SetupFailed as error:
        print(error, file=sys.stderr)
        return 1
    print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
