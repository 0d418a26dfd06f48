"""The tool that makes the environments of servers and tests: once, whoever asks and whatever was interrupted."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

import environments
from environments import SetupFailed, ensure, pythons


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
    assert ensure("a", requirements).exists()
    included.write_text("--no-index\nno-such-package==0\n")
    with pytest.raises(SetupFailed, match="no-such-package"):
        ensure("a", requirements)
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
