"""Write the typed clients that ``typing_tests`` checks: ``python tools/typed_clients.py``."""

from __future__ import annotations

import sys

from build import REQUIREMENTS, ensure_with_wheel
from steps import WITH_SERVERS, conclude, step


def main() -> int:
    python = ensure_with_wheel("test", REQUIREMENTS / "test.txt")
    title = "write the typed clients"
    return conclude({title: step(title, [python, "-m", "tests.codegen.modules"], environ=WITH_SERVERS)})


if __name__ == "__main__":
    sys.exit(main())
