"""Build the sdist and, from it, the wheel into ``dist/``, and check both: ``python tools/build.py``.

The other tools import ``ensure_with_wheel``: an environment whose clients are the built wheel's, never ``src``.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import zipfile
from pathlib import Path, PurePosixPath

from environments import ensure
from steps import ROOT, Command, require

DIST = ROOT / "dist"
REQUIREMENTS = ROOT / "tools" / "requirements"
PACKAGES = sorted(init.parent.name for init in (ROOT / "src").glob("*/__init__.py"))

_MADE_FROM = DIST / ".made-from"


def ensure_with_wheel(name: str, requirements: Path, *, python: Path | None = None) -> Path:
    """Return the python of environment ``name``: ``requirements``, and the wheel built from the sources as they are.

    ``requirements`` must hold what the wheel depends on: pip adds nothing, and checks that nothing is missing.
    """
    wheel = _current_wheel()
    home_python = ensure(name, requirements, python=python)
    stamp = home_python.parent.parent / "wheel.txt"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != digest:
        pip: Command = [home_python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        require(f"install the wheel in {name}", [*pip, "install", "--no-deps", "--force-reinstall", wheel])
        require(f"check what {name} holds", [*pip, "check"])
        stamp.write_text(digest, encoding="utf-8")
    return home_python


def build() -> Path:
    """Build ``dist/`` anew, check it, and return the wheel."""
    python = ensure("build", REQUIREMENTS / "build.txt")
    made_from = _sources()
    shutil.rmtree(DIST, ignore_errors=True)
    require("build sdist and wheel", [python, "-m", "build", "--no-isolation", "--outdir", DIST, ROOT])
    (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    problems = _unexpected(wheel)
    if problems:
        sys.exit(f"{wheel.name} is not what it should be: {'; '.join(problems)}")
    require("check the metadata", [python, "-m", "twine", "check", "--strict", wheel, sdist])
    _MADE_FROM.write_text(made_from, encoding="utf-8")
    return wheel


def _current_wheel() -> Path:
    if _MADE_FROM.exists() and _MADE_FROM.read_text(encoding="utf-8") == _sources():
        return next(DIST.glob("*.whl"))
    return build()


def _sources() -> str:
    """A digest of everything that goes into the wheel."""
    digest = hashlib.sha256()
    files = [ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    files += sorted(path for path in (ROOT / "src").rglob("*") if path.is_file() and path.suffix != ".pyc")
    for path in files:
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


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
