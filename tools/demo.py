"""Set up and run the demonstration: ``python tools/demo.py``.

The clients and the BentoML server have an environment each, as they would in real life.
"""

from __future__ import annotations

import sys

from build import REQUIREMENTS, ensure_with_wheel
from environments import ensure
from steps import ROOT, WITH_SERVERS, conclude, step


def main() -> int:
    python = ensure_with_wheel("demo", REQUIREMENTS / "demo.txt")
    ensure("server", ROOT / "tests" / "services" / "requirements.txt")
    return conclude({"demo": step("demo", [python, ROOT / "demo" / "run.py"], environ=WITH_SERVERS)})


if __name__ == "__main__":
    sys.exit(main())
