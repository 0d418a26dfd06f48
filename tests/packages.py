"""The project's packages as they are installed, found without importing them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "src"
PACKAGES = tuple(sorted(init.parent.name for init in SOURCES.glob("*/__init__.py")))


def home(package: str) -> Path:
    """The folder of an installed package."""
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} is not installed"
    assert spec.origin is not None, f"{package} has no __init__.py"
    return Path(spec.origin).parent


def modules(package: str) -> dict[str, Path]:
    """The files of a package's modules, by the modules' full names."""
    folder = home(package)
    names = {path: (package, *path.relative_to(folder).with_suffix("").parts) for path in sorted(folder.rglob("*.py"))}
    return {".".join(parts).removesuffix(".__init__"): path for path, parts in names.items()}


def public_modules() -> list[str]:
    """The modules that a user may import: those with no part of their names private."""
    return [name for package in PACKAGES for name in modules(package) if "._" not in name]
