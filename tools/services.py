"""The environments of the BentoML servers that tests, demonstration and benchmarks call.

``server`` has the version of the whole suite, ``server-1.2`` and ``server-1.3`` the last ones of their lines,
``server-1.4.40`` the newest, ``server-files`` the packages of tasks with files; ``tests/services/requirements*.txt``
say what is in each. ``ensure_server`` sets one up, which takes minutes; ``find_server`` takes one that is there.
Nothing is set up while tests run: a test that needs an environment fails and says what to run.
"""

from __future__ import annotations

from pathlib import Path

from environments import SetupFailed, ensure, find, pythons
from steps import ROOT

SERVICES = ROOT / "tests" / "services"
SERVERS = ("server", "server-files")
"""Needed by the whole suite."""
OLD_SERVERS = ("server-1.2", "server-1.3")
"""Of the versions that Python 3.13 can't have."""
COMPAT_SERVERS = (*OLD_SERVERS, "server-1.4.40")
"""Needed by ``tests/compat`` only, which skips those that are not set up."""


def ensure_server(name: str = "server") -> Path:
    """Return the environment's python; make the environment if it is missing. Raises ``SetupFailed``."""
    python: Path | None = None
    if name in OLD_SERVERS:  # what these versions need can be had for these Pythons only
        fitting = pythons("3.11", "3.12")
        if not fitting:
            raise SetupFailed(f"{name} needs Python 3.11 or 3.12")
        python = fitting[0]
    return ensure(name, _requirements(name), python=python, with_pip=False)


def find_server(name: str = "server") -> Path:
    """Return the environment's python; raises ``SetupFailed``, which says what to run, when it is missing."""
    try:
        return find(name, _requirements(name))
    except SetupFailed as error:
        tool = "compat.py" if name in COMPAT_SERVERS else "test.py"
        raise SetupFailed(f"{error}: run `python tools/{tool} --set-up`") from None


def _requirements(name: str) -> Path:
    return SERVICES / f"requirements{name.removeprefix('server')}.txt"
