"""The package's names are loaded when they are asked for, and there all the same."""

from __future__ import annotations

import subprocess
import sys

import pytest

import bento_proto


def test_each_is_listed_and_there() -> None:
    assert set(bento_proto.__all__) <= set(dir(bento_proto))
    assert dir(bento_proto) == sorted(set(dir(bento_proto)))


def test_another_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match=r"module 'bento_proto' has no attribute 'Sesion'"):
        getattr(bento_proto, "Sesion")  # noqa: B009 - for a type checker, too, there is none
    assert not hasattr(bento_proto, "__wrapped__")


def test_what_is_not_asked_for_is_not_loaded() -> None:
    code = "import sys, bento_proto; bento_proto.Limits(); print(*sorted(m for m in sys.modules if 'bento' in m))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(run.stdout.split())
    assert "bento_proto.http._limits" in loaded
    assert loaded.isdisjoint(
        {"bento_proto.session", "bento_proto.policy", "bento_proto.batch", "bento_proto.http._messages"}
    )
