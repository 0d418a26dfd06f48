"""The public names of the core and of its sub-packages are loaded when they are first asked for."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from importlib import import_module
from types import ModuleType

import pytest

import bento_proto

PACKAGES = [
    bento_proto,
    *(
        import_module(f"bento_proto.{found.name}")
        for found in pkgutil.iter_modules(bento_proto.__path__)
        if found.ispkg
    ),
]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_public_name_is_listed_and_can_be_loaded(package: ModuleType) -> None:
    assert set(package.__all__) <= set(dir(package))
    assert dir(package) == sorted(set(dir(package)))
    assert all(hasattr(package, name) for name in package.__all__)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_any_other_name_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'Sesion'"):
        getattr(package, "Sesion")  # noqa: B009 - for a type checker, too, there is none
    assert not hasattr(package, "__wrapped__")


def test_what_is_not_asked_for_is_not_loaded() -> None:
    code = "import sys, bento_proto; bento_proto.Limits(); print(*sorted(m for m in sys.modules if 'bento' in m))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(run.stdout.split())
    assert "bento_proto.http._limits" in loaded
    assert loaded.isdisjoint(
        {"bento_proto.session", "bento_proto.policy", "bento_proto.batch", "bento_proto.http._messages"}
    )
