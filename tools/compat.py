"""Run the clients against older versions of BentoML too: ``python tools/compat.py``; what follows is for pytest.

Each version's server has an environment of its own, which is made the first time; the oldest need Python 3.11 or 3.12.
"""

from __future__ import annotations

import sys

from build import REQUIREMENTS, ensure_with_wheel
from steps import ROOT, WITH_SERVERS, Command, conclude, require, step

SERVERS = ("server-1.2", "server-1.3", "server", "server-files")
TESTS = "tests/compat"


def main() -> int:
    # The tests know which Python each server needs.
    setup = f"from tests.servers import python_of\nfor name in {SERVERS}: print(python_of(name))"
    require("set up the servers", [sys.executable, "-c", setup], environ=WITH_SERVERS)
    python = ensure_with_wheel("test-{}.{}".format(*sys.version_info), REQUIREMENTS / "test.txt")
    pytest: Command = [python, "-m", "pytest", ROOT / TESTS, *sys.argv[1:]]
    return conclude({"compatibility": step("compatibility", pytest)})


if __name__ == "__main__":
    sys.exit(main())
