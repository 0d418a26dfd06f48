"""Run the clients against other versions of BentoML too: ``python tools/compat.py``; what follows is for pytest.

Each version's server has an environment of its own, which is made the first time; 1.2 and 1.3 need Python 3.11 or 3.12.
``--set-up`` makes the environments and runs no test.
"""

from __future__ import annotations

import sys

from build import REQUIREMENTS, ensure_with_wheel
from services import COMPAT_SERVERS, SERVERS, ensure_server
from steps import ROOT, Command, conclude, step

TESTS = "tests/compat"


def main(arguments: list[str]) -> int:
    for name in (*COMPAT_SERVERS, *SERVERS):
        ensure_server(name)
    python = ensure_with_wheel("test-{}.{}".format(*sys.version_info), REQUIREMENTS / "test.txt")
    if arguments == ["--set-up"]:
        return 0
    pytest: Command = [python, "-m", "pytest", ROOT / TESTS, *arguments]
    return conclude({"compatibility": step("compatibility", pytest)})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
