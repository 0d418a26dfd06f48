"""The tool that makes the environments of servers and tests: once, whoever asks and whatever was interrupted."""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

import environments
import services
from environments import ROOT, SetupFailed, ensure, find, pythons


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path / "venvs")
    return tmp_path / "venvs"


def times_made(capsys: pytest.CaptureFixture[str]) -> int:
    return capsys.readouterr().err.count("] making ")


def test_an_environment_is_made_once(capsys: pytest.CaptureFixture[str]) -> None:
    python = ensure("a")
    assert subprocess.run([python, "-c", ""], check=False).returncode == 0
    assert times_made(capsys) == 1
    assert ensure("a") == python
    assert times_made(capsys) == 0


def test_it_is_made_anew_when_the_requirements_have_changed_and_when_that_failed(tmp_path: Path, place: Path) -> None:
    requirements, included = tmp_path / "requirements.txt", tmp_path / "included.txt"
    requirements.write_text("-r included.txt\n")
    included.write_text("# nothing\n")
    assert ensure("a", requirements, with_pip=False).exists()
    included.write_text("--no-index\nno-such-package==0\n")
    with pytest.raises(SetupFailed, match="no-such-package"):
        ensure("a", requirements, with_pip=False)
    assert (place / "a").is_dir()
    assert ensure("a").exists()


def test_another_python_makes_it_anew_and_none_takes_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    others = [python for python in pythons() if python.resolve() != Path(sys.executable).resolve()]
    if not others:
        pytest.skip("there is one Python only")
    python = ensure("a", python=others[0])
    assert ensure("a") == python
    assert times_made(capsys) == 1
    ensure("a", python=Path(sys.executable))
    assert times_made(capsys) == 1


@pytest.fixture
def package(tmp_path: Path) -> str:
    """A wheel of nothing."""
    package = tmp_path / "nothing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(package, "w") as wheel:
        wheel.writestr("nothing.py", "")
        wheel.writestr("nothing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: nothing\nVersion: 1.0\n")
        wheel.writestr("nothing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("nothing-1.0.dist-info/RECORD", "")
    return str(package)


def installer(python: Path) -> str:
    found = "from importlib.metadata import distribution; print(distribution('nothing').read_text('INSTALLER'))"
    return subprocess.run([python, "-I", "-c", found], check=True, capture_output=True, text=True).stdout.strip()


def test_packages_are_installed_without_pip_in_the_environment(package: str) -> None:
    python = ensure("a", packages=[package], with_pip=False)
    assert installer(python) == "pip"
    has_pip = subprocess.run([python, "-I", "-c", "import pip"], check=False, stderr=subprocess.PIPE).returncode == 0
    assert has_pip == (find_spec("pip") is None)  # it has its own only where the one that makes it has none


def test_uv_installs_where_it_is_set_up(package: str, place: Path) -> None:
    if not (ROOT / ".venvs" / "uv").exists():
        pytest.skip("there is no uv: `python tools/environments.py ensure uv -r tools/requirements/uv.txt`")
    place.mkdir()
    (place / "uv").symlink_to(ROOT / ".venvs" / "uv")
    python = ensure("a", packages=[package])
    assert installer(python) == "uv"
    assert subprocess.run(environments.pip(python, "check"), check=False).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
def test_pip_installs_what_uv_cannot(package: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "uv" / "bin").mkdir(parents=True)
    uv = place / "uv" / "bin" / "uv"
    uv.write_text("#!/bin/sh\necho no such package\nexit 2\n")
    uv.chmod(0o755)
    assert installer(ensure("a", packages=[package])) == "pip"
    assert "[a] pip installs it, as uv can't: no such package" in capsys.readouterr().err


def test_finding_makes_nothing(tmp_path: Path, place: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# nothing\n")
    with pytest.raises(SetupFailed, match="a is not set up"):
        find("a", requirements)
    assert not place.exists()
    made = ensure("a", requirements, with_pip=False)
    assert find("a", requirements) == made
    requirements.write_text("# something else\n")
    with pytest.raises(SetupFailed, match="no longer up to date"):
        find("a", requirements)


@pytest.mark.parametrize(("name", "tool"), [("server", "test"), ("server-files", "test"), ("server-1.2", "compat")])
def test_a_server_without_its_environment_says_what_to_run(name: str, tool: str, place: Path) -> None:
    with pytest.raises(SetupFailed, match=rf"{name} is not set up.*: run `python tools/{tool}\.py --set-up`"):
        services.find_server(name)


def test_progress_is_a_few_lines_where_they_stay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr("environments.time.monotonic", lambda: now)
    progress = environments._Progress("a")
    for number in range(100):
        now += 1
        progress.tell(f"Collecting {number}")
    progress.end()
    said = capsys.readouterr().err
    assert said.splitlines() == [f"[a] Collecting {number}" for number in range(9, 100, 10)]


def test_progress_is_one_line_of_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    progress = environments._Progress("a")
    progress.tell("Collecting one")
    progress.tell("Collecting " + "two" * 100)
    progress.end()
    said = capsys.readouterr().err
    assert "\n" not in said
    first, second, end = said.removeprefix("\r\033[K").split("\r\033[K")
    assert (first, second[-3:], end) == ("[a] Collecting one", "...", "")
    assert len(second) < 30


def start_ensuring(place: Path, *arguments: str) -> subprocess.Popen[str]:
    program = (
        "import sys, environments; from pathlib import Path; environments.ENVIRONMENTS = Path(sys.argv[1]); "
        "print(environments.ensure('a', *map(Path, sys.argv[2:])))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, place, *arguments],
        cwd=Path(environments.__file__).parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_of_two_processes_at_once_one_makes_it(place: Path) -> None:
    both = [start_ensuring(place) for _ in range(2)]
    outputs = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outputs[0][0] == outputs[1][0]
    assert sum("] making " in said for _, said in outputs) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there, the command that was left behind can't have the lock")
def test_what_a_killed_maker_left_running_ends_before_the_next_begins(
    tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# nothing, but with pip\n")
    with start_ensuring(place, str(requirements)) as maker:
        while not (place / "a" / "pyvenv.cfg").exists():
            time.sleep(0.01)
        maker.kill()
        maker.communicate()
    assert ensure("a").exists()
    assert "waiting" in capsys.readouterr().err


def test_pythons_run_and_come_oldest_first() -> None:
    ask = "import sys; print(*sys.version_info[:3])"
    found = [
        tuple(map(int, subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout.split()))
        for python in pythons()
    ]
    assert found == sorted(set(found))
    assert sys.version_info[:3] in found
    assert found[0] >= (3, 10)
    wanted = "{}.{}".format(*found[-1])
    assert len(pythons(wanted)) == sum(version[:2] == found[-1][:2] for version in found)
