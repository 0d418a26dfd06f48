"""Set up and run the demonstration: ``python tools/demo.py``.

The clients and the BentoML server have an environment each, as they would in real life.
"""

from __future__ import annotations

import sys

from build import REQUIREMENTS, ensure_with_wheel
from services import ensure_server
from steps import ROOT, WITH_SERVERS, conclude, step


def main() -> int:
    python = ensure_with_wheel("demo", REQUIREMENTS / "demo.txt")
    ensure_server()
    return conclude({"demo": step("demo", [python, ROOT / "demo" / "run.py"], environ=WITH_SERVERS)})


if __name__ == "__main__":
    sys.exit(main())
