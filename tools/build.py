"""Build the sdist and, from it, the wheel into ``dist/``, and check both: ``python tools/build.py``.

The other tools import ``ensure_with_wheel``: an environment whose clients are a built wheel's, never ``src``. That is
the wheel in ``dist/`` while the sources are what it was made from; otherwise one made of the sources alone, by the
build backend without the tools of a release.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import zipfile
from pathlib import Path, PurePosixPath

from environments import SetupFailed, ensure, find, pip
from steps import ROOT, require

DIST = ROOT / "dist"
UNRELEASED = ROOT / "build" / "wheel"
REQUIREMENTS = ROOT / "tools" / "requirements"
PACKAGES = sorted(init.parent.name for init in (ROOT / "src").glob("*/__init__.py"))

_MADE_FROM = ".made-from"  # in the folder of a wheel: a digest of its sources


def ensure_with_wheel(name: str, requirements: Path, *, python: Path | None = None) -> Path:
    """Return the python of environment ``name``: ``requirements``, and the wheel built from the sources as they are.

    ``requirements`` must hold what the wheel depends on: pip adds nothing, and checks that nothing is missing.
    """
    wheel = _current_wheel()
    home_python = ensure(name, requirements, python=python)
    stamp = home_python.parent.parent / "wheel.txt"
    digest = _digest(wheel.read_bytes())
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != digest:
        install = [*pip(home_python, "install"), "--no-deps", "--force-reinstall", wheel]
        require(f"install the wheel in {name}", install)
        require(f"check what {name} holds", pip(home_python, "check"))
        stamp.write_text(digest, encoding="utf-8")
    return home_python


def find_with_wheel(name: str, requirements: Path) -> Path:
    """Return what ``ensure_with_wheel`` has made of the sources as they are; raises ``SetupFailed`` without it."""
    home_python = find(name, requirements)
    stamp = home_python.parent.parent / "wheel.txt"
    wheels = [wheel.read_bytes() for folder in (DIST, UNRELEASED) if (wheel := _current(folder)) is not None]
    if not stamp.exists() or stamp.read_text(encoding="utf-8") not in map(_digest, wheels):
        raise SetupFailed(f"the environment {name} does not hold the sources as they are")
    return home_python


def build() -> Path:
    """Build ``dist/`` anew, check it, and return the wheel."""
    python = ensure("build", REQUIREMENTS / "build.txt")
    made_from = _sources()
    shutil.rmtree(DIST, ignore_errors=True)
    require("build sdist and wheel", [python, "-m", "build", "--no-isolation", "--outdir", DIST, ROOT])
    (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    _require_expected(wheel)
    require("check the metadata", [python, "-m", "twine", "check", "--strict", wheel, sdist])
    (DIST / _MADE_FROM).write_text(made_from, encoding="utf-8")
    return wheel


def _current_wheel() -> Path:
    return _current(DIST) or _current(UNRELEASED) or _build_wheel()


def _current(folder: Path) -> Path | None:
    """The wheel in there, if it was made from the sources as they are."""
    made_from = folder / _MADE_FROM
    if made_from.exists() and made_from.read_text(encoding="utf-8") == _sources():
        return next(folder.glob("*.whl"), None)
    return None


def _build_wheel() -> Path:
    python = ensure("wheel", REQUIREMENTS / "wheel.txt")
    made_from = _sources()
    shutil.rmtree(UNRELEASED, ignore_errors=True)
    require("build a wheel", [python, "-m", "hatchling", "build", "--target", "wheel", "--directory", UNRELEASED])
    (wheel,) = UNRELEASED.glob("*.whl")
    _require_expected(wheel)
    (UNRELEASED / _MADE_FROM).write_text(made_from, encoding="utf-8")
    return wheel


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sources() -> str:
    """A digest of everything that goes into the wheel."""
    digest = hashlib.sha256()
    files = [ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    files += sorted(path for path in (ROOT / "src").rglob("*") if path.is_file() and path.suffix != ".pyc")
    for path in files:
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _require_expected(wheel: Path) -> None:
    problems = _unexpected(wheel)
    if problems:
        sys.exit(f"{wheel.name} is not what it should be: {'; '.join(problems)}")


def _unexpected(wheel: Path) -> list[str]:
    """What the wheel has and should not have, and the other way round."""
    names = [PurePosixPath(name) for name in zipfile.ZipFile(wheel).namelist()]
    inside = [name for name in names if not name.parts[0].endswith(".dist-info")]
    problems = [
        f"{name} has no business in it"
        for name in inside
        if name.parts[0] not in PACKAGES or not (name.suffix == ".py" or name.name == "py.typed")
    ]
    problems += [f"no {package}/py.typed" for package in PACKAGES if PurePosixPath(package, "py.typed") not in inside]
    return problems


if __name__ == "__main__":
    build()
